"""How often an endpoint was tested: a test logs in to a database, so it is counted before it is asked for.

An endpoint has so many items as it may have tests in an hour. Each is taken by a conditional write at most once in an
hour, so that runs and restarts side by side have no more between them, whichever of them dies on the way.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from qlikops.agent.remember.entries import key_of
from qlikops.agent.remember.table import PRESENT, Condition, ConditionFailed, Item, Put, Table, Update
from qlikops.domain import ledger as keys
from qlikops.domain.encoding import codec
from qlikops.domain.fleet.endpoint import EndpointKey, Probe
from qlikops.domain.ledger import Attribute

_HOUR = timedelta(hours=1)
_KEPT_FOR = timedelta(days=1)


class ProbeLedger:
    """The items of ENDPOINT# partitions."""

    def __init__(self, table: Table, clock: Callable[[], datetime]) -> None:
        self._table = table
        self._clock = clock

    def take(self, endpoint: EndpointKey, slots: Sequence[str]) -> str:
        """Counts one test that is about to be asked for: the one of `slots` that it takes; empty if none is free."""
        now = self._clock()
        free = {Attribute.AT: codec.format_time(now - _HOUR)}
        items = self._items(endpoint)
        for sort in slots:
            if sort in items and str(items[sort][Attribute.AT]) > free[Attribute.AT]:
                continue
            is_free = Condition(
                f"attribute_not_exists(#{keys.PARTITION}) OR #{Attribute.AT} <= :{Attribute.AT}",
                {f":{Attribute.AT}": free[Attribute.AT]},
            )
            try:
                self._table.commit(Put(_item(endpoint, sort, now), is_free))
            except ConditionFailed:
                continue
            return sort
        return ""

    def keep(self, sort: str, probe: Probe) -> None:
        """Keeps what the test came to that `take` counted."""
        key = (keys.endpoint_partition(probe.endpoint), sort)
        self._table.commit_each(Update(key, {Attribute.BODY: codec.dumps(probe)}, condition=PRESENT))

    def bar(self, endpoint: EndpointKey, slots: Sequence[str]) -> None:
        """Lets the agent not test the endpoint for an hour from now: another login may lock its account."""
        now = self._clock()
        at = {f":{Attribute.AT}": codec.format_time(now)}
        # One that is slow to arrive must not make the hour shorter that a later one began.
        older = Condition(f"attribute_not_exists(#{keys.PARTITION}) OR #{Attribute.AT} <= :{Attribute.AT}", dict(at))
        values: Item = {Attribute.AT: at[f":{Attribute.AT}"], keys.TTL: int((now + _KEPT_FOR).timestamp())}
        partition = keys.endpoint_partition(endpoint)
        self._table.commit_each(*(Update((partition, sort), values, condition=older) for sort in slots))

    def newest(self, endpoint: EndpointKey) -> Probe | None:
        """The last answer that was kept; None where there is none."""
        bodies = [str(item[Attribute.BODY]) for item in self._items(endpoint).values() if Attribute.BODY in item]
        return max((codec.loads(Probe, body) for body in bodies), key=lambda probe: probe.at, default=None)

    def _items(self, endpoint: EndpointKey) -> dict[str, Item]:
        found = self._table.query(keys.endpoint_partition(endpoint), keys.PROBE_PREFIX)
        return {str(item[keys.SORT]): item for item in found}


def slots(per_hour: int, of: str = "") -> tuple[str, ...]:
    """Sort keys of the tests that an endpoint may have in an hour; `of` names those that are counted apart."""
    return tuple(f"{keys.PROBE_PREFIX}{of}{number:02}" for number in range(per_hour))


def _item(endpoint: EndpointKey, sort: str, now: datetime) -> Item:
    return {
        **key_of(keys.endpoint_partition(endpoint), sort),
        Attribute.AT: codec.format_time(now),
        keys.TTL: int((now + _KEPT_FOR).timestamp()),
    }
