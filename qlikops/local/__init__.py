"""The embedded AWS and the simulated fleet as child processes on loopback."""
