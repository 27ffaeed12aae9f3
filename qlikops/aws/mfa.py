"""Sessions with a second factor: had once for a code, kept in the system keyring, used until they expire.

botocore would ask for a code whenever a process needs a role, on a terminal that the console has taken. Here a code is
asked for by `qlikops login --mfa` alone, and one session serves all profiles with the same device.
"""

from __future__ import annotations

import functools
import os
import re
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from qlikops.aws.configuration import aws_session
from qlikops.aws.errors import aws_errors
from qlikops.dataclass import dataclass
from qlikops.domain.encoding import codec
from qlikops.domain.errors import CredentialsProblem, UsageError
from qlikops.domain.ports import Credentials
from qlikops.domain.secrecy import kept_secret
from qlikops.keyrings import SERVICE, Keyring, NoKeyring, broken_entry

if TYPE_CHECKING:
    import botocore.session
    from botocore.credentials import RefreshableCredentials

METHOD = "qlikops-mfa"
"""What botocore calls these credentials."""
_CODE = re.compile("[0-9]{6}")
_ROLE_KEYS = {"external_id": "ExternalId", "role_session_name": "RoleSessionName"}
HEADLESS = (
    "Where there is no keyring or nobody to ask, set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN "
    "to what `aws sts get-session-token` or `aws sts assume-role` gives, and choose no profile."
)


@dataclass(frozen=True, slots=True)
class MfaProfile:
    """A profile of the AWS configuration that names a device."""

    name: str
    serial: str
    """ARN of the device."""
    source: str
    """The profile that holds the keys: this one, or the one that its role is assumed from."""
    role_arn: str = ""
    role_options: Mapping[str, Any] = field(default_factory=dict)
    """Parameters of AssumeRole besides the role."""


@dataclass(frozen=True, slots=True)
class MfaSession:
    """Temporary credentials that carry the second factor."""

    access_key: str
    secret_key: str = field(repr=False)
    token: str = field(repr=False)
    expire_at: datetime


def mfa_profile(session: botocore.session.Session) -> MfaProfile | None:
    """The profile that `session` uses, where it names a device; None where no code is ever needed.

    Raises botocore's ProfileNotFound.
    """
    chosen = session.instance_variables().get("profile")
    if not chosen and os.environ.get("AWS_ACCESS_KEY_ID"):
        return None  # keys in the environment come before a profile that nobody chose
    settings = session.get_scoped_config()
    serial = settings.get("mfa_serial", "")
    if not serial:
        return None
    name = session.profile or "default"
    options: dict[str, Any] = {_ROLE_KEYS[key]: settings[key] for key in _ROLE_KEYS if key in settings}
    if "duration_seconds" in settings:
        options["DurationSeconds"] = _whole_seconds(name, settings["duration_seconds"])
    role = settings.get("role_arn", "")
    return MfaProfile(name, serial, settings.get("source_profile", name) if role else name, role, options)


def _whole_seconds(profile: str, text: str) -> int:
    if not (text.isdecimal() and len(text) < 10):
        raise UsageError(
            f"duration_seconds of the profile {profile} is no whole number.", "Put it right in the AWS configuration."
        )
    return int(text)


