"""The agent's configuration: read once from a Lambda's environment and checked whole, so that a wrong value stops
the run with a sentence instead of changing what is restarted.

Where things are (table, bucket, topic, secret) comes from the stack, one variable each. How the agent behaves comes
from `QLIKOPS_SETTINGS`, a JSON object whose keys are the other fields of AgentConfig.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field, fields, replace
from datetime import timedelta
from enum import StrEnum
from typing import Any, TypeVar

from qlikops.agent.models import EvaluatorName, Models, ModelSettings
from qlikops.dataclass import dataclass
from qlikops.domain.encoding import codec
from qlikops.domain.encoding.settings import UNQUOTED, ConfigError, check_ranges, no_such_setting, number
from qlikops.domain.encoding.strict_json import with_names_once
from qlikops.domain.fleet.anomaly import AnomalyKind
from qlikops.domain.fleet.task import TaskFacts
from qlikops.domain.proposals.evaluation import ApprovalMode
from qlikops.domain.words.text import folded

T = TypeVar("T")
ChangedThresholds = dict[str, int]
"""Some of Thresholds' fields with other values."""

_TOPIC = re.compile(r"arn:aws[a-z-]*:sns:\S+")
SETTINGS_VARIABLE = "QLIKOPS_SETTINGS"
PLACE_VARIABLES: Mapping[str, str] = {
    "table": "QLIKOPS_TABLE",
    "bucket": "QLIKOPS_BUCKET",
    "topic_arn": "QLIKOPS_TOPIC_ARN",
    "qlik_secret_arn": "QLIKOPS_QLIK_SECRET_ARN",
}
"""Field -> the variable it comes from; never from the settings."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Limits from which on something is an anomaly. Seconds, counts and polls; the defaults are the taxonomy's."""

    confirm_polls: int = number(2, 1, 20)
    """Polls that must see a lost connection before anything is proposed on it."""
    poll_spacing_seconds: int = number(30, 1, 3600)
    """Polls closer together than this count as one: a doubled invocation confirms nothing."""
    recovering_seconds: int = number(900, 0, 86400)
    source_latency_warning_seconds: int = number(300, 1, 604800)
    source_latency_critical_seconds: int = number(900, 1, 604800)
    target_latency_warning_seconds: int = number(600, 1, 604800)
    target_latency_critical_seconds: int = number(1800, 1, 604800)
    latency_polls: int = number(3, 1, 20)
    stalled_seconds: int = number(1800, 60, 86400)
    data_errors_warning: int = number(10, 0, 10**9)
    """New data errors between two polls; more than that is the anomaly."""
    data_errors_critical: int = number(50, 0, 10**9)
    disk_spill_polls: int = number(3, 1, 20)
    process_mismatch_seconds: int = number(60, 0, 86400)
    flapping_restarts: int = number(3, 1, 100)
    """Restarts in an hour."""
    flapping_falls_per_day: int = number(6, 1, 100)
    """Restarts in a row within 24 hours that did not last, after which none is proposed while the task is down."""
    server_state_seconds: int = number(600, 60, 86400)
    """Age of what Enterprise Manager says of a server's tasks, by its `last_connection`."""
    license_days_warning: int = number(30, 0, 3650)
    """Days that are left of a server's licence, or fewer."""
    license_days_critical: int = number(7, 0, 3650)
    server_disk_mb: int = number(0, 0, 10**9)
    """Disk that a server's tasks use, in MB; with 0 nothing is found. How much there is, Enterprise Manager does not
    say.
    """
    server_memory_mb: int = number(0, 0, 10**9)
    """Memory that a server's active tasks use, in MB; with 0 nothing is found."""

    def __post_init__(self) -> None:
        """Raises ConfigError for a value out of range, or a critical threshold below its warning."""
        check_ranges(self)
        for warning, critical in PAIRS:
            if getattr(self, critical) < getattr(self, warning):
                raise ConfigError(
                    critical,
                    getattr(self, critical),
                    f"must be at least {warning}, {getattr(self, warning)}",
                )

    def polls_required(self, kind: AnomalyKind) -> int:
        """How many polls must see an anomaly of this kind before it counts as confirmed."""
        polls: int = getattr(self, kind.traits.polls, 1)
        return polls


