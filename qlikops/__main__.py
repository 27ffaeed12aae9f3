"""`python -m qlikops` is the `qlikops` command."""

from qlikops.cli.main import main

if __name__ == "__main__":
    main()
