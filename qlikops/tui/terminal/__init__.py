"""The terminal itself: what it sends, what it may be asked for, and whether it is there."""
