"""Whether people know already that monitoring fails: told once, not every five minutes."""

from __future__ import annotations

from collections.abc import Callable
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
    """The one item that says so.

    A run that fails and one that works may tell at the same moment, and which of the two people hear last is not known.
    Then the item stays, as one that was not heard: the next run that works tells the end, the next that fails tells of
    it again.
    """

    def __init__(self, table: Table, clock: Callable[[], datetime]) -> None:
        self._table = table
        self._clock = clock

    def is_known(self) -> bool:
        """Whether the topic has been told that runs fail, and it has not ended since."""
        item = self._table.get(_KEY)
        return item is not None and Attribute.UNHEARD not in item and int(item[keys.TTL]) > self._clock().timestamp()

    def begin(self, run: Run, tell: Callable[[], bool]) -> None:
        """Tells that runs fail, with `run`; `tell` says whether the topic has taken it.

        It is written down before as well: who dies after telling leaves an incident that the next good run closes.
        """
        before = self._of(run)
        self._table.commit(Put(before))
        if tell():
            heard = {name: value for name, value in before.items() if name != Attribute.UNHEARD}
            with suppress(ConditionFailed):
                self._table.commit(Put(heard, _still(before)))
                return
        self._table.commit(Put(self._of(run)))

    def ended_by(self, run: Run) -> Item | None:
        """What people have been told of an outage that this run, which did not fail, has ended; None: there is none.

        A run that began before the outage and waited through it ends nothing.
        """
        item = self._table.get(_KEY)
        return item if item is not None and str(item[Attribute.AT]) <= codec.format_time(run.started) else None

    def forget(self, found: Item) -> None:
        """Forgets an outage, after its end was told, if it still is as it was `found` before that."""
        with suppress(ConditionFailed):
            self._table.commit(Delete(_KEY, _still(found)))
            return
        while item := self._table.get(_KEY):
            with suppress(ConditionFailed):
                self._table.commit(Put({**item, Attribute.UNHEARD: self._now()}, _still(item)))
                return

    def _of(self, run: Run) -> Item:
        return {
            **key_of(*_KEY),
            Attribute.AT: codec.format_time(run.started),
            Attribute.EXECUTION_ARN: run.execution_arn,
            Attribute.UNHEARD: self._now(),
            keys.TTL: int((self._clock() + _FORGOTTEN_AFTER).timestamp()),
        }

    def _now(self) -> str:
        return codec.format_time(self._clock())


def _still(found: Item) -> Condition:
    """The item is as it was found: of the same run, written at the same time, and heard as little or as well."""
    values = {f":{name}": found[name] for name in (Attribute.AT, keys.TTL, Attribute.UNHEARD) if name in found}
    unheard = "" if Attribute.UNHEARD in found else f" AND attribute_not_exists(#{Attribute.UNHEARD})"
    return Condition(" AND ".join(f"#{name[1:]} = {name}" for name in values) + unheard, values)
