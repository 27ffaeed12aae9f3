"""known add, known remove: a team's own known failures in the stack's data bucket."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from qlikops.agent.diagnosis.check import problems, taken_over
from qlikops.agent.diagnosis.entry import Entries, InvalidEntries
from qlikops.agent.diagnosis.library import built_in
from qlikops.agent.diagnosis.own_failures import Kept, LibraryChanges
from qlikops.aws.errors import aws_errors
from qlikops.aws.session import AwsConnection, refuse_writing
from qlikops.cli import output
from qlikops.cli.context import Invocation, YesOption, argument
from qlikops.cli.exit_codes import ExitCode
from qlikops.deployment.own_failures import OwnFailuresStore
from qlikops.domain.errors import NotFound, UsageError
from qlikops.domain.words.naming import did_you_mean
from qlikops.domain.words.text import harmless
from qlikops.files import read_text, shown


def add(
    here: Invocation,
    file: Annotated[Path, argument("FILE.toml", "Entries of your own; - is stdin.")],
    yes: YesOption = False,
) -> None:
    """Give the agent entries of your own: tests them, shows what changes, asks, and keeps what was there before.

    An entry takes the place of the one of yours with its id, or of the built-in one. It takes a deployer's rights.
    """
    try:
        written, entries = Kept.written(read_text(file), file.name)
    except InvalidEntries as exc:
        raise UsageError(str(exc)) from exc
    if not entries.failures:
        raise UsageError(f"{shown(file)} has no [[failure]].", "`qlikops known remove ID` takes one of yours back.")
    _check(entries)

    def changed(kept: Kept) -> Kept:
        return kept.with_(written)

    _change(here, changed, yes=yes)


def remove(
    here: Invocation,
    failures: Annotated[list[str], argument("FAILURE…", "Ids of entries of your own.")],
    yes: YesOption = False,
) -> None:
    """Take entries of your own back: the built-in ones with their ids count again. It takes a deployer's rights."""

    def changed(kept: Kept) -> Kept:
        yours = [str(raw["id"]) for raw in kept.raws]
        missing = sorted({*failures} - {*yours})
        if missing:
            raise NotFound(
                f"No entry of your own is called {', '.join(missing)}.",
                did_you_mean(missing[0], yours) or "`qlikops known` marks yours.",
            )
        return kept.without(failures)

    _change(here, changed, yes=yes)


def _check(written: Entries) -> None:
    """Says what follows from the entries; a Typer exit if one does not do what it says."""
    if found := problems(written, built_in()):
        for problem in found:
            output.say(problem)
        output.say("Nothing was added.")
        raise typer.Exit(ExitCode.FAILURE)
    for sentence in taken_over(written, built_in()):
        output.say(sentence)


def _change(here: Invocation, changed: Callable[[Kept], Kept], *, yes: bool) -> None:
    """Brings what the stack keeps to what `changed` makes of it, after it was shown and confirmed."""
    connection = AwsConnection(here.context())
    refuse_writing(connection)
    with aws_errors("change the known failures of your own"):
        store = OwnFailuresStore(connection.s3, connection.resources.bucket)
        try:
            kept = store.read()
        except InvalidEntries as exc:
            output.say(f"What is there cannot be read, and is replaced as a whole: {exc}")
            kept = Kept()
        after = changed(kept)
        changes = kept.changes_to(after)
        _show(changes, kept, after)
        if not changes:
            return
        if not here.confirmed("Write this?", yes=yes):
            raise typer.Exit(ExitCode.FAILURE)
        earlier = store.replace(after, here.now())
    output.say(f"Written to {store.place}. The next run reads messages by it; no deployment is needed.")
    if earlier:
        output.say(f"What was there before is kept as {earlier}.")


def _show(changes: LibraryChanges, before: Kept, after: Kept) -> None:
    """What there is, what becomes of it field by field, and what follows for the built-in entries."""
    count = len(before.raws)
    output.say(f"There {'is 1 entry' if count == 1 else f'are {count} entries'} of your own now.")
    if not changes:
        output.write("nothing to change")
        return
    was, becomes = ({str(raw["id"]): raw for raw in each.raws} for each in (before, after))
    for name in changes.added:
        output.write(f"add: {name}")
    for name in changes.changed:
        output.write(f"change: {name}")
        for field in sorted({*was[name], *becomes[name]}):
            if was[name].get(field) != becomes[name].get(field):
                output.write(f"  {field}: {_value(was[name].get(field))} → {_value(becomes[name].get(field))}")
    for name in changes.removed:
        output.write(f"remove: {name}")
    _say_what_follows(changes, after)


def _value(value: object) -> str:
    return "nothing" if value is None else harmless(str(value), 100)


def _say_what_follows(changes: LibraryChanges, after: Kept) -> None:
    ours = {failure.id: failure for entries in built_in() for failure in entries.failures}
    for failure in after.failures:
        if failure.id in ours and failure.id in changes.added:
            says = f"{ours[failure.id].failure_class.value.replace('_', ' ')}: {ours[failure.id].says}"
            output.say(f"{failure.id}: takes the place of the built-in entry of that name ({says})")
        if failure.automatic and failure.id in {*changes.added, *changes.changed}:
            output.say(f"{failure.id}: automatic only if the agent's setting own_failures_automatic is true.")
    for name in changes.removed:
        if name in ours:
            output.say(f"{name}: the built-in entry of that name counts again.")
