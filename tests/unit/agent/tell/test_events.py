"""Events as programs get them: by their schemas, within what SNS and EventBridge take, and harmless in a chat."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from qlikops.agent.tell import events as told
from qlikops.agent.tell.event import Event
from tests.documents import DOCS
from tests.event_schemas import examples, faults, schema_of
from tests.unit.agent.fakes import group

EXAMPLES = examples()
Change = Callable[[dict[str, Any]], object]


def test_what_can_be_told_has_its_place() -> None:
    classes = [each for each in vars(told).values() if isinstance(each, type) and issubclass(each, Event)]
    # What has the fields of several in common is told by none itself.
    told_itself = {each for each in classes if not any(each in other.__mro__[1:] for other in classes)}
    assert told_itself == set(told.EVENTS), "its place in EVENTS of agent/tell/events.py"


def test_there_is_an_example_of_each_event() -> None:
    assert list(EXAMPLES) == [event.__name__ for event in told.EVENTS], "an example in tests/event_schemas.py"


@pytest.mark.parametrize("event", told.EVENTS)
def test_the_runbook_says_when_it_is_told(event: type[Event]) -> None:
    assert f"`{event.__name__}`" in (DOCS / "runbook.md").read_text(encoding="utf-8"), "its row in docs/runbook.md"


@pytest.mark.parametrize("event", EXAMPLES.values(), ids=EXAMPLES)
def test_an_example_is_as_its_schema_says(event: Event) -> None:
    detail = json.loads(json.dumps(event.detail()))
    assert list(faults(schema_of(event), detail)) == []
    assert (detail["version"], detail["event"]) == (1, event.name)
    assert all(schema_of(event)["properties"][name].get("description") for name in ("dedup_key", "summary", "text"))


@pytest.mark.parametrize(
    "change",
    [
        lambda detail: detail.pop("dedup_key"),
        lambda detail: detail.update(version=2),
        lambda detail: detail.update(severity="loud"),
        lambda detail: detail.update(task_count="3"),
        lambda detail: detail.update(tags=["gold", 1]),
        lambda detail: detail.update(token="t"),
    ],
)
def test_what_is_not_as_its_schema_says_is_found(change: Change) -> None:
    event = EXAMPLES["ApprovalRequested"]
    detail = event.detail()
    change(detail)
    assert len(list(faults(schema_of(event), detail))) == 1


def test_findings_of_a_group_say_its_tags() -> None:
    assert EXAMPLES["FindingOpened"].tags == EXAMPLES["FindingClosed"].tags == ("gold", "prod")
    assert group(3).tags == ()
