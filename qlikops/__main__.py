"""The `qlikops` command, also as `python -m qlikops`: a shell that asks what may come next does not wait for Typer."""

import os

from qlikops.tui.garbage import look_seldom


def main() -> None:
    """Runs the command line, or answers a shell's question about it."""
    look_seldom()
    if "_QLIKOPS_COMPLETE" in os.environ:
        from qlikops.cli import completion

        completion.main()
    from qlikops.cli import main as command_line

    command_line.main()


if __name__ == "__main__":
    main()
