"""Executions as rows, and one of them in detail."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from qlikops.domain.proposals.lasting import FellOver, Followed
from qlikops.domain.runs.orders import OrderOutcome
from qlikops.domain.workflow.execution import ExecutionStatus, ExecutionSummary, Redrive, RunSummary
from qlikops.presentation.lists import executions
from qlikops.presentation.table import WHOLE_LINE, Cells
from qlikops.presentation.tone import Section, Tone, as_text
from tests.unit.presentation import samples
from tests.unit.presentation.samples import NOW


def cells_of(summary: ExecutionSummary) -> Cells:
    return executions.TABLE.cells(executions.ListedExecution(summary, NOW))


class TestExecutions:
    def test_a_row(self) -> None:
        cells = cells_of(samples.execution(status=ExecutionStatus.SUCCEEDED))
        texts = {key: span.text for key, span in cells.items()}
        assert texts["status"] == "✓ succeeded"
        assert texts["duration"] == "1m15s"
        assert (texts["anomalies"], texts["proposals"], texts["outcome"]) == ("4", "2", "1 restarted, 1 denied")

    def test_what_is_not_known_is_not_zero(self) -> None:
        for status, shown in ((ExecutionStatus.RUNNING, "…"), (ExecutionStatus.ABORTED, "")):
            cells = cells_of(replace(samples.execution(status=status), run=None))
            assert {cells[key].text for key in ("anomalies", "proposals", "outcome")} == {shown}

    def test_a_report_of_an_earlier_end_is_not_that_of_a_run_that_goes_on(self) -> None:
        redriven = replace(
            samples.execution(status=ExecutionStatus.SUCCEEDED), status=ExecutionStatus.RUNNING, stopped_at=None
        )
        cells = cells_of(redriven)
        assert (cells["anomalies"].text, cells["outcome"].text) == ("4", "…")
        assert executions.TABLE.fields["restarted"](executions.ListedExecution(redriven, NOW)) == ""

    def test_runs_in_a_row_that_found_nothing_are_one_row(self) -> None:
        loud, *quiet = (samples.execution(f"run-{age}", ExecutionStatus.SUCCEEDED, minutes_old=age) for age in range(5))
        quiet = [replace(each, run=RunSummary(each.arn, each.name, each.started_at, 3, 38)) for each in quiet]
        rows = dict(executions.folded([*quiet[:1], loud, *quiet[1:]]))
        assert list(rows.values()) == [(quiet[0],), (loud,), tuple(quiet[1:])]
        (whole,) = executions.fold_cells(rows[f"{executions.FOLD}{quiet[-1].arn}"]).values()
        assert whole.text == "▸ 3 runs found nothing, 11:16 to 11:18"
        assert executions.fold_cells([loud, replace(loud, started_at=NOW - timedelta(days=1))])[WHOLE_LINE].text == (
            "▸ 2 runs found nothing, 03-06 11:20 to 03-07 11:20"
        )
        assert all(len(runs) == 1 for _, runs in executions.folded(quiet, {quiet[1].arn, quiet[2].arn}))

    def test_one_that_failed_does_not_say_that_nothing_was_wrong(self) -> None:
        failed = samples.execution(status=ExecutionStatus.FAILED)
        none = replace(failed, run=RunSummary("arn", "r", NOW, outcomes={}))
        assert cells_of(none)["outcome"].text == ""
        assert cells_of(failed)["outcome"].text == "1 restarted, 1 denied"

    @pytest.mark.parametrize(
        ("run", "said"),
        [
            ({"error": "no server"}, "RUN FAILED"),
            ({"outcomes": {}}, "nothing was wrong"),
            ({"outcomes": {}, "anomalies": 2}, "nothing was proposed"),
            ({"outcomes": {"postponed": 2, "restarted": 1}}, "1 restarted, 2 postponed"),
        ],
    )
    def test_a_run_that_ended_says_what_it_came_to(self, run: dict[str, Any], said: str) -> None:
        ended = samples.execution(status=ExecutionStatus.SUCCEEDED)
        cells = cells_of(replace(ended, run=RunSummary("arn", "r", NOW, **run)))
        assert cells["outcome"].text == said

    @pytest.mark.parametrize(
        "change",
        [
            {"status": ExecutionStatus.RUNNING},
            {"status": ExecutionStatus.FAILED},
            {"run": None},
            {"run": RunSummary("arn", "r", NOW, error="no server")},
            {"run": RunSummary("arn", "r", NOW, anomalies=1)},
            {"run": RunSummary("arn", "r", NOW, followed=Followed(fell_over=(FellOver("0" * 12, "s/orders", (), 1),)))},
        ],
    )
    def test_a_run_of_which_there_is_something_to_say_is_never_folded(self, change: dict[str, Any]) -> None:
        run = samples.execution(status=ExecutionStatus.SUCCEEDED)
        assert not executions.found_nothing(replace(run, **change))

    def test_the_detail_names_what_waits_and_what_the_ledger_filled_in(self) -> None:
        text = as_text(executions.heading(samples.execution_detail(), NOW))
        assert "WaitForApproval, item 0, for 4h00m at most" in text
        assert "the ledger filled them in" in text
        assert "WAITING replicate-eu-1/sales-orders: resume, FATAL_TRANSIENT" in text

    def test_map_items_are_indented_and_numbered(self) -> None:
        history = samples.execution_detail().history
        assert history is not None
        cells = executions.state_cells(history.states[4], NOW)
        assert (cells["state"].text, cells["item"].text) == ("  WaitForApproval", "0")

    def test_a_missing_history_says_so(self) -> None:
        gone = replace(samples.execution_detail(), history=None)
        assert "no longer available" in executions.states_note(gone)

    def test_payloads_are_indented_and_harmless(self) -> None:
        assert executions.payload('{"a":1}') == '{\n  "a": 1\n}'
        assert executions.payload("\x1b[31mnot json\u202e") == "not json"


def test_the_longest_run_fills_its_bar_and_one_that_took_anything_has_a_sliver() -> None:
    assert executions.bar(10, 10) == "██████"
    assert executions.bar(5, 10) == "███"
    assert executions.bar(0.001, 10) == "▏"
    assert executions.bar(99, 10) == "██████"
    assert executions.bar(0, 10) == executions.bar(1, 0) == ""


def test_the_bars_of_a_list_are_measured_by_its_longest() -> None:
    short = samples.execution("short", ExecutionStatus.SUCCEEDED)
    runs = samples.execution("runs", minutes_old=2.5)
    listed = executions.listed([short, runs], NOW)
    assert [each.longest for each in listed] == [150, 150]
    bars = [executions.TABLE.cells(each)["bar"] for each in listed]
    assert [(bar.text, bar.tone) for bar in bars] == [("███", Tone.MUTED), ("██████", Tone.INFO)]
    assert executions.listed([], NOW) == []


@pytest.mark.parametrize(
    ("summary", "said"),
    [
        (None, "No run yet."),
        (samples.execution(), "Last run 11:08:00 UTC: 38 tasks on 3 servers checked, 4 anomalies."),
        (replace(samples.execution(), run=None), "Last run 11:08:00 UTC: running."),
        (
            replace(samples.execution(), run=RunSummary("arn", "r", NOW, 1, 1, 1)),
            "1 task on 1 server checked, 1 anomaly.",
        ),
        (replace(samples.execution(), run=RunSummary("arn", "r", NOW, error="no server")), "failed: no server."),
    ],
)
def test_the_last_run_in_a_sentence(summary: ExecutionSummary | None, said: str) -> None:
    assert executions.last_run(summary).endswith(said)


def test_a_filter_for_anomalies_means_some() -> None:
    ask = executions.TABLE.fields["anomalies"]
    assert ask(executions.ListedExecution(samples.execution(), NOW)) == "4"
    none = replace(samples.execution(), run=RunSummary("arn", "r", NOW))
    assert ask(executions.ListedExecution(none, NOW)) == ""


FAILED = replace(
    samples.execution_detail(samples.execution(status=ExecutionStatus.FAILED)),
    error="Boom",
    cause="the first line\nthe second",
    redrive=Redrive(count=2),
)


def test_the_headline_is_as_short_as_will_do() -> None:
    text = "\n".join(line.text for line in executions.headline(FAILED, NOW))
    assert text.startswith("✗ failed  run-0711: 1 proposal, 1 waiting\n")
    assert "Started 2026-03-07 11:08:00 UTC, 1m15s, 38 tasks on 3 servers checked, 4 anomalies, redriven 2 x" in text
    assert "Boom: the first line" in text
    assert "second" not in text
    assert "the ledger filled them in" in text
    running = replace(samples.execution_detail(), history_note="", redrive=Redrive())
    first, second = (line.text for line in executions.headline(running, NOW))
    assert first == "▶ running  run-0711: 1 of 1 proposal is not answered"
    assert second.startswith("Started 2026-03-07 11:08:00 UTC, 12m00s so far, 38 tasks")
    bare = replace(running, proposals=(), summary=replace(running.summary, run=None))
    assert [line.text for line in executions.headline(bare, NOW)] == [
        "▶ running  run-0711",
        "Started 2026-03-07 11:08:00 UTC, 12m00s so far",
    ]


def test_what_became_of_its_orders_is_said() -> None:
    order = OrderOutcome(0, is_applied=True, detail="It is done.", at=NOW)
    text = as_text([Section("", executions.headline(replace(samples.execution_detail(), orders=(order,)), NOW))])
    assert order.words() in text


def test_in_full_the_cause_is_whole_and_the_arn_is_there() -> None:
    text = as_text(executions.heading(FAILED, NOW))
    assert "cause        the first line the second" in text
    assert FAILED.summary.arn in text


def test_odd_histories_say_why() -> None:
    history = FAILED.history
    assert history is not None
    assert executions.states_note(FAILED) == ""
    assert "passed over: FutureEvent" in executions.states_note(
        replace(FAILED, history=replace(history, unknown_types=("FutureEvent",)))
    )
    assert "No state has been entered" in executions.states_note(replace(FAILED, history=replace(history, states=())))


def test_a_state_says_how_often_it_was_tried_and_in_a_pipe_every_column_is_there() -> None:
    assert FAILED.history is not None
    cells = executions.state_cells(FAILED.history.states[5], NOW)
    assert (cells["attempts"].text, cells["attempts"].tone, cells["error"].text) == (
        "2",
        Tone.WARNING,
        "States.TaskFailed",
    )
    assert executions.state_columns(None) == executions.STATE_COLUMNS
