from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Any

import pytest

from qlikops.domain.fleet.task import ServerHealth, ServerState, StopReason, TaskKey, TaskState
from qlikops.qlik import wire
from qlikops.qlik.errors import QemProtocolError

KEY = TaskKey("qem", "s", "t")

DETAILS: dict[str, Any] = {
    "name": "t",
    "state": "RUNNING",
    "message": "",
    "source_endpoint": {"name": "S", "type": "Oracle"},
    "target_endpoint": {"name": "D", "type": "Snowflake"},
    "full_load_counters": {
        "tables_completed_count": 5,
        "tables_loading_count": 1,
        "tables_queued_count": 2,
        "tables_with_error_count": 3,
    },
    "full_load_completed": True,
    "cdc_transactions_counters": {
        "applied_records_comitted_count": 42,
        "incoming_accumulated_changes_in_memory_count": 10,
        "incoming_applying_changes_in_memory_count": 1,
        "incoming_accumulated_changes_on_disk_count": 20,
        "incoming_applying_changes_on_disk_count": 2,
    },
    "cdc_latency": {"source_latency": "00:00:03", "total_latency": "00:00:09"},
    "task_stop_reason": "NONE",
    "memory_mb": 512,
    "cpu_percentage": 3.7,
    "disk_usage_mb": 40,
    "data_error_count": 0,
    "options": {"full_load_enabled": True, "apply_changes_enabled": False},
    "assigned_tags": ["tier-1", 7, "sales"],
    "something_new": {"nobody": "knows"},
}


@pytest.mark.parametrize(
    ("start", "end", "seconds"),
    [
        ("2026-01-12T02:00:00", "2026-01-12T05:40:00", 13_200),
        ("2026-01-12T02:00:00Z", "2026-01-12T02:00:00.500", None),
        ("2026-01-12T02:00:00", "", None),
        ("0001-01-01T00:00:00", "2026-01-12T02:00:00", None),
        ("2026-01-12T02:00:00", "2026-01-11T02:00:00", None),
        (1_768_183_200, "soon", None),
    ],
)
def test_how_long_the_full_load_took(start: object, end: object, seconds: int | None) -> None:
    facts = wire.parse_task({**DETAILS, "full_load_start": start, "full_load_end": end}, KEY)
    assert facts.full_load_seconds == seconds


def test_task_details() -> None:
    facts = wire.parse_task(DETAILS, KEY)
    assert (facts.key, facts.state, facts.stop_reason) == (KEY, TaskState.RUNNING, StopReason.NONE)
    assert (facts.source_endpoint, facts.source_type) == ("S", "Oracle")
    assert (facts.target_endpoint, facts.target_type) == ("D", "Snowflake")
    assert (facts.tables_completed, facts.tables_loading, facts.tables_queued, facts.tables_with_error) == (5, 1, 2, 3)
    assert (facts.changes_in_memory, facts.changes_on_disk, facts.applied_records) == (11, 22, 42)
    assert (facts.source_latency_seconds, facts.total_latency_seconds) == (3, 9)
    assert (facts.memory_mb, facts.cpu_percent, facts.disk_usage_mb, facts.data_error_count) == (512, 3, 40, 0)
    assert (facts.full_load_enabled, facts.full_load_completed, facts.apply_changes_enabled) == (True, True, False)
    assert (facts.tags, facts.tags_known) == (("tier-1", "sales"), False)
    assert facts.is_up


@pytest.mark.parametrize("state", ["STOPPED", "ERROR", "RECOVERY", "whatever"])
def test_a_task_that_does_not_run_has_no_latency(state: str) -> None:
    facts = wire.parse_task({**DETAILS, "state": state}, KEY)
    assert (facts.source_latency_seconds, facts.total_latency_seconds) == (None, None)


@pytest.mark.parametrize("wrong", [None, "12", True, [], {}, float("nan"), float("inf")])
def test_a_number_of_a_wrong_type_is_not_known(wrong: Any) -> None:
    changed = {**DETAILS, "memory_mb": wrong, "full_load_counters": wrong, "cdc_transactions_counters": wrong}
    facts = wire.parse_task(changed, KEY)
    assert facts.memory_mb is None
    assert facts.tables_completed is None
    assert facts.changes_on_disk is None


