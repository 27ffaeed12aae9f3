"""Failures that may pass by themselves, under one name: Step Functions retries by the name that a function raises.

botocore raises a class for each code that a service models, and a ClientError for every other, so a Retry by their
names would have to list what each service may say. state_machine.json lists TransientError instead.
"""

from __future__ import annotations

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    HTTPClientError,
    IncompleteReadError,
    ResponseStreamingError,
)
from botocore.exceptions import ConnectionError as BotoConnectionError
from botocore.parsers import ResponseParserError

from qlikops.domain.errors import Throttled

BUSY_CODES = frozenset(
    {
        *("BandwidthLimitExceeded", "InternalError", "InternalFailure", "InternalServerError", "InternalServiceError"),
        *("KMSThrottling", "KMSThrottlingException", "PriorRequestNotComplete"),
        *("ProvisionedThroughputExceededException", "ReplicatedWriteConflictException", "RequestLimitExceeded"),
        *("RequestThrottled", "RequestThrottledException", "RequestTimeout", "RequestTimeoutException"),
        *("ServiceUnavailable", "ServiceUnavailableException", "SlowDown", "ThrottledException", "Throttling"),
        *("ThrottlingException", "TooManyRequestsException", "TransactionConflictException"),
        *("TransactionInProgressException",),
    }
)
"""AWS's error codes after which the same call may succeed."""
_BUSY_REASONS = frozenset({"None", "TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"})
"""Codes of DynamoDB's for a write of a cancelled transaction, after which the same transaction may succeed."""
_TOO_MANY, _SERVER_ERROR = 429, 500
NO_ANSWER = (BotoCoreError, ResponseParserError)
"""What a call to AWS raises that had no answer, or none that botocore can read: a proxy's page, for example."""
IN_VAIN = (ClientError, *NO_ANSWER)
"""What a call to AWS raises that came to nothing: botocore has no class above these."""
_NETWORK = (BotoConnectionError, HTTPClientError, IncompleteReadError, ResponseParserError, ResponseStreamingError)


class TransientError(Exception):
    """A failure that may pass by itself; the message starts with the name of what it was."""


def may_pass(error: BaseException) -> bool:
    """Whether the same work may succeed a little later, as far as `error` says: AWS is busy, or gave no answer."""
    if isinstance(error, ClientError):
        return is_busy(error)
    return isinstance(error, (*_NETWORK, Throttled, TransientError))


def is_busy(error: ClientError) -> bool:
    """Whether AWS answered that the same call may succeed a little later."""
    code = error.response.get("Error", {}).get("Code", "")
    if code == "TransactionCanceledException":
        return set(cancellation_reasons(error)) <= _BUSY_REASONS
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return code in BUSY_CODES or status == _TOO_MANY or status >= _SERVER_ERROR


def cancellation_reasons(error: ClientError) -> list[str]:
    """DynamoDB's codes for the writes of a cancelled transaction, by their positions; empty for any other error."""
    return [reason.get("Code", "None") for reason in error.response.get("CancellationReasons", [])]
