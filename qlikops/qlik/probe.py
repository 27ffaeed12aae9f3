"""Has an endpoint tested once, and gives every answer and every failure of that its name."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from qlikops.domain.fleet.endpoint import EndpointKey, Probe, ProbeAnswer
from qlikops.domain.words.text import harmless
from qlikops.qlik.client import ErrorCode
from qlikops.qlik.errors import QemBusinessError, QemError, QemLoginRefused
from qlikops.qlik.wire import EndpointStatus, EndpointTest

TEST_SECONDS = 30
"""That a test may take. What answers more slowly is nothing to start tasks on."""
_DETAIL_CAP = 300
_ANSWERS = {EndpointStatus.CONNECTED: ProbeAnswer.CONNECTED, EndpointStatus.ERROR: ProbeAnswer.ERROR}
_REFUSALS = {
    ErrorCode.TEST_TIMEOUT: ProbeAnswer.TIMED_OUT,
    ErrorCode.UNAUTHORIZED_REQUEST: ProbeAnswer.NOT_PERMITTED,
    ErrorCode.ENDPOINT_NOT_FOUND: ProbeAnswer.NOT_FOUND,
}


class EndpointTester(Protocol):
    """The part of an Enterprise Manager client that a probe needs."""

    def test_endpoint(self, server: str, endpoint: str, timeout_seconds: int = 60) -> EndpointTest:
        """Tests an endpoint; sent once. Raises QemError."""


def probe(tester: EndpointTester, endpoint: EndpointKey, clock: Callable[[], datetime]) -> Probe:
    """What a test of `endpoint` came to; never raises for what Enterprise Manager says or does not say.

    It is as old as the question: who stands still after the answer does not take it for a new one.
    """
    asked_at = clock()
    try:
        tested = tester.test_endpoint(endpoint.server, endpoint.name, TEST_SECONDS)
        answer, detail = _ANSWERS.get(tested.status, ProbeAnswer.UNKNOWN), tested.message
    except QemError as exc:
        answer, detail = _of_error(exc), str(exc)
    return Probe(endpoint, answer, asked_at, harmless(detail, _DETAIL_CAP))


def _of_error(error: QemError) -> ProbeAnswer:
    if isinstance(error, QemLoginRefused):
        return ProbeAnswer.NOT_PERMITTED
    if isinstance(error, QemBusinessError):
        return next((answer for code, answer in _REFUSALS.items() if code == error.error_code), ProbeAnswer.FAILED)
    return ProbeAnswer.FAILED