def test_a_task_that_says_only_its_state() -> None:
    facts = wire.parse_task({"state": "ERROR"}, KEY)
    assert (facts.state, facts.stop_reason, facts.raw_stop_reason) == (TaskState.ERROR, StopReason.UNKNOWN, "")
    assert facts.full_load_completed is None
    assert facts.message == facts.source_endpoint == ""


@pytest.mark.parametrize("body", [None, [], "RUNNING", 7, {}, {"name": "t"}])
def test_what_is_no_task_is_a_protocol_error(body: Any) -> None:
    with pytest.raises(QemProtocolError):
        wire.parse_task(body, KEY)


@pytest.mark.parametrize("spelling", ["RECOVERY", "RECOVERING"])
def test_both_spellings_of_recovery(spelling: str) -> None:
    facts = wire.parse_task({**DETAILS, "state": spelling}, KEY)
    assert (facts.state, facts.raw_state) == (TaskState.RECOVERY, spelling)


def test_unknown_values_keep_their_spelling() -> None:
    facts = wire.parse_task({**DETAILS, "state": "PAUSED", "task_stop_reason": "SOLAR_FLARE"}, KEY)
    assert (facts.state, facts.raw_state) == (TaskState.UNKNOWN, "PAUSED")
    assert (facts.stop_reason, facts.raw_stop_reason) == (StopReason.UNKNOWN, "SOLAR_FLARE")


@pytest.mark.parametrize("name", ["stop_reason", "task_stop_reason"])
def test_both_names_of_the_stop_reason(name: str) -> None:
    listing = wire.parse_listed_task({"name": "t", "state": "ERROR", name: "FATAL_ERROR"}, "qem", "s").facts
    assert (listing.key, listing.stop_reason) == (KEY, StopReason.FATAL_ERROR)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("00:00:03", 3),
        ("01:02:03", 3723),
        ("30:00:00", 108_000),
        ("250:00:01", 900_001),
        ("1.02:00:00", 93_600),
        ("00:00:03.5", 3),
        ("", None),
        ("soon", None),
        ("-00:00:03", None),
        ("00:03", None),
        (3, None),
        (None, None),
    ],
)
def test_latency(text: Any, seconds: int | None) -> None:
    assert wire.parse_latency(text) == seconds


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ("2026-11-27T02:10:05", "2026-11-27 02:10:05"),
        ("2026-11-27T02:10:05Z", "2026-11-27 02:10:05"),
        ("2026-11-27T02:10:05.1234567", "2026-11-27 02:10:05.123456"),
        ("2026-11-27T04:10:05+02:00", "2026-11-27 02:10:05"),
        *((value, None) for value in ("", "0001-01-01T00:00:00", "0001-01-01T00:00:00+14:00", "2026-11-27", 7, None)),
        *((value, None) for value in ("9999-12-31T23:59:59-14:00", "11/27/2026 2:10 AM", "2026-13-27T02:10:05")),
    ],
)
def test_when_the_tasks_of_a_server_were_fetched_is_a_time_in_utc(value: Any, read: str | None) -> None:
    fetched = wire.parse_server({"name": "s", "state": "MONITORED", "last_connection": value}, "qem").fetched
    assert (str(fetched.written) if fetched else None) == (f"{read}+00:00" if read else None)
    assert wire.parse_server_details({"serverDetails": {"last_connection": value}}).fetched == fetched


@pytest.mark.parametrize("key", ["serverDetails", "server_details"])
def test_both_names_of_server_details(key: str) -> None:
    body = {
        key: {
            "task_summary": {"total": 7, "running": 4, "stopped": 1, "recovering": 1, "error": 1},
            "resource_utilization": {"memory_mb": 900, "disk_usage_mb": 20, "machine_cpu_percentage": 12},
            "license": {"state": "VALID_LICENSE", "days_to_expiration": 30},
        }
    }
    details = wire.parse_server_details(body)
    assert details.health == ServerHealth(30, "VALID_LICENSE", 20, 900)


def test_what_a_server_does_not_say_of_itself_is_not_known() -> None:
    odd = {"license": "unlimited", "resource_utilization": {"disk_usage_mb": "much", "memory_mb": None}}
    assert wire.parse_server_details({"serverDetails": odd}).health == ServerHealth()


