from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qlikops.agent.config import AgentConfig
from qlikops.agent.propose.correlation import Correlated, propose
from qlikops.domain.encoding import codec
from qlikops.domain.fleet.anomaly import AnomalyKind, Evidence, Severity
from qlikops.domain.fleet.endpoint import EndpointKey, Siblings
from qlikops.domain.fleet.task import (
    Action,
    Fetched,
    ServerFacts,
    ServerState,
    StopReason,
    TaskFacts,
    TaskKey,
    TaskState,
)
from qlikops.domain.proposals.proposal import Basis, Proposal, ProposalSummary, ProposedTask
from qlikops.domain.runs.plan import Scope
from qlikops.domain.runs.snapshot import FleetSnapshot
from tests.unit.agent.fleet import (
    CONFIG,
    NOW,
    POSITION_LOST,
    UNMATCHED,
    after,
    failed,
    plan,
    poll,
    poll_twice,
    stopped,
    task,
)

ARN = "arn:aws:states:eu-central-1:123456789012:execution:QlikMonitoringAgent:run-1"
RESOURCE_STOP = {"state": TaskState.STOPPED, "stop_reason": StopReason.STOPPED_LOW_MEMORY}


def correlate(
    snapshot: FleetSnapshot,
    config: AgentConfig = CONFIG,
    blocked: dict[TaskKey, str] | None = None,
    now: datetime = NOW,
    execution_arn: str = ARN,
) -> Correlated:
    return propose(
        snapshot, config, execution_arn=execution_arn, execution_name="run-1", now=now, blocked=blocked or {}
    )


def only_proposal(snapshot: FleetSnapshot, config: AgentConfig = CONFIG) -> Proposal:
    (proposal,) = correlate(snapshot, config).proposals
    return proposal


def whys(correlated: Correlated) -> dict[str, str]:
    return {each.key.task: each.why for each in correlated.left_alone}


def test_one_task_one_proposal() -> None:
    proposal = only_proposal(poll_twice(failed()))
    assert proposal.kind is AnomalyKind.FATAL_TRANSIENT
    assert proposal.action is Action.RESUME
    assert proposal.severity is Severity.CRITICAL
    assert proposal.title == "sales-orders: connection to the source lost"
    assert proposal.cause == ""
    assert proposal.label == "eu-1/sales-orders"
    assert proposal.targets == (
        ProposedTask(
            TaskKey("default", "eu-1", "sales-orders"),
            TaskState.ERROR,
            StopReason.FATAL_ERROR,
            full_load_completed=True,
            tables=5,
            basis=Basis(fault="connectivity", side="source", source="ORA-PROD", target="LAKE", tables_with_error=0),
        ),
    )
    assert (proposal.created_at, proposal.execution_arn, proposal.execution_name) == (NOW, ARN, "run-1")
    assert "resuming goes on where it stopped" in proposal.reason
    assert {"state", "message", "full load"} <= {item.label for item in proposal.evidence}


@pytest.mark.parametrize(
    ("changes", "kind", "action", "title"),
    [
        ({"message": UNMATCHED}, AnomalyKind.FATAL_UNKNOWN, Action.RESUME, "a: failed, cause not recognised"),
        (
            {"message": "Login failed for user 'r'"},
            AnomalyKind.FATAL_UNKNOWN,
            Action.RESUME,
            "a: SQL Server, probably: The server refuses the login",
        ),
        ({"message": POSITION_LOST}, AnomalyKind.POSITION_LOST, Action.RESUME, "a: log position lost"),
        (RESOURCE_STOP, AnomalyKind.RESOURCE_STOP, Action.RESUME, "a: stopped, low memory"),
        (
            {"state": TaskState.RUNNING, "stop_reason": StopReason.NONE, "message": ""},
            AnomalyKind.PROCESS_MISMATCH,
            Action.STOP_AND_RESUME,
            "a: shown as running without a process",
        ),
        (
            {
                "state": TaskState.RUNNING,
                "stop_reason": StopReason.NONE,
                "message": "",
                "memory_mb": 9,
                "changes_in_memory": 7,
            },
            AnomalyKind.STALLED,
            Action.STOP_AND_RESUME,
            "a: running, but applying nothing",
        ),
    ],
)
def test_the_action_follows_from_the_kind(
    changes: dict[str, Any], kind: AnomalyKind, action: Action, title: str
) -> None:
    facts = failed("a", **changes)
    proposal = only_proposal(poll(facts, previous=poll(facts), at=7200))
    assert (proposal.kind, proposal.action, proposal.title) == (kind, action, title)


