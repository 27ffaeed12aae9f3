"""A simulated Enterprise Manager and fleet, over real HTTP."""
