"""The remedy fits the cause: a proxy, a network, a wrong clock, through real calls."""

from __future__ import annotations

import socket
from datetime import UTC, datetime, timedelta

import pytest

from qlikops.aws.session import AwsConnection
from qlikops.config import Context, Settings
from qlikops.domain.errors import ClockProblem, CredentialsProblem, Offline, QlikopsError
from qlikops.presentation.freshness import DataAge, Trust
from qlikops.presentation.problem import explain
from tests.certificates import certificate as certificate
from tests.unit.aws.calls import cut_off, failing, listening, refusing
from tests.unit.aws.calls import environ as environ


def no_tunnel(connection: socket.socket) -> None:
    connection.recv(5000)
    connection.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")


def failing_behind(environ: pytest.MonkeyPatch, variable: str, proxy: str) -> QlikopsError:
    environ.setenv(variable, proxy.replace("https://localhost", "http://somebody:geheim@127.0.0.1"))
    return failing("https://sts.example")


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy"])
def test_a_proxy_that_passes_nothing_on_is_named_and_not_waited_for(environ: pytest.MonkeyPatch, variable: str) -> None:
    with listening(no_tunnel) as proxy:
        refused = failing_behind(environ, variable, proxy)
    with socket.create_server(("127.0.0.1", 0)) as closed:
        gone = f"https://localhost:{closed.getsockname()[1]}"
    check_offline(refused, "407 Proxy Authentication Required", variable)
    check_offline(failing_behind(environ, variable, gone), "refused", variable)


def test_what_hangs_up_on_every_call_is_not_promised_to_pass() -> None:
    with listening(cut_off) as url:
        check_offline(failing(url.replace("https", "http")), "closed before", "endpoint_url")


def check_offline(error: QlikopsError, said: str, remedy: str) -> None:
    assert isinstance(error, Offline)
    assert said in error.message
    now = datetime.now(UTC)
    freshness = DataAge(now, error)
    assert freshness.trust(now) is Trust.OFFLINE
    assert remedy in freshness.remedy(now)
    everything = error.message + freshness.explanation(now) + str(explain(error))
    assert "recovers by itself" not in everything
    assert "geheim" not in everything


HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("code", "words", "off", "said"),
    [
        ("SignatureDoesNotMatch", "Signature expired: 1 is now earlier than 2", -HOUR, " behind"),
        ("SignatureDoesNotMatch", "Signature not yet current: 2 is still later than 1", HOUR, " ahead"),
        ("InvalidSignatureException", "Signature expired", timedelta(minutes=-6), " behind"),
        ("RequestTimeTooSkewed", "The difference between the request time and ours is too large", HOUR, " ahead"),
        ("RequestExpired", "Request has expired.", -HOUR, " behind"),
        ("AuthFailure", "AWS was not able to validate the provided access credentials", HOUR, " ahead"),
        ("SignatureDoesNotMatch", "The request signature we calculated does not match", HOUR, " ahead"),
    ],
)
def test_a_wrong_clock_is_no_reason_to_sign_in(code: str, words: str, off: timedelta, said: str) -> None:
    with refusing(code=code, words=words, off=off) as url:
        error = failing(url)
    assert isinstance(error, ClockProblem)
    assert said in error.message
    assert "timedatectl" in error.hint
    now = datetime.now(UTC)
    assert DataAge(now, error).trust(now) is Trust.CLOCK
    assert "Set the clock" in DataAge(now, error).remedy(now)


def test_without_a_date_the_words_tell() -> None:
    with refusing(code="SignatureDoesNotMatch", words="Signature expired: 1 is now earlier", has_date=False) as url:
        assert isinstance(failing(url), ClockProblem)
    with refusing(code="SignatureDoesNotMatch", words="Check your key", has_date=False) as url:
        assert isinstance(failing(url), CredentialsProblem)


@pytest.mark.parametrize("code", ["SignatureDoesNotMatch", "AuthFailure", "InvalidClientTokenId", "ExpiredToken"])
def test_with_a_right_clock_it_is_the_credentials(code: str) -> None:
    with refusing(code=code, words="no", off=timedelta(seconds=20)) as url:
        assert isinstance(failing(url), CredentialsProblem)


@pytest.mark.parametrize("off", [timedelta(), HOUR, -HOUR])
def test_the_time_of_aws_comes_with_a_refusal_and_without_credentials(
    environ: pytest.MonkeyPatch, off: timedelta
) -> None:
    environ.delenv("AWS_ACCESS_KEY_ID")
    with refusing(code="MissingAuthenticationToken", words="no", off=off) as url:
        theirs = AwsConnection(Context("x", Settings(region="eu-west-1", endpoint_url=url))).aws_time()
    assert theirs is not None
    assert abs(datetime.now(UTC) - theirs - off) < timedelta(seconds=30)