def test_a_lost_position_never_promises_a_resume() -> None:
    proposal = only_proposal(poll(failed(message=POSITION_LOST)))
    restore, reload = proposal.options
    assert (restore.action, reload.action) == (proposal.action, Action.RELOAD)
    assert restore.checks
    assert "resuming can't work" in proposal.reason
    assert "replaces what the target has (5 tables)" in proposal.reason


@pytest.mark.parametrize(
    ("completed", "words"),
    [(False, "not complete, so resuming reloads tables"), (None, "isn't known; if it isn't, resuming reloads tables")],
)
def test_the_reason_says_what_resuming_does_to_the_full_load(completed: bool | None, words: str) -> None:
    assert words in only_proposal(poll_twice(failed(full_load_completed=completed))).reason


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        (task(state=TaskState.STOPPED, stop_reason=StopReason.NORMAL), "a user stopped it"),
        (task(state=TaskState.STOPPED, stop_reason=StopReason.FULL_LOAD_ONLY_FINISHED), "as its settings planned"),
        (task(state=TaskState.RECOVERY), "still retrying by itself"),
        (
            task(tables_with_error=3),
            "resume those tables in Qlik, or reload those that were suspended while they were loaded",
        ),
    ],
)
def test_what_is_never_proposed_is_left_alone_with_a_reason(facts: Any, why: str) -> None:
    correlated = correlate(poll(facts, previous=poll(facts), at=1000))
    assert correlated.proposals == ()
    assert why in whys(correlated)["sales-orders"]


def test_latency_is_only_told() -> None:
    slow = task(source_latency_seconds=5, total_latency_seconds=4000)
    snapshot = poll(slow)
    assert whys(correlate(snapshot)) == {"sales-orders": "seen on 1 of the 3 polls that confirm it"}
    for at in (60, 120):
        snapshot = poll(slow, previous=snapshot, at=at)
    assert "latency alone is no fault" in whys(correlate(snapshot))["sales-orders"]
    assert correlate(snapshot).proposals == ()


def test_seen_once_waits_for_the_next_poll() -> None:
    correlated = correlate(poll(failed()))
    assert correlated.proposals == ()
    assert whys(correlated) == {"sales-orders": "seen once; confirmed on the next poll"}


def test_a_blocked_task_is_left_alone_with_the_blocks_reason() -> None:
    facts = failed("a")
    correlated = correlate(poll_twice(facts, failed("b")), blocked={facts.key: "snoozed until 04:00"})
    assert [target.key.task for proposal in correlated.proposals for target in proposal.targets] == ["b"]
    assert whys(correlated) == {"a": "snoozed until 04:00"}


def test_a_flapping_task_is_held() -> None:
    correlated = correlate(poll_twice(failed(), restarts={failed().key: 3}))
    assert correlated.proposals == ()
    assert {(each.kind, each.why.split(":")[0]) for each in correlated.left_alone} == {
        ("FATAL_TRANSIENT", "held"),
        ("FLAPPING", "held"),
    }


def test_nothing_is_proposed_on_a_state_that_is_old_and_the_reason_is_said() -> None:
    eu_1 = ServerFacts("default", "eu-1", ServerState.MONITORED, fetched=Fetched(after(-600), after(-600)))
    eu_2 = replace(eu_1, name="eu-2", fetched=Fetched(after(0), after(0)))
    tasks = [failed("a", message=POSITION_LOST), failed("b", server="eu-2", message=POSITION_LOST)]
    correlated = correlate(poll(*tasks, servers=[eu_1, eu_2]))
    (proposal,) = correlated.proposals
    assert [str(target.key) for target in proposal.targets] == ["eu-2/b"]
    assert proposal.fetched is not None
    assert proposal.fetched.at == after(0)
    assert whys(correlated)["a"] == "Enterprise Manager last fetched its tasks 10m00s ago, limit 10m00s"


def test_a_server_down_is_said_once_and_proposes_nothing() -> None:
    down = ServerFacts("default", "eu-1", ServerState.ERROR)
    correlated = correlate(poll(failed(), previous=poll_twice(failed()), at=120, servers=[down]))
    assert correlated.proposals == ()
    assert [(str(each.key), each.kind) for each in correlated.left_alone] == [("eu-1", "SERVER_DOWN")]


