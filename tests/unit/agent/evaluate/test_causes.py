"""Every failure of asking a model has a name, and what is worth another attempt is told from what is not."""

from __future__ import annotations

import pytest
from botocore import exceptions as boto
from botocore.parsers import ResponseParserError
from urllib3 import exceptions as urllib3

from qlikops.agent.evaluate.causes import TRANSIENT, Cause, Unavailable, refusal, unavailable_for


def answered(code: str, status: int = 400, message: str = "") -> boto.ClientError:
    return boto.ClientError(
        {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}},  # type: ignore[typeddict-item]
        "Converse",
    )


@pytest.mark.parametrize(
    ("error", "cause", "said"),
    [
        (Unavailable(Cause.CUT_OFF, "max_tokens"), Cause.CUT_OFF, "answer cut off: max_tokens"),
        (answered("ThrottlingException"), Cause.THROTTLED, "throttled: ThrottlingException"),
        (answered("ExpiredTokenException", 403), Cause.ACCESS_DENIED, "access denied: ExpiredTokenException"),
        (answered("ValidationException"), Cause.REQUEST_REJECTED, "request rejected: ValidationException"),
        (
            answered("ValidationException", message="The provided model identifier is invalid."),
            Cause.MODEL_NOT_FOUND,
            "model not found: ValidationException",
        ),
        (answered("", 500), Cause.MODEL_FAILED, "model failed: HTTP 500"),
        (boto.ReadTimeoutError(endpoint_url="x"), Cause.TIMED_OUT, "timed out: ReadTimeoutError"),
        (TimeoutError(), Cause.TIMED_OUT, "timed out: TimeoutError"),
        (boto.NoCredentialsError(), Cause.ACCESS_DENIED, "access denied: NoCredentialsError"),
        (boto.ParamValidationError(report="secret"), Cause.REQUEST_REJECTED, "request rejected: ParamValidationError"),
        (boto.EndpointConnectionError(endpoint_url="x"), Cause.UNREACHABLE, "model not reachable"),
        (urllib3.ReadTimeoutError(None, "x", "y"), Cause.TIMED_OUT, "timed out: ReadTimeoutError"),  # type: ignore[arg-type]
        (urllib3.ProtocolError("cut"), Cause.UNREACHABLE, "model not reachable: ProtocolError"),
        (ResponseParserError("a page"), Cause.UNREADABLE, "unreadable reply: ResponseParserError"),
        (KeyError("secret"), Cause.FAILED, "evaluator failed: KeyError"),
    ],
)
def test_a_failure_is_named_without_its_own_words(error: Exception, cause: Cause, said: str) -> None:
    found = unavailable_for(error)
    assert found.cause is cause
    assert str(found).startswith(said)
    assert "secret" not in str(found)


@pytest.mark.parametrize(
    ("status", "code", "cause"),
    [
        (401, "", Cause.ACCESS_DENIED),
        (403, "forbidden", Cause.ACCESS_DENIED),
        (404, "model_not_found", Cause.MODEL_NOT_FOUND),
        (408, "", Cause.TIMED_OUT),
        (429, "rate_limit", Cause.THROTTLED),
        (400, "bad", Cause.REQUEST_REJECTED),
        (418, "", Cause.REQUEST_REJECTED),
        (503, "", Cause.MODEL_FAILED),
        (200, "ThrottlingException", Cause.THROTTLED),
    ],
)
def test_a_refusal_goes_by_its_code_and_else_by_its_status(status: int, code: str, cause: Cause) -> None:
    assert refusal(status, code).cause is cause


def test_a_code_is_made_harmless_and_cut() -> None:
    said = str(refusal(400, "\x1b[31m" + "x" * 999))
    assert said.isprintable()
    assert len(said) < 100


def test_an_answer_that_is_no_good_is_not_asked_for_again() -> None:
    of_an_answer = [cause for cause in Cause if list(Cause).index(cause) >= list(Cause).index(Cause.CUT_OFF)]
    assert TRANSIENT.isdisjoint({*of_an_answer, Cause.ACCESS_DENIED, Cause.REQUEST_REJECTED, Cause.UNREADABLE})
