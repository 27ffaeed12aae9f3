"""known, known show, known explain, known test, known draft; known_own has known add and known remove."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from qlikops.agent.diagnosis.check import problems, shadowed, taken_over
from qlikops.agent.diagnosis.draft import draft as drafted
from qlikops.agent.diagnosis.entry import Failure, InvalidEntries
from qlikops.agent.diagnosis.evidence import Label
from qlikops.agent.diagnosis.library import Library, built_in, library, read_files, using, with_own
from qlikops.agent.diagnosis.own_failures import Kept
from qlikops.agent.diagnosis.ranking import MessageContext
from qlikops.agent.trial import Situation, TrialResult, outcome
from qlikops.cli import output
from qlikops.cli.coercion import PlainCommand
from qlikops.cli.context import Invocation, JsonListOption, JsonOption, argument, choice, shaped, switch, takes
from qlikops.cli.exit_codes import ExitCode
from qlikops.cli.known_own import add, remove
from qlikops.cli.names import group
from qlikops.cli.remembering import remember
from qlikops.dataclass import dataclass
from qlikops.domain.errors import NotFound, QlikopsError, UsageError
from qlikops.domain.fleet.diagnosis import Certainty, Diagnosis, FailureClass
from qlikops.domain.ledger import OWN_FAILURES
from qlikops.domain.ports import ContextServices
from qlikops.domain.proposals.proposal import Proposal
from qlikops.domain.words.naming import begun, did_you_mean
from qlikops.domain.words.text import harmless
from qlikops.presentation.table import Column, ColumnOf, TableOf
from qlikops.presentation.tone import Section, Span, filled, line

_ID = re.compile(r"[0-9a-f]{4,12}")
"""Id of a proposal, or its beginning; no message is such a word."""
_OF_A_GROUP = re.compile(r" \(\d+ of \d+ tasks\)$")
"""Behind the evidence of a group."""
_TYPE = re.compile(r"\(([^()]+)\)$")
"""Type of an endpoint, as it stands behind its name."""
BuiltInOption = Annotated[bool, switch("Without entries of your own: asks no environment.", "--built-in")]

known = group("Known failures: what the agent recognises in a message, and what it says to look at first.")


@known.callback()
@shaped
def _list(
    ctx: typer.Context,
    here: Invocation,
    engine: Annotated[str, takes("NAME", "Only this engine's: oracle, network, replicate.")] = "",
    built_in: BuiltInOption = False,
    as_json: JsonListOption = False,
) -> None:
    """List the known failures, engine by engine; those of your own are marked."""
    if ctx.invoked_subcommand:
        return
    failures = _failures(() if built_in else _own(here))
    engines = sorted({each.failure.engine for each in failures})
    chosen = begun(engine, engines)
    if engine and chosen is None:
        raise NotFound(
            f"No known failure is of {harmless(engine, 120)}.",
            did_you_mean(engine, engines) or f"There are: {', '.join(engines)}.",
        )
    found = [each for each in failures if not engine or each.failure.engine == chosen]
    remember(here, here.context_name or "", "failures", {each.failure.id: each.failure.says for each in failures})
    if as_json:
        output.write_json([each.data() for each in found])
        return
    columns = (
        ColumnOf[_Listed](Column("id", "Failure", 34), lambda each: Span(each.failure.id)),
        ColumnOf[_Listed](Column("class", "Class", 13), lambda each: Span(_spaced(each.failure.failure_class))),
        ColumnOf[_Listed](Column("says", "What happened", 90), lambda each: Span(f"{each.mark}{each.failure.says}")),
    )
    output.write_rows(TableOf(columns), found)


@known.command(cls=PlainCommand)
@shaped
def show(
    here: Invocation,
    failure: Annotated[str, argument("FAILURE", "Id of a known failure, as the list has it.")],
    built_in: BuiltInOption = False,
    as_json: JsonOption = False,
) -> None:
    """Show one known failure: what it is recognised by, and what to do about it."""
    failures = _failures(() if built_in else _own(here))
    ids = [each.failure.id for each in failures]
    meant = begun(failure, ids)
    if meant is None:
        raise NotFound(
            f"No known failure is called {harmless(failure, 120)}.",
            did_you_mean(failure, ids) or "`qlikops known` lists them.",
        )
    found = failures[ids.index(meant)]
    output.write_either(found.data(), _sections(found), as_json=as_json)


@known.command(cls=PlainCommand)
@shaped
def explain(
    here: Invocation,
    text: Annotated[str, argument("TEXT", "The message of a task.")] = "",
    file: Annotated[
        Path | None,
        takes(
            "FILE.jsonl",
            "Many messages, a JSON object a line with `message` and, where known, source_type, target_type, "
            "state, stop_reason, full_load_completed, previous_message; - is stdin.",
        ),
    ] = None,
    source: Annotated[str, takes("TYPE", "The source endpoint's type.")] = "",
    target: Annotated[str, takes("TYPE", "The target endpoint's type.")] = "",
    entries: Annotated[list[Path] | None, takes("FILE.toml", "Entries of your own beside the built-in ones.")] = None,
    own: Annotated[bool, switch("With the entries of your own that the agent has.", "--own")] = False,
    as_json: JsonOption = False,
) -> None:
    """Explain messages as the agent does: their parts, the known failure, what is left unexplained, what follows."""
    if bool(text) == bool(file):
        raise UsageError("Give either a TEXT or --file.")
    kept = _read_own(here) if own else ()
    with using(_library(kept, entries or [])):
        if file is None:
            found = outcome(Situation(text, source, target))
            output.write_either(found.as_data(), _explained(found), as_json=as_json)
            return
        for situation in _situations(file):
            found = outcome(situation)
            if as_json:
                output.write(json.dumps(found.as_data(), ensure_ascii=False))
            else:
                diagnosis = found.explained.diagnosis
                name = diagnosis.failure or "nobody knows"
                output.write(f"{diagnosis.failure_class.value}  {name}  {harmless(situation.message, 100)}")


@known.command(cls=PlainCommand)
def test(
    file: Annotated[Path, argument("FILE.toml", "Entries of your own.")],
) -> None:
    """Test entries of your own: their form, examples and near misses, and which built-in entries they shadow."""
    try:
        (written,) = read_files([file])
    except InvalidEntries as exc:
        raise UsageError(str(exc)) from exc
    for name in shadowed(written, built_in()):
        output.say(f"{name}: takes the place of the built-in entry of that name.")
    found = problems(written, built_in())
    for sentence in (*found, *taken_over(written, built_in())):
        output.say(sentence)
    count = len(written.failures)
    output.write(
        f"{count} {'entry' if count == 1 else 'entries'}, {len(found)} {'problem' if len(found) == 1 else 'problems'}."
    )
    if found:
        raise typer.Exit(ExitCode.FAILURE)


@known.command(cls=PlainCommand)
@shaped
def draft(
    here: Invocation,
    text: Annotated[str, argument("TEXT", "A message that was not recognised, or the ID of its proposal.")],
    kind: Annotated[FailureClass, choice("What it was.", "--class")] = FailureClass.FIX_FIRST,
    says: Annotated[str, typer.Option(help="What happened, in one sentence.")] = "Say here what happened.",
    check: Annotated[str, typer.Option(help="What to look at or put right first.")] = "Say here what to look at first.",
    source: Annotated[str, takes("TYPE", "The source endpoint's type.")] = "",
    target: Annotated[str, takes("TYPE", "The target endpoint's type.")] = "",
) -> None:
    """Draft an entry from a message whose cause you found, without its names, hosts and numbers."""
    if _ID.fullmatch(text):
        said = _said(here.environment().approvals.approval(text).proposal)
        text, source, target = said.message, source or said.source_type, target or said.target_type
    try:
        entry = drafted(text, MessageContext.of(source, target), library(), kind, says, check)
    except ValueError as exc:
        raise UsageError(str(exc)) from exc
    output.write(entry.rstrip("\n"))


def _said(proposal: Proposal) -> Situation:
    """What a proposal's evidence says of the message that it rests on; NotFound if it rests on none."""
    values = {item.label: _OF_A_GROUP.sub("", item.value) for item in reversed(proposal.evidence)}
    if not (message := values.get(Label.MESSAGE, "")):
        raise NotFound(f"The proposal {proposal.proposal_id} has no message.", "Give the message itself.")
    source, target = (_TYPE.search(values.get(label, "")) for label in (Label.SOURCE, Label.TARGET))
    return Situation(message, source[1] if source else "", target[1] if target else "")