def test_the_most_severe_speaks_for_its_task() -> None:
    ghost = task(memory_mb=0, changes_in_memory=5, tables_with_error=1)
    correlated = correlate(poll(ghost, previous=poll(ghost), at=7200))
    assert [proposal.kind for proposal in correlated.proposals] == [AnomalyKind.PROCESS_MISMATCH]
    assert {each.kind: each.why for each in correlated.left_alone}["STALLED"] == (
        "one proposal a task: PROCESS_MISMATCH comes first"
    )


def test_four_hundred_tasks_behind_one_dead_source_are_one_decision() -> None:
    dead = [failed(f"t{number:03}", target_endpoint=f"LAKE-{number}") for number in range(400)]
    proposal = only_proposal(poll_twice(*dead))
    assert proposal.title == "source ORA-PROD on eu-1: connection lost, 400 tasks"
    assert proposal.cause == "source ORA-PROD on eu-1"
    assert len(proposal.targets) == 400
    values = {item.label: item.value for item in proposal.evidence}
    assert values["state"] == "ERROR (FATAL_ERROR) (400 of 400 tasks)"
    assert values["full load"] == "400 complete"
    assert len(proposal.evidence) <= 12
    assert len(codec.dumps(proposal.evidence).encode()) < 8192


def test_a_group_that_no_proposal_can_hold_is_several_of_one_size() -> None:
    dead = [failed(f"{'x' * 300}-{number:03}", target_endpoint="LAKE") for number in range(490)]
    proposals = correlate(poll_twice(*dead)).proposals
    sizes = [len(proposal.targets) for proposal in proposals]
    assert sum(sizes) == 490
    assert max(sizes) - min(sizes) <= 1
    assert len(sizes) > 1


def test_the_side_that_the_message_is_about_is_the_cause() -> None:
    # All share the target, but Oracle's errors are about the two sources.
    snapshot = poll_twice(
        failed("a", source_endpoint="ORA-1"),
        failed("b", source_endpoint="ORA-1"),
        failed("c", source_endpoint="ORA-2"),
        failed("d", source_endpoint="ORA-2"),
        failed("e", source_endpoint="ORA-3"),
    )
    proposals = correlate(snapshot).proposals
    assert [proposal.cause for proposal in proposals] == ["source ORA-1 on eu-1", "source ORA-2 on eu-1", ""]


def test_without_a_known_side_the_endpoint_most_tasks_share_is_the_cause() -> None:
    reset = {"message": "Connection reset by peer"}
    snapshot = poll_twice(
        failed("a", source_endpoint="S1", target_endpoint="LAKE", **reset),
        failed("b", source_endpoint="S2", target_endpoint="LAKE", **reset),
        failed("c", source_endpoint="S3", target_endpoint="LAKE", **reset),
        failed("d", source_endpoint="S4", target_endpoint="OTHER", **reset),
    )
    proposals = correlate(snapshot).proposals
    assert [(proposal.cause, len(proposal.targets)) for proposal in proposals] == [
        ("target LAKE on eu-1", 3),
        ("", 1),
    ]


def test_who_lost_a_partner_to_a_larger_group_finds_another() -> None:
    reset = {"message": "Connection reset by peer"}
    # S1 takes a to d, and with them most of who share T1 with e and T2 with f; these two still share S2.
    snapshot = poll_twice(
        *(failed(name, source_endpoint="S1", target_endpoint="T1", **reset) for name in "ab"),
        *(failed(name, source_endpoint="S1", target_endpoint="T2", **reset) for name in "cd"),
        failed("e", source_endpoint="S2", target_endpoint="T1", **reset),
        failed("f", source_endpoint="S2", target_endpoint="T2", **reset),
    )
    groups = {proposal.cause: [t.key.task for t in proposal.targets] for proposal in correlate(snapshot).proposals}
    assert groups == {"source S1 on eu-1": list("abcd"), "source S2 on eu-1": list("ef")}


