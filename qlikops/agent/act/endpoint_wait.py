"""Waits for an endpoint before the first task is started, without a function that sleeps meanwhile.

An approval of "resume when it answers" is carried out as soon as a test says that the endpoint takes logins. Until
then, each invocation of ExecuteRestart looks, tests once, and answers in how many seconds it is to be called again:
Step Functions waits. All of it follows from when the restart began, so it makes no difference how often it is called.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from qlikops.agent.act.group import Group, GroupRestarter
from qlikops.agent.act.outcomes import nothing_sent
from qlikops.agent.act.probing import Prober, ends_waiting
from qlikops.agent.propose.judgement import OwnFailuresUnread
from qlikops.dataclass import dataclass
from qlikops.domain.fleet.endpoint import EndpointKey, EndpointWait, ProbeAnswer
from qlikops.domain.proposals.approval import Outcome, Status
from qlikops.qlik.errors import QemError

FIRST_PAUSE, LONGEST_PAUSE = timedelta(minutes=1), timedelta(minutes=15)
"""Pauses from one test to the next: 1, 2, 4, 8, then 15 minutes."""
_IS_DOWN = frozenset({ProbeAnswer.ERROR, ProbeAnswer.TIMED_OUT})
_CANNOT_WAIT = "the state machine's definition cannot wait"
_NO_LONGER = "its endpoint may not be tested any more"
_REFUSED = "one of its tasks was refused a login since, so its endpoint is not tested any more"


@dataclass(frozen=True, slots=True)
class Waiting:
    """The endpoint takes no logins yet: this must be called again after so many `seconds`."""

    wait: EndpointWait
    seconds: int


@dataclass(frozen=True)
class Waiter:
    """Looks whether what is waited for has come."""

    prober: Prober
    groups: GroupRestarter

    def look(self, group: Group, *, may_wait: bool) -> Outcome | Waiting | None:
        """None if the group's tasks may be started now, or none would be. An Outcome ends it: nothing was sent.

        If none would be, the group is left untested: a task that comes down a moment later is not started.
        Waiting only if it `may_wait`: the definition of the state machine calls again.
        """
        endpoint = self.prober.in_question(group.proposal)
        now, began = self.groups.clock(), group.approval.updated_at
        is_down = False
        try:
            starts = self.groups.some_would_start(group, group.targets)
        except QemError as exc:
            said = f"Enterprise Manager does not say how the tasks are: {exc}"
        except OwnFailuresUnread as exc:
            said = str(exc)
        else:
            if not starts:
                group.is_untested = True
                return None  # why not, is found task by task
            if endpoint is None or group.is_refused:
                return _ended(group, Status.FAILED, _NO_LONGER if endpoint is None else _REFUSED)
            probe = self.prober.while_waiting(endpoint)
            if probe.answer is ProbeAnswer.CONNECTED:
                return None
            is_down, said = probe.answer in _IS_DOWN, probe.words
            if ends_waiting(probe):
                return _ended(group, _status(is_down=is_down), said)
        if endpoint is None:
            return _ended(group, Status.FAILED, f"{said}; {_NO_LONGER}")
        until = began + timedelta(seconds=self.groups.config.wait_for_endpoint_seconds)
        if may_wait and now < until:
            return _waiting(endpoint, said, now, pause(now - began, until - now), until)
        why = f"waited until {until:%H:%M} UTC" if may_wait else _CANNOT_WAIT
        is_down = is_down or self.prober.was_down_since(endpoint, began)
        return _ended(group, _status(is_down=is_down), f"{said}; {why}")


def pause(waited: timedelta, left: timedelta) -> timedelta:
    """Until the next test of an endpoint that has been `waited` for; there is one when no time is `left`."""
    return min(max(waited + FIRST_PAUSE, FIRST_PAUSE), LONGEST_PAUSE, left)


def _waiting(endpoint: EndpointKey, said: str, now: datetime, seconds: timedelta, until: datetime) -> Waiting:
    whole = max(1, round(seconds.total_seconds()))
    return Waiting(EndpointWait(endpoint, now + timedelta(seconds=whole), until, said), whole)


def _status(*, is_down: bool) -> Status:
    """What it comes to if it was not seen to take logins; that it takes none, a test has to say."""
    return Status.STILL_DOWN if is_down else Status.FAILED


def _ended(group: Group, status: Status, why: str) -> Outcome:
    return nothing_sent(status, (target.key for target in group.targets), group.seen_up, why)
