"""TLS that fails is told apart from a network that is away, through real calls."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from botocore import exceptions as boto

from qlikops.aws.tls import tls_problem
from qlikops.domain.errors import Offline, QlikopsError, TlsProblem
from qlikops.presentation.freshness import DataAge, Trust
from qlikops.presentation.problem import explain
from tests.certificates import certificate as certificate
from tests.unit.aws.calls import cut_off, failing, listening
from tests.unit.aws.calls import environ as environ

BY_ITSELF = "by itself"


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
    freshness = DataAge(now, error)
    assert freshness.trust(now) is Trust.TLS
    assert "AWS_CA_BUNDLE" in freshness.remedy(now)
    assert BY_ITSELF not in freshness.explanation(now) + str(explain(error))


def test_a_connection_that_is_cut_off_in_the_handshake_is_the_networks() -> None:
    with listening(cut_off) as url:
        assert isinstance(failing(url), Offline)


def test_a_certificate_that_is_over_has_one_look_at_the_clock_first() -> None:
    over = ssl.SSLCertVerificationError(1, "certificate has expired")
    over.verify_code = 10
    problem = tls_problem(boto.SSLError(endpoint_url="https://x", error=over), "ask")
    assert problem is not None
    assert problem.hint.startswith("Look at this machine's clock first")
    assert tls_problem(boto.ReadTimeoutError(endpoint_url="https://x"), "ask") is None
