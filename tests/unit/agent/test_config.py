from __future__ import annotations

import ast
import dataclasses
import functools
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import qlikops.agent
from qlikops.agent.config import AgentConfig, FreshnessLimits, LogRetention, Thresholds
from qlikops.agent.models import EvaluatorName, Models
from qlikops.domain.encoding.settings import ConfigError
from qlikops.domain.fleet.anomaly import KINDS, AnomalyKind
from qlikops.domain.proposals.evaluation import ApprovalMode
from qlikops.domain.words.text import harmless
from tests.unit.agent.fleet import task

PLACES = {
    "QLIKOPS_TABLE": "ledger",
    "QLIKOPS_BUCKET": "data",
    "QLIKOPS_TOPIC_ARN": "arn:aws:sns:eu-central-1:123456789012:topic",
    "QLIKOPS_QLIK_SECRET_ARN": "arn:aws:secretsmanager:eu-central-1:123456789012:secret:qlik",
}


def read(settings: Any) -> AgentConfig:
    return AgentConfig.from_environment({**PLACES, "QLIKOPS_SETTINGS": json.dumps(settings)})


SETTINGS = (
    AgentConfig,
    Thresholds,
    LogRetention,
    FreshnessLimits,
    *(type(getattr(Models(), each.name)) for each in dataclasses.fields(Models)),
)


@pytest.mark.parametrize(
    ("cls", "name"), [(each, field.name) for each in SETTINGS for field in dataclasses.fields(each)]
)
def test_a_setting_is_read(cls: type, name: str) -> None:
    by_the_kinds_name = {traits.polls for traits in KINDS.values()}
    assert name in attributes_read() | by_the_kinds_name, f"nothing in qlikops/agent goes by {cls.__name__}.{name}"


@functools.cache
def attributes_read() -> frozenset[str]:
    """The attributes that the agent's code names, but for what the settings' own checks name."""
    folder = Path(qlikops.agent.__path__[0])
    checks = {folder / "config.py", folder / "models.py"}

    def within(node: ast.AST, *, checked: bool) -> Iterator[str]:
        if checked and isinstance(node, ast.FunctionDef) and node.name == "__post_init__":
            return
        if isinstance(node, ast.Attribute):
            yield node.attr
        for child in ast.iter_child_nodes(node):
            yield from within(child, checked=checked)

    paths = sorted(folder.rglob("*.py"))
    return frozenset(
        name for path in paths for name in within(ast.parse(path.read_text(encoding="utf-8")), checked=path in checks)
    )


def test_defaults_are_the_taxonomys() -> None:
    config = AgentConfig.from_environment(PLACES)
    assert config.table == "ledger"
    assert config.qlik_secret_arn.endswith(":secret:qlik")
    assert config.approval_mode is ApprovalMode.ALWAYS
    assert config.evaluator is EvaluatorName.RULES
    assert config.restart_budget_per_hour == 3
    assert config.max_proposals == 40
    assert config.thresholds == Thresholds()
    assert config.thresholds_for(task()) is config.thresholds
    assert config.thresholds.source_latency_critical_seconds == 900


def test_settings_override_the_defaults() -> None:
    config = read({"approval_mode": "policy", "protected_tags": ["gold"], "thresholds": {"latency_polls": 5}})
    assert config.approval_mode is ApprovalMode.POLICY
    assert config.protected_tags == ("gold",)
    assert config.thresholds == Thresholds(latency_polls=5)


def test_an_empty_settings_variable_means_the_defaults() -> None:
    assert AgentConfig.from_environment({**PLACES, "QLIKOPS_SETTINGS": ""}) == AgentConfig.from_environment(PLACES)


