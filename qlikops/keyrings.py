"""The system's keyring: the only place on this machine where qlikops keeps anything secret.

What stands behind it is somebody else's: a daemon over D-Bus, the login keychain, a plug-in that was named in a file.
Any of them may be locked, broken or gone, and raises whatever it likes. All of that is a KeyringFailed here.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any, Protocol

from qlikops.domain.errors import CredentialsProblem, QlikopsError
from qlikops.domain.words.text import harmless

SERVICE = "qlikops"
_BROKEN = (
    "Unlock it (its own program, or a new login to this machine, asks for the password) and try again. "
    "`python -m keyring diagnose` shows which one is used; PYTHON_KEYRING_BACKEND and keyringrc.cfg choose another."
)


class Keyring(Protocol):
    """What qlikops uses of the package keyring."""

    def get_password(self, service_name: str, username: str) -> str | None:
        """None where there is none."""

    def set_password(self, service_name: str, username: str, password: str) -> None:
        """Keeps it."""

    def delete_password(self, service_name: str, username: str) -> None:
        """Forgets it."""


class NoKeyring(QlikopsError):
    """There is no keyring on this machine that keeps a secret."""


class KeyringFailed(CredentialsProblem):
    """The keyring of this machine is locked or broken, or what it keeps for qlikops makes no sense."""


class GuardedKeyring:
    """A keyring that raises nothing but KeyringFailed, which names what was to be done with which entry."""

    def __init__(self, backend: Keyring) -> None:
        self._backend = backend

    def get_password(self, service_name: str, username: str) -> str | None:
        """None where there is none."""
        with _keyring_errors(f"give {username}"):
            found: Any = self._backend.get_password(service_name, username)
            if found is not None and not isinstance(found, str):
                raise TypeError(f"it gave a {type(found).__name__}")
            return found

    def set_password(self, service_name: str, username: str, password: str) -> None:
        """Keeps it."""
        with _keyring_errors(f"keep {username}"):
            self._backend.set_password(service_name, username, password)

    def delete_password(self, service_name: str, username: str) -> None:
        """Forgets it."""
        with _keyring_errors(f"forget {username}"):
            self._backend.delete_password(service_name, username)


def system_keyring() -> Keyring | None:
    """The system's keyring; None where there is none, or only one that writes plain files.

    Raises KeyringFailed where the one that is configured cannot be used.
    """
    with _keyring_errors("be opened"):
        import keyring

        backend = keyring.get_keyring()
        # 1 is what keyring itself recommends; below are plain-text files, and nothing at all.
        return GuardedKeyring(backend) if backend.priority >= 1 else None


def broken_entry(entry: str, why: object, forget: str) -> KeyringFailed:
    """The error for an entry that is there, and is not what qlikops keeps; `forget` is the command that removes it."""
    return KeyringFailed(
        f"What the system keyring keeps as {entry} cannot be read: {harmless(why, 100)}.",
        f"`{forget}` forgets it; then log in again.",
    )


@contextlib.contextmanager
def _keyring_errors(doing: str) -> Iterator[None]:
    """Inside, whatever a keyring raises is a KeyringFailed; `doing` completes "The system keyring could not …"."""
    try:
        yield
    except QlikopsError:
        raise
    except Exception as exc:  # a plug-in may raise anything
        why = harmless(f"{type(exc).__name__}: {exc}", 200).rstrip(": .")
        raise KeyringFailed(f"The system keyring could not {doing}: {why}.", _BROKEN) from exc
