"""What a row proposes, where there is room for words and where there is none."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from qlikops.domain.fleet.anomaly import AnomalyKind
from qlikops.presentation.lists import advice
from qlikops.presentation.tone import Span, Tone
from tests.fakes import row_of
from tests.unit.presentation import samples

ROW = row_of(samples.approval())
FIX: dict[str, Any] = {"advice": "correct the cause"}


@pytest.mark.parametrize(
    ("changes", "words", "brief"),
    [
        ({}, "resume", "resume"),
        ({"action": "stop_and_resume"}, "stop, then resume", "stop, then resume"),
        ({"action": "rewind"}, "rewind", "rewind"),
        ({"options": ("resume", "when_it_answers")}, "resume, or when it answers", "resume, or when it answers"),
        ({"action": "reload"}, "RELOAD", "RELOAD"),
        (FIX, "correct cause", "fix first"),
        (FIX | {"verdict": "deny"}, "against: correct cause", "fix first"),
        (FIX | {"verdict": "caution"}, "correct cause", "fix first"),
        ({"advice": "restore the log", "options": ("resume", "reload")}, "restore log, or RELOAD", "fix, RELOAD"),
        ({"loads": 1200, "verdict": "caution"}, "resume, LOADS 1,200 again", "LOADS 1,200"),
        ({"loads": 85, "verdict": "deny"}, "against: resume, LOADS 85 again", "LOADS 85"),
        ({"verdict": "deny"}, "against: resume", "against"),
        ({"verdict": "caution"}, "check first: resume", "check first"),
        ({"verdict": "unavailable"}, "not evaluated: resume", "not evaluated"),
        ({"verdict": "of a newer version"}, "resume", "resume"),
        ({"kind": AnomalyKind.FATAL_UNKNOWN, "verdict": "caution"}, "read it: resume", "read it"),
        ({"kind": AnomalyKind.FATAL_UNKNOWN, "cause": "oracle-no-listener"}, "resume", "resume"),
    ],
)
def test_what_is_proposed(changes: dict[str, Any], words: str, brief: str) -> None:
    row = replace(ROW, **changes)
    assert advice.proposed(row).text == words
    assert advice.in_brief(row).text == brief


def test_what_nothing_takes_back_is_red_and_doubt_is_amber() -> None:
    offered = replace(ROW, options=("resume", "reload"), verdict="caution")
    assert advice.proposed(offered).parts == (
        Span("check first: ", Tone.WARNING),
        Span("resume"),
        Span(", or "),
        Span("RELOAD", Tone.DANGER),
    )
    assert advice.in_brief(offered).parts[-1] == Span("RELOAD", Tone.DANGER)
    assert Span("LOADS", Tone.DANGER) in advice.proposed(replace(ROW, loads=3)).parts
    assert advice.in_brief(replace(ROW, **FIX, verdict="deny")).tone is Tone.WARNING


def test_a_text_from_outside_is_harmless() -> None:
    assert "\x1b" not in advice.proposed(replace(ROW, advice=samples.HOSTILE)).text