@pytest.mark.parametrize(
    "others",
    [
        pytest.param([failed("b", server="eu-2")], id="another server"),
        pytest.param([failed("b", message=POSITION_LOST)], id="another kind"),
        pytest.param([failed("b", source_endpoint="S2", target_endpoint="T2")], id="other endpoints"),
        pytest.param([failed("b", source_endpoint="", target_endpoint="")], id="unknown endpoints"),
    ],
)
def test_what_has_another_cause_is_another_proposal(others: list[Any]) -> None:
    proposals = correlate(poll_twice(failed("a"), *others)).proposals
    assert [(proposal.cause, len(proposal.targets)) for proposal in proposals] == [("", 1), ("", 1)]


def test_unknown_failures_are_one_cause_only_if_they_say_the_same() -> None:
    snapshot = poll(
        failed("a", message="Task 'a' cannot parse page 17"),
        failed("b", message="Task 'b' cannot parse page 99"),
        failed("c", message="Licence file is odd"),
    )
    assert [len(proposal.targets) for proposal in correlate(snapshot).proposals] == [2, 1]


def test_what_a_server_lacks_is_one_cause_whatever_the_endpoints() -> None:
    snapshot = poll(
        task("a", source_endpoint="S1", target_endpoint="T1", **RESOURCE_STOP),
        task("b", source_endpoint="S2", target_endpoint="T2", message="stopped", **RESOURCE_STOP),
        task("c", state=TaskState.STOPPED, stop_reason=StopReason.STOPPED_LOW_DISK_SPACE),
    )
    titles = [proposal.title for proposal in correlate(snapshot).proposals]
    assert titles == ["server eu-1: stopped, low memory, 2 tasks", "c: stopped, low disk space"]


def test_one_incomplete_full_load_in_a_group_is_said() -> None:
    proposal = only_proposal(poll_twice(failed("a"), failed("b", full_load_completed=False)))
    assert "1 complete, 1 not complete; where it isn't complete, resuming reloads tables" in proposal.reason


def test_protected_tasks_are_marked() -> None:
    config = replace(CONFIG, protected_tags=("gold",))
    proposal = only_proposal(poll_twice(failed("a", tags=("Gold",)), failed("b")), config)
    assert [target.protected for target in proposal.targets] == [True, False]
    assert ("protected", "eu-1/a") in [(item.label, item.value) for item in proposal.evidence]


def test_a_group_says_what_all_its_messages_were_recognised_as() -> None:
    lost = "ORA-03113: end-of-file on communication channel Process ID: "
    group = only_proposal(poll_twice(*(failed(f"t{number}", message=f"{lost}{number}") for number in range(3))))
    assert "connectivity (oracle-session-lost) (3 of 3 tasks)" in [item.value for item in group.evidence]


def test_a_task_whose_tags_were_not_said_is_marked_and_says_so() -> None:
    config = replace(CONFIG, protected_tags=("gold",))
    proposal = only_proposal(poll_twice(failed(tags=("blue",), tags_known=False)), config)
    assert [target.protected for target in proposal.targets] == [True]
    assert ("protected", "its tags are not all known: blue") in [(item.label, item.value) for item in proposal.evidence]


def test_the_cap_keeps_the_most_severe_and_explains_the_rest() -> None:
    snapshot = poll_twice(
        *(failed(f"t{number}", source_endpoint=f"S{number}", target_endpoint=f"T{number}") for number in range(4)),
        failed("lost", message=POSITION_LOST, source_endpoint="S9", target_endpoint="T9"),
    )
    correlated = correlate(snapshot, replace(CONFIG, max_proposals=3))
    assert [proposal.targets[0].key.task for proposal in correlated.proposals] == ["lost", "t0", "t1"]
    assert correlated.deferred == 2
    assert set(whys(correlated)) == {"t2", "t3"}
    assert "deferred: this run proposes 3 things at most" in whys(correlated)["t2"]


def test_ids_are_the_same_for_a_retry_and_others_for_another_execution() -> None:
    snapshot = poll_twice(failed("a"), failed("b"), failed("c", message=UNMATCHED))
    ids = [proposal.proposal_id for proposal in correlate(snapshot).proposals]
    retried = replace(snapshot, tasks=snapshot.tasks[::-1])
    assert [proposal.proposal_id for proposal in correlate(retried, now=NOW.replace(hour=4)).proposals] == ids
    assert len(set(ids)) == 2
    assert all(len(each) == 12 and int(each, 16) >= 0 for each in ids)
    elsewhere = correlate(snapshot, execution_arn=ARN + "-2").proposals
    assert not set(ids) & {proposal.proposal_id for proposal in elsewhere}


