"""Log lines as text, and why there are none."""

from __future__ import annotations

from datetime import timedelta

from qlikops.domain.workflow.execution import StateStatus, StateVisit
from qlikops.domain.workflow.logs import CallLog, FunctionCall, LogLine
from qlikops.domain.workflow.machine import Machine, State
from qlikops.presentation.pages.logs import text
from tests.unit.presentation.samples import NOW

CALL = FunctionCall("Look", (3,), "QlikMonitor-Look", NOW, NOW + timedelta(seconds=2), "aa-1")
MACHINE = Machine((State("Look", "Task", function="QlikMonitor-Look"), State("Choose", "Choice")))
LOOK, CHOOSE = (StateVisit(name, StateStatus.SUCCEEDED, NOW) for name in ("Look", "Choose"))


def shown(*logs: CallLog, minutes: float = 30) -> str:
    return text(MACHINE, [LOOK], [log.call for log in logs], logs, NOW + timedelta(minutes=minutes))


def test_each_call_stands_above_its_lines() -> None:
    line = LogLine(NOW + timedelta(milliseconds=1250), "stream", "hello\nthere")
    assert shown(CallLog(CALL, (line,))).splitlines() == [
        "Look, item 3: /aws/lambda/QlikMonitor-Look, 2026-03-07 11:20:00 UTC to 11:20:02",
        "request aa-1",
        "",
        "11:20:01.250  hello",
        "there",
    ]


def test_what_is_missing_is_said() -> None:
    assert "up to a minute after" in shown(CallLog(CALL, ()), minutes=1)
    assert "LogRetentionDays" in shown(CallLog(CALL, ()))
    assert shown(CallLog(CALL, (), problem="There is no log group X.")).endswith("\n\nThere is no log group X.")
    open_call = FunctionCall("Look", (), "QlikMonitor-Look", NOW)
    assert "to now\nThe history does not name the request" in shown(CallLog(open_call, (), is_whole=False))
    assert "… and more" in shown(CallLog(open_call, (), is_whole=False))
    assert shown(CallLog(CALL, ())).count("─" * 40) == 0
    both = text(MACHINE, [LOOK], [open_call, CALL], [CallLog(CALL, ())], NOW)
    assert both.startswith("1 earlier calls were not read")


def test_why_there_is_no_call() -> None:
    assert "could not be read" in text(None, [LOOK], (), (), NOW)
    assert text(MACHINE, [], (), (), NOW).startswith("It was not reached")
    assert text(MACHINE, [LOOK], (), (), NOW) == "Its function has not been called yet."
    assert text(MACHINE, [CHOOSE], (), (), NOW) == "Choose: no Lambda function, so no log."
