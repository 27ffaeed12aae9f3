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
    for key in pager.otherwise:
        yield f"{key} was closed with other words to filter by"


def _seen(watch: Watch) -> set[str]:
    """The dedup keys of the findings that the last run remembers as told."""
    stored = [body for (_, key), (body, _) in watch.world.s3.objects.items() if key == LATEST_SNAPSHOT]
    told: list[dict[str, Any]] = json.loads(unpacked(stored[0]))["told"] if stored else []
    _, _, _, region, account, *_ = MACHINE_ARN.split(":")
    found = ((each["kind"], *(each["key"][name] for name in ("instance", "server", "task"))) for each in told)
    return {"/".join(("qlikops", region, account, "finding", *filter(None, each))) for each in found}
