"""`python -m tests.documents`: writes the pages of docs/ that follow from the code. A test holds them to it."""

from __future__ import annotations

import dataclasses
import inspect
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from enum import Enum
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

from qlikops.agent.config import PLACE_VARIABLES, AgentConfig, Thresholds
from qlikops.agent.decide.policy import GATES, NEEDS_HUMAN, decide
from qlikops.agent.diagnosis.entry import Failure
from qlikops.agent.diagnosis.library import built_in
from qlikops.agent.diagnosis.messages import diagnosis_of
from qlikops.agent.evaluate import EvaluationInput
from qlikops.agent.evaluate.rules import RulesEvaluator
from qlikops.agent.propose.options import options_of
from qlikops.cli import completion, exit_codes, settings
from qlikops.config import ConfigFile
from qlikops.deployment.choices import INSTANCE_KEYS, Choices
from qlikops.domain.fleet.anomaly import ACTIONS, KINDS, AnomalyKind
from qlikops.domain.fleet.diagnosis import Certainty, Diagnosis, FailureClass, Remedy
from qlikops.domain.own_command import PLACES
from qlikops.domain.proposals.evaluation import ApprovalMode, Evaluation, PolicyResult, Risk, Route, Verdict
from qlikops.domain.proposals.proposal import WHEN_IT_ANSWERS, Proposal
from qlikops.presentation import filter as filters
from qlikops.presentation.lists import executions, fleet, inbox
from qlikops.presentation.table import TableOf
from qlikops.resources import resource
from qlikops.tui.keys import actions
from qlikops.tui.themes import THEMES
from tests import event_schemas
from tests.commands import root
from tests.reference_pages import MADE, events_page, grid, page, permissions_page, scenarios_page, settings_page
from tests.unit.agent.decide.test_policy import CLOSING, GOOD, KEY, OPEN
from tests.unit.agent.fleet import CONFIG, NOW, failed, poll_twice
from tests.unit.agent.propose.test_correlation import only_proposal

DOCS = Path(__file__).parents[1] / "docs"
_MODES = tuple(ApprovalMode)
_CLASSES = {
    FailureClass.POSITION_LOST: "The source no longer has the changes from where the task stopped",
    FailureClass.ACCESS: "An endpoint refuses: login, right, certificate",
    FailureClass.FIX_FIRST: "To be put right first; resumed alone it fails again",
    FailureClass.TABLES: "Some tables are set aside, the others go on",
    FailureClass.DEFECT: "A fault of a vendor's program",
    FailureClass.WAIT: "Replicate goes on by itself",
    FailureClass.RETRY_NOW: "A plain resume works",
    FailureClass.TRANSIENT: "An endpoint was away; once it is back, a resume works",
    FailureClass.UNKNOWN: "Says nothing by itself: look for the cause beside it",
}
_EVERYWHERE = ("replicate", "network", "odbc")
_ENGINES = {
    "adls": "Azure Data Lake Storage",
    "ase": "SAP ASE",
    "aws": "AWS, whatever the endpoint",
    "azuresql": "Azure SQL Database",
    "bigquery": "Google BigQuery",
    "db2": "Db2 for LUW",
    "db2i": "Db2 for i",
    "db2z": "Db2 for z/OS",
    "entra": "Microsoft Entra, whatever the endpoint",
    "eventhubs": "Azure Event Hubs",
    "fabric": "Microsoft Fabric",
    "gcp": "Google Cloud, whatever the endpoint",
    "gcs": "Google Cloud Storage",
    "hana": "SAP HANA",
    "kinesis": "Amazon Kinesis",
    "logstream": "Log stream",
    "mainframe": "IMS, VSAM and other mainframe sources",
    "mariadb": "MariaDB",
    "mongodb": "MongoDB",
    "mysql": "MySQL",
    "network": "Network, DNS, TLS, proxies",
    "odbc": "ODBC and SQLSTATE, whatever the driver",
    "postgresql": "PostgreSQL",
    "redshift": "Amazon Redshift",
    "replicate": "Replicate itself",
    "s3": "Amazon S3",
    "sap": "SAP",
    "schemaregistry": "Schema registry",
    "sqlserver": "SQL Server",
    "synapse": "Azure Synapse",
}