@pytest.mark.parametrize("variable", PLACES)
@pytest.mark.parametrize("value", [None, ""])
def test_a_missing_place_is_named(variable: str, value: str | None) -> None:
    env = {name: place for name, place in PLACES.items() if name != variable}
    if value is not None:
        env[variable] = value
    with pytest.raises(ConfigError, match=f"{variable} = .*must be set"):
        AgentConfig.from_environment(env)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"aproval_mode": "never"}, r"aproval_mode: no such setting\. Did you mean approval_mode\?$"),
        ({"table": "other"}, "table: no such setting"),
        ({"approval_mode": "sometimes"}, "approval_mode = 'sometimes': must be one of always, policy, never"),
        ({"approval_mode": ["always"]}, "must be one of"),
        ({"evaluator": "oracle"}, "evaluator = 'oracle': must be one of rules"),
        ({"confidence_floor": 1.5}, "confidence_floor = 1.5: must be between 0 and 1"),
        ({"confidence_floor": "0.7"}, "confidence_floor = '0.7': must be a number"),
        ({"confidence_floor": float("nan")}, "must be a number"),
        ({"confidence_floor": 10**400}, "confidence_floor = 1000.*: must be a number"),
        ({"restart_budget_per_hour": True}, "must be a whole number"),
        ({"restart_budget_per_hour": 2.5}, "must be a whole number"),
        ({"max_proposals": 0}, "max_proposals = 0: must be between 1 and 40"),
        ({"max_proposals": 41}, "must be between 1 and 40"),
        ({"protected_tags": "gold"}, "protected_tags: must be an array, not str"),
        ({"protected_tags": ["gold", " "]}, "no tag may be empty"),
        ({"thresholds": []}, "thresholds: must be an object"),
        ({"thresholds": {"latency": 1}}, "thresholds.latency: no such setting"),
        ({"thresholds": {"latency_polls": 0}}, "thresholds.latency_polls = 0: must be between 1 and 20"),
        (
            {"thresholds": {"source_latency_warning_seconds": 1000}},
            "thresholds.source_latency_critical_seconds = 900: must be at least source_latency_warning_seconds, 1000",
        ),
        ([], "QLIKOPS_SETTINGS: must be a JSON object"),
        ({"server_thresholds": []}, "server_thresholds: must be an object"),
        ({"server_thresholds": {"eu-1": 5}}, "server_thresholds.eu-1: must be an object"),
        ({"server_thresholds": {" ": {}}}, "server_thresholds = .*may not be empty"),
        (
            {"tag_thresholds": {"gold": {"latency": 1}}},
            r"gold.latency: no such setting\. Did you mean latency_polls\?$",
        ),
        ({"tag_thresholds": {"gold": {"latency_polls": "5"}}}, "gold.latency_polls = '5': must be a whole number"),
        ({"tag_thresholds": {"gold": {"latency_polls": 0}}}, "gold.latency_polls = 0: must be between 1 and 20"),
        (
            {"task_thresholds": {"eu-1/orders": {"source_latency_warning_seconds": 60}}},
            "task_thresholds.eu-1/orders.source_latency_warning_seconds = 60: "
            "needs source_latency_critical_seconds beside it",
        ),
        (
            {"task_thresholds": {"eu-1/orders": {"data_errors_warning": 9, "data_errors_critical": 8}}},
            "task_thresholds.eu-1/orders.data_errors_critical = 8: must be at least data_errors_warning, 9",
        ),
    ],
)
def test_a_wrong_setting_says_key_value_and_what_is_allowed(settings: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        read(settings)


def test_broken_json_is_named() -> None:
    with pytest.raises(ConfigError, match=r"^QLIKOPS_SETTINGS: must be a JSON object \(Expecting"):
        AgentConfig.from_environment({**PLACES, "QLIKOPS_SETTINGS": "{"})
    twice = '{"restart_budget_per_hour": 0, "restart_budget_per_hour": 5}'
    with pytest.raises(ConfigError, match="one name twice"):
        AgentConfig.from_environment({**PLACES, "QLIKOPS_SETTINGS": twice})


def test_a_key_with_a_line_break_stays_on_its_line() -> None:
    with pytest.raises(ConfigError) as caught:
        read({"thresholds": {"a\nERROR": 1}})
    assert str(caught.value).isprintable()


SPELLINGS = [
    ("Gold", " gold "),
    ("gold", "ＧＯＬＤ"),
    ("go\u200bld", "gold"),
    ("gold", "g\u00adold\ufeff"),
    ("gold", "gold\ufe0f"),
    ("tier\u00a01", "Tier 1"),
    ("tier 1", "tier\u2003\t1"),
    ("caf\u00e9", "cafe\u0301"),
    ("straße", "STRASSE"),
    ("ﬁnance", "finance"),
    ("l" * 500, "L" * 500),
]


@pytest.mark.parametrize(("configured", "carried"), [*SPELLINGS, *((b, a) for a, b in SPELLINGS)])
def test_a_protected_tag_is_the_same_in_every_spelling(configured: str, carried: str) -> None:
    config = read({"protected_tags": [configured]})
    assert config.is_protected(task(tags=("silver", carried)))
    assert config.is_protected(task(tags=(harmless(carried, 2000),)))
    assert not config.is_protected(task(tags=("silver",)))


def test_a_task_whose_tags_are_not_known_is_protected_where_something_is() -> None:
    unknown = task(tags=("silver",), tags_known=False)
    assert read({"protected_tags": ["gold"]}).is_protected(unknown)
    assert not read({}).is_protected(unknown)


def test_the_more_particular_threshold_wins() -> None:
    config = read(
        {
            "thresholds": {"recovering_seconds": 1, "latency_polls": 1, "confirm_polls": 1, "stalled_seconds": 61},
            "server_thresholds": {"eu-1": {"recovering_seconds": 2, "latency_polls": 2, "confirm_polls": 2}},
            "tag_thresholds": {"Gold": {"latency_polls": 3, "confirm_polls": 3}, "slow": {"confirm_polls": 4}},
            "task_thresholds": {"eu-1/sales-orders": {"disk_spill_polls": 5, "confirm_polls": 5}},
        }
    )

    def of(**changes: Any) -> tuple[int, ...]:
        limits = config.thresholds_for(task(**changes))
        return (limits.stalled_seconds, limits.recovering_seconds, limits.latency_polls, limits.confirm_polls)

    assert of(server="eu-2") == (61, 1, 1, 1)
    assert of(name="other") == (61, 2, 2, 2)
    assert of(name="other", tags=("GOLD ",)) == (61, 2, 3, 3)
    assert of(name="other", tags=("slow", "gold")) == (61, 2, 3, 4)
    assert of(tags=("gold",)) == (61, 2, 3, 5)
    assert config.thresholds_for(task()).disk_spill_polls == 5
    assert config.thresholds_for_server("eu-1").recovering_seconds == 2
    assert config.thresholds_for_server("eu-2") == config.thresholds


def test_the_more_particular_log_retention_wins() -> None:
    config = read(
        {
            "log_retention": {
                "tags": {"Gold": "3h", "slow": "4h"},
                "endpoints": {"ORA-PROD": "5h", "eu-2/ORA-PROD": "6h"},
                "tasks": {"eu-1/sales-orders": "1d12h"},
            }
        }
    )

    def of(**changes: Any) -> float | None:
        kept = config.log_retention.of(task(**changes))
        return kept.total_seconds() / 3600 if kept else None

    assert of() == 36
    assert of(name="other", tags=("gold",)) == 5
    assert of(server="eu-2") == 6
    assert of(server="eu-2", source_endpoint="ORA-HR", tags=("slow", " GOLD")) == 4
    assert of(server="eu-2", source_endpoint="") is None


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"endpoints": {"ORA": "24"}}, "log_retention.endpoints.ORA = '24': must be a duration such as 90s, 5m"),
        ({"endpoints": {"ORA": 24}}, "log_retention.endpoints.ORA = 24: must be a duration such as 90s, 5m"),
        ({"tags": {" ": "1h"}}, "log_retention.tags = ' ': whom it concerns may not be empty"),
        ({"servers": {}}, "log_retention.servers: no such setting; there are endpoints, tags, tasks"),
    ],
)
def test_a_log_retention_that_is_wrong_is_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        read({"log_retention": given})


