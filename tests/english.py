"""What the texts and docstrings of qlikops may not say, and how often they still do: `python -m tests.english` writes
english.txt anew. Its numbers may only fall.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
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


def texts(tree: ast.AST) -> Iterator[str]:
    """Every text of more than one word, docstrings among them."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value:
            yield node.value


def docstrings(tree: ast.AST) -> Iterator[str]:
    """What stands under modules, classes, functions and fields."""
    for node in ast.walk(tree):
        body = node.body if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)) else []
        owners = [node, *body] if body else []
        for owner, said in pairwise([*owners[:1], *body]):
            match said:
                case ast.Expr(value=ast.Constant(value=str(text))):
                    if owner is node or isinstance(owner, (ast.Assign, ast.AnnAssign)):
                        yield text


def offences(source: str) -> Counter[str]:
    """How often a module breaks each rule."""
    tree, found = ast.parse(source), Counter[str]()
    for text in texts(tree):
        found.update({name: len(pattern.findall(text)) for name, pattern in RULES.items()})
    found[STANDS_ALONE] = sum(bool(_HANGING.match(" ".join(text.split()))) for text in docstrings(tree))
    return +found


@cache
def counted() -> dict[tuple[str, str], int]:
    """Rule and folder of qlikops -> how often it is broken there."""
    found = Counter[tuple[str, str]]()
    for path in PACKAGE.rglob("*.py"):
        folder = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
        found.update({(rule, folder): number for rule, number in offences(path.read_text(encoding="utf-8")).items()})
    return dict(found)


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