def policy_page() -> str:
    """The policy as decision tables, each row decided by the policy itself."""
    return page(
        "# Policy: where a proposal goes",
        MADE,
        "For platform engineers and auditors.",
        "An evaluator annotates, the policy decides: hard gates first, then `approval_mode`. `ask` waits for a human, "
        "`automatic` restarts, `held` does nothing and asks nobody. No evaluation opens a gate or changes action or "
        "target; it can only make the policy stricter. An approval that cites evidence which is not there does not "
        "count as one.",
        "## In short",
        grid(
            ("gates", "evaluation", *map(str, _MODES)),
            [
                ("one or more closed", "any", *_routes(replace(OPEN, kind=AnomalyKind.FATAL_UNKNOWN))),
                *(("none closed", verdict, *_routes(OPEN, replace(GOOD, verdict=verdict))) for verdict in _OPINIONS),
            ],
        ),
        "## By kind",
        f"With the best evaluation there is ({_described(GOOD)}), for one unprotected task whose full load is complete "
        "and whose restart budget is not spent.",
        grid(("kind", "proposed", "closed gates", *map(str, _MODES)), map(_kind_row, KINDS)),
        "## By failure",
        "What a message means decides first. Each row is a built-in failure's own example, judged by the rules, for "
        "the same task. A failure is *likely* if only a general code or phrase matches, or if something in the message "
        "is left unexplained.",
        grid(("class", "certainty", "for example", "kind", "rules", "because", *map(str, _MODES)), _failure_rows()),
        "## Options",
        "What a proposal offers follows from its kind and from the class of its failure. The first option is "
        "recommended: an approval that names none means it, on all tasks, and so does an automatic one. It is recorded "
        "which checks were ticked, and that none was.",
        grid(("kind", "class", "option", "what is done", "checks that come first", "loses"), _option_rows()),
        f"Where the failure is known and waits for nothing but its endpoint, and no test says that the endpoint takes "
        f"logins, `{WHEN_IT_ANSWERS}` is offered too, behind the others: the same resume, sent once a test says that "
        "it does, or not at all ([how](../how-to/endpoints.md)). Its gates are those of the resume, and "
        "nothing automatic means it.",
        "## Hard gates",
        "A closed gate rules out an automatic restart in every mode, for whichever of the options it is closed: no "
        "option opens a gate that another one keeps closed. In each row that gate alone is closed, except "
        "that a lost position brings other gates with it.",
        grid(("gate", "closed, for example, because", *map(str, _MODES)), _gate_rows()),
        "## By evaluation",
        "Each row changes one thing of the best evaluation, for a proposal that no other gate is closed for. Several "
        f"together are as strict as the strictest. A confidence that is not between 0 and 1 counts as below the "
        f"floor, {CONFIG.confidence_floor} unless configured.",
        grid(("evaluation", "closed gates", *map(str, _MODES)), _evaluation_rows()),
    )


def detection_page() -> str:
    """Kinds and thresholds."""
    defaults = Thresholds()
    return page(
        "# Anomalies: what is found, and from when on",
        MADE,
        "For operators, who look a word up, and for platform engineers, who set thresholds.",
        "## Kinds",
        "The worst first. Of several on one task, the most severe is proposed on; of equal ones, the one further up.",
        grid(
            ("kind", "in words", "severity", "polls that confirm it", "thresholds", "proposed", "why"),
            (
                (
                    kind,
                    traits.headline,
                    traits.severity,
                    defaults.polls_required(kind),
                    ", ".join(f"`{key}`" for key in (*traits.limits, traits.polls) if key),
                    _action(kind),
                    traits.why,
                )
                for kind, traits in KINDS.items()
            ),
        ),
        "## What they mean, and what to look at first",
        grid(
            ("kind", "it means", "look first at"),
            ((kind, traits.meaning, traits.look_first) for kind, traits in KINDS.items()),
        ),
        "## Thresholds",
        "Keys of `thresholds` in the agent's settings. Seconds, counts and polls.",
        grid(
            ("key", "default", "lowest", "highest"),
            ((spec.name, spec.default, *spec.metadata["range"]) for spec in dataclasses.fields(Thresholds)),
        ),
        "`server_thresholds`, `tag_thresholds` and `task_thresholds` (by `server/task`) change some of them for some "
        "tasks: task over tag over server over `thresholds`; of several tags the last one written wins. A warning and "
        "its critical one go together.",
        '```json\n{"thresholds": {"recovering_seconds": 1200},\n'
        ' "tag_thresholds": {"batch": {"target_latency_warning_seconds": 3600, '
        '"target_latency_critical_seconds": 7200}},\n'
        ' "task_thresholds": {"replicate-eu-1/sales-orders": {"confirm_polls": 3}}}\n```',
    )


