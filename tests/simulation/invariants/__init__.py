"""What holds whatever happens: each promise of docs/proof.md is one function, under its own name.

`records`, `tasks` and `lasting` look at every write to the ledger, `resting` at its conditions as it goes out, `calls`
and `choosing` at every request that changes something in Enterprise Manager, `groups` at what belongs to one restart,
`endpoints` and `waiting` at every test of an endpoint, `orders` at orders and planned work, `sending` at what consoles
sent, `telling` at what people and programs were told, `sequence` at the order of all that, `closing` at what each
process leaves behind as it ends, `believing` at what it does after a refusal, `again` at what is asked a second time,
`numbers` at times that are written and asked for, `edges` at decisions that a clock makes, `rest` at the world once
nothing is under way any more. They are written against what is stored and sent, not with the code that they hold to it.
"""

from tests.simulation.invariants import (
    again,
    age,
    believing,
    calls,
    choosing,
    closing,
    edges,
    endpoints,
    groups,
    lasting,
    numbers,
    orders,
    records,
    rest,
    resting,
    sending,
    sequence,
    tasks,
    telling,
    waiting,
)
from tests.simulation.invariants.watch import NAMES, Violated, Watch

__all__ = [
    "NAMES",
    "Violated",
    "Watch",
    "again",
    "age",
    "believing",
    "calls",
    "choosing",
    "closing",
    "edges",
    "endpoints",
    "groups",
    "lasting",
    "numbers",
    "orders",
    "records",
    "rest",
    "resting",
    "sending",
    "sequence",
    "tasks",
    "telling",
    "waiting",
]
