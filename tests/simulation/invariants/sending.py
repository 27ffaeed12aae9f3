"""Of what a console sends: in which order, and what it keeps back."""

from __future__ import annotations

from collections.abc import Iterator

from tests.simulation.invariants.watch import Watch, at_rest


@at_rest
def approvals_go_one_by_one(watch: Watch) -> Iterator[str]:
    """A console sends no approval beside another decision; of denials, several may be on their way."""
    for decision_id in watch.saying.side_by_side:
        yield f"{decision_id} went out beside another one"


@at_rest
def one_lost_decision_is_enough(watch: Watch) -> Iterator[str]:
    """Of what was answered together, a console sends nothing more once one may have been lost."""
    for decision_id in watch.saying.after_a_lost_one:
        yield f"{decision_id} went out after one that may have been lost"


@at_rest
def what_was_lost_can_be_answered_again(watch: Watch) -> Iterator[str]:
    """A console that has watched a record wait on, after a decision that may have been lost, takes another one."""
    for decision_id in watch.saying.stuck:
        yield f"{decision_id} was lost, and is taken for under way"


@at_rest
def what_nobody_takes_back_is_sent(watch: Watch) -> Iterator[str]:
    """Of what it holds, a console leaves out only what was cancelled, or answered together with one that was lost; and
    all of it, once it has stood still.
    """
    for proposal_id, decision_id in watch.saying.dropped:
        yield f"{decision_id} on {proposal_id} was not sent, and nobody took it back"


@at_rest
def what_was_sent_is_watched(watch: Watch) -> Iterator[str]:
    """A console waits for the outcome of what it has sent, and of what may have been lost on the way."""
    for proposal_id, decision_id in watch.saying.not_watched:
        yield f"{decision_id} on {proposal_id} is not watched"


@at_rest
def only_what_is_live_is_decided_on(watch: Watch) -> Iterator[str]:
    """A console that is left open sends nothing on rows that are older than 10 s, or where the next did not come."""
    for decision_id, seconds in watch.saying.not_live:
        yield f"{decision_id} went out on rows of {seconds:.3f} s ago"


@at_rest
def the_name_that_is_shown_is_the_one_that_is_sent(watch: Watch) -> Iterator[str]:
    """After a console is opened anew, it shows no other caller than the one whose name its decisions carry."""
    for shown, sent in watch.saying.misnamed:
        yield f"decisions go in the name of {sent}, and {shown} is shown"


@at_rest
def what_others_decide_is_followed(watch: Watch) -> Iterator[str]:
    """What left the inbox of an open console is known to it some minutes later, once it is not cut off: how it ended,
    for three hours from then whether it lasted, and what it waits for.
    """
    for proposal_id, what in watch.saying.not_followed:
        yield f"{proposal_id} is {what}, and the console does not know"
