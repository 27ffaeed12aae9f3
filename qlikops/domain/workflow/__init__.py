"""How an execution goes: the definition as a tree, the events of a history, and what they fold into."""
