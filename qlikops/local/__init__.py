"""The whole of qlikops on a laptop: the embedded AWS and a simulated Qlik fleet, as child processes on loopback."""
