"""What the agent would do, what an evaluator and people said of it, and what became of it."""
