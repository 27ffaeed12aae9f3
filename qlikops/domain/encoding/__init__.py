"""How domain values become JSON and objects in the bucket, and come back."""
