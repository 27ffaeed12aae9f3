"""May it happen, and who is asked? The gates, whatever an evaluator says."""