class NotificationFormat(StrEnum):
    """How a message of the topic is written."""

    TEXT = "text"
    """A few lines for people; several findings of one run are one message."""
    JSON = "json"
    """An event's detail, one message each."""
    CHAT = "chat"
    """The text, as Amazon Q Developer in chat applications takes it for Slack and Microsoft Teams."""


_LEAST_FRESHNESS = timedelta(minutes=1)

PAIRS = tuple(
    (name.format("warning"), name.format("critical"))
    for name in ("source_latency_{}_seconds", "target_latency_{}_seconds", "data_errors_{}")
)
"""Thresholds that only make sense together: the second is at least the first."""


@dataclass(frozen=True, slots=True)
class LogRetention:
    """Times for which sources keep their logs, as durations such as `24h`. What is not named here is not known."""

    endpoints: dict[str, timedelta] = field(default_factory=dict)
    """Times by the name of a source endpoint, on every server that has one of that name; `server/name` for one
    server's.
    """
    tags: dict[str, timedelta] = field(default_factory=dict)
    """Times by tag, compared without regard to case; of a task's several tags the last one written here wins."""
    tasks: dict[str, timedelta] = field(default_factory=dict)
    """Times by `server/task`. The more particular wins: task over endpoint over tag."""

    def __post_init__(self) -> None:
        """Raises ConfigError for a name that is empty."""
        for spec in fields(self):
            _check_names(spec.name, getattr(self, spec.name))

    def of(self, facts: TaskFacts) -> timedelta | None:
        """Time for which the source of this task keeps its log; None if that is not set."""
        server, endpoint = facts.key.server, facts.source_endpoint
        for names, name in ((self.tasks, str(facts.key)), (self.endpoints, f"{server}/{endpoint}")):
            if name in names:
                return names[name]
        return self.endpoints.get(endpoint) or next((kept for _, kept in _of_tags(self.tags, facts)), None)


@dataclass(frozen=True, slots=True)
class FreshnessLimits:
    """How old the data in targets may be, as durations such as `15m`. What is not named here may be of any age."""

    tags: dict[str, timedelta] = field(default_factory=dict)
    """Times by tag, compared without regard to case; of a task's several tags the last one written here wins."""
    tasks: dict[str, timedelta] = field(default_factory=dict)
    """Times by `server/task`, which wins over its tags."""

    def __post_init__(self) -> None:
        """Raises ConfigError for a name that is empty, and for a limit of nothing, which no task keeps."""
        for spec in fields(self):
            limits = getattr(self, spec.name)
            _check_names(spec.name, limits)
            for name, limit in limits.items():
                if limit < _LEAST_FRESHNESS:
                    raise ConfigError(f"{spec.name}.{name}", str(limit), f"must be at least {_LEAST_FRESHNESS}")

    def of(self, facts: TaskFacts) -> tuple[str, timedelta] | None:
        """The limit of this task, with the tag or task that it is set for; None if none is set."""
        name = str(facts.key)
        return (name, self.tasks[name]) if name in self.tasks else next(_of_tags(self.tags, facts), None)


