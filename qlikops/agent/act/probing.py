"""Has endpoints tested, before something is proposed on their tasks and before these are started.

A test logs in to a database, so it is asked for seldom, and not at all where a login may have been refused: by the
diagnosis of a task on the endpoint, or by what the last test said. Whatever else goes wrong with a test says nothing of
the endpoint, and stops nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta

from qlikops.agent.config import AgentConfig
from qlikops.agent.diagnosis.evidence import Label, with_evidence
from qlikops.agent.diagnosis.library import library
from qlikops.agent.diagnosis.messages import classify, judge
from qlikops.agent.propose.options import with_wait
from qlikops.agent.remember.probes import ProbeLedger, slots
from qlikops.dataclass import dataclass
from qlikops.domain.fleet.anomaly import ACTIONS
from qlikops.domain.fleet.diagnosis import FailureClass
from qlikops.domain.fleet.endpoint import EndpointKey, Probe, ProbeAnswer
from qlikops.domain.fleet.task import Action, TaskFacts
from qlikops.domain.proposals.proposal import Proposal
from qlikops.domain.runs.snapshot import FleetSnapshot, TaskSnapshot
from qlikops.qlik.errors import QemError
from qlikops.qlik.probe import EndpointTester, probe

_MAY_BE_AWAY = frozenset({FailureClass.TRANSIENT, FailureClass.WAIT, FailureClass.UNKNOWN})
"""Classes of failures, certain or only likely, that an endpoint which is away may be behind."""
_FRESH, _RECENT, _HOUR = timedelta(seconds=30), timedelta(minutes=5), timedelta(hours=1)
_KEPT_FOR = timedelta(days=1)
_NO_TEST = frozenset({ProbeAnswer.NOT_PERMITTED, ProbeAnswer.NOT_FOUND})
"""Another test would say the same."""
_WAITING = "W"
_USED_UP = "the tests that it may have in an hour are used up, or its login was refused"

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Probed:
    """What a run's tests came to."""

    proposals: tuple[Proposal, ...]
    """The proposals as they were, with what a test said of their endpoint."""
    probes: tuple[Probe, ...] = ()


