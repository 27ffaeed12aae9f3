"""How qlikops gets into an account, AWS's or the embedded one: bundle, definition, plan, apply, schedule."""
