"""What an evaluator said of a proposal, and what the policy made of it."""

from __future__ import annotations

import functools
from datetime import datetime

from qlikops.dataclass import dataclass
from qlikops.domain.encoding.stored import StoredEnum


class Verdict(StoredEnum):
    """An evaluator's opinion. It never decides by itself."""

    APPROVE = "approve"
    """Restarting looks safe."""
    CAUTION = "caution"
    DENY = "deny"
    UNAVAILABLE = "unavailable"
    """No complete, valid answer: a human decides."""


class Risk(StoredEnum):
    """How bad it is if the action is wrong."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    UNKNOWN = "unknown"
    """No evaluator gave a complete, valid answer."""

    @property
    def rank(self) -> int:
        """0 for a low risk, more for a worse one; `unknown` ranks just below `high`, a value of a newer version above
        all.
        """
        return self.rank_of(self)

    @classmethod
    @functools.lru_cache(maxsize=16)
    def rank_of(cls, spelling: str) -> int:
        """The rank of a risk that is kept as text; a list asks for each of its rows."""
        known = cls.known(spelling)
        return _RISKS.index(known) if known else len(_RISKS)


_RISKS = (Risk.LOW, Risk.MEDIUM, Risk.UNKNOWN, Risk.HIGH)
"""All of them, the worst last. A risk that was not judged may be a high one, so it comes before a medium one."""


def is_ai(evaluator: str) -> bool:
    """Whether the evaluator of that name asks a model: all do but the rules, also those that a newer qlikops adds."""
    return evaluator not in ("", "rules")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing the evaluator noticed, and the evidence it says it saw it in."""

    text: str
    evidence_ids: tuple[str, ...] = ()
    unsupported: tuple[str, ...] = ()
    """Cited ids that the proposal has neither evidence nor a known failure for."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """An evaluator's annotation of one proposal."""

    verdict: Verdict
    risk: Risk
    confidence: float | None
    """0 to 1; None where the evaluator gave none."""
    rationale: str
    evaluator: str
    """Name of the evaluator, such as `rules`."""
    evaluator_version: str
    """The rules' version, or the prompt's version and the model ID."""
    evaluated_at: datetime
    findings: tuple[Finding, ...] = ()
    cautions: tuple[str, ...] = ()
    unavailable_because: str = ""
    """Set with `unavailable`: the named cause."""
    duration_ms: int | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None

    @classmethod
    def unavailable(cls, because: str, evaluator: str, version: str, at: datetime) -> Evaluation:
        """The fail-closed evaluation, with the named cause."""
        return cls(
            verdict=Verdict.UNAVAILABLE,
            risk=Risk.UNKNOWN,
            confidence=None,
            rationale="",
            evaluator=evaluator,
            evaluator_version=version,
            evaluated_at=at,
            unavailable_because=because,
        )


class ApprovalMode(StoredEnum):
    """When a human is asked."""

    ALWAYS = "always"
    POLICY = "policy"
    """Asked where a gate is closed or the evaluator is not sure."""
    NEVER = "never"
    """Never asked: what no gate forbids runs, the rest is held."""


class Route(StoredEnum):
    """Where a proposal goes after evaluation; the state machine's CheckApproval reads these values."""

    ASK = "ask"
    AUTOMATIC = "automatic"
    HELD = "held"


class Gate(StoredEnum):
    """The hard gates: one that blocks rules out an automatic restart in every mode."""

    FULL_LOAD_INCOMPLETE = "full_load_incomplete"
    RELOAD = "reload"
    POSITION_LOST = "position_lost"
    USER_STOPPED = "user_stopped"
    BUDGET_SPENT = "budget_spent"
    EVALUATION_UNAVAILABLE = "evaluation_unavailable"
    HIGH_RISK = "high_risk"
    LOW_CONFIDENCE = "low_confidence"
    SEVERAL_TASKS = "several_tasks"
    PROTECTED = "protected"
    ENDPOINT_DOWN = "endpoint_down"
    POINT_OF_NO_RETURN = "point_of_no_return"
    """It had passed when this was proposed: the source has probably thrown away what a resume needs."""
    KIND_NEEDS_HUMAN = "kind_needs_human"
    """The anomaly's kind leaves the decision to a human, whatever the evaluator thinks.

    So does anything in the proposal that this version does not know.
    """


@dataclass(frozen=True, slots=True)
class BlockingGate:
    """A gate that is closed for this proposal, and why."""

    gate: Gate
    reason: str
    option: str = ""
    """Names of the proposal's options that it is closed for, with commas; empty where it is for all of them."""


@dataclass(frozen=True, slots=True)
class PolicyResult:
    """What the policy decided. Only it chooses the route."""

    route: Route
    mode: ApprovalMode
    closed_gates: tuple[BlockingGate, ...] = ()
    reason: str = ""
    """One sentence for people."""
    shadow: Route | None = None
    """What the mode `policy` would have done; None in records of earlier versions."""
