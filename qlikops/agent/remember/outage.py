"""Whether people know already that monitoring fails: told once, not every five minutes."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta

from qlikops.agent.remember.entries import key_of
from qlikops.agent.remember.run import Run
from qlikops.agent.remember.table import Condition, ConditionFailed, Delete, Item, Put, Table
from qlikops.domain import ledger as keys
from qlikops.domain.encoding import codec
from qlikops.domain.ledger import Attribute

_FORGOTTEN_AFTER = timedelta(days=1)
"""Whoever has heard of it and did nothing for so long is told again."""
_KEY = (keys.OUTAGE, keys.OUTAGE)


class Outages:
    """The one item that says so."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def is_known(self, now: datetime) -> bool:
        """Whether the topic has been told that runs fail, and it has not ended since."""
        item = self._table.get(_KEY)
        return item is not None and Attribute.UNHEARD not in item and int(item[keys.TTL]) > now.timestamp()

    def told(self, run: Run, now: datetime, *, heard: bool) -> None:
        """Remembers that people are told with this run; `heard` is false until the topic has taken it."""
        self._table.commit(
            Put(
                {
                    **key_of(*_KEY),
                    Attribute.AT: codec.format_time(run.started),
                    Attribute.EXECUTION_ARN: run.execution_arn,
                    keys.TTL: int((now + _FORGOTTEN_AFTER).timestamp()),
                    **({} if heard else {Attribute.UNHEARD: 1}),
                }
            )
        )

    def ended_by(self, run: Run) -> Item | None:
        """What people have been told of an outage that this run, which did not fail, has ended; None: there is none.

        A run that began before the outage and waited through it ends nothing.
        """
        item = self._table.get(_KEY)
        return item if item is not None and str(item[Attribute.AT]) <= codec.format_time(run.started) else None

    def forget(self, found: Item) -> None:
        """Forgets an outage as it was `found`; one that people have been told of since then stays."""
        is_unheard = "attribute_exists" if Attribute.UNHEARD in found else "attribute_not_exists"
        as_found = Condition(
            f"#at = :at AND #{keys.TTL} = :told AND {is_unheard}(#{Attribute.UNHEARD})",
            {":at": found[Attribute.AT], ":told": found[keys.TTL]},
        )
        with suppress(ConditionFailed):
            self._table.commit(Delete(_KEY, as_found))
