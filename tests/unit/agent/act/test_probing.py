"""Endpoints that are tested before anything is proposed or started: on handlers, over HTTP, whatever a test says."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from qlikops.agent.act.probing import Prober, holds_back
from qlikops.domain.fleet.anomaly import AnomalyKind
from qlikops.domain.fleet.diagnosis import FailureClass
from qlikops.domain.fleet.endpoint import Probe, ProbeAnswer
from qlikops.domain.fleet.task import RunOption
from qlikops.domain.proposals.approval import Status
from qlikops.domain.proposals.evaluation import Gate
from qlikops.qlik.errors import QemMisconfigured
from qlikops.qlik.simulator.library import CONNECTION_LOST, SERVER, SNOWFLAKE, task
from qlikops.qlik.simulator.scenario import Break, Endpoint
from tests.scenarios.outages import EndpointDown
from tests.unit.agent.act.behind import AWAY, NAMES, ORA_PROD, Begin
from tests.unit.agent.fakes import FakeClock
from tests.unit.agent.fleet import CONFIG
from tests.unit.agent.machine import Json

REFUSED = "ORA-01017: invalid username/password; logon denied"


def test_a_proposal_says_whether_its_endpoint_takes_logins_and_how_old_that_is(begin: Begin) -> None:
    night = begin()
    _, proposal = night.proposal()
    assert proposal.probe == Probe(
        ORA_PROD,
        ProbeAnswer.ERROR,
        night.agent.clock(),
        f"Cannot connect: {CONNECTION_LOST}",
    )
    assert proposal.evidence[-1].value.endswith("TNS:Connect timeout occurred, tested at 03:00:00 UTC")
    assert night.snapshot().probes == (proposal.probe,)


def test_an_endpoint_that_is_away_closes_a_gate_and_the_rules_see_it(begin: Begin) -> None:
    night = begin(approval_mode="policy")
    item, _ = night.proposal()
    evaluated = night.agent.evaluate(item)
    assert Gate.ENDPOINT_DOWN in evaluated["gates"]
    assert evaluated["verdict"] == "caution"


def test_while_the_endpoint_is_away_nothing_is_sent_and_once_it_is_back_a_later_run_s_proposal_is(
    begin: Begin, clock: FakeClock
) -> None:
    night = begin()
    item, _ = night.proposal()
    clock.sleep(60)

    outcome = night.approve(item)

    assert (outcome.status, outcome.was_sent, night.runs()) == (Status.STILL_DOWN, False, [0, 0, 0])
    assert outcome.detail.startswith("nothing was sent: ORA-PROD does not take logins: Cannot connect: ORA-12170")
    assert {target.status for target in outcome.targets} == {Status.STILL_DOWN}
    keys = [target.key for target in outcome.targets]
    assert night.ledger.tasks.attempts(keys, clock.now - timedelta(hours=1)) == dict.fromkeys(keys, ())

    clock.sleep(600)
    item, proposal = night.proposal()
    assert proposal.probe is not None
    assert proposal.probe.answer is ProbeAnswer.CONNECTED
    assert "takes logins again, tested at 03:11:00 UTC; this failure waits for nothing else" in (
        proposal.evidence[-1].value
    )
    clock.sleep(3600)
    assert (night.approve(item).status, night.runs()) == (Status.RESTARTED, [1, 1, 1])


def test_what_is_seen_up_before_the_test_is_not_said_to_be_down(begin: Begin, clock: FakeClock) -> None:
    night = begin(replace(AWAY, fails_after_seconds=600))
    item, proposal = night.proposal()
    first, *rest = (target.key for target in proposal.targets)
    night.fleet.run(SERVER, first.task, RunOption.RESUME_PROCESSING)
    clock.sleep(60)

    outcome = night.approve(item)

    assert outcome.status is Status.STILL_DOWN
    assert [(target.key, target.status) for target in outcome.targets] == [
        (first, Status.ALREADY_RUNNING),
        *((key, Status.STILL_DOWN) for key in rest),
    ]
    assert sum(night.runs()) == 1


@pytest.mark.parametrize(
    ("break_it", "words"),
    [
        ("permission", "ORA-PROD was not tested: the Qlik account may not test endpoints"),
        ("silence", "ORA-PROD did not answer a test in time"),
    ],
)
def test_what_goes_wrong_with_a_test_stops_nothing_that_was_approved(begin: Begin, break_it: str, words: str) -> None:
    lost = [Break(0, SERVER, name, message=CONNECTION_LOST) for name in NAMES]
    night = begin(
        replace(AWAY, until=None, is_silent=True, fails_after_seconds=9000) if break_it == "silence" else lost[0]
    )
    if break_it == "permission":
        night.fleet.may_test = lambda _: False
    item, _ = night.proposal()
    outcome = night.approve(item)
    assert outcome.status is Status.RESTARTED
    assert outcome.detail.endswith(words)


def test_a_refused_login_is_never_tested_nor_is_another_task_on_its_endpoint(begin: Begin) -> None:
    night = begin(
        Break(0, SERVER, "orders", message=REFUSED),
        Break(0, SERVER, "customers", message=CONNECTION_LOST),
    )
    for item in night.run():
        night.approve(item)
    assert sum(night.runs()) == 2
    assert night.tests() == []


def test_a_login_that_a_test_was_refused_is_not_tried_again(begin: Begin, clock: FakeClock) -> None:
    night = begin(replace(AWAY, message=REFUSED), Break(1, SERVER, "orders", message=CONNECTION_LOST))
    clock.sleep(2)
    for name in NAMES:
        night.agent.simulator.break_task(name, message=CONNECTION_LOST)
    item, proposal = night.proposal()
    assert proposal.probe is not None
    assert REFUSED in proposal.probe.detail
    night.approve(item)
    clock.sleep(1200)
    night.run()
    assert night.tests() == ["ERROR"]


def test_a_run_tests_a_handful_and_each_endpoint_once(begin: Begin) -> None:
    others = [Endpoint(f"ORA-{number}", "Oracle") for number in range(9)]
    tasks = [task(f"on-{each.name}-{copy}", each, SNOWFLAKE) for each in others for copy in range(2)]
    lost = [EndpointDown(0, SERVER, each.name, CONNECTION_LOST) for each in others]
    night = begin(*lost, tasks=tasks)
    assert len(night.run()) == 9
    assert night.tests() == ["ERROR"] * 5


@pytest.mark.parametrize(("settings", "tests"), [({"probe_endpoints": False}, 0), ({"probes_per_run": 0}, 1)])
def test_it_can_be_switched_off(begin: Begin, settings: Json, tests: int) -> None:
    night = begin(Break(0, SERVER, "orders", message=CONNECTION_LOST), **settings)
    item, proposal = night.proposal()
    assert proposal.probe is None
    assert night.approve(item).status is Status.RESTARTED
    assert night.tests() == ["CONNECTED"] * tests


def test_with_the_hours_tests_used_up_only_a_person_may_start_what_was_down(begin: Begin, clock: FakeClock) -> None:
    night = begin(probes_per_hour=1)
    night.run()
    with night.agent.services.monitor(600) as monitor:
        prober = monitor.prober
    for seconds, answer, holds_people_back in (
        (20, ProbeAnswer.ERROR, True),
        (200, ProbeAnswer.SKIPPED, True),
        (900, ProbeAnswer.SKIPPED, False),
    ):
        clock.now = night.snapshot().taken_at + timedelta(seconds=seconds)
        probe = prober.before_starting(ORA_PROD)
        assert probe.answer is answer
        assert holds_back(probe, prober, is_automatic=True).endswith("tested at 03:00:00 UTC")
        assert bool(holds_back(probe, prober, is_automatic=False)) is holds_people_back
    assert night.tests() == ["ERROR"]
    clock.sleep(3600)
    used_up = Probe(ORA_PROD, ProbeAnswer.SKIPPED, clock())
    assert holds_back(used_up, prober, is_automatic=True) == ""


def test_the_parts_of_a_large_group_send_nothing_to_what_one_of_them_found_down(begin: Begin, clock: FakeClock) -> None:
    night = begin(replace(AWAY, until=None), tasks=[task(f"more-{number:03}") for number in range(500)])
    parts = night.run()
    clock.sleep(60)
    assert [night.approve(item).status for item in parts] == [Status.STILL_DOWN] * 2
    assert sum(each["runs"] for each in night.fleet.true_state()["tasks"]) == 0
    assert len(night.tests()) == 2


def test_an_enterprise_manager_that_cannot_be_asked_stops_nothing(begin: Begin, clock: FakeClock) -> None:
    def misconfigured(name: str) -> Any:
        raise QemMisconfigured(f"{name}: the CA bundle cannot be read")

    night = begin(probe_endpoints=False)
    prober = Prober(night.ledger.probes, misconfigured, CONFIG, clock)
    probe = prober.before_starting(ORA_PROD)
    assert (probe.answer, probe.detail) == (ProbeAnswer.FAILED, "default: the CA bundle cannot be read")
    assert holds_back(probe, prober, is_automatic=True) == ""


def test_what_a_login_does_not_help_is_not_tested(begin: Begin, clock: FakeClock) -> None:
    night = begin(probe_endpoints=False)
    _, proposal = night.proposal()
    assert proposal.diagnosis is not None
    lacking = [
        replace(proposal, diagnosis=None),
        replace(proposal, kind=AnomalyKind.STALLED),
        replace(proposal, targets=tuple(replace(each, basis=None) for each in proposal.targets)),
        replace(proposal, diagnosis=replace(proposal.diagnosis, runners_up=("oracle-login",))),
        *(
            replace(proposal, diagnosis=replace(proposal.diagnosis, failure_class=each))
            for each in (FailureClass.ACCESS, FailureClass.FIX_FIRST, FailureClass.RETRY_NOW, FailureClass.TABLES)
        ),
    ]
    prober = Prober(night.ledger.probes, lambda _: night.agent.simulator.client(), CONFIG, clock)
    assert prober.in_question(proposal) == ORA_PROD
    for each in lacking:
        assert prober.in_question(each) is None
    assert night.tests() == []