def test_servers() -> None:
    body = {"serverList": [{"name": "a", "state": "MONITORED", "host": "h"}, {"name": "b", "state": "ODD"}]}
    first, second = wire.parse_server_list(body, "qem")
    assert (first.instance, first.name, first.state, first.host) == ("qem", "a", ServerState.MONITORED, "h")
    assert second.state is ServerState.UNKNOWN


@pytest.mark.parametrize("body", [None, {}, {"serverList": None}, {"serverList": {}}, {"serverList": [{}]}, []])
def test_what_is_no_list_is_a_protocol_error(body: Any) -> None:
    with pytest.raises(QemProtocolError):
        wire.parse_server_list(body, "qem")


def test_an_unreadable_answer_to_a_run_leaves_open_what_happened() -> None:
    with pytest.raises(QemProtocolError) as caught:
        wire.parse_action({})
    assert caught.value.maybe_sent


def test_text_is_harmless_and_capped() -> None:
    entry = {"name": "t\x1b[31m", "state": "ERROR", "message": "\x1b[2Jred\u202e" + "x" * 200_000}
    listing = wire.parse_listed_task(entry, "qem", "s").facts
    assert listing.message.startswith("redx")
    assert len(listing.message) < 40_000
    assert " … " in listing.message
    assert listing.key.task == "t%1B[31m"


@pytest.mark.parametrize(
    "before",
    [
        "x" * 1000,
        "long " * 4000,
        "\x1b[31m\x1b[0m" * 3000,
        "\u200b" * 20_000,
        "\x1b]0;",
        "\x1bP",
        "\x9d",
        " \r\n" * 5000,
    ],
    ids=["x", "words", "colours", "zero width", "title", "device", "c1", "blanks"],
)
def test_nothing_before_it_hides_what_a_message_says(before: str) -> None:
    listing = wire.parse_listed_task(
        {"name": "t", "state": "ERROR", "message": f"{before}ORA-00308: gone"}, "q", "s"
    ).facts
    assert "ORA-00308: gone" in listing.message


def test_the_end_of_an_endless_message_is_kept() -> None:
    message = "ORA-03113 " + "on and on " * 100_000 + "ORA-00308: gone"
    shown = wire.parse_task({"state": "ERROR", "message": message}, KEY).message
    assert shown.startswith("ORA-03113 ")
    assert shown.endswith("ORA-00308: gone")
    assert " … " in shown


@pytest.mark.parametrize("length", [255, 512, 1000, 1024, 4000, 65_535])
@pytest.mark.parametrize("letter", ["x", "é"])
def test_a_message_of_just_the_length_at_which_fields_end_counts_as_cut(length: int, letter: str) -> None:
    assert wire.parse_task({"state": "ERROR", "message": letter * length}, KEY).message.endswith("…")
    assert "…" not in wire.parse_task({"state": "ERROR", "message": letter * 300}, KEY).message


@pytest.mark.parametrize(
    ("tags", "read", "known"),
    [
        ([], (), True),
        (["gold"], ("gold",), True),
        ([{"name": "gold"}, "blue"], ("gold", "blue"), True),
        ([{"name": "gold", "id": 7}], ("gold",), True),
        (["t" * 500], ("t" * 500,), True),
        ([7, "gold"], ("gold",), False),
        ([{"label": "gold"}], (), False),
        ([["gold"]], (), False),
        ({"gold": True}, (), False),
        ("gold", (), False),
        (None, (), False),
        (0, (), False),
    ],
)
def test_which_tags_there_are_is_known_only_from_a_list_that_can_be_read(
    tags: Any, read: tuple[str, ...], known: bool
) -> None:
    facts = wire.parse_task({"state": "ERROR", "assigned_tags": tags}, KEY)
    assert (facts.tags, facts.tags_known) == (read, known)
    assert not wire.parse_task({"state": "ERROR"}, KEY).tags_known
    assert not wire.parse_task({"state": "ERROR", "assigned_tags": ["t" * 5000]}, KEY).tags_known


