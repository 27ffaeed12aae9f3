"""What does a message mean? Known failures are data, and this package reads messages by them.

A message is taken apart (`parser`), held against entries (`entries/*.toml`, read by `library`), and the best entry
becomes a Diagnosis (`ranking`). What no entry explains is unknown.
"""