def test_evidence_ids_are_numbered_without_gaps() -> None:
    for proposal in correlate(poll_twice(failed("a"), failed("b"), failed("c", message=UNMATCHED))).proposals:
        assert [item.id for item in proposal.evidence] == [f"e{n}" for n in range(1, len(proposal.evidence) + 1)]
        assert all(isinstance(item, Evidence) and item.value for item in proposal.evidence)


NAMES = st.text(alphabet=st.one_of(st.characters(), st.sampled_from('"\\\u202e\x1b😀')), min_size=400, max_size=500)


@given(names=st.lists(NAMES, min_size=1, max_size=12, unique=True), endpoint=NAMES, message=NAMES)
def test_a_card_is_at_most_4_kb_whatever_things_are_called(names: list[str], endpoint: str, message: str) -> None:
    tasks = [failed(name, server=endpoint, source_endpoint=endpoint, message=message) for name in names]
    for proposal in correlate(poll_twice(*tasks)).proposals:
        # Both spellings: what a Lambda runtime makes of non-ASCII text is not ours to choose.
        encoded = codec.encode(ProposalSummary.of(proposal))
        assert len(json.dumps(encoded)) <= 4096
        assert len(codec.dumps(encoded).encode("utf-8", "surrogatepass")) <= 4096


def test_the_worst_card_still_fits() -> None:
    name = "😀" * 500
    tasks = [failed(f"{number}{name}", source_endpoint=name) for number in range(12)]
    (proposal,) = correlate(poll_twice(*tasks)).proposals
    worst = replace(proposal, reason=name * 3, severity=Severity.CRITICAL, action=Action.STOP_AND_RESUME)
    assert len(json.dumps(codec.encode(ProposalSummary.of(worst)))) <= 4096


def test_two_known_failures_behind_one_endpoint_are_two_causes() -> None:
    refused = "ORA-01017: invalid username/password; logon denied"
    full = "ORA-00257: archiver error. Connect internal only, until freed."
    tasks = [failed(f"r{number}", message=f"{refused} {number}") for number in range(2)]
    tasks += [failed(f"f{number}", message=f"{full} {number}") for number in range(2)]
    proposals = correlate(poll_twice(*tasks)).proposals
    assert {each.diagnosis.failure if each.diagnosis else "" for each in proposals} == {
        "oracle-login",
        "oracle-archiver-full",
    }
    for each in proposals:
        assert each.diagnosis is not None
        assert each.diagnosis.headline in each.title
        assert each.diagnosis.checks[0] in each.reason
        assert len(each.targets) == 2


def test_a_database_that_went_away_is_one_cause_in_whatever_words() -> None:
    texts = ("ORA-12541: TNS:no listener", "ORA-03113: end-of-file on communication channel", "Connection refused")
    only = only_proposal(poll_twice(*(failed(f"t{number}", message=text) for number, text in enumerate(texts))))
    assert len(only.targets) == len(texts)


def test_what_only_ends_in_the_same_words_is_as_many_causes_as_there_were_before() -> None:
    gave_up = "Task 'CRM' was stopped after 7 recovery attempts"
    causes = {"a": "ORA-01017: invalid username/password; logon denied", "b": "ORA-00060: deadlock detected"}
    first = poll(*(failed(name, message=cause) for name, cause in causes.items()))
    found = correlate(poll(*(failed(name, message=gave_up) for name in causes), previous=first, at=60)).proposals
    assert [len(each.targets) for each in found] == [1, 1]
    assert {each.diagnosis.failure for each in found if each.diagnosis} == {"oracle-login", "oracle-deadlock"}


def siblings_of(proposal: Proposal) -> str:
    (said,) = [item.value for item in proposal.evidence if item.label == "tasks on the endpoint"] or [""]
    return said


def test_how_the_other_tasks_on_the_endpoint_are_is_evidence() -> None:
    well = [task(f"well-{number}", target_endpoint="OTHER") for number in range(4)]
    proposal = only_proposal(poll_twice(failed("a"), *well, task("elsewhere", source_endpoint="PG", server="eu-2")))
    assert proposal.endpoint == EndpointKey("default", "eu-1", "ORA-PROD")
    assert proposal.siblings == Siblings(proposal.endpoint, total=5, running=4, at=after(60))
    assert siblings_of(proposal) == "4 of 5 tasks on ORA-PROD run (poll of 03:13:00 UTC)"


