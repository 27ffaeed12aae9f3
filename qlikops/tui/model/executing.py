"""What the list of executions keeps between two refreshes: the pages loaded so far."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import field
from datetime import datetime

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


@dataclass(slots=True)
class LoadedExecutions:
    """Pages behind one another, kept true by asking again for one of them.

    A refresh is one call: for the newest page or, by turns, for the page in which the cursor stands, so that an
    execution far down is not shown as running for ever.
    """

    runs: list[ExecutionSummary] = field(default_factory=list)
    """Newest first."""
    next_token: str | None = None
    """Token of the page after the last one."""
    complete: bool = False
    """Whether the last page is there."""
    _starts: list[tuple[str | None, datetime]] = field(default_factory=list)
    """Each page's token, with when its oldest began."""
    _turn: bool = False

    def clear(self) -> None:
        """Forgets everything, for another filter or context."""
        self.runs, self.next_token, self.complete, self._starts = [], None, False, []

    def token_to_refresh(self, chosen: ExecutionSummary | None) -> str | None:
        """The page to ask for now: the newest or, every other time, the one that holds `chosen`."""
        self._turn = not self._turn
        if self._turn or chosen is None:
            return None
        return next((token for token, oldest in self._starts if oldest <= chosen.started_at), None)

    def take_refreshed(self, page: ExecutionPage, token: str | None) -> None:
        """A page that was there came again. One of it that is missing now does not match any more."""
        if token is not None and token not in dict(self._starts):
            return  # it was asked for before what is here was loaded
        if token is None and self._has_gap_before(page):
            self.clear()
        if not self._starts:
            self.take_next(page, None)
        elif page.executions or (token is None and page.next_token is None):
            self._replace(page, is_newest=token is None, is_last=page.next_token is None)

    def take_next(self, page: ExecutionPage, token: str | None) -> None:
        """The page after the last one."""
        if page.executions:
            self._replace(page, is_newest=token is None, is_last=True)
            self._starts.append((token, page.executions[-1].started_at))
        self.next_token = page.next_token
        self.complete = page.next_token is None

    def _replace(self, page: ExecutionPage, *, is_newest: bool, is_last: bool) -> None:
        """Puts a page in the place of what was loaded of its stretch of time; what lies around it isn't touched, since
        ten thousand sorted again are felt.
        """
        started = [run.started_at for run in page.executions]
        newest = None if is_newest else max(started)
        oldest = None if is_last else min(started)
        first = 0 if newest is None else bisect_left(self.runs, True, key=lambda run: run.started_at <= newest)
        end = (
            len(self.runs) if oldest is None else bisect_left(self.runs, True, key=lambda run: run.started_at < oldest)
        )
        came = {run.arn for run in page.executions}
        # What began in the same moment as an end of the page may stand on the page beside it.
        tied = [run for run in self.runs[first:end] if run.started_at in (newest, oldest) and run.arn not in came]
        self.runs[first:end] = sorted(
            (*page.executions, *tied), key=lambda run: (run.started_at, run.name), reverse=True
        )

    def _has_gap_before(self, page: ExecutionPage) -> bool:
        """Whether so many are new that the newest page does not reach what is loaded: a laptop slept, say."""
        return bool(
            self.runs
            and page.executions
            and page.next_token
            and page.executions[-1].started_at > self.runs[0].started_at
        )
