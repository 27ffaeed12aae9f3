"""What runs in Lambda: one thin handler a Task state."""