@dataclass
class Prober:
    """Tests endpoints within the limits; `testers` gives the client of an Enterprise Manager by its name."""

    ledger: ProbeLedger
    testers: Callable[[str], EndpointTester]
    config: AgentConfig
    clock: Callable[[], datetime]

    def __post_init__(self) -> None:
        """Numbers the tests that an endpoint may have in an hour; restarts that wait for it have their own."""
        self._slots = slots(self.config.probes_per_hour)
        self._waiting_slots = slots(self.config.wait_probes_per_hour, _WAITING)

    def before_proposing(self, snapshot: FleetSnapshot, proposals: Sequence[Proposal]) -> Probed:
        """Tests the endpoints in question, those of the first proposals first, each once."""
        if not self.config.probe_endpoints:
            return Probed(tuple(proposals))
        refused = frozenset(refused_endpoints(snapshot))
        for endpoint in sorted(refused):
            self._bar(endpoint)
        in_question = dict.fromkeys(each for proposal in proposals if (each := endpoint_to_test(proposal)))
        may_be_tested = [each for each in in_question if each not in refused]
        found = {probe.endpoint: probe for probe in self._test(may_be_tested, self.config.probes_per_run)}
        waits = frozenset(each for each in may_be_tested if self._is_worth_waiting(each, found))
        return Probed(tuple(self._with_probe(each, found, waits) for each in proposals), tuple(found.values()))

    def in_question(self, proposal: Proposal) -> EndpointKey | None:
        """The endpoint that may be tested before the tasks of `proposal` are started; None if none helps with it."""
        return endpoint_to_test(proposal) if self.config.probe_endpoints else None

    def before_starting(self, endpoint: EndpointKey) -> Probe:
        """Tests an endpoint `in_question` once more."""
        if down := self.was_down(endpoint, _FRESH):
            return down  # tested for another part of the same group, most likely
        return self._tested(endpoint, self._slots)

    def while_waiting(self, endpoint: EndpointKey) -> Probe:
        """Tests an endpoint `in_question` that a restart waits for: those tests are counted apart from the others.

        They come at the intervals that a person approved, more often than a run's at first; neither may use up the
        other's.
        """
        last = self.ledger.newest(endpoint)
        if last and last.answer.is_of_endpoint and self.clock() - last.at <= _FRESH:
            return last
        return self._tested(endpoint, self._waiting_slots)

    def _tested(self, endpoint: EndpointKey, slots: Sequence[str]) -> Probe:
        tests = self._test([endpoint], 1, slots)
        return next(tests, None) or Probe(endpoint, ProbeAnswer.SKIPPED, self.clock(), _USED_UP)

    def _is_worth_waiting(self, endpoint: EndpointKey, found: Mapping[EndpointKey, Probe]) -> bool:
        """Whether a later test may say that the endpoint takes logins again, and the last one did not say so."""
        if not self.config.wait_for_endpoint_seconds:
            return False
        if probe := found.get(endpoint):
            return probe.answer is not ProbeAnswer.CONNECTED and not ends_waiting(probe)
        last = self.ledger.newest(endpoint)
        return last is None or not ends_waiting(last)

    def _with_probe(
        self, proposal: Proposal, found: Mapping[EndpointKey, Probe], waits: Collection[EndpointKey]
    ) -> Proposal:
        if proposal.waits_for_endpoint and endpoint_to_test(proposal) in waits:
            proposal = with_wait(proposal, self.config.wait_for_endpoint_seconds)
        return _with_probe(proposal, found)

    def was_down(self, endpoint: EndpointKey, within: timedelta) -> Probe | None:
        """The last test of the endpoint, if it is so recent and said that the endpoint takes no logins."""
        last = self.ledger.newest(endpoint)
        is_recent = last is not None and self.clock() - last.at <= within
        return last if last and is_recent and last.answer is ProbeAnswer.ERROR else None

    def was_down_since(self, endpoint: EndpointKey, began: datetime) -> bool:
        """Whether the last test that counted for a wait since `began` said that the endpoint takes no logins."""
        return self.was_down(endpoint, self.clock() - began + _FRESH) is not None

    def _bar(self, endpoint: EndpointKey) -> None:
        self.ledger.bar(endpoint, (*self._slots, *self._waiting_slots))

    def _test(self, endpoints: Sequence[EndpointKey], most: int, slots: Sequence[str] = ()) -> Iterator[Probe]:
        """The answers of the first `most` that may be tested now."""
        counted: list[tuple[EndpointKey, str, EndpointTester | QemError]] = []
        for endpoint in endpoints:
            if len(counted) == most:
                break
            if sort := self.ledger.take(endpoint, slots or self._slots):
                counted.append((endpoint, sort, self._tester(endpoint)))
        if not counted:
            return
        with ThreadPoolExecutor(len(counted)) as pool:
            tests = [pool.submit(self._answer, endpoint, tester) for endpoint, _, tester in counted]
        for (endpoint, sort, _), test in zip(counted, tests, strict=True):
            found = test.result()
            _logger.info("%s", found.words)
            self.ledger.keep(sort, found)
            if found.answer is ProbeAnswer.ERROR and not _is_away(found):
                self._bar(endpoint)
            yield found

    def _tester(self, endpoint: EndpointKey) -> EndpointTester | QemError:
        try:
            return self.testers(endpoint.instance)
        except QemError as exc:
            return exc

    def _answer(self, endpoint: EndpointKey, tester: EndpointTester | QemError) -> Probe:
        if isinstance(tester, QemError):
            return Probe(endpoint, ProbeAnswer.FAILED, self.clock(), str(tester))
        return probe(tester, endpoint, self.clock)