def failures_page() -> str:
    """Every known failure in words, engine by engine, the stricter classes first."""
    by_engine: dict[str, list[Failure]] = {}
    for entries in built_in():
        for failure in entries.failures:
            by_engine.setdefault(failure.engine, []).append(failure)
    names = [*_EVERYWHERE, *sorted(by_engine.keys() - set(_EVERYWHERE), key=_engine)]
    return page(
        "# Every known failure",
        MADE,
        "For operators who have a message in front of them.",
        f"{sum(map(len, by_engine.values()))} failures of {len(names)} engines. Search this page for the code in the "
        "message, or ask `qlikops known explain 'TEXT'`. Under each engine the stricter come first. A failure has, in "
        "this order: what happened, what to look at or put right first, what helps then, what never does, the "
        "vendor's page, the id, and the codes or words that it is recognised by. How entries work: "
        "[known failures](../how-to/known-failures.md).",
        " · ".join(f"[{_engine(name)}](#{name})" for name in names),
        *(block for name in names for block in _engine_blocks(name, by_engine[name])),
    )


def _engine(name: str) -> str:
    return _ENGINES.get(name, name.capitalize())


def _engine_blocks(name: str, failures: Sequence[Failure]) -> Iterator[str]:
    yield f'## <a id="{name}"></a>{_engine(name)}'
    for kind, words in _CLASSES.items():
        if found := [failure for failure in failures if failure.failure_class is kind]:
            yield f"### {words}"
            yield "\n\n".join(map(_failure_lines, found))


def _failure_lines(failure: Failure) -> str:
    then = {Remedy.RESUME: "Then resume.", Remedy.RELOAD: "Then reload."}.get(failure.then, "")
    never = f"*Never:* {failure.never}" if failure.never else ""
    page = f"[page]({failure.source})" if failure.source else ""
    codes = ", ".join(dict.fromkeys(map(_as_printed, failure.native))) or f"`{_example_words(failure)}`"
    after = " ".join(part for part in (then, never, page) if part)
    checks = "\n".join(f"    1. {_plain(check)}" for check in failure.checks)
    return f"- **{_plain(failure.says)}** `{failure.id}`\n\n{checks}\n\n    {_plain(after)} <sub>{codes}</sub>"


def _as_printed(code: str) -> str:
    """`ORA:1017` as the message has it, so that a search on the page finds it."""
    namespace, _, value = code.partition(":")
    match namespace:
        case "ORA" | "TNS" | "PLS":
            return f"`ORA-{value:0>5}`"
        case "DB2" if value.isdigit():
            return f"`SQL{value:0>4}`"
        case "AADSTS":
            return f"`AADSTS{value}`"
        case "SQLSTATE" | "HTTP" | "CURL" | "TLS":
            return f"`{namespace} {value}`"
        case _:
            return f"`{value}`"


def _example_words(failure: Failure) -> str:
    first = failure.phrases[0]
    return "…".join(first.parts).replace("`", "'").strip()


def _plain(text: str) -> str:
    # What looks like a tag would vanish.
    return text.replace("<", "&lt;") if "](" not in text else text


def commands_page() -> str:
    """Every command with its arguments and options, as `--help` has them."""
    blocks = []
    for name, command in _commands(root(), "qlikops"):
        blocks.append(f"## `{name}`" if name != "qlikops" else "## Before every command")
        blocks.append(inspect.cleandoc(command.help or "").partition("\f")[0])
        rows = [_parameter_row(each) for each in command.params if not getattr(each, "hidden", False)]
        if rows:
            blocks.append(grid(("", "what it is"), rows))
    return page(
        "# Commands",
        MADE,
        "For operators, and for those who write scripts.",
        "Commands that list or show take `--json`: data on stdout, talk on stderr. [On the command line]"
        "(command-line.md) says what holds for all of them.",
        *blocks,
        "## Exit codes",
        "\n".join(line for line in (exit_codes.__doc__ or "").splitlines() if line.startswith("|")),
    )


