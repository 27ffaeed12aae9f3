"""A team's own known failures, from the data bucket, beside the built-in ones.

They are read again only when they changed: a run costs one conditional GetObject.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import ClientError

from qlikops.agent.diagnosis.entry import InvalidEntries
from qlikops.agent.diagnosis.library import Library, library, using, with_own, without_own
from qlikops.agent.diagnosis.own_failures import Kept
from qlikops.agent.remember.objects import NotModified, read
from qlikops.agent.transient import NO_ANSWER
from qlikops.domain.ledger import OWN_FAILURES
from qlikops.domain.words.text import harmless

_WHY_CAP = 300
_logger = logging.getLogger(__name__)


class OwnFailures:
    """Known failures of a team in one bucket; `client` is boto3's. `may_be_automatic` is the agent's setting."""

    def __init__(self, client: Any, bucket: str, *, may_be_automatic: bool) -> None:
        self._client = client
        self._bucket = bucket
        self._may_be_automatic = may_be_automatic
        self._etag = ""
        self._library: Library | None = None
        """What the object with that ETag came to; None for the built-in entries alone."""
        self._broken_because = ""

    @contextmanager
    def in_use(self) -> Iterator[tuple[str, ...]]:
        """Within it, messages are read by them too; gives what the report of a run says of them.

        Raises nothing of its own: where they cannot be read, the built-in ones go on alone, and nothing is automatic.
        """
        why = self._refresh() or self._broken_because
        if why:
            _logger.warning("%s: %s", OWN_FAILURES, why)
        entries = without_own() if why else self._library or library()
        with using(entries):
            yield (_note(why),) if why else ()

    def _refresh(self) -> str:
        """Reads the object if it is another one than last time; why that was not possible, or nothing."""
        try:
            body, etag = read(self._client, self._bucket, OWN_FAILURES, self._etag)
        except NotModified:
            return ""
        except ClientError as exc:
            return f"S3 answers {harmless(exc.response['Error']['Code'], _WHY_CAP)}"
        except NO_ANSWER as exc:
            return harmless(str(exc), _WHY_CAP)
        self._etag, self._library, self._broken_because = etag, None, ""
        try:
            own = Kept.of((body or b"").decode("utf-8", "replace"), OWN_FAILURES).failures
        except InvalidEntries as exc:
            self._broken_because = harmless(str(exc).partition("\n")[0], _WHY_CAP)
        else:
            self._library = with_own(own, may_be_automatic=self._may_be_automatic) if own else None
        return ""


def _note(why: str) -> str:
    """A sentence for the report."""
    return (
        f"Your own known failures cannot be read ({why}), so this run knows the built-in ones alone, "
        "and nothing that rests on a message is restarted without a human."
    )
