"""Stories of a person who looks elsewhere, and what reaches them."""

from __future__ import annotations

import inspect
import json
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest
from textual import events

from qlikops.presentation.alert import Alerts
from qlikops.presentation.lists.watch import WatchEvent, What
from qlikops.tui.app import QlikOpsApp
from qlikops.tui.model.context import ContextSource
from qlikops.tui.model.messages import Alerted
from tests.unit.presentation import samples
from tests.unit.tui.conftest import sees, wait_until
from tests.unit.tui.fakes import Clock, FakeEnvironment, opener

FELL = WatchEvent(samples.NOW, What.FELL_OVER, "web-orders failed again", approval_id="a1", severity="critical")
GHOSTTY = {"TERM_PROGRAM": "ghostty"}


class Elsewhere(QlikOpsApp):
    """Keeps what a terminal would ring and show."""

    # Textual looks for it beside the subclass.
    CSS_PATH = str(Path(inspect.getfile(QlikOpsApp)).with_name("app.tcss"))

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.rang, self.notices = 0, list[str]()

    def bell(self) -> None:
        self.rang += 1

    def write_to_terminal(self, text: str) -> None:
        if "]777" in text:
            self.notices.append(text)


def console(alerts: Alerts, *records: Any, clock: Clock | None = None) -> tuple[Elsewhere, FakeEnvironment]:
    environment = FakeEnvironment.waiting_for(*(records or (samples.approval(samples.proposal(1)),)))
    source = ContextSource("prod", opener(environment), alerts=alerts)
    return Elsewhere([source], clock=clock or Clock(), poll_seconds=3600, environ=GHOSTTY), environment


def program(line: str) -> str:
    return shlex.join([sys.executable, "-c", line])


async def test_what_runs_out_soon_reaches_once_by_every_way(tmp_path: Path) -> None:
    told = tmp_path / "told"
    clock = Clock()
    command = program(f"import sys; open({str(told)!r}, 'a').write(sys.stdin.read() + chr(10))")
    waits = samples.approval(samples.proposal(1), minutes_left=12)
    app, _ = console(Alerts(notify_command=command), waits, clock=clock)
    async with app.run_test(size=(80, 24)) as pilot:
        await sees(pilot, "1 waits")
        assert (app.rang, app.notices) == (0, [])
        for seconds in (180, 30):
            clock.advance(seconds)
            await pilot.press("r")
            await wait_until(pilot, lambda: len(app.notices) == 1 and told.exists())
        assert app.rang == 1
        assert "Little time is left to decide" in app.notices[0]
        event = json.loads(told.read_text())
        assert (event["what"], event["context"], event["severity"]) == ("expires_soon", "prod", "critical")
        assert event["row"]["approval_id"] == event["approval_id"] == samples.proposal(1).proposal_id


async def test_who_looks_at_the_console_needs_no_notice() -> None:
    app, _ = console(Alerts())
    async with app.run_test(size=(80, 24)) as pilot:
        await sees(pilot, "1 waits")
        app.post_message(events.AppFocus())
        app.post_message(Alerted("prod", [FELL]))
        app.post_message(events.AppBlur())
        app.post_message(Alerted("prod", [FELL, FELL]))
        await wait_until(pilot, lambda: bool(app.notices))
        assert app.rang == 2
        assert "2 restarts did not last" in app.notices[0]


@pytest.mark.parametrize(
    "alerts", [Alerts(notify_from="critical"), Alerts(bell=False, notices="off")], ids=["too mild", "off"]
)
async def test_what_is_not_wanted_does_not_reach(alerts: Alerts) -> None:
    app, _ = console(alerts)
    mild = WatchEvent(samples.NOW, What.NEW, "disk", severity="warning" if alerts.bell else "critical")
    async with app.run_test(size=(80, 24)) as pilot:
        await sees(pilot, "1 waits")
        app.post_message(Alerted("prod", [mild]))
        await pilot.pause()
        assert (app.rang, app.notices) == (0, [])


@pytest.mark.parametrize(
    ("command", "words"),
    [("no-such-program-anywhere", "cannot be run"), (program("raise SystemExit(7)"), "ended with 7")],
)
async def test_a_program_that_fails_is_said_once(command: str, words: str) -> None:
    app, _ = console(Alerts(notify_command=command))
    async with app.run_test(size=(120, 36)) as pilot:
        await sees(pilot, "1 waits")
        app.post_message(Alerted("prod", [FELL, FELL]))
        await wait_until(pilot, lambda: len(app._notifications) == 1)
        (said,) = app._notifications
        assert said.message.startswith("notify_command: ")
        assert words in said.message
        app.post_message(Alerted("prod", [FELL]))
        await pilot.pause()
        assert len(app._notifications) == 1