def man_page() -> str:
    """The commands in the form that `man` reads."""
    lines = [
        '.\\" Made from the code by `make docs`; edits are lost.',
        ".TH QLIKOPS 1",
        ".SH NAME",
        "qlikops \\- on-call console for Qlik Replicate",
        ".SH SYNOPSIS",
        ".B qlikops",
        "[OPTIONS] COMMAND [ARGS]...",
        ".SH COMMANDS",
    ]
    for name, command in _commands(root(), "qlikops"):
        lines += [f".SS {_roff(name)}", _roff(inspect.cleandoc(command.help or "").partition("\f")[0])]
        for each in command.params:
            if getattr(each, "hidden", False):
                continue
            spelled, meaning = (cell.replace("`", "") for cell in _parameter_row(each))
            lines += [".TP", f".B {_roff(spelled)}", _roff(meaning) or "."]
    codes = [line.strip("| ").split(" | ") for line in (exit_codes.__doc__ or "").splitlines() if line.startswith("| ")]
    lines += [
        ".SH EXIT STATUS",
        *(text for code, _, meaning in codes[1:] for text in (".TP", f".B {code}", _roff(meaning))),
    ]
    return "\n".join(lines) + "\n"


def _roff(text: str) -> str:
    """`text` in which nothing is a request: no backslash, no dot at the beginning of a line, no empty line."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-")
    return "\n".join(f"\\&{line}" if line[:1] in ".'" else line or ".PP" for line in escaped.splitlines())


def tables_page() -> str:
    """The columns of each list: what a filter asks, what one sorts by, which goes where there is little room."""
    return page(
        "# Tables: columns, filter and order",
        MADE,
        "For operators.",
        "`/` filters and `s` sorts a list of the console; on the command line it is `--filter` and `--sort`. While not "
        "every column fits, those with a number go, 1 first.",
        "## Filter",
        inspect.cleandoc(filters.__doc__ or "").partition("\n\n")[2],
        *_listed("Inbox", inbox.TABLE, f"Such as `{inbox.FILTER_EXAMPLE}`."),
        *_listed("Fleet", fleet.TABLE, f"Such as `{fleet.FILTER_EXAMPLE}`."),
        *_listed("Executions", executions.TABLE, "In the console only; `s` goes through the statuses."),
    )


def _listed(title: str, table: TableOf[Any], words: str) -> Iterator[str]:
    turns = sorted(column.drawn.goes for column in table.columns if column.drawn.goes)
    yield f"## {title}"
    yield words
    yield grid(
        ("column", "filter", "`--sort`", "goes"),
        (
            (
                column.drawn.header or column.key,
                "" if column.field is None else f"`{column.key}:`",
                "" if column.order is None else f"`{column.order.name}`: {column.order.words}",
                turns.index(column.drawn.goes) + 1 if column.drawn.goes else "",
            )
            for column in table.columns
        ),
    )
    if table.more_fields:
        yield f"The filter asks these too: {', '.join(f'`{key}:`' for key in table.more_fields)}."
    for order in table.orders[:1]:
        yield f"Unless one says otherwise, rows come {order.words} (`{order.name}`)."


def deploy_schema() -> dict[str, Any]:
    """The JSON schema of the deployment file, for editors and pipelines."""
    text, texts = {"type": "string"}, {"type": "array", "items": {"type": "string"}}
    special: dict[str, Any] = {
        "log_retention": {"type": "integer"},
        "subnets": texts,
        "security_groups": texts,
        "tags": {"type": "object", "additionalProperties": text},
        "agent": {
            "type": "object",
            "properties": {
                each.name: {} for each in dataclasses.fields(AgentConfig) if each.name not in PLACE_VARIABLES
            },
            "additionalProperties": False,
        },
        "qlik": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {name: {"type": "boolean"} if name == "verify_tls" else text for name in INSTANCE_KEYS},
                "additionalProperties": False,
            },
        },
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "qlikops.deploy.toml",
        "type": "object",
        "properties": {each.name: special.get(each.name, text) for each in dataclasses.fields(Choices)},
        "additionalProperties": False,
    }


def schema_text() -> str:
    """The JSON schema of the deployment file."""
    return json.dumps(deploy_schema(), indent=2) + "\n"


def config_schema_text() -> str:
    """The JSON schema of config.toml."""
    made = event_schemas.settings_schema(ConfigFile)
    contexts, commands = (made["properties"][name]["additionalProperties"] for name in ("contexts", "commands"))
    contexts["properties"]["theme"]["examples"] = [each.name for each in THEMES]
    commands["properties"]["where"]["items"]["enum"] = list(PLACES)
    moved = [each.id for each in actions().values() if not each.is_fixed]
    made["properties"]["keys"]["propertyNames"] = {"enum": sorted(moved)}
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "config.toml of qlikops"}
    return json.dumps({**head, **made}, indent=1, ensure_ascii=False) + "\n"


def completion_text() -> str:
    """The commands as shell completion reads them."""
    return json.dumps(_node(root()), indent=1, ensure_ascii=False) + "\n"


def _node(command: Any) -> dict[str, Any]:
    options = [each for each in command.params if each.param_type_name == "option"]
    return {
        "help": _first_sentence(command.help or ""),
        "options": {name: _takes(each) for each in options for name in (*each.opts, *each.secondary_opts)},
        "arguments": [_takes(each) for each in command.params if each.param_type_name == "argument"],
        "commands": {name: _node(each) for name, each in getattr(command, "commands", {}).items()},
    }


def _takes(parameter: Any) -> str | list[str] | None:
    """What a value of it is: choices, or its metavar; None for a flag."""
    if getattr(parameter, "is_flag", False) or (parameter.metavar or "").startswith("[="):
        return None
    kind = parameter.type_descriptor.annotation
    if isinstance(kind, type) and issubclass(kind, Enum):
        return [str(each.value) for each in kind]
    return (parameter.metavar or "").removesuffix("…")


EXAMPLES = event_schemas.examples()
SCHEMA = resource("deploy", "qlikops.deploy.schema.json")
PAGES: dict[str, Callable[[], str]] = {
    "reference/policy.md": policy_page,
    "reference/anomalies.md": detection_page,
    "reference/failures.md": failures_page,
    "reference/commands.md": commands_page,
    "reference/tables.md": tables_page,
    "reference/settings.md": settings_page,
    "reference/permissions.md": permissions_page,
    "development/scenarios.md": scenarios_page,
    "reference/events/index.md": events_page,
    **{f"reference/events/{name}.json": partial(event_schemas.schema_text, event) for name, event in EXAMPLES.items()},
    "qlikops.1": man_page,
}
_OPINIONS = tuple(verdict for verdict in Verdict if verdict is not Verdict.UNAVAILABLE)


def _first_sentence(text: str) -> str:
    return " ".join(text.partition("\n\n")[0].split()).partition(". ")[0].rstrip(".")


def _commands(command: Any, name: str) -> Iterator[tuple[str, Any]]:
    """The head first, then the commands, a group's after one another."""
    subcommands = getattr(command, "commands", {})
    if name == "qlikops" or not subcommands or getattr(command, "invoke_without_command", False):
        yield name, command
    for each in subcommands:
        yield from _commands(subcommands[each], f"{name} {each}")