class MfaSessions:
    """The session of one profile's device, as this machine's keyring keeps it."""

    def __init__(
        self,
        profile: MfaProfile,
        keyring: Callable[[], Keyring | None],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.profile = profile
        self._entry = f"mfa/{profile.serial}"
        self._keyring = functools.cache(keyring)
        self._now = now

    def kept(self) -> MfaSession | None:
        """What is kept, expired or not. Raises KeyringFailed, like all that looks into the keyring."""
        keyring = self._keyring()
        text = keyring.get_password(SERVICE, self._entry) if keyring else None
        if not text:
            return None
        try:
            return codec.loads(MfaSession, text)
        except codec.CodecError as exc:
            why = f"it is no session ({type(exc).__name__})"
            forget = f"qlikops --profile {self.profile.name} logout --mfa"
            # Not chained: the cause may quote a key.
            raise broken_entry(self._entry, why, forget) from None

    def begin(self, code: str, region: str = "", endpoint_url: str = "") -> MfaSession:
        """Has a session of STS's own duration (12 hours for a user) for `code`, and keeps it.

        Raises UsageError for what is no code, NoKeyring, and what AWS says.
        """
        import boto3

        if not _CODE.fullmatch(code):
            raise UsageError("a code has six digits")
        with aws_errors(f"begin a session with {self.profile.serial}"):
            keys = aws_session(self.profile.source)
            # The keys as they lie: a role on top of them would be temporary already, and STS takes no code for those.
            keys.get_component("credential_provider").remove("assume-role")
            session = boto3.Session(botocore_session=keys, region_name=region or None)
            sts = session.client(
                "sts", region_name=session.region_name or "us-east-1", endpoint_url=endpoint_url or None
            )
            reply = sts.get_session_token(SerialNumber=self.profile.serial, TokenCode=code)["Credentials"]
        begun = MfaSession(
            reply["AccessKeyId"], reply["SecretAccessKey"], reply["SessionToken"], reply["Expiration"].astimezone(UTC)
        )
        self._keep(begun)
        return begun

    def forget(self) -> bool:
        """Whether there was one to forget."""
        keyring = self._keyring()
        if keyring is None or keyring.get_password(SERVICE, self._entry) is None:
            return False
        keyring.delete_password(SERVICE, self._entry)
        return True

    def require_keyring(self) -> Keyring:
        """Raises NoKeyring, which says what to do without one."""
        keyring = self._keyring()
        if keyring is None:
            raise NoKeyring("this machine has no keyring that could keep a session", HEADLESS)
        return keyring

    def current(self) -> MfaSession:
        """The session to use now. Raises CredentialsProblem where it has to be had first, or again."""
        session, hint = self.kept(), f"`qlikops --profile {self.profile.name} login --mfa` asks for the code."
        if session is None:
            raise CredentialsProblem(f"The profile {self.profile.name} takes a code from {self.profile.serial}.", hint)
        if session.expire_at <= self._now():
            expired = f"The session with {self.profile.serial} expired at {codec.format_time(session.expire_at)}."
            raise CredentialsProblem(expired, hint)
        return session

    def credentials(self) -> Credentials | None:
        """Until when it lasts and what begins a new one; None where the profile's bare keys are used."""
        session = self.kept()
        if session is None and not self.profile.role_arn:
            return None
        found = shutil.which("qlikops")
        program = (found,) if found else (sys.executable, "-m", "qlikops")
        login = (*program, "--profile", self.profile.name, "login", "--mfa")
        return Credentials(session.expire_at if session else None, login)

    def sign(self, session: botocore.session.Session, endpoint_url: str = "") -> None:
        """Lets `session` sign with what is kept, looked up again when it expires.

        A profile without a role goes on with its bare keys where no session was ever had: not everything takes a code.
        """
        from botocore.credentials import AssumeRoleCredentialFetcher, CredentialProvider, DeferredRefreshableCredentials

        def load() -> Any:
            if not self.profile.role_arn and self.kept() is None:
                return None
            credentials = self._refreshed()
            if not self.profile.role_arn:
                return credentials
            fetcher = AssumeRoleCredentialFetcher(
                functools.partial(session.create_client, endpoint_url=endpoint_url or None),
                credentials,
                self.profile.role_arn,
                extra_args=dict(self.profile.role_options),
            )
            return DeferredRefreshableCredentials(method=METHOD, refresh_using=fetcher.fetch_credentials)

        provider = CredentialProvider(session)
        provider.METHOD, provider.load = METHOD, load  # type: ignore[method-assign]
        session.get_component("credential_provider").providers.insert(0, provider)

    def _keep(self, session: MfaSession) -> None:
        keyring = self.require_keyring()
        with kept_secret("The system keyring"):
            keyring.set_password(SERVICE, self._entry, codec.dumps(session))

    def _refreshed(self) -> RefreshableCredentials:
        from botocore.credentials import RefreshableCredentials

        def look_up() -> dict[str, str]:
            found = self.current()
            return {
                "access_key": found.access_key,
                "secret_key": found.secret_key,
                "token": found.token,
                "expiry_time": codec.format_time(found.expire_at),
            }

        # Looked up again at the very end, not some minutes before: until somebody types a code there is no newer one.
        return RefreshableCredentials.create_from_metadata(
            look_up(), refresh_using=look_up, method=METHOD, advisory_timeout=0, mandatory_timeout=0
        )


def mfa_sessions(
    profile: str, keyring: Callable[[], Keyring | None], now: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> MfaSessions | None:
    """The sessions of the AWS profile of this name (empty: the one that botocore chooses); None where it has no device.

    Raises CredentialsProblem for a profile that is not there.
    """
    with aws_errors(f"open the profile {profile or 'default'}"):
        found = mfa_profile(aws_session(profile))
    return MfaSessions(found, keyring, now) if found else None
