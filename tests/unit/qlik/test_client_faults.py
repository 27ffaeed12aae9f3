"""The client against answers that no Enterprise Manager should give, and against none at all."""

from __future__ import annotations

import base64
import itertools
import logging
import socket
import time
from dataclasses import replace
from typing import Any

import pytest

from qlikops.domain.fleet.task import RunOption
from qlikops.qlik.client import GET_ATTEMPTS, SESSION_HEADER, QemClient
from qlikops.qlik.config import QemInstance
from qlikops.qlik.errors import (
    QemBusinessError,
    QemError,
    QemLoginRefused,
    QemMisconfigured,
    QemOutOfTime,
    QemProtocolError,
    QemTooSlow,
    QemUnreachable,
)
from tests.unit.qlik.scripted import LOGGED_IN, Drip, Hangup, Reply, ScriptedQem, json_reply

SERVERS = json_reply({"serverList": []})
EXPIRED = json_reply({"error_code": "INVALID_SESSION_ID", "error_message": "expired"}, 500)
RUNNING = json_reply({"state": "RUNNING", "error_message": ""})


def client_of(server: ScriptedQem, pauses: list[float] | None = None, **changes: Any) -> QemClient:
    sleep = (lambda _: None) if pauses is None else pauses.append
    return QemClient(server.instance(**changes), sleep=sleep, rng=lambda: 1.0)


def run(client: QemClient) -> None:
    client.run("s", "t", RunOption.RESUME_PROCESSING)


@pytest.mark.parametrize(
    "failure", [Hangup(), Hangup(reset=True), Reply(502), Reply(503), Reply(504), Reply(200, b"{", promised=500)]
)
def test_a_read_is_repeated_where_nobody_answers(failure: Reply | Hangup) -> None:
    pauses: list[float] = []
    with ScriptedQem(failure, failure, SERVERS) as server:
        assert client_of(server, pauses).servers() == ()
    assert len(server.sent("GET")) == GET_ATTEMPTS
    assert pauses == [0.5, 1.0]


def test_a_read_is_not_repeated_for_ever() -> None:
    with ScriptedQem() as server, pytest.raises(QemUnreachable) as caught:
        client_of(server).servers()
    assert len(server.sent("GET")) == GET_ATTEMPTS
    assert not caught.value.maybe_sent


@pytest.mark.parametrize("failure", [Hangup(), Hangup(reset=True), Reply(502), Reply(503), Reply(504)])
def test_a_run_whose_answer_is_lost_is_not_sent_again(failure: Reply | Hangup) -> None:
    with ScriptedQem(failure, RUNNING) as server, pytest.raises(QemUnreachable) as caught:
        run(client_of(server))
    assert caught.value.maybe_sent
    assert len(server.sent("POST")) == 1


def test_a_run_that_was_never_sent_says_so() -> None:
    with ScriptedQem(replace(SERVERS, headers={"Connection": "close"})) as server:
        client = client_of(server)
        client.servers()
    with pytest.raises(QemUnreachable) as caught:
        run(client)
    assert not caught.value.maybe_sent


def test_a_silent_server_times_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/api/v1"
        client = QemClient(QemInstance("q", url, "u", "pw", read_timeout=0.05), sleep=lambda _: None)
        with pytest.raises(QemUnreachable, match="ReadTimeoutError"):
            client.servers()


HEAD = b"HTTP/1.1 200 OK\r\n"
LONG = b'{"serverList": []}'.rjust(2000)


@pytest.mark.parametrize("answer", [Hangup(), Drip(b"", HEAD.ljust(2000, b".")), Drip(HEAD, LONG)])
def test_whoever_has_no_time_left_waits_no_longer_than_that(answer: Hangup | Drip) -> None:
    with ScriptedQem(answer, *[Hangup()] * 5) as server:
        began = time.monotonic()
        with QemClient(server.instance(), give_up_at=began + 0.4, rng=lambda: 1.0) as client:
            with pytest.raises(QemOutOfTime):
                client.task("s", "t")
            with pytest.raises(QemOutOfTime, match="there was no time left"):
                client.servers()
        # The whole of what drips would take 40 s.
        assert 0.3 < time.monotonic() - began < 20
    assert len(server.sent("GET")) <= 2
    assert not any(request.path.endswith("/logout") for request in server.requests)


