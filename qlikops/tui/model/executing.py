"""What the list of executions keeps between two refreshes: the pages loaded so far."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import field
from datetime import UTC, datetime
from itertools import islice

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
    """Pages behind one another, kept true by asking for them again, a page a refresh.

    First for the newest, then for the one after it, and so on up to the one in which the cursor stands, so that an
    execution far down is not shown as running for ever; then for the newest again. Each is asked for by the token that
    came with the one before it, so it is known where it begins. A page is in Step Functions' order, in which an
    execution that ends comes to the front; the list is in that in which they began.
    """

    runs: list[ExecutionSummary] = field(default_factory=list)
    """What began last comes first."""
    next_token: str | None = None
    """Token of the page after the last one."""
    complete: bool = False
    """Whether the last page is there."""
    _ended: dict[str, datetime | None] = field(default_factory=dict)
    """ARN -> when the run had ended as it was listed last, or None; in Step Functions' order."""
    _asked: str | None = None
    """Token of the page that was asked for again last; None is the newest."""
    _first: int = 0
    """How many runs are listed before the page that was asked for again last."""
    _came: ExecutionPage | None = None
    """The page that was asked for again last, if it has come."""

    def clear(self) -> None:
        """Forgets everything, for another filter or context."""
        self.runs, self.next_token, self.complete, self._ended = [], None, False, {}
        self._asked, self._first, self._came = None, 0, None

    def token_to_refresh(self, chosen: ExecutionSummary | None) -> str | None:
        """The page to ask for now: the one after what came last if `chosen` is listed behind that, else the newest."""
        came, self._came = self._came, None
        end = self._first + len(came.executions) if came else 0
        self._asked, self._first = None, 0
        if came and came.executions and chosen is not None and chosen.arn in islice(self._ended, end, None):
            self._asked, self._first = came.next_token, end
        return self._asked

    def take_refreshed(self, page: ExecutionPage, token: str | None) -> None:
        """A page that was there came again. One of it that is missing now does not match any more."""
        if token != self._asked:
            return  # it was asked for before what is here was loaded
        # A laptop slept, say: so many are new that the newest page does not reach what is loaded.
        if token is None and page.executions and page.next_token and not self._standing(page):
            self.clear()
        if not self.runs:
            self.take_next(page)
        elif page.executions or (token is None and page.next_token is None):
            self._replace(page, self._first)
        self._came = page

    def take_next(self, page: ExecutionPage) -> None:
        """The page after the last one."""
        if page.executions:
            self._replace(page, len(self._ended))
        self.next_token, self.complete = page.next_token, page.next_token is None

    def _standing(self, page: ExecutionPage) -> list[str]:
        """The ARNs of a page that are known and have not changed, so that they stand where they stood."""
        return [run.arn for run in page.executions if self._ended.get(run.arn, _UNKNOWN) == run.stopped_at]

    def _replace(self, page: ExecutionPage, first: int) -> None:
        """Puts a page in the place of what was loaded of it: from `first` on to the last one that stands still.

        The rest isn't sorted again: of ten thousand that is felt.
        """
        before, listed = self._ended, list(self._ended)
        standing = self._standing(page)
        last = listed.index(standing[-1]) + 1 if standing else first
        replaced = {*(run.arn for run in page.executions), *listed[first : last if page.next_token else None]}
        self._ended = {arn: before[arn] for arn in listed[:first] if arn not in replaced}
        self._ended |= {run.arn: run.stopped_at for run in page.executions}
        self._ended |= {arn: before[arn] for arn in listed[first:] if arn not in replaced}
        self.runs = [run for run in self.runs if run.arn not in replaced]
        for run in page.executions:
            began = run.started_at, run.name
            self.runs.insert(bisect_left(self.runs, True, key=lambda each: (each.started_at, each.name) < began), run)
        if page.executions and next(reversed(self._ended)) == page.executions[-1].arn:
            self.next_token, self.complete = page.next_token, page.next_token is None