def _parameter_row(parameter: Any) -> Sequence[str]:
    spelling = [*parameter.opts, *parameter.secondary_opts]
    if parameter.param_type_name == "argument":
        return (f"`{parameter.metavar or str(parameter.name).upper()}`", parameter.help or "")
    metavar = "" if parameter.is_flag else f" {parameter.metavar or str(parameter.name).upper()}"
    return (", ".join(f"`{one}{metavar}`" for one in spelling), (parameter.help or "").replace("|", "\\|"))


def _decided(proposal: Proposal, evaluation: Evaluation, mode: ApprovalMode, restarts: int = 0) -> PolicyResult:
    config = replace(CONFIG, approval_mode=mode)
    return decide(proposal, evaluation, restarts_last_hour={KEY: restarts}, config=config)


def _routes(proposal: Proposal, evaluation: Evaluation = GOOD, restarts: int = 0) -> list[str]:
    routes = [_decided(proposal, evaluation, mode, restarts).route for mode in _MODES]
    return [f"**{route}**" if route is Route.AUTOMATIC else route for route in routes]


def _gates(proposal: Proposal, evaluation: Evaluation = GOOD) -> str:
    closed = _decided(proposal, evaluation, ApprovalMode.POLICY).closed_gates
    return ", ".join(each.gate for each in closed) or "none"


