"""What things are: standard library only, no AWS, no screen."""
