"""What the list of executions keeps between two refreshes: the pages loaded so far."""

from __future__ import annotations

from dataclasses import field

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
    """By ARN, newest first; pages behind one another, kept true by asking again for one of them.

    A refresh is one call: for the newest page or, by turns, for the page in which the cursor stands, so that an
    execution far down is not shown as running for ever.
    """

    by_arn: dict[str, ExecutionSummary] = field(default_factory=dict)
    order: tuple[str, ...] = ()
    next_token: str | None = None
    """Of the page after the last one."""
    complete: bool = False
    """Whether the last page is there."""
    _starts: list[tuple[str | None, str]] = field(default_factory=list)
    """Each page's token, with the ARN of its oldest."""
    _turn: bool = False

    def clear(self) -> None:
        """Forgets everything, for another filter or context."""
        self.by_arn, self.order, self.next_token, self.complete, self._starts = {}, (), None, False, []

    def token_to_refresh(self, chosen: str | None) -> str | None:
        """The page to ask for now: the newest or, every other time, the one that holds `chosen`."""
        self._turn = not self._turn
        if self._turn or chosen not in self.by_arn:
            return None
        moment = self.by_arn[chosen].started_at
        for token, oldest in self._starts:
            if oldest in self.by_arn and self.by_arn[oldest].started_at <= moment:
                return token
        return None

    def take_refreshed(self, page: ExecutionPage, token: str | None) -> None:
        """A page that was there came again. One of it that is missing now does not match any more."""
        arns = {summary.arn for summary in page.executions}
        if token is None:
            if self._has_gap_before(page):
                self.clear()
            if not self._starts:
                self.take_next(page, None)
                return
        started = [summary.started_at for summary in page.executions]
        newest = None if token is None else max(started, default=None)
        oldest = min(started, default=None) if page.next_token else None
        for arn, summary in list(self.by_arn.items()):
            is_within = (newest is None or summary.started_at < newest) and (
                oldest is None or summary.started_at > oldest
            )
            # An older page that came back empty says nothing about what lies around it.
            if arn not in arns and is_within and (started or token is None):
                del self.by_arn[arn]
        self._add(page)

    def take_next(self, page: ExecutionPage, token: str | None) -> None:
        """The page after the last one."""
        self._add(page)
        if page.executions:
            self._starts.append((token, page.executions[-1].arn))
        self.next_token = page.next_token
        self.complete = page.next_token is None

    def _add(self, page: ExecutionPage) -> None:
        self.by_arn |= {summary.arn: summary for summary in page.executions}
        self.order = tuple(
            summary.arn
            for summary in sorted(self.by_arn.values(), key=lambda one: (one.started_at, one.name), reverse=True)
        )

    def _has_gap_before(self, page: ExecutionPage) -> bool:
        """Whether so many are new that the newest page does not reach what is loaded: a laptop slept, say."""
        return bool(
            self.by_arn and page.next_token and not any(summary.arn in self.by_arn for summary in page.executions)
        )
