"""What a front end gathers through the ports, in one value: what surrounds a proposal, a task, a shift."""
