"""More tasks behind one cause than a proposal holds are several proposals of one run: its parts.

Each is decided on by itself and restarted by an execution's item of its own. What the first task of one shows, all of
them would find out: behind a source that is down, fifteen hundred tasks get one run call, not one a part.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from enum import Enum

from qlikops.agent.remember.ledger import Ledger
from qlikops.domain.approval import Status
from qlikops.domain.proposal import Proposal

SPEAKS_FOR = timedelta(minutes=5)
"""That a task which failed as before speaks for the other parts; later the source may be back."""
WAITED_FOR = timedelta(minutes=3)
"""From the beginning of another part to its first result, at most: longer than a task may take to be up."""


class Word(Enum):
    """What another part says, if it does not say that the cause is still there."""

    GO_ON = "go on"
    WAIT = "wait"
    """An earlier part has just begun, and its first task is not settled."""


class Parts:
    """What the other parts of a proposal's cause came to, as the ledger has it."""

    def __init__(self, ledger: Ledger, clock: Callable[[], datetime]) -> None:
        self._ledger = ledger
        self._clock = clock

    def word(self, proposal: Proposal) -> Word | str:
        """Whether to begin with `proposal`, or in words why not: the cause is still there, as another part has seen."""
        now, rows = self._clock(), self._ledger.run_proposals(proposal.execution_name)
        place = next((row.index for row in rows if row.proposal_id == proposal.proposal_id), 0)
        others = {
            row.proposal_id: row
            for row in rows
            if row.proposal_id != proposal.proposal_id
            and (row.kind, row.action) == (proposal.kind, proposal.action)
            and row.label.endswith(f": {proposal.cause}")
            and (row.status is Status.RESTARTING or (row.status.is_final and now - row.updated_at <= SPEAKS_FOR))
        }
        word: Word | str = Word.GO_ON
        for record in self._ledger.readable(list(others)):
            part, row = record.approval.proposal, others[record.approval.approval_id]
            claims = self._ledger.tasks.restart_claims((target.key for target in part.targets), part.proposal_id)
            results = [claim.result for claim in claims.values() if claim.result and now - claim.at <= SPEAKS_FOR]
            if still_there := next((result for result in results if result.same_cause), None):
                return f"the cause is still there: {still_there.key} {still_there.came_to}"
            is_beginning = row.status is Status.RESTARTING and not results and now - row.updated_at <= WAITED_FOR
            if is_beginning and row.index < place:
                word = Word.WAIT
        return word
