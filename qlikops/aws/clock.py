"""How far this machine's clock is off, by the date that every reply of AWS's carries, refusals too."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from qlikops.domain.errors import ClockProblem
from qlikops.domain.words.duration import format_duration

SKEW_WARNING = timedelta(seconds=60)
SKEW_LIMIT = timedelta(minutes=5)
"""Difference of the clocks from which on AWS refuses signatures; S3 takes fifteen minutes."""
HOW_TO_SET = (
    "Set the clock: `sudo timedatectl set-ntp true` on Linux, `sudo sntp -sS time.apple.com` on macOS. Signing in "
    "again does not help."
)
_OF_TIME = frozenset({"RequestTimeTooSkewed", "RequestExpired", "RequestInTheFuture"})
"""Codes that speak of nothing but the time."""
_OF_SIGNATURES = frozenset({"AuthFailure", "InvalidSignatureException", "SignatureDoesNotMatch"})
"""Codes that may speak of it."""
_WORDS = re.compile("signature expired|signature not yet current|request has expired|too skewed|time.*difference", re.I)


def aws_time(reply: Mapping[str, Any]) -> datetime | None:
    """AWS's time in a reply or in the `response` of a ClientError; None where it has none."""
    from email.utils import parsedate_to_datetime

    headers = reply.get("ResponseMetadata", {}).get("HTTPHeaders") or {}
    said = next((value for name, value in headers.items() if name.lower() == "date"), "")
    try:
        time = parsedate_to_datetime(said)
    except ValueError:
        return None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def skew_in_words(skew: timedelta) -> str:
    """`1h00m behind`, `2m00s ahead of`: AWS's clock, by how much ours is off."""
    return f"{format_duration(abs(skew))} {'ahead of' if skew > timedelta() else 'behind'}"


def clock_problem(code: str, message: str, reply: Mapping[str, Any], doing: str) -> ClockProblem | None:
    """What to say of a refusal that a wrong clock is the reason of; None for any other."""
    if code not in _OF_TIME | _OF_SIGNATURES:
        return None
    theirs = aws_time(reply)
    if theirs is None:
        if code in _OF_SIGNATURES and not _WORDS.search(message):
            return None
        off = "off"
    else:
        skew = datetime.now(UTC) - theirs
        if abs(skew) < SKEW_WARNING or (code in _OF_SIGNATURES and abs(skew) < SKEW_LIMIT - SKEW_WARNING):
            return None
        off = f"{skew_in_words(skew)} AWS's"
    return ClockProblem(f"Could not {doing}: this machine's clock is {off}. AWS said: {message}", HOW_TO_SET)
