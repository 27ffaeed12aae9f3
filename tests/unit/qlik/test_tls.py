"""Certificates: a private authority is trusted by its bundle only."""

from __future__ import annotations

import datetime
import ipaddress
import ssl
import warnings
from pathlib import Path

import pytest

from qlikops.qlik.client import QemClient
from qlikops.qlik.errors import QemUnreachable
from tests.unit.qlik.scripted import ScriptedQem, json_reply

SERVERS = json_reply({"serverList": []})


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate of 127.0.0.1 with its key, in one file."""
    x509 = pytest.importorskip("cryptography.x509")
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "simulated authority")])
    now = datetime.datetime.now(datetime.UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "qem.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + signed.public_bytes(serialization.Encoding.PEM))
    return path


def read(server: ScriptedQem, certificate: Path, *, ca_bundle: str = "", verify_tls: bool = True) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    base_url = f"https://127.0.0.1:{server.server_address[1]}/api/v1"
    instance = server.instance(base_url=base_url, ca_bundle=ca_bundle, verify_tls=verify_tls)
    with server, QemClient(instance, sleep=lambda _: None) as client:
        client.servers()


def test_a_private_authority_is_trusted_by_its_bundle(certificate: Path) -> None:
    read(ScriptedQem(SERVERS), certificate, ca_bundle=str(certificate))


def test_the_bundle_may_be_the_text_itself(certificate: Path) -> None:
    text = certificate.read_text()
    read(ScriptedQem(SERVERS), certificate, ca_bundle=text[text.index("-----BEGIN CERTIFICATE") :])


def test_an_unknown_authority_is_refused_before_the_password_is_sent(certificate: Path) -> None:
    server = ScriptedQem(SERVERS)
    with pytest.raises(QemUnreachable, match="certificate verify failed"):
        read(server, certificate)
    assert server.requests == []


def test_verification_can_be_turned_off(certificate: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        read(ScriptedQem(SERVERS), certificate, verify_tls=False)
