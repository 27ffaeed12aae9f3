"""What every command is given: the options of the command line's head, and how to open an environment.

`Invocation` is click's context object, so that a test passes its own with a fake environment.
"""

from __future__ import annotations

import functools
import inspect
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from qlikops import config
from qlikops.cli import output
from qlikops.cli.shape import FormatOption, JqOption, JsonFields, ListFormatOption, shaping
from qlikops.dataclass import dataclass
from qlikops.domain.errors import UsageError

if TYPE_CHECKING:
    from qlikops.domain.ports import ContextServices


def takes(metavar: str, words: str, *names: str, **more: Any) -> Any:
    """An option with a value, which the help calls `metavar`; `more` is what Typer takes besides."""
    return typer.Option(*names, metavar=metavar, help=words, **more)


def argument(metavar: str, words: str) -> Any:
    """What stands on the command line without a name of its own."""
    return typer.Argument(metavar=metavar, help=words)


def choice(words: str, *names: str) -> Any:
    """An option that takes a value of an enum, case aside."""
    return typer.Option(*names, case_sensitive=False, help=words)


def switch(words: str, *names: str) -> Any:
    """An option without a value."""
    return typer.Option(*names, help=words)


ContextOption = Annotated[str | None, takes("CONTEXT", "The environment to talk to.", "--context", "-c")]
ContextsOption = Annotated[
    list[str] | None,
    takes(
        "CONTEXT", "An environment to talk to; again for more, `all` for all that are configured.", "--context", "-c"
    ),
]
YesOption = Annotated[bool, switch("Don't ask.", "--yes", "-y")]
SettingsOption = Annotated[
    Path | None,
    takes("FILE", "All of the agent's settings, a JSON object.", exists=True, dir_okay=False),
]
JsonOption = bool
"""Whether to write data: `shaped` makes --json and its like of a parameter `as_json` of this type."""
JsonListOption = Annotated[bool, "one table"]
"""The JsonOption of a command whose answer is one table, which is written as csv too."""


def _open_aws(context: config.Context) -> ContextServices:
    from qlikops.aws.environment import AwsEnvironment

    return AwsEnvironment(context)


def _keyring() -> Any:
    from qlikops.keyrings import system_keyring

    return system_keyring()


@dataclass(frozen=True)
class Invocation:
    """One run of the command line, and the seams to the world around it."""

    options: Mapping[str, Any] = field(default_factory=dict)
    """Settings given before the command, such as `profile`."""
    context_name: str | None = None
    """`--context` before the command."""
    is_paged: bool = True
    """Whether long output on a terminal may go through a pager."""
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    open_environment: Callable[[config.Context], ContextServices] = _open_aws
    answers: Callable[[str], bool] = config.endpoint_answers
    is_terminal: Callable[[], bool] = lambda: sys.stdin.isatty() and sys.stderr.isatty()
    """Whether a person is there to be asked."""
    keyring: Callable[[], Any] = _keyring
    """The system's, or None."""
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    def context(self, name: str | None = None, *, read_only: bool = False, even_down: bool = False) -> config.Context:
        """The context to use, said on stderr unless the person named it."""
        context = self.resolve(name or self.context_name, read_only=read_only, even_down=even_down)
        if not context.is_explicit:
            output.say(f"Context {context.name}: {context.chosen_by}.")
        return context

    def resolve(self, name: str | None, *, read_only: bool = False, even_down: bool = False) -> config.Context:
        """Resolves the context `name` and says nothing about it."""
        options = {**self.options, "read_only": read_only or self.options.get("read_only")}
        return config.resolve_context(name, options, environ=self.environ, answers=self.answers, even_down=even_down)

    def contexts(self, names: Sequence[str], *, read_only: bool = False) -> tuple[config.Context, ...]:
        """The contexts for one console; more than one only where they are named, here or in config.toml."""
        named = names or ([self.context_name] if self.context_name else [])
        found = config.console_contexts(named, self.options, environ=self.environ)
        if not found:
            return (self.context(read_only=read_only, even_down=True),)
        if not named:
            output.say(f"Contexts {', '.join(found)}: config.toml console_contexts.")
        # The local one may come up while it is looked at.
        return tuple(self.context(name, read_only=read_only, even_down=True) for name in found)

    def environment(self, name: str | None = None) -> ContextServices:
        """The environment of that context; nothing has been asked of it yet."""
        return self.open_environment(self.context(name))

    def named(self, names: Sequence[str] | None) -> tuple[config.Context, ...]:
        """The contexts for one answer: those named for it, or the one that every command uses."""
        return self.contexts(names) if names else (self.context(),)

    def confirmed(self, question: str, *, yes: bool) -> bool:
        """Whether to go on: `--yes` was given, or the person says so. Raises UsageError if there is no terminal."""
        if not yes and not self.is_terminal():
            raise UsageError("There is no terminal to confirm it.", "Add --yes.")
        return yes or typer.confirm(question, err=True)

    def reopened(self, context: config.Context) -> ContextServices:
        """The environment of `context` as it is now: the local one may have come up since, or on another port."""
        is_local = context.name == config.LOCAL
        return self.open_environment(
            self.resolve(config.LOCAL, read_only=context.settings.read_only) if is_local else context
        )


def invocation(ctx: typer.Context) -> Invocation:
    """The invocation that this command belongs to."""
    found = ctx.find_object(Invocation)
    return found if found is not None else Invocation()


def shaped(function: Callable[..., None]) -> Callable[..., None]:
    """`function` as a command, with the options that no command spells out: --context if it has a parameter `here`,
    which gets the invocation, and what `shape` declares if it has a parameter `as_json`.
    """
    own = inspect.signature(function, eval_str=True).parameters
    added: list[tuple[str, Any, Any]] = []
    if "here" in own:
        added += [("context", ContextOption, None)]
    if "as_json" in own:
        form = ListFormatOption if own["as_json"].annotation == JsonListOption else FormatOption
        added += [("as_json", JsonFields, None), ("jq", JqOption, ""), ("format_", form, None)]

    @functools.wraps(function)
    def run(ctx: typer.Context, **given: Any) -> None:
        if "ctx" in own:
            given["ctx"] = ctx
        if "here" in own:
            here = invocation(ctx)
            # Of a group, its commands are asked of the same context.
            ctx.obj = given["here"] = replace(here, context_name=given.pop("context") or here.context_name)
        if "as_json" not in own:
            function(**given)
            return
        with shaping(given.pop("as_json"), given.pop("jq"), given.pop("format_")) as is_wanted:
            function(**given, as_json=is_wanted)

    taken = [each for name, each in own.items() if name not in ("ctx", "here", "as_json")]
    keyword = inspect.Parameter.KEYWORD_ONLY
    parameters = [
        inspect.Parameter("ctx", keyword, annotation=typer.Context),
        *(each.replace(kind=keyword) for each in taken),
        *(inspect.Parameter(name, keyword, default=default, annotation=kind) for name, kind, default in added),
    ]
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {each.name: each.annotation for each in parameters}
    return run
