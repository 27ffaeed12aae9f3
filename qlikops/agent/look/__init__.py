"""What is wrong with which task or server? Facts of a poll in, anomalies with their evidence out."""
