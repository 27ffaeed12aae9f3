"""One thing in full: a record, a task, an endpoint, a failure, a report, an execution beside another."""