def test_the_more_particular_freshness_wins_and_says_what_it_is_set_for() -> None:
    config = read({"freshness": {"tags": {"Gold": "15m", "slow": "4h"}, "tasks": {"eu-1/sales-orders": "5m"}}})
    assert config.freshness.of(task()) == ("eu-1/sales-orders", timedelta(minutes=5))
    assert config.freshness.of(task("other", tags=("slow", " GOLD"))) == ("slow", timedelta(hours=4))
    assert config.freshness.of(task("other", tags=("gold",))) == ("Gold", timedelta(minutes=15))
    assert config.freshness.of(task("other")) is None


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"tags": {"gold": "59s"}}, "freshness.* = '0:00:59': must be at least 0:01:00"),
        ({"tags": {"gold": "soon"}}, "freshness.tags.gold = 'soon': must be a duration such as 90s, 5m"),
        ({"tasks": {"": "1h"}}, "freshness.tasks = '': whom it concerns may not be empty"),
    ],
)
def test_a_freshness_that_is_wrong_is_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        read({"freshness": given})


def test_no_two_levels_can_turn_a_pair_around() -> None:
    pair = {"source_latency_warning_seconds": 10, "source_latency_critical_seconds": 20}
    config = read({"server_thresholds": {"eu-1": pair}, "tag_thresholds": {"slow": dict.fromkeys(pair, 9)}})
    limits = config.thresholds_for(task(tags=("slow",)))
    assert (limits.source_latency_warning_seconds, limits.source_latency_critical_seconds) == (9, 9)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"tag_thresholds": {" ": {"latency_polls": 3}}}, "tag_thresholds = ' ': whom it concerns may not be empty"),
        ({"protected_tags": ["gold", " "]}, "protected_tags = .*: no tag may be empty"),
    ],
)
def test_what_concerns_nothing_is_refused(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        read(settings)


@pytest.mark.parametrize("name", [each for each in EvaluatorName if each is not EvaluatorName.RULES])
def test_an_evaluator_with_a_model_has_its_model_named(name: EvaluatorName) -> None:
    with pytest.raises(ConfigError, match=rf"{name}\.\w+ = '': must be set for the evaluator {name}"):
        AgentConfig(table="t", bucket="b", topic_arn="a", qlik_secret_arn="s", evaluator=name)


def test_a_kind_without_a_number_of_polls_counts_at_once() -> None:
    thresholds = Thresholds(confirm_polls=4)
    polls = {kind: thresholds.polls_required(kind) for kind in AnomalyKind}
    assert 4 in polls.values()
    assert {number for kind, number in polls.items() if not kind.traits.polls} == {1}
