"""What fails around a secret tells its kind, and nothing of the secret in anything that hangs on it."""

from __future__ import annotations

import pytest

from qlikops.domain.errors import AccessDenied, QlikopsError
from qlikops.domain.secrecy import kept_secret, unquoted
from tests.unit.secrecy import told_by

SECRET = "hunter2"


@pytest.mark.parametrize(
    ("failure", "kind", "hint"),
    [
        (AccessDenied(f"may not write {SECRET}", "Ask for the permission."), AccessDenied, "Ask for the permission."),
        (RuntimeError(f"cannot encode {SECRET}"), QlikopsError, ""),
    ],
)
def test_a_place_that_fails_is_named_with_the_kind_of_failure_alone(
    failure: Exception, kind: type[QlikopsError], hint: str
) -> None:
    with pytest.raises(kind) as caught, kept_secret("The keyring"):
        raise failure
    assert caught.value.message == f"The keyring did not keep it ({type(failure).__name__})."
    assert caught.value.hint == hint
    assert SECRET not in told_by(caught.value)


def test_what_is_being_handled_meanwhile_is_dropped_too() -> None:
    def fail() -> None:
        try:
            raise ValueError(SECRET)
        except ValueError:
            with unquoted(lambda exc: QlikopsError(type(exc).__name__)):
                raise KeyError(SECRET) from None

    with pytest.raises(QlikopsError, match="KeyError") as caught:
        fail()
    assert SECRET not in told_by(caught.value)


def test_what_succeeds_passes() -> None:
    with unquoted(lambda _: QlikopsError("never")):
        pass


def test_an_interrupt_is_no_failure() -> None:
    with pytest.raises(KeyboardInterrupt), unquoted(lambda _: QlikopsError("never")):
        raise KeyboardInterrupt