def endpoint_to_test(proposal: Proposal) -> EndpointKey | None:
    """The endpoint in question, if it may be away: a resume is proposed, and nothing says that a login was refused."""
    diagnosis = proposal.diagnosis
    if ACTIONS.get(proposal.kind) is not Action.RESUME or diagnosis is None:
        return None
    others = (library().named(name) for name in diagnosis.runners_up)
    classes = {diagnosis.failure_class, *(entry.failure_class for entry in others if entry)}
    if diagnosis.failure_class not in _MAY_BE_AWAY or FailureClass.ACCESS in classes:
        return None
    return proposal.endpoint


def holds_back(probe: Probe, prober: Prober, *, is_automatic: bool) -> str:
    """Why nothing is started after this answer; empty where that goes on.

    What could not be tested stops nothing that a person has approved. Where the tests of the hour are used up, the last
    one counts: for a few minutes, and for the whole hour if no person was asked.
    """
    if probe.answer is ProbeAnswer.SKIPPED:
        probe = prober.was_down(probe.endpoint, _HOUR if is_automatic else _RECENT) or probe
    return f"{probe.words}, tested at {probe.at:%H:%M:%S} UTC" if probe.answer is ProbeAnswer.ERROR else ""


def ends_waiting(probe: Probe) -> bool:
    """Whether no later test helps: the endpoint cannot be tested, or refuses a login that a wait would only repeat."""
    return probe.answer in _NO_TEST or (probe.answer is ProbeAnswer.ERROR and _class_of(probe) is FailureClass.ACCESS)


def newest_probes(last: FleetSnapshot | None, probes: Sequence[Probe], now: datetime) -> tuple[Probe, ...]:
    """The newest of each endpoint within a day: those of this run, and those that the last one knew."""
    known = {each.endpoint: each for each in (last.probes if last else ()) if now - each.at <= _KEPT_FOR}
    return tuple((known | {each.endpoint: each for each in probes}).values())


def refused_endpoints(snapshot: FleetSnapshot) -> Iterator[EndpointKey]:
    """The endpoints of tasks that may have been refused a login, or anything else that is a matter of access."""
    for task in snapshot.tasks:
        if _was_refused(task):
            key, known = task.facts.key, {each.diagnosis.side for each in task.anomalies if each.diagnosis}
            names = {"source": task.facts.source_endpoint, "target": task.facts.target_endpoint}
            for side, name in names.items():
                if name and (side in known or not known & names.keys()):
                    yield EndpointKey(key.instance, key.server, name)


def _was_refused(task: TaskSnapshot) -> bool:
    said = {each.diagnosis.failure_class for each in task.anomalies if each.diagnosis}
    return FailureClass.ACCESS in said or is_refused(task.facts)


def is_refused(facts: TaskFacts) -> bool:
    """Whether the task is down by what may be a matter of access: its endpoints are not tested, since that logs in."""
    is_told = bool(facts.message) and not facts.is_up
    return is_told and judge(facts).diagnosis.failure_class is FailureClass.ACCESS


def _is_away(probe: Probe) -> bool:
    """Whether it is certain that no login was tried: a connection failed, and nothing more is said."""
    return _class_of(probe) is FailureClass.TRANSIENT


def _class_of(probe: Probe) -> FailureClass:
    return classify(probe.detail).diagnosis.failure_class


def _with_probe(proposal: Proposal, found: Mapping[EndpointKey, Probe]) -> Proposal:
    endpoint = endpoint_to_test(proposal)
    probe = found.get(endpoint) if endpoint else None
    if probe is None or not probe.answer.is_of_endpoint:
        return proposal
    enough = ""
    if probe.answer is ProbeAnswer.CONNECTED:
        enough = (
            "; this failure waits for nothing else" if proposal.waits_for_endpoint else "; that proves the login only"
        )
    value = f"{probe.words_of_proposal}, tested at {probe.at:%H:%M:%S} UTC{enough}"
    return replace(with_evidence(proposal, Label.PROBE, value), probe=probe)
