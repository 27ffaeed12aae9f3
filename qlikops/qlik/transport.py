"""Connections to an Enterprise Manager: whom they trust, by which way they go, and that no answer takes for ever."""

from __future__ import annotations

import io
import logging
import socket
import ssl
import time
from http.client import HTTPResponse
from typing import Any
from urllib.parse import unquote, urlsplit

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection

from qlikops.qlik.config import QemInstance
from qlikops.qlik.errors import QemMisconfigured

CONNECTIONS = 32
"""Kept open to one Enterprise Manager; more threads than this work, over connections that are not kept."""
ANSWER_FACTOR = 2
"""A whole answer, head and body, may take so many times as long as its first byte may."""

_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})

_logger = logging.getLogger(__name__)


class AnswerTooSlow(OSError):
    """Bytes kept coming, each within its time, and the answer did not end within the answer's."""


class _UntilDeadline(io.RawIOBase):
    """Reads a socket until a deadline. A socket's own timeout begins anew with every byte."""

    def __init__(self, raw: io.RawIOBase, connection: socket.socket, patience: float) -> None:
        self._raw = raw
        self._connection = connection
        self._patience = patience
        self._deadline = time.monotonic() + ANSWER_FACTOR * patience

    def readable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._raw.fileno()

    def readinto(self, buffer: Any) -> int | None:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise AnswerTooSlow(f"the answer took longer than {ANSWER_FACTOR * self._patience:g} s")
        if left < self._patience:
            self._connection.settimeout(left)
        try:
            return self._raw.readinto(buffer)
        except TimeoutError:
            if left < self._patience:
                raise AnswerTooSlow(f"the answer took longer than {ANSWER_FACTOR * self._patience:g} s") from None
            raise

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Response(HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        if patience := sock.gettimeout():
            self.fp = io.BufferedReader(_UntilDeadline(self.fp.detach(), sock, patience))


class _HttpConnection(HTTPConnection):
    response_class = _Response


class _HttpsConnection(HTTPSConnection):
    response_class = _Response


class _HttpPool(urllib3.HTTPConnectionPool):
    ConnectionCls = _HttpConnection


class _HttpsPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _HttpsConnection


def make_pool(instance: QemInstance) -> urllib3.PoolManager:
    """The connections to one Enterprise Manager. Raises QemMisconfigured where the CA bundle cannot be read."""
    options: dict[str, Any] = {"maxsize": CONNECTIONS}
    address = urlsplit(instance.base_url)
    if address.scheme == "https":
        options["ssl_context"] = _trust(instance)
    elif address.hostname not in _LOOPBACK:
        _logger.warning("Enterprise Manager %s: passwords and data travel UNENCRYPTED over http", instance.name)
    pool = through(instance.proxy, **options)
    pool.pool_classes_by_scheme = {"http": _HttpPool, "https": _HttpsPool}
    return pool


def through(proxy: str, **options: Any) -> urllib3.PoolManager:
    """Connections by way of `proxy`, whose address may hold an account; straight ones if it is empty."""
    if not proxy:
        return urllib3.PoolManager(**options)
    address = urlsplit(proxy)
    credentials = f"{unquote(address.username or '')}:{unquote(address.password or '')}" if address.username else None
    headers = urllib3.make_headers(proxy_basic_auth=credentials)
    return urllib3.ProxyManager(
        f"{address.scheme}://{address.netloc.rpartition('@')[2]}", proxy_headers=headers, **options
    )


def trusting(ca_bundle: str) -> ssl.SSLContext:
    """Trust in the authorities of `ca_bundle`, PEM text or a PEM file's path; in the system's if it is empty.

    Raises OSError and ValueError.
    """
    # In Lambda there is no file of ours to name, so the text itself may lie in the secret.
    if "-----BEGIN" in ca_bundle:
        return ssl.create_default_context(cadata=ca_bundle)
    return ssl.create_default_context(cafile=ca_bundle or None)


def _trust(instance: QemInstance) -> ssl.SSLContext:
    try:
        context = trusting(instance.ca_bundle)
    except (OSError, ValueError) as exc:
        raise QemMisconfigured(
            f"Enterprise Manager {instance.name}: ca_bundle must be PEM text or a readable PEM file of certificates"
        ) from exc
    if not instance.verify_tls:
        _logger.warning(
            "Enterprise Manager %s: TLS certificates are NOT VERIFIED (verify_tls is false): "
            "anybody on the way can read the password",
            instance.name,
        )
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
