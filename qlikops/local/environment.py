"""Brings the local environment up and down: embedded AWS, simulated fleet, stack, schedule, first run.

It is deployed by the same code and from the same template as on AWS. Every `up` starts from nothing: waiting
executions could not survive a restart of the embedded AWS, so nothing is kept from the last time.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import qlikops
from qlikops.agent.remember.store import Store
from qlikops.aws.schedule import DEFAULT_SCHEDULE
from qlikops.dataclass import dataclass
from qlikops.deployment.artifact_bucket import ArtifactStore
from qlikops.deployment.deployer import DEFAULT_STACK, Deployer, Release, build_release
from qlikops.deployment.evaluator import agent_parameters
from qlikops.deployment.schedule import Scheduler, rate_expression
from qlikops.deployment.secret import QlikSecret, rotation
from qlikops.deployment.stack import Stack, StackOutputs
from qlikops.domain.runs.occurrence import LONGEST_PERIOD, period
from qlikops.local import services
from qlikops.local.lived import lived_before
from qlikops.local.model_probe import LocalModel, find_model
from qlikops.local.processes import running, stop
from qlikops.local.state import LocalState, LocalStatus, SimulatedQlik

if TYPE_CHECKING:
    from psutil import Process

OnProgress = Callable[[str], None]

AGENT_SETTINGS: dict[str, object] = {
    "evaluator": "rules",
    "verify_timeout_seconds": 60,
    "status_lag_seconds": 10,
    "thresholds": {"confirm_polls": 1},
    "log_retention": {
        "endpoints": {
            "MYSQL-STORES": "8h",
            "MYSQL-WEB": "6h",
            "ORA-ERP-PROD": "24h",
            "ORA-SALES-PROD": "3h",
            "SQL-CRM-PROD": "24h",
        }
    },
}
"""What differs from the agent's defaults: the simulated fleet is quick, and nobody wants to wait for a second poll.

It is set how long some of the demo's sources keep their log, and not set for ORA-STOCK-PROD, so that one sees both.
That of ORA-SALES-PROD ends first: the demo opens on a proposal that is right to approve.
"""


_WHEN_BUSY = {"IntervalSeconds": 3, "MaxAttempts": 200, "BackoffRate": 1.0}
"""Ten minutes; no backoff, since who waits knows that the function will be free within one evaluation."""
EVALUATING_FUNCTION = "QlikMonitor-EvaluateProposal"
"""Name of a function in deploy/template.yaml."""


@dataclass(frozen=True, slots=True)
class LocalOptions:
    """What can be chosen when the environment is started."""

    scenario: str = "demo"
    """One of the simulator's."""
    seed: int = 1
    approval_timeout_seconds: int = 3600
    rate: str = "1m"
    """How often the monitoring runs."""
    model_url: str = ""
    """The address of an OpenAI-style server whose model evaluates; empty for the rules."""
    model: str = ""
    """The model's name there; empty for the only one."""


class LocalEnvironment:
    """The one local environment of a data folder."""

    def __init__(self, state: LocalState) -> None:
        self._state = state

    def up(
        self, options: LocalOptions | None = None, progress: OnProgress = lambda _: None
    ) -> tuple[LocalStatus, bool]:
        """The running environment, and whether this call started it; what runs and answers is left as it is.

        What an interrupted or crashed `up` left is ended first; an exception (or Ctrl-C) in here leaves nothing.
        Raises LocalStartFailed, UsageError, DeploymentError, and Unreachable for a model that doesn't answer.
        """
        options = options or LocalOptions()
        rate = rate_expression(options.rate)
        services.require_embedded_aws()
        with self._state.locked(lambda: progress("Waiting for another `qlikops local` to finish …")):
            if (status := self.status()) is not None:
                return status, False
            self._end()
            try:
                return self._start(options, rate, progress), True
            except BaseException:
                self._end(keep_logs=True)
                raise

    def down(self, progress: OnProgress = lambda _: None) -> bool:
        """Ends everything and says whether there was anything to end."""
        with self._state.locked(lambda: progress("Waiting for another `qlikops local` to finish …")):
            return self._end()

    def status(self) -> LocalStatus | None:
        """The environment if all of it runs and answers, else None."""
        status = self._state.read_status()
        if status is None:
            return None
        pids = {process.pid for process in self.parts()}
        if not pids.issuperset(status.pids.values()):
            return None
        return status if services.is_aws_up(status.endpoint_url) and services.is_qlik_up(status.qlik) else None

    def parts(self) -> list[Process]:
        """What runs of it, complete or not: an `up` may be at work, or may have been killed."""
        return running(self._state.folder)

    def _end(self, *, keep_logs: bool = False) -> bool:
        ended = stop(self._state.folder)
        self._state.clear(keep_logs=keep_logs)
        return ended

    def _start(self, options: LocalOptions, rate: str, progress: OnProgress) -> LocalStatus:
        model = None
        if options.model_url:
            progress("Asking the model a question as long as a run's; the first time can take minutes …")
            model = find_model(options.model_url, options.model)
            said = (
                f"but not with an evaluation ({model.doubt}); you decide then" if model.doubt else "with an evaluation"
            )
            progress(f"The model {model} answers in {model.seconds:.1f} s, {said}.")
        progress("Starting the simulated Qlik fleet …")
        qlik, qlik_pid = services.start_qlik(self._state, scenario=options.scenario, seed=options.seed)
        progress("Starting the embedded AWS …")
        endpoint, aws_pid = services.start_aws(self._state)
        progress("Deploying the stack …")
        outputs = _deploy(endpoint, qlik, model, options, progress)
        if model:
            # Several at once would make each slower than it may be. The workflow tries again what has to wait.
            services.client("lambda", endpoint).put_function_concurrency(
                FunctionName=EVALUATING_FUNCTION, ReservedConcurrentExecutions=1
            )
        if (history := lived_before(options.scenario, options.seed, datetime.now(UTC))) is not None:
            Store(services.client("s3", endpoint), outputs.data_bucket).save_snapshot(history)
        progress(f"Scheduling a run at {rate} and starting the first one …")
        Scheduler(services.client("scheduler", endpoint)).set(
            rate,
            target_arn=outputs.state_machine_arn,
            role_arn=outputs.schedule_role_arn,
            dead_letter_arn=outputs.dead_letter_queue_arn,
        )
        services.client("stepfunctions", endpoint).start_execution(
            stateMachineArn=outputs.state_machine_arn, input="{}"
        )
        status = LocalStatus(
            endpoint_url=endpoint,
            region=services.REGION,
            account=services.ACCOUNT,
            stack=DEFAULT_STACK,
            state_machine_arn=outputs.state_machine_arn,
            table=outputs.table,
            bucket=outputs.data_bucket,
            topic_arn=outputs.topic_arn,
            schedule=DEFAULT_SCHEDULE,
            qlik=qlik,
            pids={services.QLIK: qlik_pid, services.AWS: aws_pid},
            started_at=datetime.now(UTC),
            version=qlikops.__version__,
            scenario=options.scenario,
            approval_timeout_seconds=options.approval_timeout_seconds,
            evaluator=str(model or "rules"),
        )
        self._state.write_status(status)
        return status


