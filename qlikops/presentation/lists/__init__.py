"""Lists, a row for each: waiting approvals, executions, the fleet, a shift, planned work."""