@dataclass(frozen=True, slots=True)
class AgentConfig(Models):
    """Everything that the agent can be told."""

    table: str
    """The ledger's table name."""
    bucket: str
    """Snapshots and reports."""
    topic_arn: str
    qlik_secret_arn: str
    approval_mode: ApprovalMode = ApprovalMode.ALWAYS
    """Who approves restarts: `always` a person, `policy` a person if a gate blocks, `never` no person."""
    evaluator: EvaluatorName = EvaluatorName.RULES
    """What evaluates each proposal."""
    confidence_floor: float = number(0.7, 0, 1)
    """Confidence of an evaluation below which no restart is automatic."""
    restart_budget_per_hour: int = number(3, 0, 100)
    """Restarts of one task in an hour, after which none is proposed. With 0 a human is asked about each."""
    cooldown_seconds: int = number(900, 0, 86400)
    """After a restart, nothing is proposed on the task for so long; with 0 there is no back-off either."""
    backoff_max_seconds: int = number(3600, 0, 86400)
    """Each restart in a row that did not last lengthens the cooldown: n²+n minutes after n of them, at most this."""
    lasting_first_seconds: int = number(900, 60, 86400)
    """So long after a restart it is first said whether its tasks are still up."""
    lasting_seconds: int = number(3600, 60, 86400)
    """So long after a restart its tasks must be up for it to have lasted; a task that fails before has fallen over."""
    protected_tags: tuple[str, ...] = ()
    """A task that carries one is never restarted automatically, nor is one whose tags are not known.

    Compared without regard to case, white space at the ends, width and other spellings of the same characters.
    """
    max_proposals: int = number(40, 1, 40)
    """Proposals of one run at most: an inline Map runs 40 items at a time."""
    thresholds: Thresholds = field(default_factory=Thresholds)
    """Thresholds of every task for which none of the next three settings says otherwise."""
    server_thresholds: dict[str, ChangedThresholds] = field(default_factory=dict)
    """Thresholds by server, on every Enterprise Manager that has one of that name."""
    tag_thresholds: dict[str, ChangedThresholds] = field(default_factory=dict)
    """Thresholds by tag, compared without regard to case; of a task's several tags the last one written here wins."""
    task_thresholds: dict[str, ChangedThresholds] = field(default_factory=dict)
    """Thresholds by `server/task`. The more particular wins: task over tag over server."""
    log_retention: LogRetention = field(default_factory=LogRetention)
    """How long each source keeps its log, which says until when a task that is down can be resumed."""
    freshness: FreshnessLimits = field(default_factory=FreshnessLimits)
    """How old the data in targets may be, by tag or task."""
    verify_timeout_seconds: int = number(120, 5, 600)
    """How long a restarted task may take to be up."""
    status_lag_seconds: int = number(30, 0, 300)
    """How long Enterprise Manager may go on showing a state that is over."""
    restarts_at_a_time: int = number(10, 1, 100)
    """Tasks of one group that may be on their way up at once."""
    max_errors: int = number(5, 1, 500)
    """Tasks of one group that may fail to come up before no further one is started. Its cause ends it at once."""
    own_failures_automatic: bool = False
    """Whether a team's own known failures may make a restart automatic; without it, they only make things stricter."""
    probe_endpoints: bool = True
    """Whether Enterprise Manager may be asked to test endpoints, which logs in to them."""
    probes_per_run: int = number(5, 0, 20)
    """Endpoints that one run tests before it proposes."""
    probes_per_hour: int = number(3, 1, 20)
    """Tests of one endpoint in an hour, those before restarts among them."""
    notification_format: NotificationFormat = NotificationFormat.TEXT
    """How a message of the topic is written; EventBridge gets the same events whatever it is."""
    server_details_every: int = number(12, 0, 1000)
    """Runs from one reading of a server's licence, disk and memory to the next, a call each; with 0 there is none."""
    wait_for_endpoint_seconds: int = number(21600, 0, 21600)
    """How long an approved `resume when it answers` waits for its endpoint; with 0, that is not offered."""
    wait_probes_per_hour: int = number(8, 1, 20)
    """Tests of one endpoint in an hour by restarts that wait for it; `probes_per_hour` is apart from these."""
    escalation_topic_arn: str = ""
    """An SNS topic that hears of what waits, too, when it is told again and has no claim; empty for none."""
    audit_trail: bool = False
    """Whether Enterprise Manager's audit trail is read, which names who stopped a task, or edited one that failed."""
    require_digest: bool = False
    """Whether approvals are refused that do not name what they were made on, such as the plain AWS CLI's."""
    lease_margin_seconds: int = number(3600, 0, 86400)
    """How long a task's lease outlives its approval's deadline, so that acting and recording fit in."""

    def __post_init__(self) -> None:
        """Raises ConfigError for a value out of range, one that contradicts another, or a model without a name."""
        check_ranges(self)
        for name in ("server_thresholds", "tag_thresholds", "task_thresholds"):
            _check_names(name, getattr(self, name))
            for of, changes in getattr(self, name).items():
                _check_changes(changes, f"{name}.{of}.", self.thresholds)
        if not all(folded(tag) for tag in self.protected_tags):
            raise ConfigError("protected_tags", list(self.protected_tags), "no tag may be empty")
        for name in self.model.REQUIRED if self.model else ():
            if not getattr(self.model, name):
                raise ConfigError(f"{self.evaluator}.{name}", "", f"must be set for the evaluator {self.evaluator}")
        if self.escalation_topic_arn and not _TOPIC.fullmatch(self.escalation_topic_arn):
            raise ConfigError("escalation_topic_arn", self.escalation_topic_arn, "must be the ARN of an SNS topic")
        if self.lasting_seconds < self.lasting_first_seconds:
            least = f"must be at least lasting_first_seconds, {self.lasting_first_seconds}"
            raise ConfigError("lasting_seconds", self.lasting_seconds, least)

    @classmethod
    def from_environment(cls, env: Mapping[str, str]) -> AgentConfig:
        """The configuration in a Lambda's environment.

        Raises ConfigError for a missing variable, an unknown key, or a value of the wrong type or out of range.
        """
        places: dict[str, Any] = {}
        for name, variable in PLACE_VARIABLES.items():
            if not env.get(variable):
                raise ConfigError(variable, env.get(variable), "must be set")
            places[name] = env[variable]
        text = env.get(SETTINGS_VARIABLE) or "{}"
        try:
            # Numbers that are none get through: their settings name them.
            settings = json.loads(text, object_pairs_hook=with_names_once)
        except (ValueError, RecursionError) as exc:
            raise ConfigError(SETTINGS_VARIABLE, UNQUOTED, f"must be a JSON object ({exc})") from exc
        if not isinstance(settings, dict):
            raise ConfigError(SETTINGS_VARIABLE, UNQUOTED, "must be a JSON object")
        return codec.read_settings(cls, settings, **places)

    @property
    def model(self) -> ModelSettings | None:
        """The settings of the model that evaluates; None if rules do."""
        model: ModelSettings | None = getattr(self, self.evaluator, None)
        return model

    def thresholds_for(self, facts: TaskFacts) -> Thresholds:
        """The thresholds that hold for this task."""
        changes = dict(self.server_thresholds.get(facts.key.server, {}))
        for _, of_tag in reversed(list(_of_tags(self.tag_thresholds, facts))):
            changes |= of_tag
        changes |= self.task_thresholds.get(str(facts.key), {})
        return replace(self.thresholds, **changes) if changes else self.thresholds

    def thresholds_for_server(self, server: str) -> Thresholds:
        """The thresholds that hold for a server itself."""
        changes = self.server_thresholds.get(server)
        return replace(self.thresholds, **changes) if changes else self.thresholds

    def is_protected(self, facts: TaskFacts) -> bool:
        """Whether one of the task's tags is protected, or may be: what Enterprise Manager did not say."""
        if not self.protected_tags:
            return False
        protected = {folded(tag) for tag in self.protected_tags}
        return not facts.tags_known or any(folded(tag) in protected for tag in facts.tags)


