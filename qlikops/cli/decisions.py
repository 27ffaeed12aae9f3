"""decisions."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Annotated

from qlikops.cli import output
from qlikops.cli.context import Invocation, JsonListOption, takes
from qlikops.cli.durations import duration
from qlikops.domain.errors import UsageError
from qlikops.domain.gathered import archive as archived
from qlikops.domain.gathered.shift import Shift, gather_shift
from qlikops.domain.gathered.shift_entry import ME, ShiftEntry, fits
from qlikops.domain.ports import ContextServices
from qlikops.domain.words.naming import listed
from qlikops.files import read_text, replace_text, shown
from qlikops.presentation.lists import shift as presented
from qlikops.presentation.vocabulary import count

MOST_BYTES = 512 * 1024 * 1024
"""The largest file of one month that is read: a larger one would fill the memory."""


def decisions(
    here: Invocation,
    since: Annotated[str, takes("T", "How far back to look.")] = "12h",
    by: Annotated[str, takes("NAME", "Only what NAME decided; `me` for yourself.")] = "",
    task: Annotated[str, takes("TASK", "Only proposals on this task, or on one like it.")] = "",
    failure: Annotated[str, takes("FAILURE", "Only of this known failure, or kind of anomaly, or its beginning.")] = "",
    export: Annotated[
        Path | None, takes("DIR", "Write what ended in each finished month to DIR, one file a month.")
    ] = None,
    archive: Annotated[Path | None, takes("DIR", "Read what --export wrote to DIR, in place of the ledger.")] = None,
    as_json: JsonListOption = False,
) -> None:
    """List the proposals of a shift: what waits, who decided what, how it ended, whether it lasted, until when its
    tasks are muted.

    The ledger keeps them for 90 days. --export keeps them for longer: a month that is in DIR already is left as it is.
    """
    length = duration("--since", since)
    now = here.now()
    if export is not None:
        if archive or by or task or failure or as_json:
            raise UsageError("--export writes everything: it takes no other option but --context.")
        _export(here.environment(), export, now)
        return
    if archive is None:
        found = gather_shift(here.environment(), now - length, now)
    else:
        found = Shift(now - length, now, _archived(archive, now - length))
    caller = here.environment().caller() if by == ME else ""
    entries = tuple(entry for entry in found.entries if fits(entry, by=by, task=task, failure=failure, caller=caller))
    found = replace(found, entries=entries)
    if as_json:
        output.write_json(entries)
        return
    output.say(presented.summary(found))
    if entries:
        output.write_rows(presented.table(now), entries)


def _export(environment: ContextServices, folder: Path, now: datetime) -> None:
    there = {path.name for path in folder.glob("*.jsonl")}
    found = archived.gather(environment, now, there)
    for month, entries in found.months:
        replace_text(folder / month.file, archived.as_lines(entries))
        forgotten = f"; from {now - archived.KEPT:%Y-%m-%d} on" if month.begins < now - archived.KEPT else ""
        output.say(f"{month.file}: {count(len(entries), 'proposal')}{forgotten}")
    if not found.months:
        output.say(f"Every month that is over and that the ledger still has is in {shown(folder)}.")
    if not found.is_complete:
        output.say("There were more runs than are looked at: the oldest are missing.")
    if found.too_new:
        output.say(f"A newer qlikops wrote {listed(found.too_new)}: they are missing.")


def _archived(folder: Path, since: datetime) -> tuple[ShiftEntry, ...]:
    """The newest first."""
    files = sorted(folder.glob("decisions-*.jsonl"), reverse=True)
    if not files:
        raise UsageError(f"There are no decisions in {shown(folder)}.", "`qlikops decisions --export DIR` writes them.")
    read = (archived.parse(read_text(path, at_most=MOST_BYTES), path.name) for path in files)
    entries = (entry for month in read for entry in month if entry.at >= since)
    return tuple(sorted(entries, key=lambda entry: entry.at, reverse=True))
