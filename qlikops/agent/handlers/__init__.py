"""The Lambda functions, one module a Task state: parse the payload, call, encode the answer."""
