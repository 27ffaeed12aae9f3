"""Of what people and programs are told: what was opened is closed, with the same key."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from qlikops.domain.encoding.packing import unpacked
from qlikops.domain.ledger import LATEST_SNAPSHOT
from tests.simulation.invariants.watch import Watch, at_rest
from tests.simulation.plant import MACHINE_ARN
from tests.unit.agent.pager import Pager

_THING = ("severity", "tags", "servers", "instances")
"""What filters go by: the same when a thing is closed as when it was opened."""


@at_rest
def what_was_opened_is_closed(watch: Watch) -> Iterator[str]:
    """A pager that follows events by their dedup keys has nothing open but findings that the last run still saw."""
    if watch.world.faults.have_hit("events:"):
        return
    pager = Pager(json.loads(entry["Detail"]) for _, entry in watch.world.eventbridge.put)
    seen = _seen(watch)
    for key in pager.open:
        # Who dies between telling of a finding and keeping that tells of it again, or it is gone by then.
        if "/finding/" not in key or (key not in seen and not watch.world.functions.unanswered["MonitorTasks"]):
            yield f"{key} is open"


@at_rest
def what_is_closed_is_what_was_opened(watch: Watch) -> Iterator[str]:
    """A finding or an outage that is over was told before, and whatever was is closed for the same subscribers."""
    if watch.world.faults.have_hit("events:"):
        return
    for key, events in _by_key(watch).items():
        for number, event in enumerate(events):
            opened = [each for each in events[:number] if each["state"] == "open"]
            if event["state"] != "closed":
                continue
            # Of a question that is answered before its message went out, only the end is told.
            if not opened and event["event"] != "ApprovalClosed":
                yield f"{key} was closed by {event['event']}, and was not open"
            elif opened and any(event[name] != opened[-1][name] for name in _THING):
                yield f"{key} was opened as {[opened[-1][name] for name in _THING]}: {[event[name] for name in _THING]}"


def _by_key(watch: Watch) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for _, entry in watch.world.eventbridge.put:
        detail = json.loads(entry["Detail"])
        found.setdefault(detail["dedup_key"], []).append(detail)
    return found


def _seen(watch: Watch) -> set[str]:
    """The dedup keys of the findings that the last run remembers as told."""
    stored = [body for (_, key), (body, _) in watch.world.s3.objects.items() if key == LATEST_SNAPSHOT]
    told: list[dict[str, Any]] = json.loads(unpacked(stored[0]))["told"] if stored else []
    _, _, _, region, account, *_ = MACHINE_ARN.split(":")
    found = ((each["kind"], *(each["key"][name] for name in ("instance", "server", "task"))) for each in told)
    return {"/".join(("qlikops", region, account, "finding", *filter(None, each))) for each in found}
