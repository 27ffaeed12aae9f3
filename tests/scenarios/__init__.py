"""Stories of fleets, each with what monitoring is to make of it."""
