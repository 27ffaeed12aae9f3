"""What can go wrong between us and an Enterprise Manager. Text in these errors is harmless and holds no credentials.

QemError
├── QemMisconfigured     the configuration cannot be used as it is
├── QemUnreachable       no answer: refused, reset, timed out, or a gateway answered instead
│   └── QemTooSlow       an answer that began and did not end in its time
├── QemOutOfTime         there was no time left to ask, or to wait for the answer
├── QemLoginRefused      the account is not let in
├── QemSessionExpired    the session was over before a run or stop: nothing was done
├── QemBusinessError     Enterprise Manager said no, and why: `error_code`
└── QemProtocolError     an answer that is not what the API answers
"""

from __future__ import annotations

from qlikops.domain.words.text import harmless


class QemError(Exception):
    """Anything that an Enterprise Manager call can raise."""

    def __init__(self, message: str, *, maybe_sent: bool = False) -> None:
        super().__init__(harmless(message))
        self.maybe_sent = maybe_sent
        """Whether a run or stop may have been carried out all the same: look before doing it again."""


class QemMisconfigured(QemError):
    """The configuration cannot be used; the message names the key and what it takes, never a value."""


class QemUnreachable(QemError):
    """No answer from Enterprise Manager."""


class QemTooSlow(QemUnreachable):
    """An answer began and did not end in its time; asking again would take as long."""


class QemOutOfTime(QemError):
    """The caller's time is over. Says nothing about Enterprise Manager."""


class QemLoginRefused(QemError):
    """The account is not let in: wrong, locked, or its password has changed."""


class QemSessionExpired(QemError):
    """The session was over before a run or stop, so nothing was done; the next call logs in anew."""


class QemBusinessError(QemError):
    """Enterprise Manager refused the request; decide on `error_code`, never on the HTTP status."""

    def __init__(self, error_code: str, message: str) -> None:
        self.error_code = harmless(error_code, 100)
        self.message = harmless(message)
        # After a `…_TIMEOUT` it waits no longer for a task that may still start or stop.
        maybe_sent = self.error_code.endswith("_TIMEOUT")
        super().__init__(
            f"{self.error_code}: {self.message}" if self.message else self.error_code, maybe_sent=maybe_sent
        )


class QemProtocolError(QemError):
    """An answer that is not what the API answers: broken JSON, another shape, another server's HTML."""
