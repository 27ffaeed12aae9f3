"""The operator side of AWS: the only boto3 outside the agent and the deployment."""