known.command(cls=PlainCommand)(shaped(add))
known.command(cls=PlainCommand)(shaped(remove))


def _failures(own: Sequence[Failure]) -> list[_Listed]:
    """All of them, those of a team's `own` in place of the built-in ones with their ids."""
    by_id = {failure.id: _Listed(failure) for entries in built_in() for failure in entries.failures}
    for failure in own:
        by_id[failure.id] = _Listed(failure, is_own=True, shadows=failure.id in by_id)
    return sorted(by_id.values(), key=lambda each: each.failure.engine)


def entries(environment: ContextServices) -> list[Diagnosis]:
    """The built-in entries and the team's own, as what is known of a message that each is certain to recognise."""
    try:
        own = Kept.of(environment.fleet.own_failures(), OWN_FAILURES).failures
    except (InvalidEntries, QlikopsError):
        own = ()
    return [
        Diagnosis(
            failure.id,
            failure.engine,
            failure.failure_class,
            Certainty.KNOWN,
            failure.says,
            failure.checks,
            failure.then,
            failure.never,
            failure.source,
        )
        for failure in (each.failure for each in _failures(own))
    ]


def _own(here: Invocation) -> Sequence[Failure]:
    """The team's own entries; without an environment to ask, the built-in ones are still worth a list."""
    try:
        return _read_own(here)
    except QlikopsError as exc:
        output.say(f"Without entries of your own: {exc}")
        return ()


