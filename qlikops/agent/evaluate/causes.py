"""Why there is no evaluation: every way in which asking a model can fail has a name.

what was asked for cannot be had     what came back is not an answer
------------------------------------ ------------------------------------
THROTTLED, TIMED_OUT, UNREACHABLE,   CUT_OFF, GUARDRAIL, FILTERED,
ACCESS_DENIED, MODEL_NOT_FOUND,      MALFORMED, STOP_REASON, NO_ANSWER,
REQUEST_REJECTED, MODEL_FAILED,      WRONG_TOOL, NOT_ALONE,
UNREADABLE, FAILED                   INVALID_JSON, INVALID_ANSWER
"""

from __future__ import annotations

from enum import StrEnum

from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    CredentialRetrievalError,
    HTTPClientError,
    NoCredentialsError,
    ParamValidationError,
    PartialCredentialsError,
    ReadTimeoutError,
)
from botocore.exceptions import ConnectionError as BotoConnectionError
from botocore.parsers import ResponseParserError
from urllib3.exceptions import HTTPError as Urllib3Error
from urllib3.exceptions import NewConnectionError
from urllib3.exceptions import TimeoutError as Urllib3Timeout

from qlikops.domain.words.text import harmless

_CODE_CAP = 60


class Cause(StrEnum):
    """Why there is no evaluation, in the words that people see; a code or a field may follow after a colon."""

    THROTTLED = "throttled"
    TIMED_OUT = "timed out"
    UNREACHABLE = "model not reachable"
    ACCESS_DENIED = "access denied"
    MODEL_NOT_FOUND = "model not found"
    REQUEST_REJECTED = "request rejected"
    MODEL_FAILED = "model failed"
    UNREADABLE = "unreadable reply"
    FAILED = "evaluator failed"
    CUT_OFF = "answer cut off"
    GUARDRAIL = "guardrail intervened"
    FILTERED = "content filtered"
    MALFORMED = "malformed model output"
    STOP_REASON = "unexpected stop reason"
    NO_ANSWER = "no answer"
    WRONG_TOOL = "wrong tool"
    NOT_ALONE = "more than the answer"
    INVALID_JSON = "invalid JSON"
    INVALID_ANSWER = "invalid answer"


TRANSIENT = frozenset({Cause.THROTTLED, Cause.TIMED_OUT, Cause.UNREACHABLE, Cause.MODEL_FAILED})
"""Worth another attempt. An answer that is no good is not asked for again: that would let hostile text try its luck."""

_CODES = {
    "ThrottlingException": Cause.THROTTLED,
    "TooManyRequestsException": Cause.THROTTLED,
    "ServiceQuotaExceededException": Cause.THROTTLED,
    "ModelTimeoutException": Cause.TIMED_OUT,
    "AccessDeniedException": Cause.ACCESS_DENIED,
    "UnrecognizedClientException": Cause.ACCESS_DENIED,
    "ExpiredTokenException": Cause.ACCESS_DENIED,
    "InvalidSignatureException": Cause.ACCESS_DENIED,
    "ResourceNotFoundException": Cause.MODEL_NOT_FOUND,
    "ModelNotReadyException": Cause.MODEL_FAILED,
    "ModelErrorException": Cause.MODEL_FAILED,
    "ServiceUnavailableException": Cause.MODEL_FAILED,
    "InternalServerException": Cause.MODEL_FAILED,
    "ValidationException": Cause.REQUEST_REJECTED,
}
_STATUSES = {
    401: Cause.ACCESS_DENIED,
    403: Cause.ACCESS_DENIED,
    404: Cause.MODEL_NOT_FOUND,
    408: Cause.TIMED_OUT,
    429: Cause.THROTTLED,
}


class Unavailable(Exception):
    """There is no evaluation. `detail` is ours or made harmless, never what a model wrote."""

    def __init__(self, cause: Cause, detail: str = "") -> None:
        super().__init__(f"{cause}: {detail}" if detail else str(cause))
        self.cause = cause


def unavailable_for(exc: Exception) -> Unavailable:
    """`exc`, whatever it is, as the cause that people are told."""
    name = type(exc).__name__
    match exc:
        case Unavailable():
            return exc
        case ClientError():
            return _refused(exc)
        case ReadTimeoutError() | ConnectTimeoutError() | TimeoutError():
            return Unavailable(Cause.TIMED_OUT, name)
        case NoCredentialsError() | PartialCredentialsError() | CredentialRetrievalError():
            return Unavailable(Cause.ACCESS_DENIED, name)
        case ParamValidationError():
            return Unavailable(Cause.REQUEST_REJECTED, name)
        case BotoConnectionError() | HTTPClientError() | NewConnectionError():
            return Unavailable(Cause.UNREACHABLE, name)
        case Urllib3Timeout():
            return Unavailable(Cause.TIMED_OUT, name)
        case Urllib3Error():
            return Unavailable(Cause.UNREACHABLE, name)
        case ResponseParserError():
            return Unavailable(Cause.UNREADABLE, name)
        case _:
            return Unavailable(Cause.FAILED, name)


def refusal(status: int, code: str) -> Unavailable:
    """An answer of a service that is an error, by HTTP's status and the service's own code."""
    code = harmless(code, _CODE_CAP)
    cause = _CODES.get(code) or _STATUSES.get(status)
    if cause is None:
        cause = Cause.MODEL_FAILED if status >= 500 else Cause.REQUEST_REJECTED
    return Unavailable(cause, code or f"HTTP {status}")


def _refused(exc: ClientError) -> Unavailable:
    error = exc.response.get("Error", {})
    status = exc.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    unavailable = refusal(status, str(error.get("Code", "")))
    if unavailable.cause is Cause.REQUEST_REJECTED and "model identifier" in str(error.get("Message", "")):
        # Bedrock's own words for an ID that names nothing; the code is that of any wrong request.
        return Unavailable(Cause.MODEL_NOT_FOUND, error.get("Code", ""))
    return unavailable
