"""The `qlikops` command."""

from __future__ import annotations


def main() -> None:
    """Runs the command line; heavy imports happen inside the commands."""
    raise SystemExit("not yet")
