"""What the words on a screen mean: one table, from which help explains those that stand on the screen below it.

Words of enums come from `vocabulary` and `KINDS`, so that a new value is explained as soon as it has a word.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator

from qlikops.dataclass import dataclass
from qlikops.domain.fleet.anomaly import KINDS
from qlikops.domain.fleet.task import TaskState
from qlikops.domain.proposals.approval import Status
from qlikops.domain.proposals.evaluation import Gate
from qlikops.presentation import vocabulary


@dataclass(frozen=True, slots=True)
class Term:
    """A word with its meaning."""

    words: tuple[str, ...]
    """The spellings of the term on screens. One with a capital is found only so, one without in any case."""
    meaning: str
    """What it means, in one or two sentences."""


_OWN = (
    # Of the inbox and its record.
    Term(("Expires", "Answer in", "unanswered"), "Until then you can decide. After that nothing is restarted."),
    Term(
        ("Log kept", "resume by", "too late"),
        "Until then the source still has what a resume needs. Later only a reload helps.",
    ),
    Term(("beside it",), "The other tasks on its source or target endpoint, a Log Stream too. `e` lists them."),
    Term(("What broke",), "What is wrong, in words. The code is in the record."),
    Term(("Proposed", "will run", "Does"), "What qlikops recommends. Nothing is sent before you approve."),
    Term(("Sev", "Severity", "crit"), "How bad the anomaly is: critical, warning or info."),
    Term(
        ("Evaluation", "AI", "rules"),
        "An opinion on the proposal: “AI” is a model's, “rules” are fixed. Neither of them decides.",
    ),
    Term(("confidence",), "How sure the evaluation is. Below 70 % nothing is restarted without a person."),
    Term(("Risk", "risk"), "What an approval may cost: low, medium or high, in the evaluation's view."),
    Term(("━", "now 15m"), "How long you can answer. ✗ is where the source's log ends, → later than a day."),
    Term(("Claimed by", "@"), "This person says that they look at it. You can still decide."),
    Term(("■", "→"), "In front of a proposal: ■ you marked it, → you answered it."),
    Term(("┌3", "│", "└"), "Proposals that have one cause."),
    Term(("blast radius", "Takes"), "The tasks and tables that an approval touches."),
    Term(("digest",), "A fingerprint of what you saw. If the proposal changed, your decision is not sent."),
    Term(("decision id",), "Your decision's own number: by it you prove later what you sent."),
    Term(("beware", "Careful", "Caution"), "Something speaks against it, so Enter does not approve at once."),
    Term(("look first", "Look at"), "What to check or correct before anything is restarted."),
    Term(("Never", "Not this"), "What would be useless or harmful here."),
    Term(("happened", "Means", "Broke"), "What the message is known to mean. It comes from the library of failures."),
    Term(("Said", "message"), "Replicate's own words."),
    Term(("documented",), "The vendor's page on this failure, or that there is none."),
    Term(("unexplained",), "A part of the message that no known failure accounts for."),
    Term(("finding",), "One statement of the evaluation, with the evidence that it rests on."),
    Term(("e1", "Evidence"), "An observed fact. The evaluation cites it by its number."),
    Term(("track record", "earlier restarts"), "What came of earlier restarts like this one."),
    Term(("Back yet?", "endpoint"), "Whether a test says that the endpoint takes logins again."),
    Term(("gate closed", "Policy", "policy"), "A safety rule that forbids a restart without a person."),
    Term(("route",), "What the approval policy chose: ask you, restart, or do nothing."),
    Term(("shadow",), "What the policy would have done by itself if it were allowed to."),
    Term(("Stays", "left out"), "Tasks that you took out of the group. They stay as they are."),
    Term(("goes first",), "The one task that starts alone. The others follow only if it comes up."),
    # Of the fleet and a task.
    Term(("latency",), "How far the target is behind: reading the source, and applying."),
    Term(("Trend",), "The last latencies, the newest right. A dot is a check without a value."),
    Term(("freshness", "late", "stale"), "How old the target's data may be, as you set it, and whether it is older."),
    Term(
        ("Waits or muted", "left alone", "Why no proposal", "Muted until"),
        "Why nothing is proposed on the task now, and until when.",
    ),
    Term(("cooling down", "cooldown"), "The time without a proposal after a restart, 15 minutes by default."),
    Term(("snoozed", "snooze"), "A person asked for no proposal until a time."),
    Term(("restart budget",), "The limit of restarts of one task within an hour."),
    Term(("Stop reason",), "Why Replicate says that the task does not run."),
    Term(("Restarted",), "When qlikops last tried to start it."),
    Term(("full load",), "Copying whole tables. If it is not complete, a resume loads tables again."),
    Term(("audit trail", "Edited"), "Who stopped or changed the task, as Enterprise Manager recorded it."),
    Term(("fetched",), "When Enterprise Manager last asked the server. Its answer is as old as that."),
    Term(("instance",), "The Enterprise Manager that the task belongs to."),
    Term(("last test",), "What a test of the endpoint by Enterprise Manager said."),
    Term(("Covers", "Planned work", "plan"), "A time in which nothing is proposed on the tasks that it covers."),
    # Of runs.
    Term(("Run", "Execution", "execution"), "One pass of the monitoring. AWS calls it an execution."),
    Term(("Found", "anomalies", "anomaly"), "What the run detected on tasks and servers."),
    Term(("Came to", "Ended", "What became of it"), "How the proposals of a run ended."),
    Term(("Lasted", "fell over"), "Whether the tasks were still up later, or failed again."),
    Term(("deferred",), "Proposals that had no room in a run. The next run makes them."),
    Term(("Item",), "Which of a run's proposals it belongs to."),
    Term(("Tries",), "How often AWS tried the step."),
    Term(("redrive",), "AWS runs the rest of a failed execution again."),
    # Of the console.
    Term(("STALE", "▲"), "What you see may be old, so deciding is locked until fresh data comes."),
    Term(("READ-ONLY", "ro"), "Here you can look at everything and change nothing."),
    Term(("live",), "How old the newest answer is."),
)
_GATES = {
    Gate.FULL_LOAD_INCOMPLETE: "The full load is not complete, or not known to be: a resume may load tables again.",
    Gate.RELOAD: "A reload replaces the data in the target.",
    Gate.POSITION_LOST: "The source no longer has the log that a resume needs.",
    Gate.USER_STOPPED: "A person stopped the task.",
    Gate.BUDGET_SPENT: "The task was restarted as often as is allowed within an hour.",
    Gate.EVALUATION_UNAVAILABLE: "There is no evaluation.",
    Gate.HIGH_RISK: "The evaluation says that the risk is high, or does not know it.",
    Gate.LOW_CONFIDENCE: "The evaluation is less sure than it has to be.",
    Gate.SEVERAL_TASKS: "It is about more than one task.",
    Gate.PROTECTED: "A task carries a tag that you protect.",
    Gate.ENDPOINT_DOWN: "A test says that the endpoint takes no logins.",
    Gate.POINT_OF_NO_RETURN: "The source has probably thrown away what a resume needs.",
    Gate.KIND_NEEDS_HUMAN: "A person always decides on this kind of anomaly.",
}
_TASK_STATES = {
    TaskState.RUNNING: "Replicate says that it runs. A process that uses no memory does not.",
    TaskState.STOPPED: "It was stopped: by a person, by its settings, or because a resource ran out.",
    TaskState.ERROR: "It failed, and Replicate has given up on it.",
    TaskState.RECOVERY: "Replicate tries by itself to get it up again.",
    TaskState.UNKNOWN: "The last run could not see it.",
}


@functools.cache
def terms() -> tuple[Term, ...]:
    """All of them."""
    return (*_OWN, *_of_enums())


def on(texts: Iterable[str]) -> list[tuple[str, str]]:
    """The spelling and the meaning of each term that stands in `texts`, in the order of the table."""
    found = "\n".join(texts)
    spelt = ((next((word for word in term.words if _pattern(word).search(found)), ""), term) for term in terms())
    return [(word, term.meaning) for word, term in spelt if word]


@functools.cache
def _pattern(word: str) -> re.Pattern[str]:
    # What heads a column or is a code is another word than the same in the midst of a sentence.
    case = re.IGNORECASE if word[:1].islower() else 0
    return re.compile(rf"(?<!\w){re.escape(word)}(?!\w)", case)


def _of_enums() -> Iterator[Term]:
    for kind, traits in KINDS.items():
        yield Term((traits.headline, kind.value), traits.meaning)
    for status in Status:
        meaning = vocabulary.status_meaning(status)
        yield Term((vocabulary.status(status).text,), f"{meaning[:1].upper()}{meaning[1:]}.")
    for gate, meaning in _GATES.items():
        yield Term((vocabulary.gate(gate),), meaning)
    for state, meaning in _TASK_STATES.items():
        yield Term((state.value,), meaning)
