"""Callbacks on the wire: valid by the service model, sent once, recognisable, and never repeated after a reset."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.stub import Stubber

from qlikops.aws.approvals import LedgerApprovals, Timing
from qlikops.aws.errors import Sent
from qlikops.aws.session import AwsConnection
from qlikops.config import Context, LocalConnection, Settings
from qlikops.domain.errors import AccessDenied
from qlikops.domain.proposals.approval import Decision
from qlikops.domain.proposals.callback import APPROVAL_DENIED, DECISION_TEXT_CAP
from qlikops.qlik.simulator.loopback import LoopbackHandler, LoopbackServer
from tests.fakes import Clock
from tests.unit.domain.samples import NOON

TASKS = tuple(f"{'s' * 40}/{'t' * 80}-{number}" for number in range(500))
DECISION = Decision(
    True, "d1", "arn:aws:iam::1:user/anna", NOON, "r" * DECISION_TEXT_CAP, "f" * 64, "cli", option="reload", tasks=TASKS
)
DENIAL = Decision(False, "d2", "arn:aws:iam::1:user/anna", NOON, "r" * DECISION_TEXT_CAP, "f" * 64, "cli", 3600)


def local_context(endpoint: str) -> Context:
    """A context whose AWS is on loopback."""
    arn = "arn:aws:states:eu-west-1:000000000000:stateMachine:m"
    status = LocalConnection(endpoint, "eu-west-1", "qlikops", arn, "table", "bucket")
    return Context("local", Settings(region="eu-west-1", endpoint_url=endpoint), local=status)


@dataclass
class Wire:
    """A server that takes callbacks, remembers them, and answers as told."""

    requests: list[tuple[dict[str, str], Any]] = field(default_factory=list)
    reply: tuple[int, dict[str, str] | bytes] | None = (200, {})
    """Bytes are a page of whoever stands in between. None resets the connection."""
    content_type: str = "application/x-amz-json-1.0"
    url: str = ""


@pytest.fixture
def wire() -> Iterator[Wire]:
    seen = Wire()

    class Handler(LoopbackHandler):
        def respond(self) -> None:
            seen.requests.append((dict(self.headers.items()), json.loads(self.body())))
            if seen.reply is None:
                self.connection.shutdown(socket.SHUT_RDWR)
                self.close_connection = True
                return
            status, answer = seen.reply
            payload = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            self.write(status, payload, seen.content_type)

    with LoopbackServer(Handler) as server:
        seen.url = server.url
        yield seen


def send(connection: AwsConnection, decision: Decision) -> Sent:
    clock = Clock(NOON)
    return LedgerApprovals(connection, Timing(clock.now, clock.monotonic, clock.sleep))._send("token", decision)


@pytest.mark.parametrize("decision", [DECISION, DENIAL], ids=["approve", "deny"])
def test_the_longest_decision_is_valid_by_the_service_model(
    decision: Decision, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = AwsConnection(local_context("http://127.0.0.1:9"))
    client = connection.sender(decision.decision_id)
    monkeypatch.setattr(connection, "sender", lambda _: client)
    with Stubber(client) as stub:
        stub.add_response("send_task_success" if decision.approved else "send_task_failure", {})
        assert send(connection, decision) is Sent.ACCEPTED
        stub.assert_no_pending_responses()


def test_an_approval_says_approved_and_who_and_the_user_agent_has_the_decision(wire: Wire) -> None:
    assert send(AwsConnection(local_context(wire.url)), DECISION) is Sent.ACCEPTED
    ((headers, body),) = wire.requests
    assert headers["X-Amz-Target"] == "AWSStepFunctions.SendTaskSuccess"
    assert "decision/d1" in headers["User-Agent"]
    assert body["taskToken"] == "token"
    output = json.loads(body["output"])
    assert (output["approved"], output["decision_id"], output["digest"]) == (True, "d1", "f" * 64)


def test_a_denial_is_the_failure_that_the_state_machine_catches(wire: Wire) -> None:
    assert send(AwsConnection(local_context(wire.url)), DENIAL) is Sent.ACCEPTED
    ((_, body),) = wire.requests
    assert body["error"] == APPROVAL_DENIED
    assert json.loads(body["cause"])["snooze_seconds"] == 3600


@pytest.mark.parametrize(
    ("reply", "means"),
    [
        (None, Sent.MAYBE),
        ((500, {"__type": "InternalFailure"}), Sent.MAYBE),
        ((400, {"__type": "TaskTimedOut"}), Sent.TOKEN_GONE),
        ((400, {"__type": "TaskDoesNotExist"}), Sent.TOKEN_GONE),
    ],
    ids=["reset", "500", "timed out", "gone"],
)
def test_whatever_the_reply_it_is_sent_once(
    wire: Wire, reply: tuple[int, dict[str, str] | bytes] | None, means: Sent
) -> None:
    wire.reply = reply
    assert send(AwsConnection(local_context(wire.url)), DECISION) is means
    assert len(wire.requests) == 1


PAGE = b"<html><title>Sign in to the guest network</title></html>"


@pytest.mark.parametrize("status", [200, 204, 302, 400, 403, 407, 502])
@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (PAGE, "text/html; charset=utf-8"),
        (PAGE, "application/x-amz-json-1.0"),
        ("<p>Accès refusé</p>".encode("latin-1"), "text/html"),
        (b"", "text/plain"),
        (b"[]", "application/json"),
        (b"{}", "text/html"),
    ],
    ids=["page", "page that says JSON", "Latin-1", "nothing", "list", "JSON that says page"],
)
def test_a_page_of_whoever_stands_in_between_is_no_answer(
    wire: Wire, status: int, body: bytes, content_type: str
) -> None:
    wire.reply, wire.content_type = (status, body if status != 204 else b""), content_type
    assert send(AwsConnection(local_context(wire.url)), DECISION) is Sent.MAYBE
    assert len(wire.requests) == 1


def test_json_without_a_name_is_no_refusal_of_aws(wire: Wire) -> None:
    wire.reply = (403, {"message": "Forbidden by the proxy"})
    assert send(AwsConnection(local_context(wire.url)), DECISION) is Sent.MAYBE
    wire.reply = (400, {"__type": "com.amazonaws#AccessDeniedException", "message": "no"})
    with pytest.raises(AccessDenied):
        send(AwsConnection(local_context(wire.url)), DECISION)


def test_the_longest_reason_fits_the_services_limits() -> None:
    assert DECISION_TEXT_CAP * 4 + 1000 < 32_768
