"""Bundle, plan, apply: qlikops on an account."""