def exports(status: LocalStatus) -> str:
    """Shell lines that point the AWS CLI, boto3 and qlikops itself at the environment; for `eval`."""
    values = {
        "AWS_ENDPOINT_URL": status.endpoint_url,
        "AWS_ACCESS_KEY_ID": services.ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": services.ACCESS_KEY,
        "AWS_DEFAULT_REGION": status.region,
        "AWS_REGION": status.region,
        "QLIKOPS_CONTEXT": "local",
    }
    lines = [f"export {name}={shlex.quote(value)}" for name, value in values.items()]
    lines.append('export NO_PROXY="127.0.0.1${NO_PROXY:+,$NO_PROXY}"')
    lines.append("unset AWS_PROFILE AWS_DEFAULT_PROFILE AWS_SESSION_TOKEN")
    return "\n".join(lines)


def one_evaluation_at_a_time(release: Release) -> Release:
    """`release` for a function with a reserved concurrency of 1, in the embedded AWS.

    There a function that is busy is no Lambda.TooManyRequestsException to the workflow, as it is on AWS, but unknown.
    """
    machine = json.loads(release.definition.data)
    evaluate = machine["States"]["ProcessProposals"]["ItemProcessor"]["States"]["EvaluateProposal"]
    evaluate["Retry"].insert(0, {"ErrorEquals": ["Lambda.Unknown"], **_WHEN_BUSY})
    return replace(release, definition=replace(release.definition, data=json.dumps(machine).encode()))


def _deploy(
    endpoint: str, qlik: SimulatedQlik, model: LocalModel | None, options: LocalOptions, progress: OnProgress
) -> StackOutputs:
    instance = {"name": "default", "base_url": qlik.base_url, "username": qlik.username, "password": qlik.password}
    every = period(rate_expression(options.rate)) or LONGEST_PERIOD
    settings = {**AGENT_SETTINGS, **(model.agent_settings if model else {})}
    release = build_release(
        {
            "AgentSettings": json.dumps(settings),
            **agent_parameters(settings),
            "TableDeletionProtection": "false",
            "LogRetentionDays": "1",
            "RunEverySeconds": str(int(min(every, LONGEST_PERIOD).total_seconds())),
        },
        approval_timeout_seconds=options.approval_timeout_seconds,
    )
    release = one_evaluation_at_a_time(release) if model else release
    stack = Stack(services.client("cloudformation", endpoint), DEFAULT_STACK, poll_seconds=0.1)
    store = ArtifactStore(services.client("s3", endpoint), account=services.ACCOUNT, region=services.REGION)
    deployer = Deployer(stack, store)
    plan = deployer.plan(release)
    for _ in deployer.apply(plan, release):
        pass
    progress(f"Deployed {len(plan.changes)} resources.")
    outputs = stack.outputs()
    secret = QlikSecret(services.client("secretsmanager", endpoint), outputs.qlik_secret_arn)
    secret.put(rotation("", {"instances": [instance]}))
    return outputs
