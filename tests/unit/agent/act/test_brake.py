"""The brake: what is on its way is watched to its end, and nothing more is begun."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from qlikops.agent.act.outcomes import interrupted
from qlikops.domain.encoding import codec
from qlikops.domain.proposals.approval import Claim, Decision, Outcome, Status
from tests.unit.agent.act.restarted import ID, Restarted, lost_source
from tests.unit.agent.fakes import START

ANNA = "arn:aws:sts::111111111111:assumed-role/OnCall/anna"


def claim(*, brake: bool = True, by: str = ANNA, until: datetime = START) -> Claim:
    return Claim(by, until, brake)


def pull(group: Restarted, text: str = "") -> None:
    """As a console pulls it."""
    group.dynamodb.update_item(
        TableName=group.table,
        Key={"pk": {"S": f"APPROVAL#{ID}"}, "sk": {"S": "RECORD"}},
        UpdateExpression="SET #claim = :claim",
        ConditionExpression="attribute_exists(#pk)",
        ExpressionAttributeNames={"#claim": "claim", "#pk": "pk"},
        ExpressionAttributeValues={":claim": {"S": text or codec.dumps(claim())}},
    )


def not_tried(outcome: Outcome) -> list[str]:
    return [one.key.task for one in outcome.targets if one.status is Status.NOT_TRIED]


@pytest.mark.parametrize(
    ("claimed", "why"),
    [
        (claim(brake=False), ""),
        (claim(until=START - timedelta(days=1)), "stopped by anna"),
        (claim(by="\x1b[31mme\x1b[0m" + "x" * 500), f"stopped by “me{'x' * 90}"),
    ],
)
def test_who_pulled_it(claimed: Claim, why: str) -> None:
    assert claimed.stops_because.startswith(why)
    assert bool(claimed.stops_because) == bool(why)
    assert len(claimed.stops_because) < 120
    assert "\x1b" not in claimed.stops_because


def test_pulled_before_anything_was_begun_nothing_is() -> None:
    group = Restarted(lost_source(3))
    pull(group)

    outcome = group.to_the_end()

    assert (outcome.status, outcome.detail) == (Status.NOT_TRIED, "3 not tried: stopped by anna")
    assert group.runs() == []
    tasks = group.ledger.tasks
    assert tasks.restart_claims([one.key for one in outcome.targets], ID) == {}


@pytest.mark.parametrize("at", [1, 2, 20, 59])
def test_pulled_under_way_it_leaves_the_tasks_that_were_on_their_way(at: int) -> None:
    group = Restarted(lost_source(60))
    group.operator.before = lambda call: pull(group) if call == "run" and group.operator.calls["run"] == at else None

    outcome = group.to_the_end()

    assert len(group.runs()) == at
    assert outcome.status is Status.PARTIAL
    assert len(not_tried(outcome)) == 60 - at
    assert set(not_tried(outcome)).isdisjoint(group.runs())
    assert {one.detail for one in outcome.targets if one.status is Status.NOT_TRIED} == {"stopped by anna"}
    assert len(group.attempts(outcome)) == at


def test_what_quotes_a_brake_is_none() -> None:
    group = Restarted(lost_source(3))
    pull(group, codec.dumps(claim(brake=False, by='"brake":true')))

    assert group.to_the_end().status is Status.RESTARTED


def test_the_next_invocation_finds_it_pulled() -> None:
    group = Restarted(lost_source(60))
    group.invoke(30)
    before = group.runs()
    pull(group)

    outcome = group.to_the_end()

    assert group.runs() == before
    assert len(not_tried(outcome)) == 60 - len(before)


@pytest.mark.parametrize("text", ["", "{", '{"by": 1}', '{"until": "soon"}', '{"version": 99}'])
def test_a_claim_that_nobody_can_read_stops_nothing(text: str) -> None:
    group = Restarted(lost_source(3))
    pull(group, text or "null")

    assert group.to_the_end().status is Status.RESTARTED


def test_a_version_that_knows_no_brake_reads_a_claim() -> None:
    stored = codec.dumps(claim())
    assert codec.loads(Claim, stored) == claim()
    assert codec.loads(Claim, stored.replace('"brake":true,', "")) == claim(brake=False)


def test_what_an_interrupted_group_had_not_begun_was_stopped() -> None:
    group = Restarted(lost_source(3))
    group.ledger.begin_restart(ID, Decision(approved=True))
    first = group.ledger.record(ID).approval.proposal.targets[0].key
    group.ledger.tasks.mark_start(first, ID, "ERROR (FATAL_ERROR)")
    pull(group)

    outcome = interrupted(group.ledger.tasks, group.ledger.record(ID).approval, "ABORTED")

    assert [one.status for one in outcome.targets] == [Status.UNVERIFIED, Status.NOT_TRIED, Status.NOT_TRIED]
    assert outcome.detail == "2 not tried, 1 unverified: stopped by anna (ABORTED)"
