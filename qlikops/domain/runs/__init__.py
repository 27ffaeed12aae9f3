"""One run: when it is due, what people order with it, what it remembers of the fleet, and its report."""
