from __future__ import annotations

from datetime import UTC, datetime

import pytest

from qlikops.domain.encoding import codec
from qlikops.domain.fleet.endpoint import EndpointKey, Probe, ProbeAnswer

ORACLE = EndpointKey("default", "eu-1", "ORA-PROD")
AT = datetime(2026, 3, 7, 3, 12, tzinfo=UTC)


@pytest.mark.parametrize("answer", [*ProbeAnswer, ProbeAnswer.read("sulking")])
def test_every_answer_has_words_of_its_own_and_survives_being_stored(answer: ProbeAnswer) -> None:
    probe = Probe(ORACLE, answer, AT, "ORA-12541")
    others = {Probe(ORACLE, other, AT, "ORA-12541").words for other in ProbeAnswer if other is not answer}
    assert probe.words.startswith("ORA-PROD ")
    assert probe.words not in others or not answer.is_known
    # Only a proposal is of an endpoint that did not take them.
    assert "again" not in probe.words
    assert probe.words_of_proposal.endswith(" again") is (answer is ProbeAnswer.CONNECTED)
    assert codec.loads(Probe, codec.dumps(probe)) == probe


def test_an_answer_that_nobody_knows_here_says_nothing_of_the_endpoint() -> None:
    assert not ProbeAnswer.read("sulking").is_of_endpoint
    assert {answer for answer in ProbeAnswer if answer.is_of_endpoint} == {
        ProbeAnswer.CONNECTED,
        ProbeAnswer.ERROR,
        ProbeAnswer.TIMED_OUT,
    }


def test_an_endpoint_is_named_by_its_server() -> None:
    assert str(ORACLE) == "eu-1/ORA-PROD"
