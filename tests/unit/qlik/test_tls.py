"""Certificates: a private authority is trusted by its bundle only."""

from __future__ import annotations

import ssl
import warnings
from pathlib import Path

import pytest

from qlikops.qlik.client import QemClient
from qlikops.qlik.errors import QemUnreachable
from tests.unit.qlik.scripted import ScriptedQem, json_reply

SERVERS = json_reply({"serverList": []})


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
