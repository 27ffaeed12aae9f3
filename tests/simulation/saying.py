"""What operators were told of their decisions: what invariants hold against the ledger."""

from __future__ import annotations

from collections import Counter

from qlikops.cli.exit_codes import ExitCode
from qlikops.domain.errors import (
    AlreadyDecided,
    ApprovalChanged,
    ApprovalExpired,
    ApprovalGone,
    DecisionUnknown,
    UsageError,
)
from qlikops.domain.ledger import INBOX_SORT, RECORD, Attribute, approval_partition
from qlikops.domain.proposals.approval import Status
from qlikops.domain.proposals.record import claim_in
from tests.simulation.dynamodb import Wire
from tests.simulation.plant import World

Named = tuple[str, str]
"""An approval's and a decision's id."""


class Saying:
    """Of one night."""

    def __init__(self) -> None:
        self.counted: list[Named] = []
        """Of which somebody has a receipt."""
        self.not_counted: list[Named] = []
        """Of which somebody was told that they did not count, or were not sent."""
        self.early: list[Named] = []
        """Of which somebody had a receipt before the ledger had the decision."""
        self.sent: Counter[str] = Counter()
        """How often each decision was handed to Step Functions."""
        self.misled: list[Named] = []
        """Sent as approvals although the record had been changed by then, and nobody was told."""
        self.side_by_side: list[str] = []
        """Decisions that a console sent beside an approval, or as an approval beside others."""
        self.after_a_lost_one: list[str] = []
        """Decisions that a console sent although one before them, answered together with them, may have been lost."""
        self.stuck: list[str] = []
        """Decisions that were lost, as the record waits still, and that a console takes for under way all the same."""
        self.dropped: list[Named] = []
        """Decisions that a console was to send and has not, which nobody took back."""
        self.not_watched: list[Named] = []
        """Decisions that a console has sent, and whose outcomes it does not wait for."""
        self.not_live: list[tuple[str, float]] = []
        """Decisions that a console sent on rows that it may not trust, and how old those were, in seconds."""
        self.misnamed: list[tuple[str, str]] = []
        """In whose name a console said that decisions go, and in whose they would have gone."""
        self.not_followed: list[tuple[str, str]] = []
        """The proposals that left an open console's inbox, and what it does not know of them."""
        self.too_soon: list[tuple[str, float]] = []
        """Decisions that a console sent before they had been held for long enough, and after how many seconds."""
        self.patience: list[tuple[str, float]] = []
        """For how many seconds consoles have waited for the outcome of each approval."""
        self.settled_after: list[tuple[str, float]] = []
        """The decisions of which somebody was told that nothing is known, and how long after they were sent."""
        self.exits: list[tuple[str, ExitCode]] = []
        """The exit codes of commands that approved, and waited for what came of it."""
        self.ends: list[tuple[str, Status]] = []
        """Final statuses that somebody was shown."""

        self.wrongly_refused: list[str] = []
        """What somebody was told of why a decision is not sent, although it is not so."""
        self.unknown: list[tuple[Named, float]] = []
        """Of which somebody was told that it is not known, and when the record was read last before that."""

    def receive(self, world: World, approval_id: str, decision_id: str) -> None:
        """Somebody has a receipt, just now."""
        self.say_counted((approval_id, decision_id))
        record = world.dynamodb.items.get((approval_partition(approval_id), RECORD), {})
        if decision_id not in record.get("decision", {}).get("S", ""):
            self.early.append((approval_id, decision_id))

    def say_unknown(self, world: World, named: Named, error: DecisionUnknown, reader: str = "") -> None:
        """Somebody is told that it is not known, by `reader` or the process that runs; of what could not be read,
        nothing is held against that.
        """
        key = (approval_partition(named[0]), RECORD)
        if named[1] in world.sent_at:
            self.settled_after.append((named[1], world.kernel.now - world.sent_at[named[1]]))
        if "could not be read" not in str(error):
            self.unknown.append((named, world.dynamodb.read_at.get((reader or world.who(), key), 0.0)))

    def refuse(self, world: World, approval_id: str, digest: str, error: Exception) -> None:
        """Somebody is told, just now, why a decision on what had this `digest` is not sent."""
        record = world.dynamodb.items.get((approval_partition(approval_id), RECORD))
        if record is None or approval_id in world.tampered:
            return
        match error:
            case ApprovalExpired():
                is_over = float(record.get(INBOX_SORT, {"N": "0"})["N"]) <= world.kernel.now
                is_right = is_over or record["status"]["S"] == Status.EXPIRED
            case ApprovalChanged():
                is_right = record["digest"]["S"] != digest
            case AlreadyDecided():
                is_right = "decision" in record or Status(record["status"]["S"]).is_final
            case ApprovalGone():
                is_right = False
            case _:
                is_right = True
        if not is_right:
            self.wrongly_refused.append(f"{approval_id} is {record['status']['S']}, and somebody was told: {error}")

    def refuse_release(self, world: World, approval_id: str, before: Wire, caller: str, error: UsageError) -> None:
        """`caller` is told, just now, that there is no claim of theirs, on what was as `before` when they asked."""
        claim = claim_in({name: value["S"] for name, value in before.items() if name == Attribute.CLAIM})
        now = world.dynamodb.items.get((approval_partition(approval_id), RECORD), {}).get(Attribute.CLAIM)
        is_theirs = claim is not None and claim.by == caller and not claim.brake and claim.until > world.kernel.time()
        if is_theirs and now in (None, before[Attribute.CLAIM]):
            self.wrongly_refused.append(f"{approval_id} was claimed by {caller}, who was told: {error}")

    def say_counted(self, named: Named) -> None:
        """Somebody is told that it counts."""
        if named not in self.counted:
            self.counted.append(named)

    def say_not_counted(self, named: Named) -> None:
        """Somebody is told that it does not."""
        if named not in self.not_counted:
            self.not_counted.append(named)

    def say_end(self, approval_id: str, status: Status) -> None:
        """Somebody is shown how it ended."""
        if (approval_id, status) not in self.ends:
            self.ends.append((approval_id, status))
