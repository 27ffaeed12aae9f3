"""What happens in a Task state? One module each, and the only place where the other rooms meet."""