@pytest.mark.parametrize(
    "drip",
    [
        Drip(b"", HEAD.ljust(2000, b".")),
        Drip(HEAD, b"X-Padding: 1\r\n" * 200),
        Drip(HEAD + b"Content-Length: 2000\r\n\r\n", LONG),
        Drip(HEAD + b"Connection: close\r\n\r\n", LONG),
    ],
    ids=["status line", "headers", "body", "body without a length"],
)
def test_an_answer_that_never_ends_is_given_up_and_not_asked_for_again(drip: Drip) -> None:
    # At a byte every 20 ms none comes too late, and the whole would take 40 s.
    with ScriptedQem(drip, SERVERS) as server, pytest.raises(QemTooSlow) as caught:
        client_of(server, read_timeout=0.3).servers()
    assert not caught.value.maybe_sent
    assert len(server.sent("GET")) == 1
    assert server.dripped < 200


def test_a_run_whose_answer_never_ends_may_have_been_sent() -> None:
    # A run waits for longer than a test may, so its client has a second left, for ever.
    with ScriptedQem(Drip(HEAD + b"Content-Length: 2000\r\n\r\n", LONG)) as server, pytest.raises(QemTooSlow) as caught:
        run(QemClient(server.instance(), clock=lambda: 0.0, give_up_at=1.0))
    assert caught.value.maybe_sent
    assert len(server.sent("POST")) == 1


def test_a_slow_answer_within_its_time_is_an_answer() -> None:
    with ScriptedQem(Drip(HEAD + b"Content-Length: 18\r\n\r\n", b'{"serverList": []}')) as server:
        assert client_of(server, read_timeout=30).servers() == ()


def test_a_proxy_is_asked_for_everything_and_told_who_asks() -> None:
    with ScriptedQem(SERVERS) as proxy:
        at = f"http://mo%40il:pass%3Aword@127.0.0.1:{proxy.server_address[1]}"
        client = client_of(proxy, base_url="http://qem.invalid/api/v1", proxy=at)
        assert client.servers() == ()
        asked = proxy.requests[1]
    assert asked.path == "http://qem.invalid/api/v1/servers"
    assert asked.headers["proxy-authorization"] == "Basic " + base64.b64encode(b"mo@il:pass:word").decode()
    assert "pass" not in repr(client)


def test_a_proxy_that_is_not_there_is_told_without_its_password() -> None:
    client = QemClient(
        QemInstance("q", "https://qem.invalid/api/v1", "u", "pw", proxy="http://me:secret@127.0.0.1:9"),
        sleep=lambda _: None,
    )
    with pytest.raises(QemUnreachable) as caught:
        client.servers()
    assert "secret" not in f"{caught.value!r} {caught.value.__cause__!r}"


@pytest.mark.parametrize(
    "body", [b'{"serverList": [', b"<html>login</html>", b"\xff\xfe\x00", b"", b"[]", b"[" * 100_000]
)
def test_a_malformed_answer_to_a_read(body: bytes) -> None:
    with ScriptedQem(Reply(200, body)) as server, pytest.raises(QemProtocolError) as caught:
        client_of(server).servers()
    assert not caught.value.maybe_sent
    assert len(server.sent("GET")) == 1


@pytest.mark.parametrize("reply", [Reply(200, b'{"state": "RUN'), Reply(200), Reply(500, b"oops"), Reply(302)])
def test_a_malformed_answer_to_a_run_leaves_open_what_happened(reply: Reply) -> None:
    with ScriptedQem(reply) as server, pytest.raises(QemProtocolError) as caught:
        run(client_of(server))
    assert caught.value.maybe_sent
    assert len(server.sent("POST")) == 1


def test_a_byte_order_mark_is_no_error() -> None:
    with ScriptedQem(Reply(200, b'\xef\xbb\xbf{"serverList": []}')) as server:
        assert client_of(server).servers() == ()


@pytest.mark.parametrize("status", [200, 401, 403, 404, 500, 503])
def test_the_error_code_decides_and_not_the_status(status: int) -> None:
    refusal = json_reply({"error_code": "AEM_RUN_TASK_TIMEOUT", "error_message": "too\x1b[31m slow"}, status)
    with ScriptedQem(refusal) as server, pytest.raises(QemBusinessError) as caught:
        run(client_of(server))
    assert (caught.value.error_code, caught.value.message) == ("AEM_RUN_TASK_TIMEOUT", "too slow")
    assert caught.value.maybe_sent
    assert len(server.sent("POST")) == 1


def test_a_500_without_a_code_is_not_repeated() -> None:
    with ScriptedQem(Reply(500, b"{}"), SERVERS) as server, pytest.raises(QemProtocolError):
        client_of(server).servers()
    assert len(server.sent("GET")) == 1


