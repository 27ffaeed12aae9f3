"""Looks a deployment over, changing nothing: what is well, what is not, and what to do about it.

Whether Qlik and a model can be reached matters where the functions run: the last run's evidence says it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from qlikops import __version__
from qlikops.aws.clock import HOW_TO_SET, SKEW_LIMIT, SKEW_WARNING, skew_in_words
from qlikops.aws.errors import aws_errors
from qlikops.aws.fleet import BucketFleet
from qlikops.aws.session import AwsConnection
from qlikops.dataclass import dataclass
from qlikops.deployment.login import Logins, no_keyring_hint
from qlikops.deployment.schedule import Scheduler
from qlikops.deployment.secret import QlikSecret
from qlikops.deployment.stack import Stack, StackOutputs
from qlikops.domain.errors import (
    AccessDenied,
    ClockProblem,
    CredentialsProblem,
    NotFound,
    QlikopsError,
    TlsProblem,
)
from qlikops.domain.fleet.anomaly import AnomalyKind
from qlikops.domain.fleet.endpoint import ProbeAnswer
from qlikops.domain.fleet.task import ServerState
from qlikops.domain.proposals.evaluation import Verdict
from qlikops.domain.runs.occurrence import period
from qlikops.domain.versions import difference
from qlikops.domain.words.duration import format_duration, to_minute
from qlikops.domain.workflow.execution import ExecutionStatus
from qlikops.qlik.config import parse_instances
from qlikops.qlik.errors import QemMisconfigured

if TYPE_CHECKING:
    from types_boto3_stepfunctions.type_defs import ExecutionListItemTypeDef

T = TypeVar("T")

LOOK = ("states:ListExecutions", "states:DescribeStateMachine")
FEW_FUNCTIONS = 40
"""Functions that a run may want at once: one for each of its proposals."""
ANSWER = ("states:StartExecution",)
"""Stands for the operator's rights. Of SendTask* the simulator knows no resources, so it would deny a policy that names
the state machine, which Step Functions takes."""

_LIFT_THE_END = (
    "Somebody gave it an end (qlikops sets none): `qlikops schedule --remove`, then `--rate`, sets it without one."
)

_FETCH_AGAIN = "Look at the connection of Enterprise Manager to that server, and at its own service."
_GIVE_ACCOUNTS = "`qlikops login`, then `qlikops deploy --rotate-secret --qlik-login`."


class Health(StrEnum):
    """How a check came out, best first."""

    OK = "ok"
    SKIPPED = "skipped"
    """It could not be told, and that says nothing bad."""
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Examined:
    """What one check found."""

    check: str
    health: Health
    text: str
    hint: str = ""
    """What to do about it."""


Result = tuple[Health, str] | tuple[Health, str, str]
"""What a check comes to: health, text and hint of what it found."""
AWS = "AWS"
"""What every check needs that signs a request: credentials, a clock that is right, a certificate that is trusted."""


@dataclass(frozen=True, slots=True)
class _Check:
    """One look at one thing."""

    name: str
    make: Callable[[], Result]
    needs: tuple[str, ...] = (AWS, "stack")
    """Checks without which it could only repeat their error."""


@dataclass
class Doctor:
    """The checks of one context: one that cannot be made keeps no other but those that need what it looked for."""

    aws: AwsConnection
    make_stack: Callable[[], Stack]
    make_scheduler: Callable[[], Scheduler]
    """Makes the scheduler's client, called by the first check that needs it: a client takes credentials, and to have
    none is a finding.
    """
    logins: Logins
    now: Callable[[], datetime]

    def examine(self) -> Iterator[Examined]:
        """Every finding, in the order in which they build on each other."""
        checks = (
            _Check("identity", lambda: (Health.OK, self.aws.caller()), ()),
            _Check("clock", self._clock, ()),
            _Check("stack", self._stack_and_version, (AWS,)),
            _Check("concurrency", self._concurrency, (AWS,)),
            _Check("permissions", self._permissions, (AWS, "identity", "stack")),
            _Check("table", self._table),
            _Check("schedule", self._schedule),
            _Check("secret", self._secret),
            _Check("last run", self._last_run),
            _Check("qlik", self._qlik),
            _Check("servers", self._servers, (AWS, "stack", "qlik")),
            _Check("endpoints", self._endpoints, (AWS, "stack", "qlik")),
            _Check("model", self._model),
            _Check("keyring", self._keyring, ()),
        )
        lacking: set[str] = set()
        for check in checks:
            if lack := next((need for need in check.needs if need in lacking), ""):
                yield Examined(check.name, Health.SKIPPED, f"not checked: needs {lack}")
                continue
            try:
                yield Examined(check.name, *check.make())
            except QlikopsError as exc:
                lacking.add(check.name)
                if isinstance(exc, CredentialsProblem | ClockProblem | TlsProblem):
                    lacking.add(AWS)
                yield _not_made(check, exc)

    def _clock(self) -> Result:
        theirs = self.aws.aws_time()
        if theirs is None:
            return Health.SKIPPED, "the reply had no date"
        skew = self.now() - theirs
        if abs(skew) < SKEW_WARNING:
            return Health.OK, f"{format_duration(abs(skew))} off"
        health = Health.FAILED if abs(skew) >= SKEW_LIMIT else Health.WARNING
        return health, f"{skew_in_words(skew)} AWS's; 5 minutes off, AWS refuses", HOW_TO_SET

    def _stack_and_version(self) -> Result:
        outputs = self._deployed
        if found := difference(outputs.version, __version__):
            return Health.WARNING, f"{self._stack.name}: {found.what}", found.remedy
        return Health.OK, f"{self._stack.name}, qlikops {__version__} on both sides"

    def _concurrency(self) -> Result:
        with aws_errors("read how many functions the account may run at once"):
            limits = self.aws.client("lambda").get_account_settings()["AccountLimit"]
        free, total = limits["UnreservedConcurrentExecutions"], limits["ConcurrentExecutions"]
        text = f"{free} of the account's {total} functions at once are free to use"
        if free >= FEW_FUNCTIONS:
            return Health.OK, text
        return (
            Health.WARNING,
            f"{text}; a run with {FEW_FUNCTIONS} proposals wants as many",
            "Ask AWS for more: Service Quotas, AWS Lambda, Concurrent executions (L-B99A9384). Meanwhile runs wait for "
            "each other, and no approval is lost.",
        )

    def _permissions(self) -> Result:
        machine = self._deployed.state_machine_arn
        if self.aws.caller().endswith(":root"):
            return Health.SKIPPED, "the account's root user may do everything", "Work as a role."
        with aws_errors("simulate this identity's permissions"):
            iam = self.aws.client("iam")
            results = iam.simulate_principal_policy(
                PolicySourceArn=self._principal(iam), ActionNames=[*LOOK, *ANSWER], ResourceArns=[machine]
            )["EvaluationResults"]
        denied = {each["EvalActionName"] for each in results if each["EvalDecision"] != "allowed"}
        if denied & set(LOOK):
            return Health.FAILED, f"may not {', '.join(sorted(denied))}", "Attach the stack's ReadOnlyPolicy."
        if denied:
            return (
                Health.WARNING,
                f"may look, but not {', '.join(sorted(denied))}",
                "To answer approvals and start runs, attach the stack's OperatorPolicy too.",
            )
        return Health.OK, "may look and start runs, as far as the identity's own policies say"

    def _table(self) -> Result:
        name = self._deployed.table
        with aws_errors(f"describe the table {name}"):
            table = self.aws.dynamodb.describe_table(TableName=name)["Table"]
            backups = self.aws.dynamodb.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
        if table["TableStatus"] not in {"ACTIVE", "UPDATING"}:
            return Health.FAILED, f"{name} is {table['TableStatus']}", "Wait, or restore it."
        missing = []
        if backups.get("PointInTimeRecoveryDescription", {}).get("PointInTimeRecoveryStatus") != "ENABLED":
            missing.append("point-in-time recovery")
        if not table.get("DeletionProtectionEnabled"):
            missing.append("deletion protection")
        if missing:
            return Health.WARNING, f"{name} is without {' and '.join(missing)}", "`qlikops deploy`."
        return Health.OK, f"{name}, protected and backed up"

    def _schedule(self) -> Result:
        outputs = self._deployed
        with aws_errors("read the schedule"):
            schedule = self.make_scheduler().show()
        if schedule.target_arn != outputs.state_machine_arn:
            return Health.FAILED, f"starts {schedule.target_arn}", "`qlikops schedule --rate 5m`."
        if schedule.has_ended and schedule.ends_at:
            return Health.FAILED, f"ended {to_minute(schedule.ends_at)}", _LIFT_THE_END
        if not schedule.runs:
            until = f" until {to_minute(schedule.paused_until)}" if schedule.paused_until else ""
            return Health.WARNING, f"paused{until}", "`qlikops schedule --resume` goes on."
        if schedule.ends_at is not None:
            return Health.WARNING, f"ends {to_minute(schedule.ends_at)}", _LIFT_THE_END
        every = period(schedule.expression)
        if every and every.total_seconds() != outputs.run_every_seconds:
            return (
                Health.WARNING,
                f"{schedule.expression}, but the alarm expects one every {format_duration(outputs.run_every_seconds)}",
                f"`qlikops deploy --run-every {int(every.total_seconds() // 60)}m`.",
            )
        return Health.OK, f"{schedule.expression}, {schedule.timezone}"

    def _secret(self) -> Result:
        arn = self._deployed.qlik_secret_arn
        client = self.aws.client("secretsmanager")
        with aws_errors("describe the secret"):
            secret = client.describe_secret(SecretId=arn)
        if secret.get("DeletedDate"):
            return Health.FAILED, "is about to be deleted", f"aws secretsmanager restore-secret --secret-id {arn}"
        changed = secret.get("LastChangedDate")
        when = f", changed {changed.astimezone(UTC):%Y-%m-%d}" if changed else ""
        try:
            accounts = QlikSecret(client, arn)
            if not accounts.has_accounts():
                return Health.WARNING, f"{secret['Name']} has no Qlik accounts yet", _GIVE_ACCOUNTS
            instances = parse_instances(accounts.text())
        except AccessDenied:
            # Who looks need not be able to read passwords.
            return Health.OK, f"{secret['Name']}{when}"
        except QemMisconfigured as exc:
            return Health.FAILED, f"{secret['Name']}: {exc}", _GIVE_ACCOUNTS
        return Health.OK, f"{secret['Name']}{when}, for {', '.join(each.name for each in instances)}"

    def _last_run(self) -> Result:
        outputs = self._deployed
        with aws_errors("list the executions"):
            newest = self.aws.stepfunctions.list_executions(stateMachineArn=outputs.state_machine_arn, maxResults=100)[
                "executions"
            ]
        return judge_runs(newest, self.now(), timedelta(seconds=outputs.run_every_seconds))

    def _qlik(self) -> Result:
        report, snapshot = _if_there(self._fleet.report), _if_there(self._fleet.snapshot)
        if report and report.error and (snapshot is None or report.started_at > snapshot.taken_at):
            return (
                Health.FAILED,
                f"the last run could not read it: {report.error}",
                "The log group of QlikMonitor-MonitorTasks says more.",
            )
        if snapshot is None:
            return Health.SKIPPED, "no run has looked at the fleet yet", "`qlikops run --wait` makes one now."
        down = [
            server.name for server in snapshot.servers if server.state is not ServerState.MONITORED or server.error_code
        ]
        age = format_duration(self.now() - snapshot.taken_at)
        text = f"{len(snapshot.servers)} servers and {len(snapshot.tasks)} tasks read {age} ago"
        if snapshot.state_age is not None:
            text += f", Enterprise Manager's state up to {format_duration(snapshot.state_age)} older"
        old = [found.key.server for found in snapshot.server_anomalies if found.kind is AnomalyKind.SERVER_STATE_OLD]
        if down or not snapshot.servers:
            return Health.WARNING, f"{text}; without {', '.join(down) or 'any server'}", "`qlikops tasks` shows them."
        if old:
            return Health.WARNING, f"{text}; too old on {', '.join(old)}: nothing is proposed there", _FETCH_AGAIN
        return Health.OK, text

    def _servers(self) -> Result:
        if not self._settings.get("server_details_every", 12):
            return Health.OK, "licence, disk and memory are not read: server_details_every is 0"
        snapshot = _if_there(self._fleet.snapshot)
        healths = {server.name: server.health for server in (snapshot.servers if snapshot else ()) if server.health}
        if not healths:
            return Health.SKIPPED, "no run has read licence, disk and memory of a server yet"
        if refused := [name for name, health in healths.items() if health.refused]:
            return (
                Health.WARNING,
                f"the Qlik account may not read licence, disk and memory of {', '.join(refused)}",
                "Give the account that monitors a role that may view servers, in Enterprise Manager's user "
                "permissions; or set server_details_every = 0 below [agent]. Everything else works all the same.",
            )
        ends = [(each.license_days_left, name) for name, each in healths.items() if each.license_days_left is not None]
        first = "; the first licence ends in {} days, on {}".format(*min(ends)) if ends else ""
        return Health.OK, f"licence, disk and memory of {len(healths)} are known{first}"

    def _endpoints(self) -> Result:
        if not self._settings.get("probe_endpoints", True):
            return Health.OK, "are not tested: probe_endpoints is false"
        snapshot = _if_there(self._fleet.snapshot)
        probes = sorted(snapshot.probes if snapshot else (), key=lambda probe: probe.at)
        if not probes:
            return Health.SKIPPED, "none has been tested within a day: no task failed that its endpoint may be behind"
        newest = {probe.endpoint.instance: probe for probe in probes}
        refused = [name for name, probe in newest.items() if probe.answer is ProbeAnswer.NOT_PERMITTED]
        if refused:
            return (
                Health.WARNING,
                f"the Qlik account of {', '.join(sorted(refused))} may not test endpoints",
                "Give the account that runs tasks a role that may, in Enterprise Manager's user permissions; or set "
                "probe_endpoints = false below [agent] in the deploy file. Restarts work all the same.",
            )
        unproven = [probe for probe in newest.values() if not probe.answer.is_of_endpoint]
        last = unproven[-1] if unproven else probes[-1]
        words = f"{last.words}, tested {format_duration(self.now() - last.at)} ago"
        if not unproven:
            return Health.OK, f"the Qlik account may test them; {words}"
        # Of an endpoint that is gone or was left out nothing is wrong; nobody knows what the account may, all the same.
        is_harmless = last.answer in {ProbeAnswer.SKIPPED, ProbeAnswer.NOT_FOUND}
        return Health.SKIPPED if is_harmless else Health.WARNING, f"whether the Qlik account may is not known; {words}"

    def _model(self) -> Result:
        evaluator = self._settings.get("evaluator", "rules")
        if evaluator == "rules":
            return Health.OK, "none is used: rules evaluate"
        try:
            report = self._fleet.report()
        except NotFound as exc:
            return Health.SKIPPED, exc.message, exc.hint
        evaluations = [each.evaluation for each in report.proposals if each.evaluation]
        reasons = [each.unavailable_because for each in evaluations if each.verdict is Verdict.UNAVAILABLE]
        if reasons:
            return (
                Health.WARNING,
                f"{evaluator} did not answer: {reasons[0]}",
                "People decide meanwhile; check model access.",
            )
        if not evaluations:
            return Health.SKIPPED, f"{evaluator} had nothing to evaluate in the last run"
        text = f"{evaluator} evaluated {len(evaluations)} proposals in the last run"
        wanted = self._settings.get(evaluator, {}).get("structured", "strict_tool")
        if wanted == "strict_tool" and any(each.evaluator_version.split()[1:2] == ["tool"] for each in evaluations):
            return (
                Health.WARNING,
                f"{text}, with `tool` instead of `strict_tool`: Lambda's own botocore is older than 1.42.20",
                "Every answer is checked all the same. A newer Lambda runtime brings strict tools; `structured: tool` "
                "in the settings says that this is meant.",
            )
        return Health.OK, text

    def _keyring(self) -> Result:
        known = ", ".join(each["name"] for each in self.logins.instances()) or "nothing kept"
        if self.logins.has_keyring:
            return Health.OK, known
        return Health.SKIPPED, f"this machine has none ({known})", no_keyring_hint()

    @cached_property
    def _stack(self) -> Stack:
        return self.make_stack()

    @cached_property
    def _deployed(self) -> StackOutputs:
        with aws_errors(f"describe the stack {self._stack.name}"):
            return self._stack.outputs()

    @cached_property
    def _settings(self) -> dict[str, Any]:
        with aws_errors("read the stack's settings"):
            return self._stack.agent_settings()

    @cached_property
    def _fleet(self) -> BucketFleet:
        return BucketFleet(self.aws)

    def _principal(self, iam: Any) -> str:
        """What IAM can simulate: a user, or the role behind a session."""
        arn = self.aws.caller()
        kind, _, name = arn.rpartition(":")[2].partition("/")
        if kind != "assumed-role":
            return arn
        role: str = iam.get_role(RoleName=name.partition("/")[0])["Role"]["Arn"]
        return role


def judge_runs(listed: Sequence[ExecutionListItemTypeDef], now: datetime, every: timedelta) -> Result:
    """How runs go, by the last hundred of ListExecutions, where what has ended is listed by when it did."""
    newest = sorted(listed, key=lambda each: each["startDate"], reverse=True)
    ended = [each for each in newest if each["status"] != ExecutionStatus.RUNNING]
    well = [each for each in ended if each["status"] == ExecutionStatus.SUCCEEDED]
    if not newest:
        return Health.WARNING, "none yet", "`qlikops run --wait`, or set a schedule."
    age = now - newest[0]["startDate"].astimezone(UTC)
    text = f"{newest[0]['name']} {newest[0]['status']}, started {format_duration(age)} ago"
    if ended and not well:
        return Health.FAILED, f"none succeeded; {text}", f"`qlikops show {ended[0]['name']}`."
    if ended and ended[0]["status"] != ExecutionStatus.SUCCEEDED:
        return Health.WARNING, f"{ended[0]['name']} {ended[0]['status']}", f"`qlikops show {ended[0]['name']}`."
    if age > 3 * every:
        return Health.FAILED, text, "Nothing runs: look at the schedule above."
    return Health.OK, text


def _not_made(check: _Check, error: QlikopsError) -> Examined:
    # What everything else hangs on must not pass for well because nobody looked.
    if isinstance(error, AccessDenied) and check.name != "stack":
        return Examined(check.name, Health.SKIPPED, error.message, "This identity may not look; somebody who may can.")
    return Examined(check.name, Health.FAILED, error.message, error.hint)


def _if_there(read: Callable[[], T]) -> T | None:
    try:
        return read()
    except NotFound:
        return None
