"""known, known show, known explain, known test, known draft."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from qlikops.agent.diagnosis.check import problems, shadowed
from qlikops.agent.diagnosis.draft import draft as drafted
from qlikops.agent.diagnosis.entry import Failure, InvalidEntries
from qlikops.agent.diagnosis.library import Library, built_in, index_of, library, read_files
from qlikops.agent.diagnosis.ranking import MessageContext
from qlikops.agent.trial import Outcome, Situation, outcome
from qlikops.cli import output
from qlikops.cli.context import JsonOption
from qlikops.cli.exit_codes import ExitCode
from qlikops.domain.diagnosis import FailureClass
from qlikops.domain.errors import NotFound, UsageError
from qlikops.domain.text import harmless
from qlikops.presentation.table import Column
from qlikops.presentation.tone import Section, Span, line

known = typer.Typer(
    help="Known failures: what the agent recognises in a message, and what it says to look at first.",
    add_completion=False,
    invoke_without_command=True,
    rich_markup_mode=None,
)


@known.callback()
def _list(
    ctx: typer.Context,
    engine: Annotated[
        str, typer.Option(metavar="NAME", help="Only this engine's: oracle, network, replicate.", show_default=False)
    ] = "",
    as_json: JsonOption = False,
) -> None:
    """List the known failures, engine by engine."""
    if ctx.invoked_subcommand:
        return
    found = [failure for failure in _failures() if not engine or failure.engine == engine.lower()]
    if not found:
        engines = sorted({failure.engine for failure in _failures()})
        raise NotFound(f"No known failure of {engine}.", f"There are: {', '.join(engines)}.")
    if as_json:
        output.write_json([_data(failure) for failure in found])
        return
    output.write_table(
        (Column("id", "Failure", 34), Column("class", "Class", 13), Column("says", "What happened", 90)),
        [
            {
                "id": Span(failure.id),
                "class": Span(failure.failure_class.value.replace("_", " ")),
                "says": Span(failure.says),
            }
            for failure in found
        ],
    )


@known.command()
def show(
    failure: Annotated[str, typer.Argument(metavar="ID", help="Of a known failure, as the list has it.")],
    as_json: JsonOption = False,
) -> None:
    """Show one known failure: what it is recognised by, and what to do about it."""
    found = next((each for each in _failures() if each.id == failure.lower()), None)
    if found is None:
        raise NotFound(f"No known failure is called {failure}.", "`qlikops known` lists them.")
    if as_json:
        output.write_json(_data(found))
        return
    output.write_sections(_sections(found))


@known.command()
def explain(
    text: Annotated[str, typer.Argument(metavar="TEXT", help="The message of a task.", show_default=False)] = "",
    file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.jsonl",
            help="Many messages, a JSON object a line with `message` and, where known, source_type, target_type, "
            "state, stop_reason, full_load_completed, previous_message; - is stdin.",
            show_default=False,
        ),
    ] = None,
    source: Annotated[str, typer.Option(metavar="TYPE", help="The source endpoint's type.", show_default=False)] = "",
    target: Annotated[str, typer.Option(metavar="TYPE", help="The target endpoint's type.", show_default=False)] = "",
    entries: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE.toml", help="Entries of your own beside the built-in ones.", show_default=False),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Explain messages as the agent does: their parts, the known failure, what is left unexplained, what follows."""
    if bool(text) == bool(file):
        raise UsageError("give either a TEXT or --file")
    library = _library(entries or [])
    if file is None:
        found = outcome(Situation(text, source, target), library)
        if as_json:
            output.write_json(found.as_data())
        else:
            output.write_sections(_explained(found))
        return
    for situation in _situations(file):
        found = outcome(situation, library)
        if as_json:
            output.write(json.dumps(found.as_data(), ensure_ascii=False))
        else:
            diagnosis = found.explained.diagnosis
            name = diagnosis.failure or "nobody knows"
            output.write(f"{diagnosis.failure_class.value}  {name}  {harmless(situation.message, 100)}")


@known.command()
def test(
    file: Annotated[Path, typer.Argument(metavar="FILE.toml", help="Entries of your own.")],
) -> None:
    """Test entries of your own: their form, examples and near misses, and which built-in entries they shadow."""
    try:
        (written,) = read_files([file])
    except InvalidEntries as exc:
        raise UsageError(str(exc)) from exc
    for name in shadowed(written, built_in()):
        output.say(f"{name}: takes the place of the built-in entry of that name.")
    found = problems(written, built_in())
    for problem in found:
        output.say(problem)
    count = len(written.failures)
    output.write(
        f"{count} {'entry' if count == 1 else 'entries'}, {len(found)} {'problem' if len(found) == 1 else 'problems'}."
    )
    if found:
        raise typer.Exit(ExitCode.FAILURE)


