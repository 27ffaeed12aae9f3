"""What is monitored: servers, tasks and endpoints, what can be wrong with them, and what a failure means."""
