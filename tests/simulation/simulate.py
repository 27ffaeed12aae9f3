"""Lives through nights: `python -m tests.simulation.simulate --seeds 300`; through one, with its trace: `--seed 7`."""

from __future__ import annotations

import argparse
import contextlib
import functools
import gc
import logging
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from unittest import mock

from qlikops.agent.diagnosis.library import with_own
from qlikops.agent.remember import own_failures
from qlikops.agent.remember import record as records
from qlikops.domain.encoding import codec
from qlikops.domain.ledger import Attribute
from qlikops.domain.proposals.record import RecordItem, stored_digest
from tests.simulation import situations
from tests.simulation.exhaustive import restarting
from tests.simulation.living import Lived, live_through, shortened
from tests.simulation.night import LARGE, USUAL, Size, draw
from tests.simulation.plant import without_threads

_SAID_EVERY = 500
"""Nights after which whoever waits is told how far it is."""
REPLAY = "python -m tests.simulation.simulate --seed {}"
_DIGESTED = (Attribute.PROPOSAL, Attribute.EVALUATION, Attribute.POLICY)
"""What of a record its digest is taken over."""


def one(seed: int, size: Size = USUAL) -> Lived:
    """The night of a seed among nights of this size, without what only people read."""
    with _without_logs(), without_threads(), _without_collecting(), _reading_once():
        lived = live_through(draw(seed, size))
        lived.world = None
    return lived


@contextlib.contextmanager
def _without_logs() -> Iterator[None]:
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)


@contextlib.contextmanager
def _without_collecting() -> Iterator[None]:
    """Looks for garbage once a night, not once a thousand events: a fifth of the time."""
    gc.disable()
    try:
        yield
    finally:
        gc.collect(0)
        gc.enable()


@contextlib.contextmanager
def _reading_once() -> Iterator[None]:
    """Parses each stored text once, and takes its digest once: a record is read hundreds of times a night.

    What comes of a text is frozen. So is a team's library, which each new process makes of the same few entries.
    """
    with (
        mock.patch.object(own_failures, "with_own", _with_own),
        mock.patch.object(codec, "loads", functools.lru_cache(maxsize=1000)(codec.loads)),
        mock.patch.object(records, "stored_digest", _once(stored_digest)),
    ):
        yield


_with_own = functools.lru_cache(maxsize=4)(with_own)


def _once(digest: Callable[[RecordItem], str]) -> Callable[[RecordItem], str]:
    kept = functools.lru_cache(maxsize=1000)(lambda texts: digest(dict(texts)))
    return lambda item: kept(tuple((name, item[name]) for name in _DIGESTED if name in item))


def many(seeds: Iterable[int], workers: int) -> Iterable[Lived]:
    """The nights of `seeds`, in their order."""
    if workers == 1:
        yield from map(one, seeds)
        return
    with ProcessPoolExecutor(workers) as pool:
        yield from pool.map(one, seeds, chunksize=8)


def replay(seed: int, size: Size, folder: Path | None) -> bool:
    """Shows a seed's night, shortened where it violates something; whether it does. Histories go to `folder`."""
    with without_threads():
        night = draw(seed, size)
        lived = live_through(night)
        if lived.violation:
            night = shortened(night, lived.violation)
            lived = live_through(night)
    print(*lived.trace, sep="\n")
    for name, history in lived.histories().items() if folder else ():
        path = Path(folder or ".") / f"{name}.json"
        path.write_text(history)
        print(f"qlikops show --history {path}")
    print(lived.violation or "all invariants hold")
    return bool(lived.violation)


def survey(first: int, count: int, workers: int, *, stop: bool) -> bool:
    """Lives through so many nights; whether all is well. `stop`s at the first violation where that is enough.

    The first night that violates something is shown at the end, shortened.
    """
    began, reached, events, lived_through = time.monotonic(), Counter[str](), 0, 0
    violated: list[int] = []
    for lived in many(range(first, first + count), workers):
        lived_through += 1
        events += lived.events
        reached.update(lived.reached)
        if lived.violation:
            violated.append(lived.seed)
            print(f"seed {lived.seed}: {lived.violation}\n  replay: {REPLAY.format(lived.seed)}", flush=True)
            if stop:
                break
        if lived_through % _SAID_EVERY == 0:
            took = time.monotonic() - began
            print(f"{lived_through} of {count} seeds, {len(violated)} violations, {took:.0f} s", flush=True)
    took = time.monotonic() - began
    if violated:
        print(f"seed {violated[0]}, shortened:")
        with _without_logs():
            replay(violated[0], USUAL, None)
    missing = [name for name in situations.wanted() if not reached[name]]
    print(*(f"{number:>9}  {name}" for name, number in sorted(reached.items())), sep="\n")
    if missing:
        print("never reached:", *missing, sep="\n  ")
    print(
        f"{lived_through} seeds, {events} events, {len(reached)} named situations, "
        f"{len(violated)} violations, {took:.0f} s"
    )
    return not violated and not (missing and count >= situations.ENOUGH_SEEDS)


def search_whole() -> bool:
    """Searches what restarts a task, with five invocations for its two proposals; whether nothing is wrong."""
    found = restarting(of=(0, 0, 0, 1, 1))
    what = found.violation or "all invariants hold"
    print(f"{found.states} states of lease, token, claim, run call and brake: {what}", flush=True)
    return not found.violation


def main() -> int:
    """Exit code 1 where a night violates something, or many nights do not reach what they must."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seed", type=int, help="show this one")
    options.add_argument("--large", action="store_true", help="with --seed: the night that it was when it was found")
    options.add_argument("--histories", type=Path, help="with --seed: a folder for the histories of its executions")
    options.add_argument("--first", type=int, default=0)
    options.add_argument("--seeds", type=int, default=300)
    options.add_argument("--workers", type=int, default=2)
    options.add_argument("--stop", action="store_true", help="end at the first violation")
    given = options.parse_args()
    if given.seed is not None:
        with _without_logs():
            return int(replay(given.seed, LARGE if given.large else USUAL, given.histories))
    is_whole = given.seeds < situations.ENOUGH_SEEDS or search_whole()
    return int(not survey(given.first, given.seeds, given.workers, stop=given.stop) or not is_whole)


if __name__ == "__main__":
    sys.exit(main())