def _of_tags(settings: dict[str, T], facts: TaskFacts) -> Iterator[tuple[str, T]]:
    """What is set for tags of this task, with the tag as it is written there; the last one first."""
    if settings:
        tags = {folded(tag) for tag in facts.tags}
        yield from ((tag, setting) for tag, setting in reversed(settings.items()) if folded(tag) in tags)


def _check_names(setting: str, names: Iterable[str]) -> None:
    for name in names:
        if not name.strip():
            raise ConfigError(setting, name, "whom it concerns may not be empty")


def _check_changes(changes: ChangedThresholds, prefix: str, thresholds: Thresholds) -> None:
    """Raises ConfigError for what could make a wrong set of thresholds, whatever else changes the same task's."""
    names = {spec.name for spec in fields(thresholds)}
    if unknown := changes.keys() - names:
        raise ConfigError(f"{prefix}{min(unknown)}", UNQUOTED, no_such_setting(min(unknown), names))
    for pair in PAIRS:
        given = [name for name in pair if name in changes]
        if len(given) == 1:
            # Alone, it could end up beside another one from another level, on the wrong side of it.
            (missing,) = set(pair) - set(given)
            raise ConfigError(prefix + given[0], changes[given[0]], f"needs {missing} beside it")
    try:
        replace(thresholds, **changes)
    except ConfigError as exc:
        raise ConfigError(prefix + exc.key, exc.value, exc.allowed) from None