def test_an_expired_session_is_renewed_once_only() -> None:
    sessions = itertools.count(1)
    with ScriptedQem(
        EXPIRED, EXPIRED, login=lambda: Reply(headers={SESSION_HEADER: f"session-{next(sessions)}"})
    ) as server:
        with pytest.raises(QemBusinessError):
            client_of(server).servers()
        used = [request.headers.get(SESSION_HEADER) for request in server.requests if "/login" not in request.path]
    assert used == ["session-1", "session-2"]


def test_the_wire_format() -> None:
    with ScriptedQem(RUNNING) as server:
        client_of(server, domain="corp").run("a/b", "c d%", RunOption.RELOAD_TARGET, timeout_seconds=7)
    login, post = server.requests
    assert (login.method, login.path) == ("GET", "/api/v1/login")
    assert login.headers["Authorization"] == "Basic " + base64.b64encode(b"u@corp:pw").decode()
    # A name reaches the client as it is kept in a TaskKey, where `%` followed by no digits means itself.
    assert post.path == "/api/v1/servers/a%252Fb/tasks/c%2520d%2525?action=run&option=RELOAD_TARGET&timeout=7"
    assert (post.headers["Content-Length"], post.headers[SESSION_HEADER]) == ("0", "session-1")
    assert "Authorization" not in post.headers


@pytest.mark.parametrize(
    ("login", "error"),
    [
        (Reply(401), QemLoginRefused),
        (json_reply({"error_code": "UNAUTHORIZED_REQUEST"}, 500), QemLoginRefused),
        (Reply(200), QemProtocolError),
        (Reply(200, b"<html>"), QemProtocolError),
        (Reply(404), QemProtocolError),
        (Hangup(), QemUnreachable),
    ],
)
def test_a_login_that_does_not_work(login: Reply | Hangup, error: type[QemError]) -> None:
    with ScriptedQem(login=lambda: login) as server, pytest.raises(error) as caught:
        run(client_of(server, password="wrong-secret"))
    assert not caught.value.maybe_sent
    assert server.sent("POST") == []
    assert "secret" not in f"{caught.value!r} {caught.value.__cause__!r}"


def test_nothing_secret_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with ScriptedQem(Hangup(), SERVERS) as server, client_of(server, password="wrong-secret") as client:
        client.servers()
    assert "secret" not in caplog.text
    assert base64.b64encode(b"u:wrong-secret").decode() not in caplog.text
    assert "session-1" not in caplog.text


def test_a_logout_that_fails_is_no_error() -> None:
    with ScriptedQem(SERVERS, login=lambda: LOGGED_IN) as server:
        client = client_of(server)
        client.servers()
    client.logout()


def test_turning_verification_off_is_loud(caplog: pytest.LogCaptureFixture) -> None:
    QemClient(QemInstance("q", "https://127.0.0.1:9/api/v1", "u", "pw", verify_tls=False))
    assert "NOT VERIFIED" in caplog.text


def test_plain_http_to_elsewhere_is_loud(caplog: pytest.LogCaptureFixture) -> None:
    QemClient(QemInstance("q", "http://qem.example.com/api/v1", "u", "pw"))
    assert "UNENCRYPTED" in caplog.text


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_an_unusable_ca_bundle_is_named(tmp_path: Any, content: str | None) -> None:
    bundle = tmp_path / "ca.pem"
    if content is not None:
        bundle.write_text(content)
    with pytest.raises(QemMisconfigured, match="ca_bundle"):
        QemClient(QemInstance("q", "https://127.0.0.1:9/api/v1", "u", "pw", ca_bundle=str(bundle)))


def test_certificates_that_are_none_are_named_and_not_quoted() -> None:
    text = "-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----"
    with pytest.raises(QemMisconfigured, match="ca_bundle") as caught:
        QemClient(QemInstance("q", "https://127.0.0.1:9/api/v1", "u", "pw", ca_bundle=text))
    assert "nonsense" not in str(caught.value)


@pytest.mark.parametrize("failure", [Hangup(), Reply(502), Reply(200, b"{", promised=500), Reply(500)])
def test_a_test_of_an_endpoint_is_sent_once(failure: Reply | Hangup) -> None:
    with ScriptedQem(failure, json_reply({"status": "CONNECTED"})) as server, pytest.raises(QemError):
        client_of(server).test_endpoint("s", "ORA 100%")
    (sent,) = server.sent("GET")
    assert sent.partition("/servers/")[2] == "s/endpoints/ORA%2520100%2525?action=test&timeout=60"


def test_a_test_of_an_endpoint_is_sent_again_where_only_the_session_had_expired() -> None:
    with ScriptedQem(EXPIRED, json_reply({"status": "CONNECTED"})) as server:
        assert client_of(server).test_endpoint("s", "ORA").status == "CONNECTED"
