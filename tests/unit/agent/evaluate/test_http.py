"""A server of models over real HTTP: its refusals, and what its secret says of key, authority and proxy."""

from __future__ import annotations

import json
import ssl
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber
from urllib3.exceptions import HTTPError

from qlikops.agent.evaluate.causes import Cause, Unavailable, unavailable_for
from qlikops.agent.evaluate.http import REPLY_CAP, ModelServer
from qlikops.agent.models import HttpSettings
from tests.certificates import certificate as certificate
from tests.converse import ConverseServer, Reply

ARN = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:model-key"
REPLY = Reply(b'{"says": "hello"}')


def stubbed(*secrets: dict[str, str] | str) -> Any:
    """Makes a client of Secrets Manager that has these secrets, or errors, one after the other."""
    client = boto3.client(
        "secretsmanager", region_name="eu-central-1", aws_access_key_id="x", aws_secret_access_key="x"
    )
    stub = Stubber(client)
    for secret in secrets:
        if isinstance(secret, str):
            stub.add_client_error("get_secret_value", secret, expected_params={"SecretId": ARN})
        else:
            stub.add_response("get_secret_value", secret, {"SecretId": ARN})
    stub.activate()
    return lambda service: {"secretsmanager": client}[service]


def keyed(url: str) -> HttpSettings:
    """A server with a key and without TLS, which the settings themselves refuse."""
    chosen = HttpSettings(model_id="org/model:7b", url="https://model.example/v1", key_secret_arn=ARN)
    object.__setattr__(chosen, "url", f"{url}/v1")
    return chosen


def asked(server: ModelServer) -> Mapping[str, Any]:
    """The reply to one question, its key in the header `x-key`."""
    return server.post("/ask", {"question": "?"}, lambda key: {"x-key": key}, error="type")


def why_not(url: str, secret: dict[str, str] | str) -> str:
    """Why there is no reply from `url`, with what its secret says, or with the error of reading it."""
    said = {"SecretString": json.dumps(secret)} if isinstance(secret, dict) else secret
    with pytest.raises((Unavailable, HTTPError)) as caught:
        asked(ModelServer(keyed(url), stubbed(said)))
    return str(unavailable_for(caught.value))


def test_without_a_key_no_secret_is_read(server: ConverseServer) -> None:
    server.script.append(REPLY)
    settings = HttpSettings(model_id="m", url=f"{server.url}/v1/")
    assert asked(ModelServer(settings, lambda service: pytest.fail(f"asked for {service}"))) == {"says": "hello"}
    (request,) = server.requests
    assert (request.model, request.body) == ("/v1/ask", {"question": "?"})
    assert "x-key" not in request.headers


def test_the_key_is_read_for_each_question(server: ConverseServer) -> None:
    model = ModelServer(keyed(server.url), stubbed({"SecretString": "sk-one\n"}, {"SecretString": "sk-two"}))
    server.script.extend([REPLY, REPLY])
    assert [asked(model) for _ in range(2)] == [{"says": "hello"}] * 2
    assert [request.headers["x-key"] for request in server.requests] == ["sk-one", "sk-two"]


@pytest.mark.parametrize(
    ("reply", "because"),
    [
        (Reply(b'{"error": {"type": "busy", "message": "sk-secret"}}', 503), "model failed: busy"),
        (Reply(b'{"error": "busy"}', 503), "model failed: HTTP 503"),
        (Reply(b"<html>", 401), "access denied: HTTP 401"),
        (Reply(b"", 302), "request rejected: HTTP 302"),
        (Reply(b" " * (REPLY_CAP + 1)), "unreadable reply: too long"),
    ],
)
def test_a_refusal_is_named_by_its_code_or_status(server: ConverseServer, reply: Reply, because: str) -> None:
    server.script.append(reply)
    assert why_not(server.url, {"api_key": "sk"}) == because


@pytest.mark.parametrize("body", [b"", b"[]", b"text", b"[" * 100_000])
def test_what_is_no_object_is_an_empty_reply(server: ConverseServer, body: bytes) -> None:
    server.script.append(Reply(body))
    assert asked(ModelServer(replace(HttpSettings(), url=server.url), stubbed())) == {}


@pytest.mark.parametrize("code", ["ResourceNotFoundException", "AccessDeniedException", "DecryptionFailure"])
def test_a_key_that_cannot_be_read_is_access_that_is_denied(server: ConverseServer, code: str) -> None:
    assert why_not(server.url, code) == f"{Cause.ACCESS_DENIED}: no key, {code}"
    assert server.requests == []


def test_a_key_that_is_no_header_is_not_quoted(server: ConverseServer) -> None:
    with pytest.raises(ValueError, match="header") as caught:
        asked(ModelServer(keyed(server.url), stubbed({"SecretString": "sk\r\nHost: x"})))
    assert str(unavailable_for(caught.value)) == "evaluator failed: ValueError"


def test_a_server_of_a_private_authority_is_trusted_by_the_secret(certificate: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with ConverseServer(REPLY) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        url = server.url.replace("http", "https")
        assert why_not(url, {"api_key": "sk"}) == "model not reachable: SSLError"
        secret = json.dumps({"api_key": "sk", "ca_bundle": certificate.read_text()})
        assert asked(ModelServer(keyed(url), stubbed({"SecretString": secret}))) == {"says": "hello"}
        assert server.requests[0].headers["x-key"] == "sk"


def test_a_proxy_of_the_secret_is_the_way(server: ConverseServer) -> None:
    server.script.append(REPLY)
    secret = json.dumps({"proxy": server.url.replace("http://", "http://me:s3cret@")})
    assert asked(ModelServer(keyed("http://model.example"), stubbed({"SecretString": secret}))) == {"says": "hello"}
    (request,) = server.requests
    assert request.model == "http://model.example/v1/ask"
    assert request.headers["proxy-authorization"] == "Basic bWU6czNjcmV0"
    assert "x-key" not in request.headers


@pytest.mark.parametrize(
    ("secret", "why"),
    [
        ({"key": "sk-hunter2"}, "the secret is neither a key nor an object with api_key, ca_bundle, proxy"),
        ({"api_key": 7}, "the secret is neither a key nor an object with api_key, ca_bundle, proxy"),
        ({"ca_bundle": "hunter2.pem"}, "ca_bundle or proxy of the secret, FileNotFoundError"),
        ({"proxy": "ftp://hunter2"}, "ca_bundle or proxy of the secret, ProxySchemeUnknown"),
    ],
)
def test_a_secret_that_makes_no_sense_is_not_quoted(server: ConverseServer, secret: dict[str, Any], why: str) -> None:
    assert why_not(server.url, secret) == f"evaluator failed: {why}"
    assert server.requests == []
