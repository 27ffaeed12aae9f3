"""Which Enterprise Managers there are and how to log in: read from one secret, never printed."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import field
from typing import Any
from urllib.parse import SplitResult

from qlikops.dataclass import dataclass
from qlikops.domain.encoding import codec
from qlikops.domain.words.address import http_address
from qlikops.qlik.errors import QemMisconfigured

_API = "/api/v1"
"""What the address of the API has behind that of the web console."""
LONGEST_TIMEOUT = 120.0
"""Longest of the time-outs below: several attempts must fit a Lambda."""


@dataclass(frozen=True, slots=True)
class QemInstance:
    """One Enterprise Manager. Without `api_token` or `jwt`, `username` and `password` are needed."""

    name: str
    """Ours; the first part of every TaskKey."""
    base_url: str
    """Up to and including `/attunityenterprisemanager/api/v1`."""
    username: str = ""
    password: str = field(default="", repr=False)
    operator_username: str = ""
    """The account that runs and stops tasks, where it is not the one that monitors them."""
    operator_password: str = field(default="", repr=False)
    domain: str = ""
    """Domain of both accounts; they log in as `user@domain`."""
    api_token: str = field(default="", repr=False)
    """Used in place of `username` and `password`."""
    jwt: str = field(default="", repr=False)
    """JSON Web Token in place of a password."""
    operator_api_token: str = field(default="", repr=False)
    operator_jwt: str = field(default="", repr=False)
    """Used in place of `operator_username` and `operator_password`."""
    ca_bundle: str = ""
    """The certificate authorities to trust, as PEM text or as a PEM file's path; empty: the system's."""
    verify_tls: bool = True
    proxy: str = field(default="", repr=False)
    """`http://HOST:PORT`, with `USER:PASSWORD@` before the host where the proxy asks for it; empty: none."""
    connect_timeout: float = 3.05
    """How long connecting may take, in seconds."""
    read_timeout: float = 30.0
    """Seconds without a byte; a whole answer may take twice that."""

    @property
    def console(self) -> str:
        """Address of its web console. No address of a single task in it is documented."""
        return self.base_url.rstrip("/").removesuffix(_API)

    def __post_init__(self) -> None:
        """Raises QemMisconfigured for what could never log in."""
        if not self.name:
            raise self._problem("name", "a name of your choice")
        self._check_the_way()
        self._check_accounts()

    def _check_the_way(self) -> None:
        address = _address(self.base_url)
        if address is None or address.query or address.fragment:
            raise self._problem(
                "base_url", "an http or https address such as https://HOST/attunityenterprisemanager/api/v1"
            )
        if "@" in address.netloc:
            raise self._problem("base_url", "an address without credentials; they have keys of their own")
        if self.proxy and _address(self.proxy) is None:
            raise self._problem("proxy", "an address such as http://HOST:PORT")
        for name in ("connect_timeout", "read_timeout"):
            if not 0 < getattr(self, name) <= LONGEST_TIMEOUT:
                raise self._problem(name, f"seconds, more than 0 and at most {LONGEST_TIMEOUT:g}")

    def _check_accounts(self) -> None:
        if not (self.api_token or self.jwt or (self.username and self.password)):
            raise self._problem("username", "an account, with its password, unless there is an api_token or a jwt")
        if bool(self.operator_username) != bool(self.operator_password):
            raise self._problem("operator_username", "an account together with operator_password")
        for name in ("password", "operator_password"):
            if ":" in getattr(self, name):
                raise self._problem(name, "a password without a colon: Enterprise Manager cannot take one")

    def _problem(self, key: str, accepted: str) -> QemMisconfigured:
        return QemMisconfigured(f"Enterprise Manager {self.name or '(unnamed)'}: {key} must be {accepted}")

    def credentials(self, *, operator: bool) -> str:
        """What the Basic header of a login carries, in the clear: keep it out of everything that is shown.

        The operator's account where one is asked for and configured; otherwise the monitoring one.
        """
        prefix = "operator_" if operator and self.has_operator else ""
        if token := getattr(self, f"{prefix}api_token"):
            return f"api-token:{token}"
        if token := getattr(self, f"{prefix}jwt"):
            return f"jwt:{token}"
        user, password = getattr(self, f"{prefix}username"), getattr(self, f"{prefix}password")
        return f"{user}@{self.domain}:{password}" if self.domain else f"{user}:{password}"

    @property
    def has_operator(self) -> bool:
        """Whether another account runs and stops tasks than the one that monitors them."""
        return bool(self.operator_username or self.operator_api_token or self.operator_jwt)


def _address(text: str) -> SplitResult | None:
    """`text` taken apart; None where it is no http or https address. What is wrong with it may be a password."""
    try:
        return http_address(text)
    except ValueError:
        return None


def parse_instances(secret_json: str) -> tuple[QemInstance, ...]:
    """The instances in the secret's `{"instances": [{…}]}`; the keys are QemInstance's, `name` is `default` if absent.

    An empty text is a secret that is not filled yet. Raises QemMisconfigured, which names the instance and key at
    fault and quotes no value.
    """
    if not secret_json:
        raise QemMisconfigured(
            "the Qlik secret has no value yet: give it the accounts with `qlikops login` and `qlikops deploy "
            "--rotate-secret --qlik-login`"
        )
    try:
        data = json.loads(secret_json)
    except (ValueError, RecursionError):
        # Not chained: the cause would quote the secret.
        raise QemMisconfigured("the Qlik secret is not JSON") from None
    entries = data.get("instances") if isinstance(data, dict) else None
    if not isinstance(entries, list) or not entries:
        raise QemMisconfigured('the Qlik secret must be {"instances": [{"name": …, "base_url": …, …}]}')
    instances = tuple(_parse_instance(entry, index) for index, entry in enumerate(entries))
    if len({instance.name for instance in instances}) < len(instances):
        raise QemMisconfigured("the Qlik secret names two instances alike: their tasks could not be told apart")
    return instances


def _parse_instance(entry: Any, index: int) -> QemInstance:
    known = [each.name for each in dataclasses.fields(QemInstance)]
    path = f"instances[{index}]"
    if isinstance(entry, dict):
        unknown = sorted(set(entry) - set(known))
        if unknown:
            raise QemMisconfigured(f"the Qlik secret, {path}: unknown key {unknown[0]!r}; known are {', '.join(known)}")
        entry = {"name": "default", **entry}
    try:
        return codec.decode(QemInstance, entry, path)
    except codec.CodecError as exc:
        raise QemMisconfigured(f"the Qlik secret, {exc}") from None
