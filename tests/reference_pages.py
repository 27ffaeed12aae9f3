"""Pages of docs/reference that follow from settings, from the template's permissions, and from the tests' scenarios."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from enum import Enum
from itertools import pairwise
from typing import Any, get_type_hints

from cfnlint.decode.cfn_yaml import loads as load_template

from qlikops.agent.config import AgentConfig
from qlikops.agent.models import Models
from qlikops.agent.tell.events import EVENTS
from qlikops.config import Settings
from qlikops.deployment.choices import Choices
from qlikops.qlik.simulator.library import SCENARIOS
from qlikops.resources import resource
from tests.scenarios.library import STORIES, build_scenario

MADE = "<!-- Made from the code by `make docs`; edits are lost. -->"
_DEPLOYED = frozenset({"table", "bucket", "topic_arn", "qlik_secret_arn"})
"""Fields of AgentConfig that deploying sets."""
_VARIABLES = (
    ("QLIKOPS_CONFIG", "The config.toml to read, instead of the one that `qlikops config path` names."),
    (
        "QLIKOPS_DATA_DIR",
        "The folder for what qlikops keeps on this machine, such as console.json and crash reports.",
    ),
    ("QLIKOPS_CONTEXT", "The context, as `--context` says it."),
    ("QLIKOPS_QLIK_URL, …_USERNAME, …_PASSWORD", "The Qlik account on a machine without a keyring."),
    ("QLIKOPS_QLIK_API_TOKEN, QLIKOPS_QLIK_JWT", "A token instead of the user and the password."),
    ("QLIKOPS_QLIK_DOMAIN, QLIKOPS_QLIK_INSTANCE", "The account's domain; the Enterprise Manager that it belongs to."),
    ("QLIKOPS_QLIK_OPERATOR_USERNAME, …_PASSWORD", "The account that runs tasks, if it is another one."),
)


def page(*blocks: str) -> str:
    """The blocks with an empty line between them."""
    return "\n\n".join(blocks) + "\n"


def grid(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table of Markdown."""
    lines = [f"| {' | '.join(map(str, row))} |" for row in (head, *rows)]
    return "\n".join([lines[0], "|" + "---|" * len(head), *lines[1:]])


def settings_page() -> str:
    """Every setting with its default, its range and the line that stands under its field."""
    models = " and ".join(f"`{each.name}`" for each in dataclasses.fields(Models))
    return page(
        "# Settings",
        MADE,
        "For platform engineers and operators. Three places hold settings: the deploy file says how the stack is made "
        "and, below `[agent]`, how runs decide; `config.toml` says where a person's commands go and how the console "
        "looks. A wrong key or value is refused with its path.",
        "## Deploy file",
        "Keys of the file that `qlikops deploy --file` reads. Each is an option of "
        "[`qlikops deploy`](commands.md#qlikops-deploy) too, and an option wins.",
        grid(("key", "what it is"), ((f"`{name}`", said) for name, _, said in _settings(Choices))),
        "## Agent",
        "Keys below `[agent]`. `log_retention` is explained in [how long can it wait]"
        "(../concepts/point-of-no-return.md), `freshness` in [how fresh is the target](../concepts/freshness.md), the "
        f"thresholds in [anomalies](anomalies.md#thresholds), {models} in [evaluation](evaluation.md).",
        grid(
            ("key", "default", "what it is"),
            ((f"`{n}`", d, said) for n, d, said in _settings(AgentConfig) if n not in _DEPLOYED),
        ),
        "## Context",
        "Keys of a table `[contexts.NAME]` in `config.toml`. Each has a variable `QLIKOPS_` and its name in capitals, "
        "which wins over the file; an option wins over both.",
        grid(("key", "default", "what it is"), ((f"`{n}`", d, said) for n, d, said in _settings(Settings))),
        "`default_context` and `console_contexts` stand at the top of the file. `[keys]` and `[commands]`: "
        "[the console](../console.md#keys-of-your-own).",
        "## Variables",
        grid(("variable", "what it is"), ((f"`{name}`", said) for name, said in _VARIABLES)),
    )


def permissions_page() -> str:
    """Every role and policy of the stack with its statements, as the template has them."""
    resources = load_template(resource("deploy", "template.yaml").read_text())["Resources"]
    blocks = []
    for name, made in resources.items():
        if made["Type"] not in {"AWS::IAM::Role", "AWS::IAM::ManagedPolicy"}:
            continue
        properties = made["Properties"]
        managed = ", ".join(f"`{each['Ref']}`" for each in properties.get("ManagedPolicyArns", []) if "Ref" in each)
        documents = [each["PolicyDocument"] for each in properties.get("Policies", [])]
        documents += [properties["PolicyDocument"]] if "PolicyDocument" in properties else []
        rows = [row for document in documents for row in _statement_rows(document["Statement"])]
        blocks += [f"## {name}", f"{properties['Description']}" + (f" Besides: {managed}." if managed else "")]
        blocks.append(grid(("statement", "actions", "on"), rows))
    return page(
        "# Permissions",
        MADE,
        "For auditors and for those who hand out IAM rights. Each function has a role of its own, and two policies are "
        "for people. A statement in brackets is there only under that condition of the template; a *deny* is marked. "
        "What the rights mean for people: [security](../security.md).",
        *blocks,
    )


