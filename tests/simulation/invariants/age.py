"""Of the age of what Enterprise Manager says: nothing is made of what is older than the limit."""

from __future__ import annotations

from qlikops.domain import ledger as keys
from tests.scenarios.outages import FetchingStops
from tests.simulation import limits
from tests.simulation.enterprise_manager import Sent
from tests.simulation.invariants.watch import Change, Watch, of_each_call, of_each_item, of_each_record

_A_SECOND = 1.0
"""Enterprise Manager writes no fractions."""


@of_each_record
def nothing_is_proposed_on_what_is_old(watch: Watch, change: Change) -> str:
    """A run proposes nothing on a server whose tasks were fetched longer ago than the limit when the run began."""
    run = watch.writer()
    if change.before is not None or run is None or watch.is_tampered(change.proposal_id):
        return ""
    for target in watch.proposed[change.proposal_id]["targets"]:
        if old := _too_old(watch, target["key"]["server"], run.at):
            return f"{change.proposal_id} rests on {old}"
    return ""


@of_each_call
def nothing_is_sent_on_what_is_old(watch: Watch, sent: Sent) -> str:
    """Nor does a restart that began then send anything, as long as Enterprise Manager says how old it is."""
    invocation = watch.world.functions.begun.get(sent.process)
    if invocation is None or watch.world.is_struck(sent.process) or watch.world.journal.no_logins[sent.process]:
        return ""  # it may not have been told
    old = _too_old(watch, sent.server, invocation.at)
    return f"{sent.process} sends {sent.action} to {sent.task}, on {old}" if old else ""


@of_each_item(keys.RESTART_PREFIX)
def a_claim_rests_on_how_old_its_servers_state_is(watch: Watch, change: Change) -> str:
    """Before it claims a task, a restart asks how old its server's state is, at most 15 s before its look at it."""
    acting, name = watch.writer(), change.proposal_id
    is_claim = change.before is None and change.after is not None
    if not is_claim or acting is None or not watch.clocks_are_right or watch.world.is_struck(acting.process):
        return ""
    if not watch.proposed[name].get("fetched"):
        return ""
    server, task = change.key[0].split("/")[1:]
    looked_at = watch.looked[acting.process, server, task]
    asked_at = watch.world.journal.server_asked_at.get((acting.process, server), 0.0)
    # It may have wanted to ask, and got no session: Enterprise Manager is being restarted.
    asked_at = max(asked_at, *watch.world.journal.no_logins[acting.process], 0.0)
    is_right = asked_at >= looked_at - limits.LIST_IS_GOOD - _A_SECOND
    return "" if is_right else f"{acting.process} claims {task}, and asked how old its state is at {asked_at:.0f}"


def _too_old(watch: Watch, server: str, at: float) -> str:
    """What is said of a server's tasks now, and was too old at `at` already; empty if it was not, or has moved on."""
    age = at - not_fetched_since(watch, server)
    limit = watch.world.config.thresholds.server_state_seconds
    is_old = watch.clocks_are_right and age > limit + _A_SECOND
    return f"what was fetched {age:.0f} s before it began" if is_old else ""


def not_fetched_since(watch: Watch, server: str) -> float:
    """When Enterprise Manager stopped fetching a server's tasks; now, if it has not, or fetches them again."""
    fleet, now = watch.world.fleet, watch.world.kernel.now
    stops = [each for each in fleet.scenario.events if isinstance(each, FetchingStops) and each.server == server]
    since = [fleet.began + each.at for each in stops if each.until is None or now < fleet.began + each.until]
    return min(*since, now, now)