def test_a_group_whose_endpoint_has_no_task_that_runs_says_so() -> None:
    proposal = only_proposal(poll_twice(*(failed(name) for name in "abc")))
    assert siblings_of(proposal) == "all 3 tasks on ORA-PROD are down (poll of 03:13:00 UTC)"
    assert proposal.waits_for_endpoint


def test_a_group_behind_its_target_has_the_siblings_of_that() -> None:
    lost = "Cannot connect to the target: connection refused"
    down = [failed(name, lost, source_endpoint=name) for name in "abc"]
    proposal = only_proposal(poll_twice(*down, task("well", source_endpoint="d")))
    assert siblings_of(proposal) == "1 of 4 tasks on LAKE run (poll of 03:13:00 UTC)"


def test_a_task_alone_on_its_endpoint_has_no_siblings() -> None:
    proposal = only_proposal(poll_twice(failed("a"), task("b", source_endpoint="PG")))
    assert proposal.siblings is None
    assert not siblings_of(proposal)


def test_what_no_poll_could_see_is_neither_up_nor_down() -> None:
    seen = poll_twice(failed("a"), task("b"), task("c"))
    unread = tuple(replace(each, is_unread=each.facts.key.task == "c") for each in seen.tasks)
    proposal = only_proposal(replace(seen, tasks=unread))
    assert siblings_of(proposal) == "1 of 3 tasks on ORA-PROD run; 1 not seen (poll of 03:13:00 UTC)"


def test_a_task_without_details_is_on_its_endpoint_and_may_run() -> None:
    listed = TaskFacts(task("c").key, TaskState.RUNNING, StopReason.NONE)
    first = poll(failed("a"), task("b"), task("c"))
    proposal = only_proposal(poll(failed("a"), task("b"), listed, previous=first, at=60))
    assert siblings_of(proposal) == "1 of 3 tasks on ORA-PROD run; 1 not seen (poll of 03:13:00 UTC)"


def test_what_rests_on_no_message_is_about_no_endpoint() -> None:
    proposal = only_proposal(poll_twice(failed("a", **RESOURCE_STOP), task("b")))
    assert (proposal.endpoint, proposal.siblings) == (None, None)


def test_what_planned_work_stopped_is_one_proposal_whatever_the_servers_and_staging_comes_first() -> None:
    work = plan(scope=Scope(tags=("gold",)), until=after(3600), why="CHG123")
    facts = [
        stopped("a-reader", tags=("gold",), log_stream_staging="z-staging"),
        stopped("elsewhere", server="eu-2", tags=("gold",), source_endpoint="X", target_endpoint="Y"),
        stopped("z-staging", tags=("gold",)),
    ]
    up = [replace(each, state=TaskState.RUNNING, stop_reason=StopReason.NONE, memory_mb=1) for each in facts]
    servers = [ServerFacts("default", name, ServerState.MONITORED) for name in ("eu-1", "eu-2")]
    snapshot = poll(*up, servers=servers, plans=[work])
    within = poll(*facts, previous=snapshot, at=300, servers=servers, plans=[work])
    assert correlate(within).proposals == ()
    assert set(whys(correlate(within)).values()) == {"planned until 04:12 UTC, CHG123"}
    over = poll(*facts, previous=within, at=3600, servers=servers, plans=[work])
    proposal = only_proposal(over)
    assert (proposal.kind, proposal.cause) == (AnomalyKind.STOPPED_IN_PLAN, "plan-1 (CHG123)")
    assert proposal.title == "plan-1 (CHG123): stopped for planned work, still down, 3 tasks"
    assert [target.key.task for target in proposal.in_turn] == ["z-staging", "a-reader", "elsewhere"]


def test_planned_work_hides_no_lost_position() -> None:
    work = plan(until=after(3600))
    lost, other = failed("lost", message=POSITION_LOST), failed("other")
    first = poll(lost, other, plans=[work])
    correlated = correlate(poll(lost, other, previous=first, at=60, plans=[work]))
    assert [each.kind for each in correlated.proposals] == [AnomalyKind.POSITION_LOST]
    assert whys(correlated) == {"other": "planned until 04:12 UTC, CHG123"}