def test_tags_and_message_of_the_list_complete_the_details() -> None:
    entry = {"name": "t", "state": "ERROR", "message": "from the list", "assigned_tags": ["gold", "emea"]}
    listing = wire.parse_listed_task(entry, "qem", "s")
    facts = listing.completing(wire.parse_task({"state": "ERROR", "assigned_tags": ["emea", "tier-1"]}, KEY))
    assert facts.tags == ("emea", "tier-1", "gold")
    assert (facts.message, facts.tags_known) == ("from the list", True)
    assert not listing.completing(wire.parse_task({"state": "ERROR", "assigned_tags": "gold"}, KEY)).tags_known


@pytest.mark.parametrize("unreadable", ["gold", {"name": "gold"}, [["gold"]], ["silver", {"tag": "gold"}], 7])
def test_tags_of_the_list_that_cannot_be_read_may_be_more_than_the_details_say(unreadable: Any) -> None:
    details = wire.parse_task({"state": "ERROR", "assigned_tags": ["silver"]}, KEY)

    def known(entry: dict[str, Any]) -> bool:
        listed = wire.parse_listed_task({"name": "t", "state": "ERROR", **entry}, "qem", "s")
        return listed.completing(details).tags_known

    assert not known({"assigned_tags": unreadable})
    assert known({})
    assert known({"assigned_tags": None})


@pytest.mark.parametrize("hidden", ["\x1b]0;gold", "silver\x1b]0;gold\x07", "\x9dgold", "\x1bPgold"])
def test_a_tag_that_hides_a_part_of_itself_is_not_known(hidden: str) -> None:
    assert not wire.parse_task({"state": "ERROR", "assigned_tags": [hidden]}, KEY).tags_known


SPELLINGS = (str.lower, str.title, lambda name: name.replace("_", " "), lambda name: f" {name.replace('_', '-')}\t")


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("enum", [TaskState, StopReason, ServerState])
def test_the_spelling_of_a_name_makes_no_difference(enum: type[StrEnum], spelling: Callable[[str], str]) -> None:
    for member in enum:
        spelt = spelling(member.value)
        facts = wire.parse_task({"state": spelt, "task_stop_reason": spelt}, KEY)
        server = wire.parse_server({"name": "s", "state": spelt}, "qem")
        assert member in (facts.state, facts.stop_reason, server.state)


@pytest.mark.parametrize("wrapper", ["task", "taskDetails", "details"])
def test_details_may_lie_in_an_object_of_their_own(wrapper: str) -> None:
    assert wire.parse_task({wrapper: DETAILS, "$type": "AemGetTaskDetailsResp"}, KEY) == wire.parse_task(DETAILS, KEY)
    assert wire.parse_action({wrapper: {"state": "running"}}).state is TaskState.RUNNING


@pytest.mark.parametrize("name", ["status", "requeststate", "state"])
@pytest.mark.parametrize(
    ("spelling", "status"),
    [("CONNECTED", "CONNECTED"), ("Error", "ERROR"), ("UNKNOWN", "UNKNOWN"), ("TESTING", "UNKNOWN")],
)
def test_the_answer_to_a_test_of_an_endpoint(name: str, spelling: str, status: str) -> None:
    tested = wire.parse_endpoint_test({name: spelling, "message": "Cannot connect", "detailed_message": "ORA-12541"})
    assert (tested.status, tested.message) == (status, "Cannot connect: ORA-12541")


@pytest.mark.parametrize(
    ("messages", "said"),
    [
        ({}, ""),
        ({"message": "no", "detailed_message": "no listener"}, "no listener"),
        ({"message": "no", "detailed_message": ""}, "no"),
        ({"message": None, "detailed_message": "ORA-\x1b[31m12541"}, "ORA-12541"),
    ],
)
def test_both_messages_of_a_test_are_said_once(messages: dict[str, Any], said: str) -> None:
    assert wire.parse_endpoint_test({"status": "ERROR", **messages}).message == said


@pytest.mark.parametrize("body", [None, [], {}, {"status": 7}, {"message": "CONNECTED"}])
def test_what_has_no_status_is_no_answer_to_a_test(body: Any) -> None:
    with pytest.raises(QemProtocolError):
        wire.parse_endpoint_test(body)