def events_page() -> str:
    """The events that people's programs may follow, each with its schema."""
    rows = (
        (f"[{each.__name__}]({each.__name__}.json)", f"`{each.STATE}`", " ".join((inspect.getdoc(each) or "").split()))
        for each in EVENTS
    )
    return page(
        "# Events",
        MADE,
        "For platform engineers who connect a pager or a chat. Each event goes to the default EventBridge bus "
        "(source `qlikops`) and is the detail of a JSON message. Its schema has an example. How to use them: "
        "[the runbook](../../runbook.md#pagers-chats-and-filters).",
        grid(("event", "`state`", "when"), rows),
    )


def scenarios_page() -> str:
    """What each scenario of the simulated fleet must come to."""
    return page(
        "# Scenarios of the simulated fleet",
        MADE,
        "For developers. The tests run each of these through the HTTP reader, detection and correlation, and it must "
        f"come to this. `qlikops local up --scenario` takes {', '.join(map('`{}`'.format, SCENARIOS))} and "
        "`large:SERVERSxTASKS`; the tests alone have the others.",
        grid(("scenario", "story", "found", "proposed"), map(_scenario_row, STORIES)),
    )


def _settings(of: type[Any]) -> Iterator[tuple[str, str, str]]:
    """Each field: name, default, range with the text that stands under it."""
    said = {name: text for each in reversed(of.__mro__) if each is not object for name, text in _lines(each)}
    hints = get_type_hints(of)
    for spec in dataclasses.fields(of):
        low_high = spec.metadata.get("range")
        accepted = f" {low_high[0]} to {low_high[1]}." if low_high else _choices(hints[spec.name])
        yield spec.name, _default(spec), f"{said.get(spec.name, '')}{accepted}".strip().replace("|", "\\|")


def _choices(hint: object) -> str:
    if isinstance(hint, type) and issubclass(hint, Enum):
        return f" One of {', '.join(f'`{each}`' for each in hint)}."
    return ""


def _default(spec: dataclasses.Field[Any]) -> str:
    value = spec.default if spec.default is not dataclasses.MISSING else None
    if value in (None, "", ()) or isinstance(value, timedelta):
        return ""
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _lines(of: type[Any]) -> Iterator[tuple[str, str]]:
    """Each field of a class with the first paragraph of the text under it."""
    try:
        (made,) = ast.parse(inspect.cleandoc("\n" + inspect.getsource(of))).body
    except (OSError, TypeError):
        return
    body = made.body if isinstance(made, ast.ClassDef) else []
    for field, after in pairwise(body):
        match field, after:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                yield name, " ".join(text.partition("\n\n")[0].split())


def _statement_rows(statements: Iterable[Any], condition: str = "") -> Iterator[Sequence[str]]:
    for each in statements:
        match each:
            case {"Fn::If": [str(name), kept, _]}:
                yield from _statement_rows([kept], name)
            case {"Effect": effect, "Action": action, "Resource": on}:
                sid = str(each.get("Sid", ""))
                words = f"{sid} ({condition})" if condition else sid
                actions = [action] if isinstance(action, str) else action
                resources = on if isinstance(on, list) else [on]
                under = ", ".join(sorted({key for test in each.get("Condition", {}).values() for key in test}))
                yield (
                    f"*deny* {words}" if effect == "Deny" else words,
                    ", ".join(f"`{one}`" for one in actions),
                    ", ".join(f"`{_named(one)}`" for one in resources) + (f", by {under}" if under else ""),
                )


def _named(value: Any) -> str:
    """A resource of a statement in one line."""
    match value:
        case {"Ref": str(name)} | {"Fn::GetAtt": [str(name), _]} | {"Fn::Sub": str(name)}:
            return name.replace("${AWS::Partition}", "aws").replace("${AWS::Region}:${AWS::AccountId}", "…")
        case {"Fn::If": [_, one, other]}:
            return " or ".join(dict.fromkeys(_named(each) for each in (one, other)))
        case str():
            return value
    return json.dumps(value)


def _scenario_row(name: str) -> Sequence[str]:
    factory = STORIES[name]
    expected = build_scenario(name, 1).expected
    kinds = sorted({kind for kinds in expected.found.values() for kind in kinds})
    actions = sorted({action.replace("_", " ") for action, _ in expected.proposed})
    found = "that nothing can be read" if expected.is_unreadable else ", ".join(kinds) or "nothing"
    story = " ".join((inspect.getdoc(factory) or "").split())
    return (name, story, found, ", ".join(actions) or "nothing")
