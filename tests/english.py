"""What the texts and docstrings of qlikops may not say, and how often they still do: `python -m tests.english` writes
english.txt anew. Its numbers may only fall.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "qlikops"
LEFT = Path(__file__).with_suffix(".txt")
_RULES = {
    "says who acts": r"\b(?:no|some)body\b|\bwho(?:m)?ever\b",
    "says if, not where": r"(?:^|[,;:.] )where (?:an?|it|its|no|none|nothing|one|something|that|the|there|they|this)\b",
    "says it straight": r"\bof (?:which|whom|whose)\b|\b(?:that|those) of\b|\bfirst first\b",
    "uses no idiom": r"\bputs? (?:it|that|the cause )?right\b|\bslip of the pen\b|\bcomes? to nothing\b",
    "calls a gate blocking": r"\b(?:closed|open(?:s|ed)?) (?:an? |the |no |hard )*gates?\b",
    "calls it a start command": r"\brun calls?\b|\btold to run\b",
    "calls it a check": r"\bpolls?\b",
    "calls it muted": r"\bleft alone\b|\bkept quiet\b",
    "calls it the send delay": r"\bheld back\b|\bholds? back\b",
    "calls it affects": r"\bblast radius\b",
    "calls it earlier results": r"\btrack record\b",
    "calls it the restart limit": r"\bbudget\b",
}
"""What a text should do, and how it looks if it does not."""
_HANGING = re.compile(
    r"(?:As|By|For|Its|Likewise|Of|Such as|The same|Their|Theirs|They|Those|To|With|Without|In|Below|Above)\b"
    r"|That (?!is\b|an?\b|it\b|the\b)|From (?!`at`)|(?:Days|Minutes|Seconds)\.$"
)
"""How a docstring begins that cannot be read without the line above it."""
RULES = {name: re.compile(pattern, re.IGNORECASE | re.MULTILINE) for name, pattern in _RULES.items()}
STANDS_ALONE = "stands alone"


@dataclass(frozen=True, slots=True)
class Offence:
    """A text that breaks a rule."""

    rule: str
    line: int
    words: str


def texts(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Every text of more than one word with its line, docstrings among them."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value:
            yield node.lineno, node.value


def docstrings(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """What stands under modules, classes, functions and fields, with its line."""
    for node in ast.walk(tree):
        body = node.body if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)) else []
        owners = [node, *body] if body else []
        for owner, said in pairwise([*owners[:1], *body]):
            match said:
                case ast.Expr(value=ast.Constant(value=str(text))):
                    if owner is node or isinstance(owner, (ast.Assign, ast.AnnAssign)):
                        yield said.lineno, text


def offences(source: str) -> Iterator[Offence]:
    """Where a module breaks which rule."""
    tree = ast.parse(source)
    for line, text in texts(tree):
        for name, pattern in RULES.items():
            for match in pattern.finditer(text):
                yield Offence(name, line + text.count("\n", 0, match.start()), match[0])
    for line, text in docstrings(tree):
        if hanging := _HANGING.match(" ".join(text.split())):
            yield Offence(STANDS_ALONE, line, hanging[0])


@cache
def found() -> dict[tuple[str, str], list[str]]:
    """Rule and folder of qlikops -> where it is broken there, and by which words."""
    places: dict[tuple[str, str], list[str]] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        name = path.relative_to(PACKAGE)
        for each in offences(path.read_text(encoding="utf-8")):
            place = f"qlikops/{name}:{each.line}: {each.words.strip()!r}"
            places.setdefault((each.rule, name.parts[0].removesuffix(".py")), []).append(place)
    return places


def counted() -> dict[tuple[str, str], int]:
    """Rule and folder of qlikops -> how often it is broken there."""
    return {where: len(places) for where, places in found().items()}


def allowed() -> dict[tuple[str, str], int]:
    """The same as english.txt has it."""
    rows = (line.rsplit(" ", 2) for line in LEFT.read_text(encoding="utf-8").splitlines())
    return {(rule, folder): int(number) for rule, folder, number in rows}


def main() -> None:
    """Writes what is left."""
    rows = sorted(counted().items())
    LEFT.write_text("".join(f"{rule} {folder} {number}\n" for (rule, folder), number in rows), encoding="utf-8")


if __name__ == "__main__":
    main()
