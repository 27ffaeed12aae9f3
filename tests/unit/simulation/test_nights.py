"""Some hundred nights of the simulated world, and that a seed says everything about one."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import pytest

from tests.simulation import situations
from tests.simulation.invariants import NAMES, watch
from tests.simulation.living import live_through, shortened
from tests.simulation.night import LARGE, draw
from tests.simulation.plant import without_threads
from tests.simulation.services import operations
from tests.simulation.simulate import REPLAY, one, survey

NIGHTS, AT_A_TIME = 280, 20
FOUND = (
    61097,
    61466,
    70984,
    71238,
    71386,
    72091,
    72365,
    73034,
    73141,
    73461,
    77971,
    78699,
    91057,
    200045,
    200543,
    201347,
    201401,
    800070,
    800373,
    800444,
    850196,
    1002876,
    1020048,
)
"""Seeds of large nights that broke a promise once. Each is the night that it was until a night draws something more."""
FOUND_SMALL = (
    1220429,
    1233670,
    1235161,
    1235208,
    1236772,
    1237645,
    1241006,
    1241197,
    1250074,
    1251743,
    1251996,
    1271201,
    2440007,
    2540049,
    2560011,
    2590085,
    2590150,
    4101241,
    4200047,
    5000020,
    6000050,
    7003131,
    7003670,
    7003802,
    7005418,
    7005915,
    7008019,
    7009350,
    9001862,
    9006737,
    12003085,
    12005670,
    12007833,
    22000067,
    23000111,
    31004397,
    31005388,
    31006650,
    42000051,
    50000629,
    50001402,
    60002915,
    60005182,
    70002636,
    70004956,
    90003027,
)
"""The same of nights of the usual size."""


@pytest.mark.parametrize("seeds", [range(first, first + AT_A_TIME) for first in range(0, NIGHTS, AT_A_TIME)])
def test_all_invariants_hold(seeds: Sequence[int]) -> None:
    violated = {seed: lived.violation for seed in seeds if (lived := one(seed)).violation}
    assert not violated, f"replay with `{REPLAY.format(next(iter(violated)))}`"


@pytest.mark.parametrize("seed", FOUND)
def test_what_broke_a_promise_once_holds(seed: int) -> None:
    assert not one(seed, LARGE).violation, f"replay with `{REPLAY.format(seed)} --large`"


@pytest.mark.parametrize("seed", FOUND_SMALL)
def test_what_broke_a_promise_in_a_small_night_holds(seed: int) -> None:
    assert not one(seed).violation, f"replay with `{REPLAY.format(seed)}`"


def test_a_seed_reproduces_a_night_to_the_byte_whatever_the_order_of_sets_is() -> None:
    code = (
        "from tests.simulation.living import live_through\n"
        "from tests.simulation.night import draw\n"
        "from tests.simulation.plant import without_threads\n"
        "with without_threads():\n"
        "    print(*(live_through(draw(seed)).fingerprint() for seed in (1, 10, 11)))"
    )
    printed = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": hashing},
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for hashing in ("1", "2")
    }
    assert len(printed) == 1
    assert len(set(printed.pop().split())) == 3


def nothing_waits(_: watch.Watch, change: watch.Change) -> str:
    return "waits" if change.after and watch.status_of(change.after) == "waiting" else ""


def test_a_survey_shows_the_first_night_that_breaks_a_promise_shortened(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(watch, "_OF_RECORDS", [nothing_waits])
    assert not survey(0, 3, workers=1, stop=True)
    first, replay, *shown, last = capsys.readouterr().out.splitlines()
    seed = first.split()[1].rstrip(":")
    assert (first, replay) == (f"seed {seed}: nothing waits: waits", f"  replay: {REPLAY.format(seed)}")
    trace = shown[shown.index(f"seed {seed}, shortened:") + 1 : shown.index("nothing waits: waits")]
    assert 0 < len(trace) < 60
    assert trace[-1].endswith("is waiting")
    assert "named situations, 1 violations" in last


def test_a_night_is_shortened_to_what_its_violation_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Held against a promise that nobody makes: that nothing ever waits. It takes one thing that breaks, and no person.

    A night ends with its violation, and this one comes early, so that most of the nights that are tried are short.
    """

    monkeypatch.setattr(watch, "_OF_RECORDS", [nothing_waits])
    with without_threads():
        drawn = (draw(seed) for seed in range(200))
        short = (each for each in drawn if len(each.operators) > 2 and each.hours < 2 and len(each.scenario.events) > 2)
        nights = list(islice((each for each in short if live_through(each).violation), 3))
        shorter = [shortened(night, "nothing waits: waits") for night in nights]
        assert all(live_through(night).violation for night in shorter)
    assert [(len(night.operators), len(night.scenario.events)) for night in shorter] == [(0, 1)] * 3


def test_the_page_on_proof_has_every_invariant_and_no_other() -> None:
    page = (Path(__file__).parents[3] / "docs" / "proof.md").read_text()
    rows = page.partition("## Promises")[2].partition("Two protocols")[0].splitlines()
    named = [row.split("|")[1].strip() for row in rows if row.startswith("| ")]
    assert [name for name in named if name != "invariant"] == sorted(NAMES, key=named.index)


def test_what_a_promise_on_calls_is_about_is_called() -> None:
    services = ("dynamodb", "s3", "sns", "events", "cloudwatch", "stepfunctions")
    called = {name for service in services for name in operations(service)}
    named = {operation for about, _ in watch._OF_ASKED for operation in about}
    assert len(named) > 5
    assert named <= called


def test_every_situation_has_a_name_of_its_own() -> None:
    names = situations.wanted()
    assert len(names) == len(set(names)) > 60