def _read_own(here: Invocation) -> Sequence[Failure]:
    try:
        return Kept.of(here.environment().fleet.own_failures(), OWN_FAILURES).failures
    except InvalidEntries as exc:
        raise QlikopsError(str(exc), "`qlikops known add` and `remove` replace what cannot be read.") from exc


def _library(own: Sequence[Failure], paths: list[Path]) -> Library:
    """The built-in entries with `own` and those in files, as an agent reads them by its default settings."""
    if not own and not paths:
        return library()
    try:
        written = [failure for entries in read_files(paths) for failure in entries.failures]
    except InvalidEntries as exc:
        raise UsageError(str(exc)) from exc
    return with_own([*own, *written], may_be_automatic=False)


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


@dataclass(frozen=True, slots=True)
class _Listed:
    """A failure, and whose it is."""

    failure: Failure
    is_own: bool = False
    shadows: bool = False
    """It stands in place of a built-in one."""

    @property
    def mark(self) -> str:
        """Before its words in a list."""
        return "" if not self.is_own else "(yours, in place of ours) " if self.shadows else "(yours) "

    def data(self) -> dict[str, Any]:
        """What is written as JSON."""
        failure = self.failure
        return {
            "id": failure.id,
            "engine": failure.engine,
            "side": failure.side,
            "class": failure.failure_class,
            "says": failure.says,
            "check": failure.checks,
            "then": failure.then,
            "never": failure.never,
            "automatic": failure.automatic,
            "native": failure.native,
            "source": failure.source,
            "checked": failure.checked,
            "examples": failure.examples,
            "own": self.is_own,
            "shadows": self.shadows,
        }


def _sections(listed: _Listed) -> tuple[Section, ...]:
    failure = listed.failure
    codes, examples = (("code", each) for each in failure.native), (("example", each) for each in failure.examples)
    return filled(
        (failure.id, [line("class", _spaced(failure.failure_class)), line("says", f"{listed.mark}{failure.says}")]),
        ("Look at first", (line(f"{n}.", check) for n, check in enumerate(failure.checks, 1))),
        (
            "Then",
            [
                line("then", failure.then.value),
                line("never", failure.never or "-"),
                line("by itself", "yes, if every gate is open" if failure.automatic else "no"),
                line("source", failure.source or "a judgement"),
                line("read on", failure.checked),
            ],
        ),
        ("Recognised by", (line(label, harmless(each)) for label, each in (*codes, *examples))),
    )


def _explained(found: TrialResult) -> tuple[Section, ...]:
    diagnosis = found.explained.diagnosis
    parts = (
        line(each.component or f"{number}.", harmless(" ".join((each.text, *(f"<{code}>" for code in each.codes)))))
        for number, each in enumerate(found.explained.parsed.frames, 1)
    )
    return filled(
        ("Parts", parts),
        (
            "Diagnosis",
            [
                line("failure", diagnosis.failure or "nobody knows"),
                line("class", _spaced(diagnosis.failure_class)),
                line("certainty", diagnosis.certainty.value),
                line("says", diagnosis.says or "-"),
                *(line("check", check) for check in diagnosis.checks),
                line("never", diagnosis.never or "-"),
                line("source", diagnosis.source or "-"),
                line("unexplained", harmless(diagnosis.unexplained) or "nothing"),
                line("cut", "yes" if diagnosis.is_cut else "no"),
                line("also", ", ".join(diagnosis.runners_up) or "-"),
            ],
        ),
        (
            "What would follow",
            [
                line("kind", found.proposal.kind.value if found.proposal else "nothing would be proposed"),
                line("rules", f"{found.verdict} ({found.risk} risk)" if found.verdict else "-"),
                line("mode policy", found.route_policy or "-"),
                line("mode always", found.route_always or "-"),
            ],
        ),
    )


def _spaced(value: FailureClass) -> str:
    return value.replace("_", " ")
