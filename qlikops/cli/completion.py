"""What can come next on a command line, for bash, zsh and fish: from two small files, without Typer.

A shell asks at every press of Tab, so this imports the standard library only: Typer alone takes as long as all of it.
The commands are in `commands.json`, which is made from them; names of an environment in what commands keep of it.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from qlikops.places import config_path, data_dir

VARIABLE = "_QLIKOPS_COMPLETE"
"""Set by the lines that `qlikops --show-completion` prints, which are Typer's."""
TREE = Path(__file__).with_name("commands.json")
FILE = "completion.json"
"""A file of the data folder: context -> kind of name -> [when it was written, {name: what it is}]."""
FRESH_SECONDS = 24 * 3600
"""A name that was seen longer ago may be gone."""
SAFE = re.compile(r"\w[\w .,/@%+=-]{0,99}")
"""What is offered. Shells evaluate what they are offered, and names of tasks come from outside."""
REMEMBERED: Mapping[str, tuple[str, ...]] = {
    "ID": ("proposals",),
    "EXECUTION": ("runs",),
    "EXECUTION-OR-APPROVAL": ("proposals", "runs"),
    "ID-OR-TASK": ("proposals", "plans", "tasks"),
    "PLAN": ("plans",),
    "TASK": ("tasks",),
    "SERVER": ("servers",),
    "FAILURE": ("failures",),
}
"""Metavar of an option or argument -> what kinds of names it takes."""


class Offer(NamedTuple):
    """One word that may come next."""

    word: str
    about: str = ""


def offers(
    words: Sequence[str], begun: str, tree: Mapping[str, Any], environ: Mapping[str, str], now: float
) -> list[Offer]:
    """What may follow `words`, the command line without the program, and begins with `begun`; `now` is a Unix time."""
    node, context, place, option = tree, "", 0, ""
    for word in words:
        if option:
            context = word if option in ("--context", "-c") else context
            option = ""
        elif word.startswith("-"):
            takes = node["options"].get(word)
            option = word if takes is not None else ""
        elif word in node["commands"]:
            node, place = node["commands"][word], 0
        else:
            place += 1
    if option:
        found = _values(node["options"][option], context, environ, now)
    elif begun.startswith("-"):
        found = [Offer(name) for name in node["options"]]
    elif node["commands"]:
        found = [Offer(name, each["help"]) for name, each in node["commands"].items()]
    else:
        takes = node["arguments"]
        found = _values(takes[min(place, len(takes) - 1)], context, environ, now) if takes else []
    return [offer for offer in found if offer.word.startswith(begun)]


def _values(takes: str | Sequence[str], context: str, environ: Mapping[str, str], now: float) -> list[Offer]:
    if not isinstance(takes, str):
        return [Offer(choice) for choice in takes]
    if takes == "CONTEXT":
        return [Offer(name) for name in _contexts(environ)]
    kinds = REMEMBERED.get(takes, ())
    kept = remembered(environ) if kinds else {}
    # Known failures are kept without a context, unless one was named.
    places = [kept[context], kept.get("", {})] if context and context in kept else kept.values()
    found = {
        name: Offer(name, about)
        for place in places
        for kind in kinds
        for at, names in [place.get(kind, (0, {}))]
        if now - at < FRESH_SECONDS
        for name, about in names.items()
    }
    return list(found.values())


def remembered(environ: Mapping[str, str]) -> dict[str, dict[str, tuple[float, dict[str, str]]]]:
    """What commands saw of each context; nothing if that cannot be read."""
    try:
        kept: dict[str, dict[str, Any]] = json.loads((data_dir(environ) / FILE).read_bytes())
        return {
            str(context): {
                kind: (float(at), {name: str(about) for name, about in names.items() if SAFE.fullmatch(name)})
                for kind, (at, names) in kinds.items()
            }
            for context, kinds in kept.items()
        }
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def _contexts(environ: Mapping[str, str]) -> list[str]:
    import tomllib

    try:
        written = tomllib.loads(config_path(environ).read_text(encoding="utf-8")).get("contexts", {})
    except (OSError, ValueError):
        written = {}
    return [name for name in dict.fromkeys([*written, "local", "default"]) if SAFE.fullmatch(name)]


def answer(environ: Mapping[str, str]) -> str:
    """What the shell that asks is told, in the form in which Typer's lines for it take it."""
    _, _, shell = environ[VARIABLE].partition("_")
    if shell == "bash":
        words, at = _split(environ.get("COMP_WORDS", "")), int(environ.get("COMP_CWORD") or 0)
        before, begun = words[1:at], (words[at] if at < len(words) else "")
    else:
        line = environ.get("_TYPER_COMPLETE_ARGS", "")
        words = _split(line)[1:]
        before, begun = (words[:-1], words[-1]) if words and not line.endswith(" ") else (words, "")
    tree = json.loads(TREE.read_bytes())
    return _SHELLS[shell](offers(before, begun, tree, environ, time.time()), environ)


def _split(line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError:  # a quote that is still open
        return line.split()


def _bash(found: Sequence[Offer], _: Mapping[str, str]) -> str:
    return "\n".join(shlex.quote(offer.word) for offer in found)


def _zsh(found: Sequence[Offer], _: Mapping[str, str]) -> str:
    if not found:
        return "_files"
    items = (f'"{offer.word}"' + (f':"{_plain(offer.about)}"' if offer.about else "") for offer in found)
    return f"_arguments '*: :(({chr(10).join(items)}))'"


def _fish(found: Sequence[Offer], environ: Mapping[str, str]) -> str:
    if environ.get("_TYPER_COMPLETE_FISH_ACTION") == "is-args":
        sys.exit(0 if found else 1)
    return "\n".join(f"{offer.word}\t{_plain(offer.about)}" if offer.about else offer.word for offer in found)


def _plain(text: str) -> str:
    return re.sub(r"[^\w ,./-]", "", text)[:60].strip()


_SHELLS = {"bash": _bash, "zsh": _zsh, "fish": _fish}


def main() -> None:
    """Answers the shell, if it is one of ours that asks, and ends; returns if Typer has to."""
    kind, _, shell = os.environ.get(VARIABLE, "").partition("_")
    if kind == "complete" and shell in _SHELLS:
        sys.stdout.write(answer(os.environ) + "\n")
        sys.exit()
