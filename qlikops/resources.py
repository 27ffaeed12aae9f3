"""Finds the state machine definition and the template: at the top level of a checkout, inside an installed package."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).parent


def resource(*parts: str) -> Path:
    """The path of a shipped file, such as `resource("statemachine", "state_machine.json")`.

    Raises FileNotFoundError, naming both places, where the installation is incomplete.
    """
    installed = _PACKAGE.joinpath("_resources", *parts)
    checkout = _PACKAGE.parent.joinpath(*parts)
    for candidate in (installed, checkout):
        if candidate.exists():
            return candidate
    raise FileNotFoundError(f"qlikops is incomplete: neither {installed} nor {checkout} exists; install it again")
