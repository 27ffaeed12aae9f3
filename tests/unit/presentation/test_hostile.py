"""Whatever is in a record: it reaches a terminal as text and nothing else."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from qlikops.domain.errors import Offline
from qlikops.domain.ports import Deny
from qlikops.domain.proposals.approval import Claim, Decision, Outcome, Status
from qlikops.domain.proposals.evaluation import Finding
from qlikops.presentation.deciding import decision
from qlikops.presentation.lists import inbox
from qlikops.presentation.pages import review
from qlikops.presentation.problem import explain
from qlikops.presentation.tone import Span, line, plain
from tests.fakes import row_of
from tests.unit.presentation import samples
from tests.unit.presentation.samples import NOW


def test_nothing_from_outside_reaches_a_terminal_but_as_text() -> None:
    hostile = samples.HOSTILE
    subject = samples.proposal(tasks=(hostile,), title=hostile, message=hostile, cause=hostile)
    assessed = replace(
        samples.evaluation(findings=(Finding(hostile, (hostile,), (hostile,)),)),
        rationale=hostile,
        cautions=(hostile,),
        evaluator=hostile,
        evaluator_version=hostile,
    )
    record = replace(
        samples.approval(subject, assessed=assessed),
        decision=Decision(False, hostile, hostile, NOW, hostile, hostile),
        outcome=Outcome(Status.FAILED, hostile),
        claim=Claim(hostile, NOW + timedelta(hours=1)),
    )
    request = Deny(hostile, hostile, decision_id=hostile)
    cells = inbox.TABLE.cells(inbox.ListedRow(row_of(record), NOW))
    shown = [
        *(entry.label + entry.text for section in review.sections(record, NOW) for entry in section.lines),
        *(entry.text for entry in decision.what_goes_out(request, record, hostile, decision.LatestSeen(None, NOW))),
        *(span.text for span in cells.values()),
        plain(decision.progress(record, request, ended=record)),
        str(explain(Offline(hostile, hostile))),
        line("x", Span("y")).text,
    ]
    for text in shown:
        assert not [char for char in text if ord(char) < 32 or char in "\x7f\x9b\u202e\u202c"], text[:80]
        assert len(text) < 3_000
