"""The Qlik accounts of this machine's person: in the system keyring, or in the environment where there is none.

One entry a context holds all its instances, as the secret in AWS will. Nothing here is ever written to a file.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping
from typing import Any

from qlikops.domain.encoding.strict_json import parse_json
from qlikops.domain.errors import NotFound, UsageError
from qlikops.domain.secrecy import kept_secret
from qlikops.keyrings import SERVICE, Keyring, KeyringFailed, NoKeyring, broken_entry

VARIABLES: Mapping[str, str] = {
    "name": "QLIKOPS_QLIK_INSTANCE",
    "base_url": "QLIKOPS_QLIK_URL",
    "username": "QLIKOPS_QLIK_USERNAME",
    "password": "QLIKOPS_QLIK_PASSWORD",
    "api_token": "QLIKOPS_QLIK_API_TOKEN",
    "jwt": "QLIKOPS_QLIK_JWT",
    "operator_username": "QLIKOPS_QLIK_OPERATOR_USERNAME",
    "operator_password": "QLIKOPS_QLIK_OPERATOR_PASSWORD",
    "domain": "QLIKOPS_QLIK_DOMAIN",
}
"""Key of an instance -> the variable that holds it where there is no keyring; they win where both are."""
_WAYS = ("password", "api_token", "jwt")
"""Ways to log in: the one that is given takes the others' place, for each of the two accounts."""

Instance = dict[str, Any]


class Logins:
    """The accounts of one context."""

    def __init__(self, keyring: Callable[[], Keyring | None], context: str, environ: Mapping[str, str]) -> None:
        """`keyring` is asked for when something is to be kept or looked up; it raises KeyringFailed, as all here does
        where the keyring is locked or broken.
        """
        self._keyring = functools.cache(keyring)
        self._entry = f"qlik/{context}"
        self._environ = environ

    @property
    def has_keyring(self) -> bool:
        """Whether something can be kept here."""
        return self._keyring() is not None

    def instances(self) -> list[Instance]:
        """What is known, by name; the environment's instance over the keyring's of the same name."""
        known = self._stored()
        if from_environment := self._from_environment():
            name = from_environment["name"]
            known[name] = {**known.get(name, {}), **from_environment}
        return list(known.values())

    def save(self, instance: Instance) -> None:
        """Keeps one instance, over what was kept of it. Raises NoKeyring."""
        known = self._stored()
        name = instance["name"]
        known[name] = merged(known.get(name, {}), instance)
        self._write(known)

    def remove(self, name: str = "") -> list[str]:
        """Forgets one instance, or all; the names of what was forgotten. Raises NotFound, NoKeyring."""
        try:
            known = self._stored()
        except KeyringFailed:
            if name or not self._text():
                raise
            self._write({})  # what cannot be read can be forgotten all the same
            return ["what was kept and could not be read"]
        gone = [each for each in known if not name or each == name]
        if not gone:
            raise NotFound(f"nothing is kept for {name or 'any Qlik instance'} here")
        self._write({each: known[each] for each in known if each not in gone})
        return gone

    def secret(
        self, endpoints: tuple[Mapping[str, Any], ...] | None = None, *, with_address: bool = True
    ) -> dict[str, Any]:
        """The value of the secret in AWS: `endpoints`, or all instances known, with their accounts.

        Without `with_address`, accounts for a secret that is there, which may know the addresses already.

        Raises UsageError for an instance whose account is not known.
        """
        known = {each["name"]: each for each in self.instances()}
        wanted = endpoints if endpoints is not None else tuple(known.values())
        if not wanted:
            raise UsageError("no Qlik account is known here", self._hint("default"))
        found: list[Instance] = []
        for endpoint in wanted:
            name = endpoint.get("name", "default")
            whole = {**known.get(name, {}), **endpoint, "name": name}
            if not any(whole.get(key) for key in _WAYS):
                raise UsageError(f"no account is known for the Qlik instance {name}", self._hint(name))
            if with_address and not whole.get("base_url"):
                raise UsageError(f"no address is known for the Qlik instance {name}", "Give `qlikops login --url`.")
            found.append(whole)
        return {"instances": found}

    def _hint(self, name: str) -> str:
        if self.has_keyring:
            return f"`qlikops login --instance {name}` keeps it in the system keyring."
        return no_keyring_hint()

    def _from_environment(self) -> Instance:
        given = {key: self._environ[variable] for key, variable in VARIABLES.items() if self._environ.get(variable)}
        return {"name": "default", **given} if set(given) & {*_WAYS, "operator_password"} else {}

    def _stored(self) -> dict[str, Instance]:
        text = self._text()
        try:
            return {str(each["name"]): dict(each) for each in parse_json(text)["instances"]} if text else {}
        except (ValueError, KeyError, TypeError) as exc:
            context = self._entry.partition("/")[2]
            raise broken_entry(
                self._entry,
                f"it is not what qlikops keeps ({type(exc).__name__})",
                f"qlikops logout --context {context}",
            ) from None

    def _text(self) -> str | None:
        keyring = self._keyring()
        return keyring.get_password(SERVICE, self._entry) if keyring else None

    def _write(self, known: Mapping[str, Instance]) -> None:
        keyring = self._keyring()
        if keyring is None:
            raise NoKeyring("this machine has no keyring that could keep a password", no_keyring_hint())
        if known:
            with kept_secret("The system keyring"):
                keyring.set_password(SERVICE, self._entry, json.dumps({"instances": list(known.values())}))
        else:
            keyring.delete_password(SERVICE, self._entry)


def merged(current: Mapping[str, Any], given: Mapping[str, Any]) -> Instance:
    """An instance as it becomes once some of its keys are `given` anew."""
    accounts = ({f"{prefix}{way}" for way in _WAYS} for prefix in ("", "operator_"))
    replaced = set().union(*(ways - given.keys() for ways in accounts if ways & given.keys()))
    return {**{key: value for key, value in current.items() if key not in replaced}, **given}


def no_keyring_hint() -> str:
    """What to do instead, with every variable named."""
    names = ", ".join(VARIABLES[key] for key in ("base_url", "username", "password", "api_token"))
    return f"Set environment variables instead: {names}, …; `qlikops deploy --qlik-login` reads them."
