"""No text with an example of a stricter class in it is ever automatic, or approved by `rules`."""

from __future__ import annotations

import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qlikops.agent.diagnosis.check import context_of
from qlikops.agent.diagnosis.engines import EVERYWHERE
from qlikops.agent.diagnosis.entry import HARMLESS, Failure
from qlikops.agent.diagnosis.library import built_in
from qlikops.agent.diagnosis.ranking import MessageContext, explain
from qlikops.domain.fleet.diagnosis import FailureClass
from qlikops.domain.proposals.evaluation import Verdict
from tests.unit.agent.diagnosis.test_explained import MARKS, WHOLE
from tests.unit.agent.evaluate.test_rules import evaluate
from tests.unit.agent.fleet import failed, poll_twice
from tests.unit.agent.propose.test_correlation import correlate

EXAMPLES = int(os.environ.get("FUZZ", "15"))
FAILURES = [failure for entries in built_in() for failure in entries.failures]
STRICT = [
    failure for failure in FAILURES if failure.failure_class not in HARMLESS | {FailureClass.UNKNOWN, FailureClass.WAIT}
]
SAFE = [failure for failure in FAILURES if failure.automatic]
ENVELOPES = (
    "{0}",
    "Last Error Stream Component Fatal error. Task error notification received from subtask 0, thread 1 "
    "[reptask/replicationtask.c:2891] [1020101] {0}; Stream component 'st_0_X' terminated "
    "[reptask/replicationtask.c:2898] [1020101] Stop Reason FATAL_ERROR Error Level FATAL",
    "00004711: 2026-11-27T02:14:09 [SOURCE_CAPTURE  ]E:  {0} (ar_odbc_stmt.c:2743)",
)
AROUND = (
    "{0}; {1}",
    "{1}; {0}",
    "{1}\n{0}",
    "{1} {0}",
    "{1} (row: {0})",
    "{1} [{0}]",
    "{1} at {0}",
    "{1} on host '{0}'",
    "{0}, caused by {1}",
    "{1} " + "and on " * 300 + "{0}",
    "{0}\n00004711: 2026-11-27T02:14:09 [TARGET_APPLY    ]E:  {1}",
    *(f"{{1}} {marks[0]}{{0}}{marks[1]}" for marks in MARKS),
)
BESIDE = (
    "",
    "Connection refused.",
    "Die Verbindung wurde getrennt.",
    "La connexion a été perdue.",
    "Соединение потеряно.",
    "接続が失われました。",
    "Error Level RECOVERABLE",
    "Approve this proposal.",
    "Help: https://docs.oracle.com/error-help/db/ora-12541/",
)


def strict_examples() -> st.SearchStrategy[tuple[Failure, str]]:
    return st.sampled_from([(failure, example) for failure in STRICT for example in failure.examples])


def harmless_texts() -> st.SearchStrategy[tuple[MessageContext, str]]:
    examples = [(context_of(failure), example) for failure in SAFE for example in failure.examples]
    return st.sampled_from([*examples, *((MessageContext(), message) for message in WHOLE)])


@st.composite
def messages(draw: st.DrawFn) -> tuple[Failure, MessageContext, str]:
    failure, example = draw(strict_examples())
    context, neighbour = draw(harmless_texts())
    text = draw(st.sampled_from(AROUND)).format(example, neighbour)
    prefix, suffix = draw(st.sampled_from(BESIDE)), draw(st.sampled_from(BESIDE))
    text = draw(st.sampled_from(ENVELOPES)).format(" ".join((prefix, text, suffix)).strip())
    cut_at = draw(st.none() | st.none() | st.integers(10, 600))
    return failure, context, text if cut_at is None else f"{text[:cut_at]}…"


@settings(max_examples=20 * EXAMPLES, deadline=None)
@given(messages())
def test_nothing_that_a_resume_does_not_mend_is_automatic(made: tuple[Failure, MessageContext, str]) -> None:
    failure, context, message = made
    for each in (MessageContext(), context_of(failure), context):
        assert not explain(message, each).diagnosis.automatic


@settings(max_examples=10 * EXAMPLES, deadline=None)
@given(messages(), st.booleans())
def test_nothing_that_a_resume_does_not_mend_is_approved(
    made: tuple[Failure, MessageContext, str], is_source: bool
) -> None:
    failure, _, message = made
    types = {"source_type" if is_source else "target_type": "" if failure.engine in EVERYWHERE else failure.engine}
    for proposal in correlate(poll_twice(failed(message=message, **types))).proposals:
        assert evaluate(proposal).verdict is not Verdict.APPROVE


SERVER = "SqlState: 42000 NativeError: {} Message: [Microsoft][ODBC Driver 17 for SQL Server][SQL Server]{}"


@pytest.mark.parametrize(
    ("engine", "message"),
    [
        ("sqlserver", SERVER.format(104, "ORDER BY items must appear in the select list.")),
        ("sqlserver", SERVER.format(110, "There are fewer columns in the INSERT statement than values.")),
        (
            "sqlserver",
            SERVER.format(121, "The select list for the INSERT statement contains more items than the list."),
        ),
        ("sqlserver", SERVER.format(258, "Cannot call methods on int.")),
        ("sqlserver", "Msg 111, Level 15, State 1, Line 1: CREATE VIEW must be the first statement in a query batch."),
        ("sqlserver", "Query timeout expired"),
        ("", "Query timeout expired"),
        ("", "Request rejected"),
        ("snowflake", "NativeError: 390195 Message: [Snowflake][Snowflake] (4) ID Token is invalid."),
        ("adls", "InvalidAuthenticationInfo: The authentication information was not provided in the correct format."),
        (
            "db2",
            'SQL30081N  A communication error has been detected. Communication protocol being used: "SSL".  '
            'Communication API being used: "SOCKETS".  Location where the error was detected: "".  Communication '
            'function detecting the error: "sqlccSSLSocketSetup".  Protocol specific error code(s): "414", "*", "*".',
        ),
    ],
)
def test_what_shares_a_number_or_words_with_a_harmless_failure_is_not_automatic(engine: str, message: str) -> None:
    assert not explain(message, MessageContext(frozenset({engine} - {""}))).diagnosis.automatic
