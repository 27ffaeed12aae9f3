"""The remedy fits the cause: TLS that fails, a wrong clock, a session that is over, through real calls."""

from __future__ import annotations

import os
import shutil
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from qlikops.aws.session import AwsConnection
from qlikops.config import Context, Settings
from qlikops.domain.errors import ClockProblem, CredentialsProblem, Offline, QlikopsError, TlsProblem
from qlikops.presentation.freshness import Freshness, Trust
from qlikops.presentation.problem import explain
from qlikops.qlik.simulator.loopback import LoopbackHandler, LoopbackServer
from tests.certificates import certificate as certificate

BY_ITSELF = "by itself"


@pytest.fixture(autouse=True)
def environ(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Dummy keys, and nothing of this machine's configuration."""
    for name in [name for name in os.environ if name.startswith("AWS_") or name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "QLIKOPS_CONFIG"):
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIA")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "nothing")
    monkeypatch.setenv("HOME", str(tmp_path))
    return monkeypatch


def failing(url: str, profile: str = "") -> QlikopsError:
    """What asking the AWS at `url` who one is raises."""
    connection = AwsConnection(Context("x", Settings(profile=profile, region="eu-west-1", endpoint_url=url)))
    with pytest.raises(QlikopsError) as caught:
        connection.caller()
    return caught.value


@contextmanager
def listening(answer: Callable[[socket.socket], None]) -> Iterator[str]:
    """The address of something that lets `answer` speak on each connection."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with closing(connection):
                    try:
                        answer(connection)
                    except OSError:
                        continue  # the client went away, which is what is tried here

        threading.Thread(target=serve, daemon=True).start()
        yield f"https://localhost:{server.getsockname()[1]}"


def tls(certificate: Path) -> Callable[[socket.socket], None]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    def answer(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as wrapped:
            wrapped.recv(1)

    return answer


def no_tls(connection: socket.socket) -> None:
    connection.recv(1)
    connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")


def cut_off(connection: socket.socket) -> None:
    connection.recv(5000)


@pytest.mark.parametrize(
    ("bundle", "said", "hint"),
    [
        (None, "certificate verify failed", "Does a proxy inspect TLS here?"),
        ("its own", "doesn't match", "Does a proxy inspect TLS here?"),
        ("missing", "No such file", "Mend the file, or name another."),
        ("a folder", "Is a directory", "Mend the file, or name another."),
        ("garbage", "", "is no PEM file"),
    ],
)
def test_a_certificate_that_is_not_trusted_names_the_ca_settings(
    environ: pytest.MonkeyPatch, certificate: Path, tmp_path: Path, bundle: str | None, said: str, hint: str
) -> None:
    (tmp_path / "garbage").write_text("no certificate")
    paths = {
        "its own": certificate,
        "missing": tmp_path / "gone",
        "a folder": tmp_path,
        "garbage": tmp_path / "garbage",
    }
    if bundle is not None:
        environ.setenv("AWS_CA_BUNDLE", str(paths[bundle]))
    with listening(tls(certificate)) as url:
        check_tls(failing(url), said, hint)


def test_what_speaks_no_tls() -> None:
    with listening(no_tls) as url:
        check_tls(failing(url), "", "does not speak TLS")


def test_a_proxy_that_is_not_trusted(environ: pytest.MonkeyPatch, certificate: Path) -> None:
    with listening(tls(certificate)) as proxy:
        environ.setenv("HTTPS_PROXY", proxy)
        check_tls(failing("https://sts.example"), "certificate verify failed", "Does a proxy inspect TLS here?")


def check_tls(error: QlikopsError, said: str, hint: str) -> None:
    assert isinstance(error, TlsProblem)
    assert said in error.message
    assert hint in error.hint
    assert "AWS_CA_BUNDLE is " in error.hint
    # The console and the commands say the whole of it, and promise nothing.
    now = datetime.now(UTC)
    freshness = Freshness(now, error)
    assert freshness.trust(now) is Trust.TLS
    assert "AWS_CA_BUNDLE" in freshness.remedy(now)
    assert BY_ITSELF not in freshness.explanation(now) + str(explain(error))


def test_a_connection_that_is_cut_off_in_the_handshake_is_the_networks() -> None:
    with listening(cut_off) as url:
        assert isinstance(failing(url), Offline)


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
    freshness = Freshness(now, error)
    assert freshness.trust(now) is Trust.OFFLINE
    assert remedy in freshness.remedy(now)
    everything = error.message + freshness.explanation(now) + str(explain(error))
    assert "recovers by itself" not in everything
    assert "geheim" not in everything


class Refusing(LoopbackHandler):
    """AWS, refusing everything with `code` and `words`, at a time that is off from ours."""

    code, words, off, has_date = "AccessDenied", "no", timedelta(), True

    def respond(self) -> None:
        body = (
            f"<ErrorResponse><Error><Type>Sender</Type><Code>{self.code}</Code><Message>{self.words}</Message></Error>"
            "<RequestId>1</RequestId></ErrorResponse>"
        ).encode()
        self.send_response_only(403)
        if self.has_date:
            self.send_header("Date", format_datetime(datetime.now(UTC) - self.off, usegmt=True))
        self.send_header("Content-Type", "text/xml")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def refusing(**said: Any) -> Iterator[str]:
    handler = type("Handler", (Refusing,), said)
    with LoopbackServer(handler) as server:
        yield server.url


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
    assert Freshness(now, error).trust(now) is Trust.CLOCK
    assert "Set the clock" in Freshness(now, error).remedy(now)


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


PROFILES = """
[profile sso]
sso_session = work
sso_account_id = 111122223333
sso_role_name = oncall
region = eu-west-1
[profile role]
role_arn = arn:aws:iam::111122223333:role/oncall
source_profile = sso
region = eu-west-1
[profile keys]
aws_access_key_id = AKIA
aws_secret_access_key = nothing
[sso-session work]
sso_start_url = https://example.awsapps.com/start
sso_region = eu-west-1
"""


@pytest.mark.parametrize(
    ("profile", "named", "said"),
    [
        ("sso", True, "`aws sso login --profile sso`"),
        ("sso", False, "`aws sso login --profile sso`"),
        ("role", True, "`aws sso login --profile sso`"),
        ("keys", True, "aws configure --profile keys"),
        ("keys", False, "aws configure --profile keys"),
    ],
)
def test_credentials_that_are_over_name_the_profile(
    environ: pytest.MonkeyPatch, tmp_path: Path, profile: str, named: bool, said: str
) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "aws").symlink_to(shutil.which("true") or "/bin/true")
    environ.setenv("PATH", str(tmp_path / "bin"))
    Path(os.environ["AWS_CONFIG_FILE"]).write_text(PROFILES)
    environ.delenv("AWS_ACCESS_KEY_ID")
    if not named:
        environ.setenv("AWS_PROFILE", profile)
    with refusing(code="ExpiredToken", words="The security token included in the request is expired") as url:
        error = failing(url, profile if named else "")
    assert isinstance(error, CredentialsProblem)
    assert said in error.hint
    assert "demo" not in str(explain(error))


def test_a_demo_is_offered_to_newcomers_only(environ: pytest.MonkeyPatch) -> None:
    environ.delenv("AWS_ACCESS_KEY_ID")
    assert "qlikops demo" in failing("http://127.0.0.1:1").hint
    Path(os.environ["QLIKOPS_CONFIG"]).write_text('[contexts.prod]\nregion = "eu-west-1"\n')
    assert "demo" not in failing("http://127.0.0.1:1").hint


def test_keys_of_the_shell_are_renewed_there() -> None:
    with refusing(code="ExpiredToken", words="over") as url:
        assert "this shell's AWS_* variables" in failing(url).hint
