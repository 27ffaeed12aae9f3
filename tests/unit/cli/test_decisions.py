"""approvals, approve, deny, claim: what is sent, what is said, and each exit code."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import time, timedelta
from typing import Any

import pytest

from qlikops.cli.deciding import of_approved
from qlikops.cli.exit_codes import ExitCode
from qlikops.domain.errors import (
    AccessDenied,
    AlreadyDecided,
    ApprovalChanged,
    ApprovalExpired,
    ApprovalGone,
    CredentialsProblem,
    DecisionUnknown,
    NotFound,
    Offline,
    QlikopsError,
    RecordTooNew,
    Throttled,
    UsageError,
)
from qlikops.domain.fleet.anomaly import AnomalyKind
from qlikops.domain.fleet.endpoint import EndpointKey, EndpointWait
from qlikops.domain.fleet.task import Action, TaskKey
from qlikops.domain.ports import Approve, Deny
from qlikops.domain.proposals.approval import Decision, Status
from qlikops.domain.proposals.evaluation import Verdict
from qlikops.domain.proposals.proposal import Option
from qlikops.presentation.deciding.denial import next_at
from tests.fakes import Clock, FakeEnvironment
from tests.unit.cli.conftest import Run, Terminal
from tests.unit.domain.samples import NOON, WAITING, waiting
from tests.unit.presentation import samples

ID = WAITING.approval_id


def test_the_inbox_names_every_id_and_digest(run: Run) -> None:
    result = run("approvals")
    assert result.exit_code == 0
    assert ID in result.stdout
    assert WAITING.digest[:12] in result.stdout
    assert "1 waits" in result.stderr


def test_the_inbox_as_json_is_a_list_of_rows(run: Run) -> None:
    (row,) = json.loads(run("approvals", "--json").stdout)
    assert json.loads(run("approvals", "--json", "--filter", f"id:{row['approval_id']} !claimed:").stdout) == [row]
    assert json.loads(run("approvals", "--json", "--filter", "!risk:", "--sort", "severity").stdout) == []
    assert (row["approval_id"], row["deadline"]) == (ID, "2026-03-07T16:00:00.000Z")


def test_an_empty_inbox_is_no_error(run: Run, environment: FakeEnvironment) -> None:
    environment.approvals.records.clear()
    result = run("approvals")
    assert (result.exit_code, result.stdout) == (0, "")
    assert json.loads(run("approvals", "--json").stdout) == []


def test_approving_sends_the_digest_that_was_read_and_shows_it(run: Run, environment: FakeEnvironment) -> None:
    result = run("approve", ID, "--reason", "source is back")
    (request,) = environment.approvals.requests
    assert (request.approved, request.digest, request.via) == (True, WAITING.digest, "cli")
    assert WAITING.digest in result.stderr
    assert request.decision_id in result.stderr
    assert request.decision_id in result.stdout
    assert "RESTARTED" in result.stdout
    assert result.exit_code == ExitCode.OK


def test_a_prefix_of_the_id_will_do(run: Run) -> None:
    assert json.loads(run("approve", ID[:5], "--json").stdout)["approval_id"] == ID


def test_the_receipt_as_json_holds_decision_and_outcome(run: Run) -> None:
    receipt = json.loads(run("approve", ID, "--json").stdout)
    assert receipt["decision"]["approved"] is True
    assert receipt["status"] == receipt["outcome"]["status"] == "restarted"


def test_not_waiting_returns_once_the_decision_is_recorded(run: Run) -> None:
    result = run("approve", ID, "--no-wait", "--json")
    assert (result.exit_code, json.loads(result.stdout)["status"]) == (ExitCode.OK, "restarting")


@pytest.mark.parametrize("status", [Status.FAILED, Status.UNVERIFIED, Status.SUPERSEDED, Status.ABANDONED])
def test_an_approval_that_restarts_nothing_has_its_own_exit_code(
    run: Run, environment: FakeEnvironment, status: Status
) -> None:
    environment.approvals.becomes = status
    assert run("approve", ID).exit_code == ExitCode.NOT_RESTARTED


def test_a_group_that_comes_up_in_part_has_its_own_exit_code(run: Run, environment: FakeEnvironment) -> None:
    environment.approvals.becomes = Status.PARTIAL
    assert run("approve", ID).exit_code == ExitCode.PARTIAL


def test_an_outcome_that_does_not_come_in_time_is_unknown(run: Run, environment: FakeEnvironment, clock: Clock) -> None:
    environment.approvals.becomes = Status.RESTARTING
    result = run("approve", ID, "--timeout", "90s")
    assert result.exit_code == ExitCode.UNKNOWN
    assert "Still running after 90s" in result.stderr
    assert f"`qlikops show {ID}`" in result.stderr
    assert clock.seconds == 90


def test_an_approval_that_waits_for_its_endpoint_says_until_when(run: Run, environment: FakeEnvironment) -> None:
    approvals, now = environment.approvals, environment.approvals.clock.now()
    wait = EndpointWait(EndpointKey("default", "eu", "ORA-PROD"), now, now + timedelta(hours=6))
    approvals.becomes = Status.RESTARTING
    approvals.records[ID] = replace(approvals.records[ID], waits=wait)
    result = run("approve", ID)
    assert result.exit_code == ExitCode.UNKNOWN
    assert f"It waits for its endpoint: {wait.words}" in result.stderr


def test_every_status_of_an_approval_has_a_code() -> None:
    codes = {status: of_approved(status) for status in Status}
    assert {status for status, code in codes.items() if code is ExitCode.OK} == {
        Status.RESTARTED,
        Status.ALREADY_RUNNING,
    }
    assert {status for status, code in codes.items() if code is ExitCode.UNKNOWN} == {
        status for status in Status if not status.is_final
    }
    assert {status for status, code in codes.items() if code is ExitCode.PARTIAL} == {Status.PARTIAL}
    assert of_approved(Status.read("postponed")) is ExitCode.UNKNOWN


ERRORS: list[tuple[QlikopsError, ExitCode]] = [
    (QlikopsError("broken"), ExitCode.FAILURE),
    (RecordTooNew("newer"), ExitCode.FAILURE),
    (UsageError("no"), ExitCode.USAGE),
    (NotFound("none"), ExitCode.NOT_FOUND),
    (ApprovalGone("000000000001"), ExitCode.NOT_FOUND),
    (AlreadyDecided("late", decision=None, status=Status.DENIED), ExitCode.ALREADY_DECIDED),
    (ApprovalExpired("late"), ExitCode.EXPIRED),
    (ApprovalChanged("changed"), ExitCode.CHANGED),
    (DecisionUnknown("sent"), ExitCode.UNKNOWN),
    (Offline("no net"), ExitCode.UNREACHABLE),
    (Throttled("slow"), ExitCode.UNREACHABLE),
    (CredentialsProblem("expired"), ExitCode.UNREACHABLE),
    (AccessDenied("no"), ExitCode.DENIED_ACCESS),
]


@pytest.mark.parametrize(("error", "code"), ERRORS, ids=lambda value: type(value).__name__)
def test_each_error_has_its_exit_code_and_is_said_on_stderr(
    run: Run, environment: FakeEnvironment, error: QlikopsError, code: ExitCode
) -> None:
    environment.approvals.fails = error
    result = run("approve", ID)
    assert result.exit_code == code
    assert error.message in result.stderr
    assert result.stdout == ""


def test_the_loser_is_told_who_was_first_and_when(run: Run, environment: FakeEnvironment) -> None:
    first = Decision(False, by="arn:aws:sts::1:assumed-role/OnCall/ben", at=NOON, reason="maintenance")
    environment.approvals.records[ID] = replace(WAITING, status=Status.DENIED, decision=first)
    result = run("approve", ID)
    assert result.exit_code == ExitCode.ALREADY_DECIDED
    assert "denied by ben at 12:00:00 UTC: maintenance" in result.stderr


def test_a_digest_pins_what_was_reviewed(run: Run, environment: FakeEnvironment) -> None:
    assert run("approve", ID, "--digest", "0" * 12).exit_code == ExitCode.CHANGED
    assert environment.approvals.requests == []
    assert run("approve", ID, "--digest", WAITING.digest[:12].upper()).exit_code == ExitCode.OK
    assert environment.approvals.requests[0].digest == WAITING.digest


def test_a_digest_too_short_to_mean_anything_is_refused(run: Run) -> None:
    assert run("approve", ID, "--digest", WAITING.digest[:4]).exit_code == ExitCode.USAGE


def test_on_a_terminal_it_asks_once_and_no_means_no(run: Run, environment: FakeEnvironment, terminal: Terminal) -> None:
    terminal.present = True
    assert run("approve", ID, input="n\n").exit_code == ExitCode.FAILURE
    assert environment.approvals.requests == []
    assert run("approve", ID, input="y\n").exit_code == ExitCode.OK


def test_yes_does_not_ask(run: Run, terminal: Terminal) -> None:
    terminal.present = True
    assert run("approve", ID, "--yes", input="").exit_code == ExitCode.OK


def test_second_thoughts_are_said_before_it_is_sent(run: Run, environment: FakeEnvironment) -> None:
    environment.approvals.records[ID] = replace(WAITING, evaluation=None)
    assert "Careful: there is no evaluation." in run("approve", ID).stderr


def test_the_message_and_every_caution_stand_there_uncut_before_it_is_sent(
    run: Run, environment: FakeEnvironment
) -> None:
    cautions = tuple(f"caution {number}: " + "look first " * 40 + f"end {number}" for number in range(4))
    message = "ORA-00001: " + "unique constraint " * 100 + "the end"
    record = samples.approval(
        samples.proposal(message=message, kind=AnomalyKind.FATAL_UNKNOWN),
        assessed=replace(samples.evaluation(Verdict.CAUTION), cautions=cautions, confidence=0.5),
    )
    environment.approvals.records[ID] = record
    said = run("approve", ID).stderr
    for text in (message, *cautions, "AI says caution", "no rule knows the message", "only 50% sure"):
        assert text in said


def test_denying_needs_a_reason(run: Run, environment: FakeEnvironment) -> None:
    assert run("deny", ID).exit_code == ExitCode.USAGE
    assert environment.approvals.requests == []


def test_approving_against_advice_needs_a_reason(run: Run, environment: FakeEnvironment, terminal: Terminal) -> None:
    environment.approvals.records[ID] = replace(WAITING, evaluation=samples.evaluation(Verdict.DENY))
    refused = run("approve", ID, "--yes")
    assert refused.exit_code == ExitCode.USAGE
    assert "Nothing was sent: the AI says deny, so approving" in refused.stderr
    assert environment.approvals.requests == []
    terminal.present = True
    asked = run("approve", ID, input="the DBA says so\ny\n")
    assert asked.exit_code == ExitCode.OK
    assert environment.approvals.requests[0].reason == "the DBA says so"
    assert "reason" in asked.stdout


def test_denying_sends_reason_and_snooze(run: Run, environment: FakeEnvironment) -> None:
    result = run("deny", ID, "--reason", "maintenance", "--snooze", "1h30m")
    (request,) = environment.approvals.requests
    assert request == Deny(WAITING.digest, "maintenance", timedelta(minutes=90), decision_id=request.decision_id)
    assert result.exit_code == ExitCode.OK
    assert "denied by anna" in result.stdout


def test_denying_until_a_time_keeps_quiet_up_to_it(run: Run, environment: FakeEnvironment) -> None:
    now = environment.approvals.clock.now()
    assert run("deny", ID, "--reason", "r", "--until", "08:00").exit_code == ExitCode.OK
    (request,) = environment.approvals.requests
    assert isinstance(request, Deny)
    assert request.snooze == next_at(time(8), now) - now


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("--until", "2020-01-01T08:00Z"), "--until: 2020-01-01T08:00Z is in the past"),
        (("--until", "31d"), "--until: a denial keeps quiet for 30 days at most"),
        (("--snooze", "31d"), "--snooze: a denial keeps quiet for 30 days at most"),
        (("--until", "eight"), "--until: 'eight' is no time"),
        (("--until", "eight"), "a time of day (22:00, by this computer's clock)"),
        (("--until", "1\u0663:00"), "is no time"),
        (("--until", "2h", "--snooze", "2h"), "Give one of them"),
    ],
)
def test_a_time_that_no_denial_can_keep_is_refused_and_nothing_sent(
    run: Run, environment: FakeEnvironment, args: tuple[str, ...], said: str
) -> None:
    result = run("deny", ID, "--reason", "r", *args)
    assert result.exit_code == ExitCode.USAGE
    assert said in " ".join(result.stderr.split())
    assert environment.approvals.requests == []


def test_deny_asks_for_the_reason_at_a_terminal(run: Run, environment: FakeEnvironment, terminal: Terminal) -> None:
    terminal.present = True
    result = run("deny", ID, input="maintenance\ny\n")
    assert result.exit_code == ExitCode.OK
    assert WAITING.proposal.label in result.stderr
    assert environment.approvals.requests[0].reason == "maintenance"


class TestSeveral:
    """Several proposals at once."""

    IDS = tuple(f"{number:012x}" for number in range(3))

    @pytest.fixture(autouse=True)
    def three(self, environment: FakeEnvironment) -> None:
        environment.approvals.records = {name: waiting(name) for name in self.IDS}

    def test_are_denied_with_one_reason_after_one_question(
        self, run: Run, environment: FakeEnvironment, terminal: Terminal
    ) -> None:
        terminal.present = True
        result = run("deny", *self.IDS, self.IDS[0], input="maintenance\ny\n")
        assert result.exit_code == ExitCode.OK
        assert "Send these 3?" in result.stderr
        assert [request.reason for request in environment.approvals.requests] == ["maintenance"] * 3
        assert len({request.decision_id for request in environment.approvals.requests}) == 3
        # Once in its receipt, and once in how to take it back.
        assert all(result.stdout.count(name) == 2 for name in self.IDS)

    def test_one_that_was_decided_keeps_none_of_the_others(self, run: Run) -> None:
        run("deny", self.IDS[1], "--reason", "first")
        result = run("deny", *self.IDS, "--reason", "r", "--json")
        assert result.exit_code == ExitCode.ALREADY_DECIDED
        assert [receipt["approval_id"] for receipt in json.loads(result.stdout)] == [self.IDS[0], self.IDS[2]]
        assert f"{self.IDS[1]}: Already decided: denied by anna" in result.stderr

    def test_what_was_not_sent_is_named_when_nothing_more_can_be_sent(
        self, run: Run, environment: FakeEnvironment
    ) -> None:
        environment.approvals.fails = Offline("no net")
        result = run("deny", *self.IDS, "--reason", "r")
        assert result.exit_code == ExitCode.UNREACHABLE
        assert len(environment.approvals.requests) == 1
        assert f"Not sent: {self.IDS[1]} {self.IDS[2]}." in result.stderr

    def test_are_approved_only_with_one_cause(self, run: Run, environment: FakeEnvironment) -> None:
        result = run("approve", *self.IDS)
        assert result.exit_code == ExitCode.USAGE
        assert "Nothing was sent. Not together" in result.stderr
        for name, record in environment.approvals.records.items():
            proposal = replace(record.proposal, cause="source ORA-PROD on eu-1")
            environment.approvals.records[name] = replace(record, proposal=proposal)
        assert run("approve", *self.IDS, "--option", "resume").exit_code == ExitCode.USAGE
        assert environment.approvals.requests == []
        result = run("approve", *self.IDS, "--json")
        assert result.exit_code == ExitCode.OK
        assert [receipt["status"] for receipt in json.loads(result.stdout)] == ["restarted"] * 3


@pytest.mark.parametrize(
    "args",
    [
        ("deny", ID, "--reason", "r", "--snooze", "soon"),
        ("approve", ID, "--timeout", "x"),
        ("claim", ID, "--for", "0s"),
    ],
)
def test_a_duration_that_is_none_is_a_usage_error(run: Run, args: tuple[str, ...]) -> None:
    result = run(*args)
    assert result.exit_code == ExitCode.USAGE
    assert args[-2] in result.stderr


def test_an_unknown_id_is_not_found(run: Run) -> None:
    assert run("approve", "ffffffffffff").exit_code == ExitCode.NOT_FOUND


def test_a_claim_says_until_when(run: Run) -> None:
    assert json.loads(run("claim", ID, "--for", "5m", "--json").stdout)["until"] == "2026-03-07T12:05:00.000Z"
    assert "12:15:00 UTC" in run("claim", ID).stdout
    several = run("claim", ID, ID[:4], "--json").stdout
    assert [each["until"] for each in json.loads(several)] == ["2026-03-07T12:15:00.000Z"] * 2
    assert run("claim", ID, ID[:4]).stdout.splitlines()[1].startswith(f"{ID[:4]}: Claimed until 12:15:00 UTC")


def test_of_several_claims_one_that_cannot_be_made_keeps_none_of_the_others(run: Run) -> None:
    result = run("claim", "ffffffffffff", ID, "--json")
    assert result.exit_code == ExitCode.NOT_FOUND
    assert [each["until"] for each in json.loads(result.stdout)] == ["2026-03-07T12:15:00.000Z"]
    assert "ffffffffffff: " in result.stderr


def test_text_from_outside_is_shown_as_it_is_and_harmless(run: Run, environment: FakeEnvironment) -> None:
    evil = waiting("abcdefabcdef")
    proposal = replace(evil.proposal, title="[bold]x[/bold]\x1b[2J\u202e")
    environment.approvals.records = {"abcdefabcdef": replace(evil, proposal=proposal)}
    shown = run("show", "abcdefabcdef").stdout
    assert "[bold]x[/bold]" in shown
    assert "\x1b" not in shown
    assert "\u202e" not in shown


@pytest.mark.parametrize("command", ["approve", "deny"])
def test_the_help_of_deciding_commands_lists_the_exit_codes(run: Run, command: str) -> None:
    shown = " ".join(run(command, "--help").stdout.split())
    assert all(f"{int(code)} " in shown for code in ExitCode if code not in (ExitCode.INTERRUPTED, ExitCode.WARNINGS))


def test_ctrl_c_has_its_own_code(run: Run, environment: FakeEnvironment, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(environment.approvals, "inbox", interrupted)
    assert run("approvals").exit_code == ExitCode.INTERRUPTED


@pytest.fixture(params=[signal.SIGTERM, signal.SIGHUP, signal.SIGINT], ids=lambda number: number.name)
def told_to_end(request: pytest.FixtureRequest) -> Iterator[Callable[..., Any]]:
    """Sends the signal to this process, and goes on where nobody listens to it."""
    number: signal.Signals = request.param
    before = signal.getsignal(number)
    if number != signal.SIGINT:
        signal.signal(number, lambda *_: None)

    def told(*_args: object) -> Any:
        os.kill(os.getpid(), number)
        for _ in range(1000):  # the handler is run between two steps of Python
            pass
        raise AssertionError("nobody listened")

    yield told
    signal.signal(number, before)


@pytest.mark.parametrize("args", [("approve", ID), ("deny", ID, "--reason", "r")], ids=["approve", "deny"])
def test_what_is_ended_while_it_sends_is_not_known(
    run: Run,
    environment: FakeEnvironment,
    monkeypatch: pytest.MonkeyPatch,
    told_to_end: Callable[..., Any],
    args: tuple[str, ...],
) -> None:
    monkeypatch.setattr(environment.approvals, "decide", told_to_end)
    result = run(*args)
    assert result.exit_code == ExitCode.UNKNOWN
    assert "may have been sent, and whether it counts is not known: it was interrupted." in result.stderr


def test_what_is_ended_while_it_waits_for_the_outcome_goes_on(
    run: Run, environment: FakeEnvironment, monkeypatch: pytest.MonkeyPatch, told_to_end: Callable[..., Any]
) -> None:
    environment.approvals.becomes = Status.RESTARTING
    monkeypatch.setattr(environment.approvals, "outcome", told_to_end)
    result = run("approve", ID)
    assert result.exit_code == of_approved(Status.RESTARTING)
    assert "Interrupted; it goes on. Do not repeat it" in result.stderr


GROUP = replace(
    WAITING.proposal,
    options=(
        Option("resume", Action.RESUME, "restore the log, then resume", ("Restore the log.", "Ask the DBA.")),
        Option("reload", Action.RELOAD, "reload the target from the source", ("Tell the readers.",), "what it has"),
    ),
    targets=tuple(
        replace(WAITING.proposal.targets[0], key=TaskKey("default", "eu-1", name))
        for name in ("sales-orders", "sales-invoices", "stock")
    ),
    cause="source ORA-PROD on eu-1",
)


class TestChoosing:
    """approve --option, --only and --checked."""

    @pytest.fixture(autouse=True)
    def a_group(self, environment: FakeEnvironment) -> None:
        environment.approvals.records[ID] = replace(WAITING, proposal=GROUP)

    def approved(self, environment: FakeEnvironment) -> Approve:
        (request,) = environment.approvals.requests
        assert isinstance(request, Approve)
        return request

    def test_a_plain_approval_names_nothing_and_says_what_is_open(self, run: Run, environment: FakeEnvironment) -> None:
        result = run("approve", ID)
        request = self.approved(environment)
        assert (request.option, request.tasks, request.checked) == ("", (), ())
        assert "Careful: not ticked: Restore the log." in result.stderr
        assert "restore the log, then resume" in result.stderr
        assert "SendTaskSuccess, then RESUME_PROCESSING" in result.stderr
        assert "none of 2 checks ticked" in result.stdout

    def test_option_tasks_and_checks_are_sent_shown_and_on_the_receipt(
        self, run: Run, environment: FakeEnvironment
    ) -> None:
        result = run(
            "approve", ID, "--option", "reload", "--only", "stock", "--only", "invoices", "--checked", "--reason", "r"
        )
        request = self.approved(environment)
        assert (request.option, request.tasks) == ("reload", ("eu-1/stock", "eu-1/sales-invoices"))
        assert request.checked == ("Tell the readers.",)
        for said in (result.stderr, result.stdout):
            assert "option reload" in said
            assert "left out: eu-1/sales-orders" in said
            assert "1 of 1 check ticked" in said
        assert "a reload replaces what the target has" in result.stderr
        assert "2 tasks, 10 tables" in result.stderr
        assert "[x] Tell the readers." in result.stdout

    def test_all_tasks_by_name_are_the_whole_group(self, run: Run, environment: FakeEnvironment) -> None:
        run("approve", ID, *(argument for name in ("orders", "invoices", "stock") for argument in ("--only", name)))
        assert self.approved(environment).tasks == ()

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (("--option", "rewind"), "it does not offer “rewind”, but resume or reload"),
            (("--only", "payments"), "--only payments is none of its tasks: eu-1/sales-orders, eu-1/sales-invoices"),
            (("--only", "sales"), "--only sales fits several of its tasks: eu-1/sales-orders, eu-1/sales-invoices."),
        ],
    )
    def test_what_is_not_offered_is_not_sent(
        self, run: Run, environment: FakeEnvironment, arguments: tuple[str, ...], said: str
    ) -> None:
        result = run("approve", ID, *arguments)
        assert result.exit_code == ExitCode.USAGE
        assert "Nothing was sent" in result.stderr
        assert said in result.stderr
        assert environment.approvals.requests == []

    def test_the_record_and_the_inbox_list_the_options(self, run: Run) -> None:
        shown = run("show", ID).stdout
        for said in (
            "resume",
            "first: Restore the log.",
            "reload the target from the source (RELOAD_TARGET); loses what it has",
        ):
            assert said in shown
        assert [each["name"] for each in json.loads(run("show", ID, "--json").stdout)["proposal"]["options"]] == [
            "resume",
            "reload",
        ]
        (row,) = json.loads(run("approvals", "--json").stdout)
        assert row["options"] == ["resume", "reload"]
