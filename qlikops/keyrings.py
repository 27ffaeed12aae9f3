"""The system's keyring: the only place on this machine where qlikops keeps anything secret."""

from __future__ import annotations

from typing import Protocol

from qlikops.domain.errors import QlikopsError

SERVICE = "qlikops"


class Keyring(Protocol):
    """Of the package keyring, what is used."""

    def get_password(self, service_name: str, username: str) -> str | None:
        """None where there is none."""
        ...

    def set_password(self, service_name: str, username: str, password: str) -> None:
        """Keeps it."""
        ...

    def delete_password(self, service_name: str, username: str) -> None:
        """Forgets it."""
        ...


class NoKeyring(QlikopsError):
    """There is no keyring on this machine that keeps a secret."""


def system_keyring() -> Keyring | None:
    """The system's keyring; None where there is none, or only one that writes plain files."""
    import keyring

    backend = keyring.get_keyring()
    # 1 is what keyring itself recommends; below are plain-text files, and nothing at all.
    return backend if backend.priority >= 1 else None
