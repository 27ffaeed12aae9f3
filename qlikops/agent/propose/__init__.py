"""What could be done about it? Anomalies in, proposals with their grounds out."""
