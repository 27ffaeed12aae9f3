"""TLS that fails, told apart from a network that is away: it does not pass by itself, and the remedy is a setting."""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterator

from qlikops.domain.errors import TlsProblem

_CUT_OFF = (ssl.SSLEOFError, ssl.SSLZeroReturnError, TimeoutError, ConnectionError)
"""Raised in a handshake by what the network does: no failure of TLS."""
_NOT_YET_VALID, _EXPIRED = 9, 10
"""OpenSSL's codes."""
_BUNDLES = ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE")
"""The first that is set counts; between them botocore takes `ca_bundle` of the AWS profile."""


def tls_problem(error: BaseException, doing: str) -> TlsProblem | None:
    """What to say of a call of botocore's that failed on TLS; None where it was something else."""
    from urllib3.exceptions import SSLError

    chain = list(causes(error))
    failed = next((each for each in chain if isinstance(each, ssl.SSLError | SSLError)), None)
    if failed is None or any(isinstance(each, _CUT_OFF) for each in chain):
        return None
    innermost = chain[-1]
    said = f"Could not {doing}: no trusted TLS connection to {_host(error)}: {innermost}"
    if isinstance(innermost, OSError) and not isinstance(innermost, ssl.SSLError):
        return TlsProblem(f"{said} (the bundle of CA certificates)", f"Mend the file, or name another. {_settings()}")
    if getattr(innermost, "library", "") in ("X509", "PEM", "ASN1"):
        return TlsProblem(said, f"The bundle of CA certificates is no PEM file. {_settings()}")
    if getattr(innermost, "verify_code", 0) in (_NOT_YET_VALID, _EXPIRED):
        return TlsProblem(said, f"Look at this machine's clock first: `date -u`. {_settings()}")
    if isinstance(innermost, ssl.SSLCertVerificationError) or not isinstance(innermost, ssl.SSLError):
        who = "Does a proxy inspect TLS here? Put its CA into a PEM file for AWS_CA_BUNDLE or the profile's ca_bundle."
        return TlsProblem(said, f"{who} {_settings()}")
    return TlsProblem(
        said, f"What answers does not speak TLS as AWS does: look at proxy and endpoint URL. {_settings()}"
    )


def causes(error: BaseException) -> Iterator[BaseException]:
    """`error` and what it was made of, the innermost last: botocore and urllib3 keep that in arguments."""
    seen: list[BaseException] = []
    queue: list[object] = [error]
    while queue:
        each = queue.pop(0)
        if not isinstance(each, BaseException) or any(each is one for one in seen):
            continue
        seen.append(each)
        yield each
        queue += [*getattr(each, "kwargs", {}).values(), *each.args, each.__cause__]


def _host(error: BaseException) -> str:
    kwargs = getattr(error, "kwargs", {})
    return str(kwargs.get("endpoint_url") or kwargs.get("proxy_url") or "AWS")


def _settings() -> str:
    return " ".join(f"{name} is {os.environ.get(name) or 'not set'}." for name in _BUNDLES)
