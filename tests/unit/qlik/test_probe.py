"""Every answer that a test of an endpoint can have, over HTTP."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from qlikops.domain.fleet.endpoint import EndpointKey, Probe, ProbeAnswer
from qlikops.qlik.probe import probe
from qlikops.qlik.wire import EndpointStatus, EndpointTest
from tests.scenarios.library import build_scenario
from tests.scenarios.outages import EndpointDown
from tests.unit.qlik.conftest import Simulate, client_of
from tests.unit.qlik.scripted import Hangup, Reply, ScriptedQem, json_reply
from tests.unit.qlik.test_client_faults import client_of as scripted_client

NOW = datetime(2026, 3, 7, 3, 0, tzinfo=UTC)
ORACLE = EndpointKey("qem", "replicate-1", "ORA-PROD")


def answer_of(simulate: Simulate, endpoint: EndpointKey, *, silent: bool = False, permitted: bool = True) -> Probe:
    story = build_scenario("endpoint_away", 1)
    (outage,) = story.events
    assert isinstance(outage, EndpointDown)
    server = simulate(replace(story, events=(replace(outage, is_silent=silent),)))
    server.fleet.may_test = lambda _: permitted
    with client_of(server) as client:
        return probe(client, endpoint, lambda: NOW)


def test_an_endpoint_that_is_there_takes_logins(simulate: Simulate) -> None:
    found = answer_of(simulate, replace(ORACLE, name="SNOWFLAKE-DWH"))
    assert (found.answer, found.at, found.detail) == (ProbeAnswer.CONNECTED, NOW, "")


def test_an_answer_is_no_newer_than_the_question() -> None:
    """However long the process stands still after it has come."""
    now = [NOW]

    class SlowTester:
        def test_endpoint(self, *_: object) -> EndpointTest:
            now[0] += timedelta(minutes=8)
            return EndpointTest(EndpointStatus.CONNECTED, "")

    assert probe(SlowTester(), ORACLE, lambda: now[0]).at == NOW


def test_an_endpoint_that_is_away_says_why(simulate: Simulate) -> None:
    found = answer_of(simulate, ORACLE)
    assert found.answer is ProbeAnswer.ERROR
    assert found.words == "ORA-PROD does not take logins: Cannot connect: ORA-12170: TNS:Connect timeout occurred"


def test_an_endpoint_may_be_silent(simulate: Simulate) -> None:
    assert answer_of(simulate, ORACLE, silent=True).answer is ProbeAnswer.TIMED_OUT


def test_a_role_may_not_permit_it(simulate: Simulate) -> None:
    assert answer_of(simulate, ORACLE, permitted=False).answer is ProbeAnswer.NOT_PERMITTED


def test_a_name_may_be_unknown(simulate: Simulate) -> None:
    assert answer_of(simulate, replace(ORACLE, name="ORA-PRD")).answer is ProbeAnswer.NOT_FOUND


@pytest.mark.parametrize(
    ("reply", "answer"),
    [
        (json_reply({"requeststate": "UNKNOWN"}), ProbeAnswer.UNKNOWN),
        (json_reply({"error_code": "UNAUTHORIZED_REQUEST", "error_message": ""}, 401), ProbeAnswer.NOT_PERMITTED),
        (Reply(401), ProbeAnswer.NOT_PERMITTED),
        (json_reply({"error_code": "AEM_SERVER_NOT_CONNECTED", "error_message": "gone"}, 500), ProbeAnswer.FAILED),
        (json_reply({}), ProbeAnswer.FAILED),
        (Reply(200, b"<html>"), ProbeAnswer.FAILED),
        (Reply(503), ProbeAnswer.FAILED),
        (Hangup(), ProbeAnswer.FAILED),
    ],
)
def test_what_enterprise_manager_says_beside_that(reply: Reply | Hangup, answer: ProbeAnswer) -> None:
    with ScriptedQem(reply) as server:
        found = probe(scripted_client(server), ORACLE, lambda: NOW)
    assert found.answer is answer
    assert not found.answer.is_of_endpoint
