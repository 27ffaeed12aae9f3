"""Calls of AWS whose request or reply carries a secret: none of AWS's words about them is shown, logged or chained."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from qlikops.aws.errors import aws_errors
from qlikops.domain.errors import AccessDenied, QlikopsError
from qlikops.domain.secrecy import unquoted

_WITHHELD = "What it said is not shown: it may quote the secret."


@contextmanager
def secret_errors(doing: str, action: str) -> Iterator[None]:
    """Maps what fails inside like `aws_errors`, by its kind and error code only.

    `doing` completes "Could not …"; `action` is the IAM action that the call needs. Make the client before: what
    fails there carries no secret and may be told.
    """

    def named(exc: Exception) -> QlikopsError:
        kind, hint = _kind(exc)
        if issubclass(kind, AccessDenied):
            hint = f"Ask for {action}, or use another profile."
        return kind(f"Could not {doing}: {_code(exc)}. {_WITHHELD}", hint)

    with unquoted(named):
        yield


def _kind(exc: Exception) -> tuple[type[QlikopsError], str]:
    """The kind of error that `exc` means, and what to do about it."""
    from botocore.exceptions import ClientError

    if isinstance(exc, ClientError):
        # The same reply without its message, which would become part of the hint.
        metadata = {"HTTPStatusCode": exc.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)}
        exc = ClientError({"Error": {"Code": _code(exc)}, "ResponseMetadata": metadata}, exc.operation_name)  # type: ignore[typeddict-item]
    try:
        with aws_errors("ask AWS"):
            raise exc
    except QlikopsError as mapped:
        return type(mapped), mapped.hint
    except Exception:
        return QlikopsError, ""


def _code(exc: Exception) -> str:
    """AWS's code of a reply, or what kind of exception it is."""
    response = getattr(exc, "response", None) or {}
    return str(response.get("Error", {}).get("Code", "")) or type(exc).__name__
