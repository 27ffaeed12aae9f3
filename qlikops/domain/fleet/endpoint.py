"""What is known of an endpoint: how the tasks on it are, and what a probe says, a test of it by Enterprise Manager."""

from __future__ import annotations

from datetime import datetime

from qlikops.dataclass import dataclass
from qlikops.domain.encoding.stored import StoredEnum


class ProbeAnswer(StoredEnum):
    """What a probe came to."""

    CONNECTED = "connected"
    """The Replicate server logged in. That says nothing of the log, a quota, a warehouse or a right beyond it."""
    ERROR = "error"
    """It did not get in."""
    UNKNOWN = "unknown"
    """Enterprise Manager itself says that it does not know."""
    TIMED_OUT = "timed_out"
    """The endpoint did not answer in the time that a test has."""
    NOT_PERMITTED = "not_permitted"
    """The Qlik account may not test endpoints."""
    NOT_FOUND = "not_found"
    """Enterprise Manager knows no endpoint of that name."""
    FAILED = "failed"
    """Enterprise Manager did not answer, or not in a way that says anything."""
    SKIPPED = "skipped"
    """qlikops did not ask for it; `Probe.detail` says why."""

    @property
    def is_of_endpoint(self) -> bool:
        """Whether it says something of the endpoint; any other answer says that it could not be tested."""
        return self in {ProbeAnswer.CONNECTED, ProbeAnswer.ERROR, ProbeAnswer.TIMED_OUT}


@dataclass(frozen=True, slots=True, order=True)
class EndpointKey:
    """Names an endpoint; each Replicate server has endpoints of its own."""

    instance: str
    """The Enterprise Manager's name in our configuration."""
    server: str
    name: str

    def __str__(self) -> str:
        return f"{self.server}/{self.name}"


@dataclass(frozen=True, slots=True)
class Siblings:
    """How the tasks on one endpoint were at one poll, the proposed ones among them."""

    endpoint: EndpointKey
    total: int
    running: int
    at: datetime
    """When the poll was."""
    unseen: int = 0
    """Number of tasks in `total` that the check could not look at."""

    @property
    def words(self) -> str:
        """How they were, without when that was."""
        name, unseen = self.endpoint.name, f"; {self.unseen} not seen" if self.unseen else ""
        if self.running or self.unseen:
            return f"{self.running} of {self.total} tasks on {name} run{unseen}"
        return f"all {self.total} tasks on {name} are down"


@dataclass(frozen=True, slots=True)
class Probe:
    """One probe and its answer."""

    endpoint: EndpointKey
    answer: ProbeAnswer
    at: datetime
    """When it was asked for: it is no newer than that."""
    detail: str = ""
    """What Enterprise Manager said, made harmless: a vendor's words."""

    @property
    def words(self) -> str:
        """What it says of the endpoint, without when that was."""
        name, detail = self.endpoint.name, f": {self.detail}" if self.detail else ""
        match self.answer:
            case ProbeAnswer.CONNECTED:
                return f"{name} takes logins"
            case ProbeAnswer.ERROR:
                return f"{name} does not take logins{detail}"
            case ProbeAnswer.TIMED_OUT:
                return f"{name} did not answer a test in time"
            case ProbeAnswer.NOT_PERMITTED:
                return f"{name} was not tested: the Qlik account may not test endpoints"
            case ProbeAnswer.NOT_FOUND:
                return f"{name} was not tested: Enterprise Manager knows no endpoint of that name"
            case ProbeAnswer.SKIPPED:
                return f"{name} was not tested{detail}"
            case ProbeAnswer.UNKNOWN:
                return f"{name} was tested, and Enterprise Manager does not say what came of it{detail}"
        return f"{name} could not be tested{detail}"

    @property
    def words_of_proposal(self) -> str:
        """The answer in words for an endpoint on which a task failed: only there is "again" true."""
        return f"{self.words} again" if self.answer is ProbeAnswer.CONNECTED else self.words


@dataclass(frozen=True, slots=True)
class EndpointWait:
    """An approved restart waits until a test says that an endpoint takes logins."""

    endpoint: EndpointKey
    next_test_at: datetime
    until: datetime
    """When it ends without having sent anything."""
    said: str = ""
    """What the last test came to, or why there was none."""

    @property
    def words(self) -> str:
        """The wait in words, such as `next test of ORA-PROD at 03:24, until 06:00 UTC`."""
        return f"next test of {self.endpoint.name} at {self.next_test_at:%H:%M}, until {self.until:%H:%M} UTC"
