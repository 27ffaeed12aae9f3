"""A server of models over HTTP, as every evaluator reaches one that is not AWS's: with the settings' key, if any.

No redirect is followed, since the question carries a key, no proxy is used but the secret's, and a reply is read to a
bound. What the question and the reply look like is the evaluator's own.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import field, fields
from typing import Any

import urllib3
from botocore.exceptions import ClientError
from urllib3.exceptions import ProxySchemeUnknown

from qlikops.agent.evaluate.causes import Cause, Unavailable, refusal
from qlikops.agent.models import CONNECT_TIMEOUT_SECONDS, HttpSettings
from qlikops.dataclass import dataclass
from qlikops.domain.encoding import codec
from qlikops.qlik.transport import through, trusting

REPLY_CAP = 1_000_000
"""Bytes of a reply that are read; an answer has a few thousand."""


@dataclass(frozen=True, slots=True)
class _Access:
    """What the secret says: how the server lets one in, and by which way one gets there."""

    api_key: str = field(default="", repr=False)
    ca_bundle: str = ""
    """Authorities' certificates as PEM text; empty for the system's authorities."""
    proxy: str = field(default="", repr=False)
    """`http://HOST:PORT`, with `USER:PASSWORD@` before the host if the proxy asks for it."""


class ModelServer:
    """The server that `settings` name. `clients` makes a boto3 client by its service name, for the key."""

    def __init__(self, settings: HttpSettings, clients: Callable[[str], Any]) -> None:
        self._settings = settings
        self._clients = clients
        self._pool = functools.lru_cache(maxsize=1)(_pool)

    def post(
        self, path: str, body: Mapping[str, Any], with_key: Callable[[str], Mapping[str, str]], *, error: str
    ) -> Mapping[str, Any]:
        """The reply to `body`, as an object; an empty one for a reply that is none.

        `path` comes after the settings' `url`, `with_key` says which headers carry the key, and `error` is the field of
        a refusal's `error` that names its reason. Raises Unavailable, and urllib3's errors.
        """
        settings, access = self._settings, self._access()
        response = self._pool(access.ca_bundle, access.proxy).request(
            "POST",
            f"{settings.url.rstrip('/')}{path}",
            body=json.dumps(body).encode(),
            headers={"Content-Type": "application/json", **(with_key(access.api_key) if access.api_key else {})},
            timeout=urllib3.Timeout(connect=CONNECT_TIMEOUT_SECONDS, read=settings.read_timeout_seconds),
            redirect=False,
            preload_content=False,
        )
        try:
            reply = _parsed(response.stream(REPLY_CAP, decode_content=False))
        finally:
            response.close()
        if response.status != 200:
            said = reply.get("error")
            raise refusal(response.status, str((isinstance(said, dict) and said.get(error)) or ""))
        return reply

    def _access(self) -> _Access:
        """What the secret says now: read each time, since it may have been rotated, and questions are few."""
        arn = self._settings.key_secret_arn
        if not arn:
            return _Access()
        try:
            secret = self._clients("secretsmanager").get_secret_value(SecretId=arn)["SecretString"].strip()
        except ClientError as exc:
            # Not Unavailable by its own code: a missing secret is no missing model.
            raise Unavailable(Cause.ACCESS_DENIED, f"no key, {exc.response['Error']['Code']}") from exc
        if not secret.startswith("{"):
            return _Access(secret)
        try:
            return codec.read_settings(_Access, json.loads(secret))
        except (ValueError, RecursionError):
            # Not chained: the cause may quote the key.
            keys = ", ".join(each.name for each in fields(_Access))
            raise Unavailable(Cause.FAILED, f"the secret is neither a key nor an object with {keys}") from None


def _pool(ca_bundle: str, proxy: str) -> urllib3.PoolManager:
    try:
        return through(proxy, retries=False, ssl_context=trusting(ca_bundle))
    except (OSError, ValueError, ProxySchemeUnknown) as exc:
        raise Unavailable(Cause.FAILED, f"ca_bundle or proxy of the secret, {type(exc).__name__}") from None


def _parsed(chunks: Iterable[bytes]) -> Mapping[str, Any]:
    """A reply as an object; an empty one for what is none, which has neither an error nor an answer."""
    body = b""
    for chunk in chunks:
        body += chunk
        if len(body) > REPLY_CAP:
            raise Unavailable(Cause.UNREADABLE, "too long")
    try:
        reply = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return reply if isinstance(reply, dict) else {}
