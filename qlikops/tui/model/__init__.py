"""What the console knows, apart from any screen, and what happens to it off the UI thread."""
