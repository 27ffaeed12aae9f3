"""The inbox as a table: which columns fit, in which order rows come, what a filter can ask."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any, ClassVar

import pytest

from qlikops.domain.errors import Offline
from qlikops.domain.fleet.anomaly import AnomalyKind
from qlikops.domain.fleet.endpoint import EndpointKey, EndpointWait
from qlikops.domain.proposals.approval import Claim, InboxRow
from qlikops.presentation.filter import parse
from qlikops.presentation.freshness import DataAge
from qlikops.presentation.lists import inbox
from qlikops.presentation.lists.inbox import InboxSort
from qlikops.presentation.table import SORTED, Column, taken
from qlikops.presentation.tone import Span, Tone, plain
from tests.cases import for_all
from tests.fakes import row_of
from tests.unit.presentation import samples
from tests.unit.presentation.samples import NOW

WHOLE = taken(each.drawn for each in inbox.TABLE.columns)


@for_all([60, 79, 119, WHOLE, 200], InboxSort, [False, True])
def test_what_is_sorted_by_is_always_there_and_everything_is_where_there_is_room(
    width: int, by: InboxSort, several: bool
) -> None:
    shown = inbox.columns(width, by=inbox.TABLE.order_called(by), several=several)
    assert taken(shown) == width
    assert len([column for column in shown if column.header.endswith(SORTED)]) == 1
    assert width < WHOLE or len(shown) == len(inbox.TABLE.columns) - (not several)
    assert all(len(column.header) <= column.width for column in shown)


class TestArranging:
    ROWS = tuple(
        inbox.ListedRow(
            replace(
                row_of(samples.approval(samples.proposal(number, tasks=(task,)), minutes_left=100 + number)),
                severity=severity,
                risk=risk,
                requested_at=NOW - timedelta(minutes=age),
                kind=kind,
                resume_until=NOW + timedelta(hours=2) if number == 3 else None,
            ),
            NOW,
        )
        for number, task, severity, risk, age, kind in (
            (1, "b", "info", "low", 5, "X"),
            (2, "c", "critical", "medium", 50, "Y"),
            (3, "A", "warning", "high", 20, "X"),
            (4, "d", "fatal", "odd", 1, "Y"),
        )
    )

    ORDERS: ClassVar[Mapping[InboxSort, list[int]]] = {
        InboxSort.URGENT: [3, 4, 2, 1],
        InboxSort.EXPIRES: [1, 2, 3, 4],
        InboxSort.SEVERITY: [4, 2, 3, 1],
        InboxSort.AGE: [2, 3, 1, 4],
        InboxSort.RISK: [4, 3, 2, 1],
        InboxSort.TASK: [3, 1, 2, 4],
    }

    @pytest.mark.parametrize("by", InboxSort)
    def test_each_order(self, by: InboxSort) -> None:
        assert by in self.ORDERS, f"the order of ROWS by {by} in ORDERS"
        found = inbox.TABLE.sorted(reversed(self.ROWS), inbox.TABLE.order_called(by))
        assert [int(each.row.approval_id, 16) for each in found] == self.ORDERS[by]

    def test_a_group_stands_where_its_first_row_does(self) -> None:
        placed = inbox.arrange(self.ROWS, inbox.TABLE.order_called(InboxSort.AGE), grouped=True)
        assert [(int(each.row.approval_id, 16), each.place.mark) for each in placed] == [
            (2, "┌2 "),
            (4, "└ "),
            (3, "┌2 "),
            (1, "└ "),
        ]

    def test_a_row_alone_has_no_mark_and_one_in_the_middle_a_line(self) -> None:
        assert [inbox.GroupPosition(index, 3).mark for index in range(3)] == ["┌3 ", "│ ", "└ "]
        assert inbox.ALONE.mark == ""

    def test_what_the_agent_named_as_the_cause_counts_before_the_kind(self) -> None:
        row = self.ROWS[0].row
        assert inbox.cause(replace(row, cause="source ORA-PROD")) == "source ORA-PROD"
        assert inbox.cause(row) == "X, resume"


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("server:eu-1 task:sales", True),
        ("kind:fatal action:resume verdict:approve evaluator:bedrock risk:low severity:crit", True),
        ("claimed:anna", True),
        ("!claimed:", False),
        ("run:0711 id:00001", True),
        ("title:lost !cause:", True),
        ("task:eu-1", False),
        ("listener", False),
    ],
)
def test_the_inbox_can_be_filtered_by(text: str, kept: bool) -> None:
    row = row_of(samples.approval(), Claim(samples.CALLER, NOW + timedelta(minutes=1)))
    found = parse(text, inbox.TABLE.fields)
    assert not found.problem
    assert found.matches(inbox.ListedRow(row, NOW)) is kept


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"label": "eu-1/orders", "title": "orders: Snowflake: No warehouse"}, "Snowflake: No warehouse"),
        (
            {"label": "3 tasks: target DWH on eu-1", "cause": "target DWH on eu-1", "task_count": 3}
            | {"title": "target DWH on eu-1: MySQL: Locked, for long, 3 tasks (part 1 of 2)"},
            "MySQL: Locked, for long",
        ),
        ({"title": ""}, "FATAL_TRANSIENT"),
    ],
)
def test_a_row_says_what_happened_in_words_of_one_task_and_of_a_group(changes: dict[str, Any], words: str) -> None:
    assert inbox.happened(replace(row_of(samples.approval()), **changes)) == words


class TestInbox:
    def cells(self, minutes_left: float = 228, claim: Claim | None = None, mark: str = "") -> dict[str, str]:
        row = row_of(samples.approval(minutes_left=minutes_left), claim)
        return {key: span.text for key, span in inbox.TABLE.cells(inbox.ListedRow(row, NOW, mark=mark)).items()}

    def test_a_row(self) -> None:
        assert self.cells() == {
            "mark": "",
            "context": "",
            "kind": "connection lost",
            "age": "12m",
            "task": "sales-orders",
            "where": "sales-orders",
            "name": "sales-orders",
            "server": "replicate-eu-1",
            "proposed": "resume",
            "proposed_in_brief": "resume",
            "expires": "3h48m",
            "bar": "━━━━━━━━━━━━······",
            "log": "",
            "severity": "■ critical",
            "verdict": "AI approve 92%",
            "risk": "low",
            "claimed": "",
        }, "the cell of a new column"

    def test_only_a_model_is_called_ai(self) -> None:
        row = row_of(samples.approval(assessed=samples.evaluation(evaluator="rules")))
        assert inbox.TABLE.cells(inbox.ListedRow(row, NOW))["verdict"].text == "rules approve 92%"

    @pytest.mark.parametrize(
        ("minutes", "cell", "found"),
        [
            (130, Span("2h10m"), "log:kept"),
            (90, Span("1h30m", Tone.WARNING), "log:soon"),
            (0, Span("passed", Tone.DANGER), "log:passed"),
            (None, Span("", Tone.MUTED), "!log:"),
        ],
    )
    def test_how_long_the_log_is_kept(self, minutes: int | None, cell: Span, found: str) -> None:
        until = None if minutes is None else NOW + timedelta(minutes=minutes)
        listed = inbox.ListedRow(replace(row_of(samples.approval()), resume_until=until), NOW)
        assert inbox.TABLE.cells(listed)["log"] == cell
        asked = ("log:kept", "log:soon", "log:passed", "!log:")
        assert [text for text in asked if parse(text, inbox.TABLE.fields).matches(listed)] == [found]

    def test_a_log_that_is_gone_is_at_the_beginning_of_the_bar(self) -> None:
        row = replace(row_of(samples.approval(minutes_left=34)), kind=AnomalyKind.POSITION_LOST)
        listed = inbox.ListedRow(row, NOW)
        assert inbox.TABLE.cells(listed)["bar"].text.startswith("✗━")
        assert inbox.TABLE.cells(listed)["log"].text == "passed"
        assert parse("log:passed", inbox.TABLE.fields).matches(listed)

    @pytest.mark.parametrize("width", [79, 119])
    def test_a_column_with_nothing_in_it_leaves_its_room_to_names_but_signs_have_their_place(self, width: int) -> None:
        usual, found = inbox.columns(width), inbox.columns(width, empty=("log", "bar", "age", "mark"))
        assert [each.key for each in usual if each not in found] != []
        assert found[0].key == "mark"
        assert {"log", "bar", "age"}.isdisjoint(each.key for each in found)
        assert room(found) > room(usual)

    def test_of_a_group_the_endpoint_and_what_became_of_it_come_first_and_then_how_many_and_where(self) -> None:
        cells = inbox.TABLE.cells(inbox.ListedRow(GROUP, NOW))
        assert cells["kind"].text == "ORA-PROD: connection lost"
        assert [cells[key].text for key in ("task", "where", "name")] == ["2 tasks", "2 tasks · eu-1", "2 on eu-1"]
        assert cells["server"].text == "eu-1"
        assert inbox.TABLE.cells(inbox.ListedRow(replace(GROUP, cause="tag gold"), NOW))["kind"].text.startswith(
            "tag g"
        )

    @pytest.mark.parametrize(
        ("minutes", "left", "tone"),
        [
            (228, "3h48m", Tone.NEUTRAL),
            (15, "15m", Tone.NEUTRAL),
            (14, "14m", Tone.WARNING),
            (0.5, "30s", Tone.WARNING),
            (-1, "expired", Tone.WARNING),
        ],
    )
    def test_the_countdown(self, minutes: float, left: str, tone: Tone) -> None:
        assert inbox.countdown(NOW + timedelta(minutes=minutes), NOW) == Span(left, tone)

    def test_a_claim_shows_until_it_runs_out(self) -> None:
        claim = Claim(samples.CALLER, NOW + timedelta(minutes=1))
        assert self.cells(claim=claim)["mark"] == " @"
        assert self.cells(claim=claim)["claimed"] == "anna"
        assert self.cells(claim=claim)["task"] == self.cells(claim=claim)["where"] == "sales-orders · anna"
        assert self.cells(claim=claim)["name"] == "sales-orders"
        assert self.cells(claim=replace(claim, until=NOW))["task"] == "sales-orders"

    @pytest.mark.parametrize(("mark", "sign"), [("", ""), ("marked", "■"), ("answered", "→")])
    def test_what_one_did_with_it_has_a_sign_beside_that_of_a_claim(self, mark: str, sign: str) -> None:
        claim = Claim(samples.CALLER, NOW + timedelta(minutes=1))
        assert self.cells(mark=mark)["mark"] == sign
        assert self.cells(claim=claim, mark=mark)["mark"] == f"{sign or ' '}@"

    def test_values_of_a_newer_agent_are_shown_as_they_are(self) -> None:
        row = replace(row_of(samples.approval()), severity="fatal", verdict="maybe", risk="odd", evaluator="xy")
        cells = inbox.TABLE.cells(inbox.ListedRow(row, NOW))
        assert [cells[key].text for key in ("severity", "verdict", "risk")] == ["? fatal", "AI maybe", "odd"]

    def test_what_is_equal_in_an_order_is_in_that_of_urgency(self) -> None:
        row, hour = row_of(samples.approval(minutes_left=9)), timedelta(hours=1)
        rows = [
            replace(row, resume_until=NOW + hour, deadline=NOW + hour),
            replace(row, stale_from=NOW),
            replace(row, stale_from=NOW + hour),
            row,
            replace(row, deadline=row.deadline + hour),
            replace(row, severity="warning"),
            replace(row, severity="warning", resume_until=NOW - hour, deadline=row.deadline + hour),
        ]
        listed = [inbox.ListedRow(replace(each, approval_id=f"{9 - at}"), NOW) for at, each in enumerate(rows)]
        for order in (InboxSort.URGENT, InboxSort.RISK, InboxSort.TASK):
            assert inbox.TABLE.sorted(reversed(listed), inbox.TABLE.order_called(order)) == listed

    def test_of_what_is_as_urgent_what_expires_first_comes_first(self) -> None:
        late, soon = (
            inbox.ListedRow(row_of(samples.approval(samples.proposal(n), minutes_left=m)), NOW)
            for n, m in ((1, 9), (2, 5))
        )
        assert inbox.TABLE.sorted([late, soon], inbox.TABLE.orders[0]) == [soon, late]

    def test_the_summary(self) -> None:
        rows = [row_of(samples.approval(minutes_old=minutes)) for minutes in (3, 12)]
        assert inbox.summary(rows, NOW) == "2 wait, oldest 12m"
        assert inbox.summary([], NOW) == "nothing waits"


def room(columns: tuple[Column, ...]) -> int:
    """Cells for what broke and for names."""
    return sum(each.width for each in columns if each.key in ("kind", "task", "where", "name"))


class TestHeadline:
    def said(self, *rows: InboxRow, new: int = 0, marked: int = 0) -> tuple[str, list[str], str]:
        found = inbox.headline(rows, NOW, new, marked)
        assert found is not None
        return found.number, [plain(line) for line in (found.counts, *found.more)], plain(found.brief)

    def test_it_says_what_comes_first_and_why_and_which_answer_runs_out_first(self) -> None:
        other = replace(ROW, deadline=NOW + 20 * MINUTE, claim=Claim(samples.CALLER, NOW + MINUTE), approval_id="0")
        first = replace(GROUP, deadline=NOW + 44 * MINUTE, resume_until=NOW + 139 * MINUTE)
        number, lines, brief = self.said(other, first, new=1, marked=2)
        assert number == "2"
        assert lines == [
            "2 wait, oldest 12m, 1 new, 2 marked",
            "First ORA-PROD: after about 13:39 UTC only a reload helps",
            "The first answer runs out in 20m: connection lost, sales-orders, anna looks at it",
        ]
        assert brief == "2 wait, 1 new, 2 marked. First ORA-PROD: after about 13:39 UTC only a reload helps"

    def test_in_one_line_an_answer_that_runs_out_soon_goes_before_a_log_that_is_kept_for_hours(self) -> None:
        row = replace(ROW, deadline=NOW + 9 * MINUTE, resume_until=NOW + 139 * MINUTE)
        assert self.said(row)[2] == "1 waits. 9m to answer sales-orders"

    @pytest.mark.parametrize(
        ("minutes", "words"), [(9, "First sales-orders: its target is too old from 11:29 UTC"), (-9, "since 11:11 UTC")]
    )
    def test_without_a_log_it_is_the_age_of_the_target(self, minutes: int, words: str) -> None:
        row = replace(ROW, stale_from=NOW + minutes * MINUTE)
        assert words in self.said(row)[1][1]

    def test_without_either_only_the_answer_runs_out_and_a_log_that_is_gone_is_no_hurry(self) -> None:
        assert len(self.said(ROW)[1]) == 2
        gone = replace(GROUP, resume_until=NOW - MINUTE, deadline=ROW.deadline + MINUTE)
        assert self.said(gone, replace(ROW, resume_until=NOW + MINUTE))[1][1].startswith("First sales-orders")
        assert len(self.said(gone)[1]) == 2

    def test_what_has_expired_is_counted_and_is_not_the_answer_that_runs_out_first(self) -> None:
        over = replace(ROW, deadline=NOW, resume_until=NOW + MINUTE)
        _, lines, brief = self.said(over, replace(GROUP, deadline=NOW + 44 * MINUTE))
        assert lines[0] == "2 wait, oldest 12m, 1 expired"
        assert lines[1].startswith("The first answer runs out in 44m: ")
        assert brief.startswith("2 wait, 1 expired. 44m to answer ")
        assert self.said(over) == ("1", ["1 waits, oldest 12m, 1 expired"], "1 waits, oldest 12m, 1 expired")

    def test_if_nothing_waits_for_an_answer_it_says_only_that(self) -> None:
        assert inbox.headline([], NOW, 0, 0) is None
        assert self.said(replace(ROW, waits=WAIT)) == (
            "0",
            ["nothing waits, 1 under way"],
            "nothing waits, 1 under way",
        )


MINUTE = timedelta(minutes=1)
WAIT = EndpointWait(EndpointKey("i", "eu-1", "ORA-PROD"), NOW + MINUTE, NOW + 60 * MINUTE)
ROW = row_of(samples.approval())
GROUP = replace(
    ROW,
    label="2 tasks: source ORA-PROD on eu-1",
    cause="source ORA-PROD on eu-1",
    task_count=2,
    title="connection lost",
)


def test_without_groups_rows_are_only_sorted() -> None:
    rows = TestArranging.ROWS
    order = inbox.TABLE.order_called(InboxSort.AGE)
    assert inbox.arrange(rows, order, grouped=False) == inbox.TABLE.sorted(rows, order)


@pytest.mark.parametrize(
    ("freshness", "read_only", "shown"),
    [
        (DataAge(NOW), False, Span("prod")),
        (DataAge(NOW), True, Span("ro prod", Tone.MUTED)),
        (DataAge(NOW, Offline("x")), True, Span("✗ prod", Tone.DANGER)),
    ],
)
def test_a_context_shows_whether_anything_can_be_done_in_it(freshness: DataAge, read_only: bool, shown: Span) -> None:
    assert inbox.where("prod", freshness, NOW, read_only=read_only) == shown


def test_a_list_of_several_contexts_shows_each_as_it_says() -> None:
    where = Span("✗ prod", Tone.DANGER)
    assert inbox.TABLE.cells(inbox.ListedRow(ROW, NOW, "prod", where=where))["context"] == where
    assert inbox.TABLE.cells(inbox.ListedRow(ROW, NOW, "prod"))["context"] == Span("prod")


def test_of_a_group_the_label_is_the_name() -> None:
    assert inbox.label(ROW) == "sales-orders (replicate-eu-1)"
    assert inbox.label(replace(ROW, label="5 tasks: source ORA/PROD", task_count=5)) == "5 tasks: source ORA/PROD"


@pytest.mark.parametrize(
    ("seconds", "shown", "ticks"),
    [
        (3600, "expires in 1h00m, then nothing is restarted", False),
        (61, "expires in 1m01s, then nothing is restarted", False),
        (60, "expires in 1m00s, then nothing is restarted", True),
        (0, "expired: nothing is restarted", True),
        (-2, "expired: nothing is restarted", False),
    ],
)
def test_the_deadline_to_the_second(seconds: int, shown: str, ticks: bool) -> None:
    deadline = NOW + timedelta(seconds=seconds)
    assert plain(inbox.deadline_line(deadline, NOW)) == shown
    assert inbox.counts_seconds(deadline, NOW) is ticks


@pytest.mark.parametrize(
    ("claim", "caller", "another"),
    [
        (None, samples.CALLER, ""),
        (Claim(samples.CALLER, NOW + MINUTE), samples.CALLER, ""),
        (Claim(samples.CALLER, NOW + MINUTE), "arn:aws:iam::1:user/bob", "anna"),
        (Claim(samples.CALLER, NOW), "arn:aws:iam::1:user/bob", ""),
    ],
)
def test_only_another_person_who_still_looks_at_it_is_named(claim: Claim | None, caller: str, another: str) -> None:
    assert inbox.claimed_by_another(replace(ROW, claim=claim), caller, NOW) == another


@pytest.mark.parametrize(
    ("freshness", "last_run", "context", "said"),
    [
        (DataAge(), "", "", "Connecting …"),
        (DataAge(NOW), "", "", "appears here.\n\nLooking up the last run …"),
        (
            DataAge(NOW),
            "No run yet.",
            "prod",
            "prod: Nothing waits for a decision. What a run proposes appears here.\n\nNo run yet.",
        ),
        (DataAge(NOW, Offline("no route")), "", "", "Offline: no route. It recovers by itself"),
        (DataAge(None, Offline("no route")), "", "", "Trying again by itself; r tries now."),
    ],
)
def test_an_empty_list_says_why(freshness: DataAge, last_run: str, context: str, said: str) -> None:
    assert said in inbox.why_empty(freshness, last_run, NOW, "r", context)
