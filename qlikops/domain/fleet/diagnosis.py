"""What a failure message means, for everything that shows, judges or counts failures."""

from __future__ import annotations

from qlikops.dataclass import dataclass
from qlikops.domain.encoding.stored import StoredEnum
from qlikops.domain.fleet.engines import ENGINES


class FailureClass(StoredEnum):
    """What a failure means for a restart, the stricter first."""

    POSITION_LOST = "position_lost"
    """The source no longer has the changes from where the task stopped: a resume can't work."""
    ACCESS = "access"
    """An endpoint refused: login, permission, certificate or role. Repeating a login may lock the account."""
    FIX_FIRST = "fix_first"
    """Configuration, schema, data, disk, licence or quota: a resume alone fails again."""
    TABLES = "tables"
    """Some tables are suspended, or rows of theirs are missing."""
    DEFECT = "defect"
    """A fault of a vendor's program."""
    WAIT = "wait"
    """Replicate goes on by itself."""
    RETRY_NOW = "retry_now"
    """Deadlock, lock time-out, throttling, ended session: a plain resume works."""
    TRANSIENT = "transient"
    """An endpoint was away; once it is back, a resume goes on where the task stopped."""
    UNKNOWN = "unknown"
    """No entry explains the message, or too much of it is missing."""

    @property
    def rank(self) -> int:
        """0 for the strictest."""
        return _RANKS[self]

    @property
    def is_explained(self) -> bool:
        """Whether anybody knows what it is."""
        return self is not FailureClass.UNKNOWN


_RANKS = {kind: rank for rank, kind in enumerate(FailureClass)}


class Certainty(StoredEnum):
    """How far a diagnosis is to be trusted."""

    KNOWN = "known"
    """An entry matches by the engine's own code or phrase, and the message fits its engine."""
    LIKELY = "likely"
    """Only a fallback matches, the engine does not fit, or something beside a harmless cause is unexplained."""
    UNKNOWN = "unknown"


class Remedy(StoredEnum):
    """What helps after the checks of a failure are done."""

    RESUME = "resume"
    RELOAD = "reload"
    NOTHING = "nothing"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What is known of one failure message. An unknown one has no `failure` and says nothing."""

    failure: str = ""
    """Id of the entry; empty where none applies."""
    engine: str = ""
    """Whose failure it is; `replicate` or `network` where it is no engine's."""
    failure_class: FailureClass = FailureClass.UNKNOWN
    certainty: Certainty = Certainty.UNKNOWN
    says: str = ""
    """What happened, in one sentence."""
    checks: tuple[str, ...] = ()
    """What to look at or to correct before anything else, in this order."""
    then: Remedy = Remedy.UNKNOWN
    never: str = ""
    """What would be useless or harmful; empty where nothing is known to be."""
    source: str = ""
    """The page that documents the failure; empty where the entry is a judgement."""
    side: str = ""
    """`source` or `target` where the failure happens on one side alone."""
    automatic: bool = False
    """A plain resume is safe without anybody, as far as the message goes."""
    codes: tuple[str, ...] = ()
    """The codes in the message as NAMESPACE:VALUE, in the order of the text."""
    unexplained: str = ""
    """The first words that neither the entry nor a known tail accounts for."""
    is_cut: bool = False
    """A part of the message is missing."""
    passage: str = ""
    """The words of the message that the entry was recognised by, with a little around them."""
    runners_up: tuple[str, ...] = ()
    """Ids of the other entries that match, the best first."""

    @property
    def is_known(self) -> bool:
        """Whether it is certain what happened."""
        return self.certainty is Certainty.KNOWN and self.failure_class.is_explained

    @property
    def passes_at_once(self) -> bool:
        """Whether it is certain that a plain resume works without anything having come back first."""
        return self.is_known and self.failure_class is FailureClass.RETRY_NOW

    @property
    def citable(self) -> dict[str, str]:
        """What an evaluation may cite as k1, k2, …: the ids of the entry that applies and of the others that match."""
        names = (self.failure, *self.runners_up) if self.failure else self.runners_up
        return {f"k{number}": name for number, name in enumerate(names, 1)}

    @property
    def headline(self) -> str:
        """What happened in a few words for a list: `Snowflake: no warehouse is chosen`, without a full stop.

        Says so if it is only likely. Empty if nothing is known of the message.
        """
        says = self.says.rstrip(".")
        if not self.failure_class.is_explained or not says:
            return ""
        engine = ENGINES[self.engine].name if self.engine in ENGINES else ""
        is_named = engine.casefold() in says.casefold()
        before = [*([] if is_named else [engine]), *([] if self.is_known else ["probably"])]
        return f"{', '.join(before)}: {says}" if before else says
