"""What the list of executions keeps between two refreshes: the pages loaded so far."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import field
from datetime import UTC, datetime

from qlikops.dataclass import dataclass
from qlikops.domain.ports import ExecutionPage
from qlikops.domain.workflow.execution import ExecutionStatus, ExecutionSummary


@dataclass(frozen=True, slots=True)
class ExecutionsQuery:
    """What a page was asked by: an answer to another question than the current one is dropped."""

    status: ExecutionStatus | None
    token: str | None
    is_next: bool
    """It is the page after the last one; otherwise one that is there is asked for again."""


@dataclass(frozen=True, slots=True)
class LoadedPage:
    """A page, and what it was asked by."""

    query: ExecutionsQuery
    page: ExecutionPage


_UNKNOWN = datetime.min.replace(tzinfo=UTC)
"""When nothing ended."""


@dataclass(slots=True)
class LoadedExecutions:
    """Pages behind one another, kept true by asking again for one of them.

    A refresh is one call: for the newest page or, by turns, for the page in which the cursor stands, so that an
    execution far down is not shown as running for ever. A page is in Step Functions' order, in which an execution that
    ends comes to the front; the list is in that in which they began.
    """

    runs: list[ExecutionSummary] = field(default_factory=list)
    """What began last comes first."""
    next_token: str | None = None
    """Token of the page after the last one."""
    complete: bool = False
    """Whether the last page is there."""
    _tokens: list[str | None] = field(default_factory=list)
    """Those of the pages that are there."""
    _listed: dict[str, tuple[str | None, datetime | None]] = field(default_factory=dict)
    """By ARN, in Step Functions' order, the token of the page that an execution was on last, and when it had ended."""
    _turn: bool = False

    def clear(self) -> None:
        """Forgets everything, for another filter or context."""
        self.runs, self.next_token, self.complete, self._tokens, self._listed = [], None, False, [], {}

    def token_to_refresh(self, chosen: ExecutionSummary | None) -> str | None:
        """The page to ask for now: the newest or, every other time, the one that holds `chosen`."""
        self._turn = not self._turn
        return None if self._turn or chosen is None else self._listed.get(chosen.arn, (None,))[0]

    def take_refreshed(self, page: ExecutionPage, token: str | None) -> None:
        """A page that was there came again. One of it that is missing now does not match any more."""
        if token is not None and token not in self._tokens:
            return  # it was asked for before what is here was loaded
        # A laptop slept, say: so many are new that the newest page does not reach what is loaded.
        if token is None and page.executions and page.next_token and not self._standing(page):
            self.clear()
        if not self._tokens:
            self.take_next(page, None)
        elif page.executions or (token is None and page.next_token is None):
            self._replace(page, token)

    def take_next(self, page: ExecutionPage, token: str | None) -> None:
        """The page after the last one."""
        if page.executions:
            self._tokens.append(token)
            self._replace(page, token)
        self.next_token = page.next_token
        self.complete = page.next_token is None

    def _standing(self, page: ExecutionPage) -> list[str]:
        """The ARNs of a page that are known and have not changed, so that they stand where they stood."""
        ended = ((run, self._listed.get(run.arn, (None, _UNKNOWN))[1]) for run in page.executions)
        return [run.arn for run, at in ended if at == run.stopped_at]

    def _replace(self, page: ExecutionPage, token: str | None) -> None:
        """Puts a page in the place of what was loaded of it: from its beginning to the last one that stands still.

        The rest isn't sorted again: of ten thousand that is felt.
        """
        before, listed = self._listed, list(self._listed)
        earlier = {*self._tokens[: self._tokens.index(token)]}
        first = next((at for at, (its, _) in enumerate(before.values()) if its not in earlier), len(listed))
        standing = [arn for arn in self._standing(page) if before[arn][0] not in earlier]
        last = listed.index(standing[-1]) + 1 if standing else first
        replaced = {*(run.arn for run in page.executions), *listed[first : last if page.next_token else None]}
        self._listed = {arn: before[arn] for arn in listed[:first] if arn not in replaced}
        self._listed |= {run.arn: (token, run.stopped_at) for run in page.executions}
        self._listed |= {arn: before[arn] for arn in listed[first:] if arn not in replaced}
        self.runs = [run for run in self.runs if run.arn not in replaced]
        for run in page.executions:
            began = run.started_at, run.name
            self.runs.insert(bisect_left(self.runs, True, key=lambda each: (each.started_at, each.name) < began), run)
