"""What a look at the fleet hands on, and how much of Lambda's time it reads for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any, cast

import pytest

from qlikops.agent.handlers.monitor_tasks import handler
from qlikops.agent.remember.run import Run
from qlikops.agent.steps.monitoring import Monitored
from qlikops.agent.wiring import Services
from qlikops.domain.runs.run import RunSummary
from tests.unit.agent.handlers.test_payload import RUN
from tests.unit.domain.samples import NOON, PROPOSAL

SUMMARY = RunSummary("arn:x", "run-1", NOON, servers=2, tasks=50, anomalies=3, deferred=1)


def services(asked: list[tuple[float, Sequence[str]]], loading: Callable[[], None] = lambda: None) -> Services:
    @contextmanager
    def monitor(reading_seconds: float, notes: Sequence[str]) -> Iterator[Any]:
        asked.append((reading_seconds, notes))

        def run(run: Run, given: object) -> Monitored:
            assert (run.execution_name, given) == ("run-1", {"orders": []})
            return Monitored(SUMMARY, (PROPOSAL,))

        yield SimpleNamespace(run=run)

    @contextmanager
    def in_use() -> Iterator[Sequence[str]]:
        loading()
        yield ("a note",)

    return cast("Services", SimpleNamespace(monitor=monitor, own_failures=SimpleNamespace(in_use=in_use)))


@pytest.mark.parametrize(("seconds", "reading"), [(900, 780.0), (100, 50.0)])
def test_it_hands_on_cards_and_counts_and_leaves_time_for_the_rest(seconds: int, reading: float) -> None:
    asked: list[tuple[float, Sequence[str]]] = []
    context = SimpleNamespace(get_remaining_time_in_millis=lambda: seconds * 1000)
    answer = handler({**RUN, "input": {"orders": []}}, context, services(asked))
    assert answer["run"]["execution_name"] == "run-1"
    assert [card["proposal_id"] for card in answer["proposals"]] == [PROPOSAL.proposal_id]
    assert (answer["proposal_count"], answer["outcomes"]) == (1, [])
    assert answer["counts"] == {"servers": 2, "tasks": 50, "anomalies": 3, "deferred": 1}
    assert asked == [(reading, ("a note",))]


def test_what_took_long_to_load_is_no_time_for_reading() -> None:
    asked: list[tuple[float, Sequence[str]]] = []
    left = [900]

    def load() -> None:
        left[0] -= 60

    context = SimpleNamespace(get_remaining_time_in_millis=lambda: left[0] * 1000)
    handler({**RUN, "input": {"orders": []}}, context, services(asked, load))
    assert asked == [(720.0, ("a note",))]
