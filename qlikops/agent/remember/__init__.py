"""What is known from before? The ledger, the memory of tasks, records, snapshots and outages."""
