"""What a refusal says of this machine's clock, and which refusals a wrong clock is the reason of."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from qlikops.aws.clock import aws_time, clock_problem, skew_in_words


def reply(off: timedelta | None) -> dict[str, Any]:
    """A reply of an AWS whose clock is so far ahead of ours; one without a date for None."""
    date = {} if off is None else {"Date": format_datetime(datetime.now(UTC) + off, usegmt=True)}
    return {"ResponseMetadata": {"HTTPHeaders": date}}


@pytest.mark.parametrize(
    ("headers", "time"),
    [
        ({"date": "Sat, 07 Mar 2026 12:00:00 GMT"}, datetime(2026, 3, 7, 12, tzinfo=UTC)),
        ({"DATE": "Sat, 07 Mar 2026 13:00:00 +0100"}, datetime(2026, 3, 7, 12, tzinfo=UTC)),
        ({"Date": "Sat, 07 Mar 2026 12:00:00 -0000"}, datetime(2026, 3, 7, 12, tzinfo=UTC)),
        ({"Date": "yesterday"}, None),
        ({}, None),
        (None, None),
    ],
)
def test_the_time_of_aws_is_in_any_reply_with_a_date(headers: dict[str, str] | None, time: datetime | None) -> None:
    assert aws_time({"ResponseMetadata": {"HTTPHeaders": headers}}) == time
    assert aws_time({}) is None


HOUR, HALF_A_MINUTE, TWO_MINUTES = timedelta(hours=1), timedelta(seconds=30), timedelta(minutes=2)
OLD = "Signature expired: 20260307T110000Z is now earlier than"


@pytest.mark.parametrize(
    ("code", "message", "off", "is_the_clock"),
    [
        ("RequestTimeTooSkewed", "", HOUR, True),
        ("RequestTimeTooSkewed", "", TWO_MINUTES, True),
        ("RequestTimeTooSkewed", "", HALF_A_MINUTE, False),
        ("RequestExpired", "", None, True),
        ("SignatureDoesNotMatch", "wrong secret", HOUR, True),
        ("SignatureDoesNotMatch", "wrong secret", TWO_MINUTES, False),
        ("SignatureDoesNotMatch", "wrong secret", None, False),
        ("InvalidSignatureException", OLD, None, True),
        ("AccessDenied", OLD, HOUR, False),
    ],
)
def test_a_wrong_clock_is_told_from_a_wrong_key(
    code: str, message: str, off: timedelta | None, is_the_clock: bool
) -> None:
    problem = clock_problem(code, message, reply(off), "list the inbox")
    assert (problem is not None) is is_the_clock
    if problem is not None:
        assert problem.message.startswith("Could not list the inbox: this machine's clock is ")
        assert "Set the clock" in problem.hint


def test_how_far_it_is_off_is_said_as_seen_from_here() -> None:
    assert skew_in_words(-HOUR) == "1h00m behind"
    assert skew_in_words(TWO_MINUTES) == "2m00s ahead of"
    problem = clock_problem("RequestExpired", "no", reply(2 * HOUR), "ask")
    assert problem is not None
    assert "behind AWS's. AWS said: no" in problem.message
