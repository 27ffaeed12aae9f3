"""Every word that needs one has a meaning, and help explains those that stand on the screen."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import qlikops.presentation
from qlikops.domain.fleet.anomaly import KINDS
from qlikops.domain.fleet.task import TaskState
from qlikops.domain.proposals.approval import Status
from qlikops.domain.proposals.evaluation import Gate
from qlikops.presentation import glossary, vocabulary
from qlikops.presentation.glossary import on
from tests.cases import for_all

PLAIN = {
    *("As", "At", "By", "Because", "Cause", "Context", "Decided", "Detail", "Entered", "Error", "Event", "First", "Id"),
    *("Kind", "Now", "On", "Or", "Order", "Reason", "Requested", "Sent", "Server", "State", "Status", "Task", "Tasks"),
    *("Task (server)", "Then", "Time", "Took", "UTC", "Until (UTC)", "Waits", "What happened"),
    *("What it did", "When (UTC)", "Where", "Why", "From (UTC)", "Ended (UTC)", "Started UTC", "Says", "Age"),
    *("afterwards", "at its end", "by itself", "call", "checked", "decided in", "decision", "denied", "execution"),
    *(
        "failed",
        "finished",
        "fleet",
        "goes on at",
        "in all",
        "in short",
        "last run",
        "lifts",
        "looked at",
        "next run",
        "since",
    ),
    *("not read", "note", "outcome", "proposals", "restarted", "runs", "schedule", "seen", "sends", "shift", "started"),
    *("stopped", "tags", "time zone", "until", "uses", "waiting", "was", "what", "withdrawn", "▸", "", "approval"),
    *("since", "Behind", "Target as of", "After that"),
    *("came up", "ends", "this means", "target", "tasks", "StartDate", "EndDate", "ARN", "plan", "failure", "Lost"),
    *("Deadline", "rationale", "restart", "send", "waits for", "not this", "Answer", "shown", "server", "source"),
    *("taken back", "approved", "changed", "by command", "Proposal", "What became", "on", "shown", "came to"),
}
"""What everybody knows who runs Replicate or reads English."""
HOME = Path(qlikops.presentation.__file__).parent


def words() -> Iterator[tuple[str, str]]:
    """Module -> header of a column, or label of a line, as it is written in the code."""
    for path in sorted(HOME.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
                continue
            at = {"Column": 1, "line": 0}.get(node.func.id)
            if at is not None and len(node.args) > at:
                written = node.args[at]
                if isinstance(written, ast.Constant) and isinstance(written.value, str):
                    yield path.stem, written.value


def test_every_header_and_label_is_explained_or_plain() -> None:
    found = list(words())
    assert len(found) > 100
    plain = {word.casefold() for word in PLAIN}
    missing = {
        f"{module}: {word}"
        for module, word in found
        if word.casefold() not in plain and not on([word, word.capitalize()])
    }
    assert not missing, "explain it in presentation/glossary.py, or say here that everybody knows it"


@for_all(
    [
        *(traits.headline for traits in KINDS.values()),
        *KINDS,
        *(vocabulary.status(status).text for status in Status),
        *(vocabulary.gate(gate) for gate in Gate),
        *TaskState,
    ],
)
def test_every_word_of_an_enum_is_explained(word: str) -> None:
    assert word in [found for found, _ in on([f"  {word} now"])]


def test_a_meaning_is_a_sentence_that_can_be_read_at_night() -> None:
    for term in glossary.terms():
        assert term.meaning.endswith("."), term
        for sentence in term.meaning.split(". "):
            assert len(sentence.split()) <= 28, sentence


def test_only_what_stands_there_is_explained_in_the_spelling_that_does() -> None:
    assert [word for word, _ in on(["resume by about 14:00", "┌3 sales"])] == ["resume by", "┌3"]
    assert not on(["the task failed", "rulesets"])
    assert on(["FAILED"])