def _described(evaluation: Evaluation) -> str:
    return f"{evaluation.verdict}, {evaluation.risk} risk, confidence {evaluation.confidence}"


def _action(kind: AnomalyKind) -> str:
    if kind not in ACTIONS:
        return "nothing"
    return " or ".join(option.action.replace("_", " ") for option in options_of(kind, None))


def _kind_row(kind: AnomalyKind) -> Sequence[str]:
    if kind not in ACTIONS:
        return (kind, _action(kind), "", *("" for _ in _MODES))
    proposal = replace(OPEN, kind=kind, action=ACTIONS[kind], options=options_of(kind, OPEN.diagnosis))
    return (kind, _action(kind), _gates(proposal), *_routes(proposal))


def _failure_rows() -> Iterator[Sequence[str]]:
    examples: dict[tuple[FailureClass, Certainty], Proposal] = {}
    for entries in built_in():
        for failure in entries.failures:
            task = failed(message=failure.examples[0], source_type=failure.engine)
            found = diagnosis_of(task)
            if found.failure == failure.id and (found.failure_class, found.certainty) not in examples:
                examples[found.failure_class, found.certainty] = only_proposal(poll_twice(task))
    for failure_class, certainty in product(FailureClass, Certainty):
        if proposal := examples.get((failure_class, certainty)):
            evaluation = RulesEvaluator(lambda: NOW).evaluate(proposal, EvaluationInput())
            policy = _decided(proposal, evaluation, ApprovalMode.POLICY)
            because = next((each.reason for each in policy.closed_gates), evaluation.verdict)
            name = proposal.diagnosis.failure if proposal.diagnosis else ""
            said = f"{evaluation.verdict}, {evaluation.risk} risk"
            routes = _routes(proposal, evaluation)
            yield (failure_class, certainty, f"`{name}`", proposal.kind, said, because, *routes)


def _option_rows() -> Iterator[Sequence[str]]:
    """Of each kind, and of each class that says more than the kind does."""
    for kind in ACTIONS:
        classes = (FailureClass.UNKNOWN, *NEEDS_HUMAN) if kind is AnomalyKind.FATAL_UNKNOWN else (FailureClass.UNKNOWN,)
        for failure in classes:
            said = Diagnosis("an-entry", failure_class=failure, checks=("the failure's own",))
            for option in options_of(kind, said):
                of_class = "" if failure is FailureClass.UNKNOWN else failure
                yield (kind, of_class, option.name, option.words, " ".join(option.checks), option.loses)


def _gate_rows() -> Iterable[Sequence[str]]:
    for gate in GATES:
        example = next((each for each in CLOSING if each[0] is gate), None)
        # A lost position is a kind, and as such closes more gates than its own.
        proposal, evaluation, restarts = (
            (example[1], example[2], example[3].get(KEY, 0))
            if example
            else (replace(OPEN, kind=AnomalyKind.POSITION_LOST), GOOD, 0)
        )
        closed = _decided(proposal, evaluation, ApprovalMode.POLICY, restarts).closed_gates
        reason = next(each.reason for each in closed if each.gate is gate)
        yield (gate, reason, *_routes(proposal, evaluation, restarts))


def _evaluation_rows() -> Iterable[Sequence[str]]:
    """What each part of an evaluation does by itself; several of them together are as strict as the strictest."""
    floor = CONFIG.confidence_floor
    changes: list[tuple[str, Evaluation]] = [
        *((f"verdict {verdict}", replace(GOOD, verdict=verdict)) for verdict in Verdict),
        *((f"{risk} risk", replace(GOOD, risk=risk)) for risk in Risk),
        (f"confidence {floor} or more", replace(GOOD, confidence=floor)),
        (f"confidence below {floor}", replace(GOOD, confidence=floor - 0.01)),
    ]
    for words, evaluation in changes:
        yield (words, _gates(OPEN, evaluation), *_routes(OPEN, evaluation))


def main() -> None:
    """Writes every page."""
    for name, make in PAGES.items():
        (DOCS / name).write_text(make())
    SCHEMA.write_text(schema_text())
    completion.TREE.write_text(completion_text())
    settings.SCHEMA.write_text(config_schema_text())


if __name__ == "__main__":
    main()