@known.command()
def draft(
    text: Annotated[str, typer.Argument(metavar="TEXT", help="A message that was not recognised.")],
    kind: Annotated[
        str, typer.Option("--class", metavar="CLASS", help="What it was: fix_first, access, transient ….")
    ] = "fix_first",
    says: Annotated[str, typer.Option(help="What happened, in one sentence.")] = "Say here what happened.",
    check: Annotated[str, typer.Option(help="What to look at or put right first.")] = "Say here what to look at first.",
    source: Annotated[str, typer.Option(metavar="TYPE", help="The source endpoint's type.", show_default=False)] = "",
    target: Annotated[str, typer.Option(metavar="TYPE", help="The target endpoint's type.", show_default=False)] = "",
) -> None:
    """Draft an entry from a message whose cause you found, without its names, hosts and numbers."""
    if kind not in {each.value for each in FailureClass}:
        raise UsageError(f"--class is one of {', '.join(each.value for each in FailureClass)}, not {kind}")
    try:
        entry = drafted(text, MessageContext.of(source, target), library(), FailureClass(kind), says, check)
    except ValueError as exc:
        raise UsageError(str(exc)) from exc
    output.write(entry.rstrip("\n"))


def _failures() -> list[Failure]:
    return [failure for entries in built_in() for failure in entries.failures]


def _library(paths: list[Path]) -> Library:
    if not paths:
        return library()
    try:
        return Library(index_of([*built_in(), *read_files(paths)]))
    except InvalidEntries as exc:
        raise UsageError(str(exc)) from exc


def _situations(file: Path) -> list[Situation]:
    """A line each; UsageError with the number of the first line that is wrong."""
    try:
        lines = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        raise UsageError(f"{file} cannot be read: {exc}") from exc
    found = []
    for number, each in enumerate(lines.split("\n"), 1):
        if not each.strip():
            continue
        try:
            given = json.loads(each)
            if not isinstance(given, dict):
                raise ValueError("it is no JSON object")
            found.append(Situation.of(given))
        except (ValueError, RecursionError) as exc:
            raise UsageError(f"{file}, line {number}: {exc}") from exc
    return found


def _data(failure: Failure) -> dict[str, Any]:
    return {
        "id": failure.id,
        "engine": failure.engine,
        "side": failure.side,
        "class": failure.failure_class.value,
        "says": failure.says,
        "check": list(failure.checks),
        "then": failure.then.value,
        "never": failure.never,
        "automatic": failure.automatic,
        "native": list(failure.native),
        "source": failure.source,
        "checked": failure.checked,
        "examples": list(failure.examples),
    }


def _sections(failure: Failure) -> list[Section]:
    return [
        Section(failure.id, (line("class", failure.failure_class.value.replace("_", " ")), line("says", failure.says))),
        Section("Look at first", tuple(line(f"{n}.", check) for n, check in enumerate(failure.checks, 1))),
        Section(
            "Then",
            (
                line("then", failure.then.value),
                line("never", failure.never or "-"),
                line("by itself", "yes, if every gate is open" if failure.automatic else "no"),
                line("source", failure.source or "a judgement"),
                line("read on", failure.checked),
            ),
        ),
        Section(
            "Recognised by",
            (
                *(line("code", code) for code in failure.native),
                *(line("example", harmless(example)) for example in failure.examples),
            ),
        ),
    ]


def _explained(found: Outcome) -> list[Section]:
    diagnosis = found.explained.diagnosis
    frames = found.explained.parsed.frames
    return [
        Section(
            "Parts",
            tuple(
                line(
                    frame.component or f"{number}.", harmless(" ".join((frame.text, *(f"<{c}>" for c in frame.codes))))
                )
                for number, frame in enumerate(frames, 1)
            ),
        ),
        Section(
            "Diagnosis",
            (
                line("failure", diagnosis.failure or "nobody knows"),
                line("class", diagnosis.failure_class.value.replace("_", " ")),
                line("certainty", diagnosis.certainty.value),
                line("says", diagnosis.says or "-"),
                *(line("check", check) for check in diagnosis.checks),
                line("never", diagnosis.never or "-"),
                line("source", diagnosis.source or "-"),
                line("unexplained", harmless(diagnosis.unexplained) or "nothing"),
                line("cut", "yes" if diagnosis.is_cut else "no"),
                line("also", ", ".join(diagnosis.runners_up) or "-"),
            ),
        ),
        Section(
            "What would follow",
            (
                line("kind", found.proposal.kind.value if found.proposal else "nothing would be proposed"),
                line("rules", f"{found.verdict} ({found.risk} risk)" if found.verdict else "-"),
                line("mode policy", found.route_policy or "-"),
                line("mode always", found.route_always or "-"),
            ),
        ),
    ]
