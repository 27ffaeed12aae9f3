"""Makes AWS clients for a context, with the time-outs and retries that an interactive tool needs.

boto3 is imported by the first client that is asked for, never before: the console paints its first frame meanwhile.
"""

from __future__ import annotations

import gc
import os
import threading
from collections.abc import Callable
from datetime import datetime
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, Protocol

from qlikops import __version__
from qlikops.aws.answers import check_answers, part_of_arn
from qlikops.aws.clock import aws_time
from qlikops.aws.configuration import ATTEMPTS, aws_session, endpoint_of
from qlikops.aws.credentials import asks_somebody, credentials_of, runs_process
from qlikops.aws.errors import aws_errors
from qlikops.aws.mfa import MfaSessions, mfa_profile
from qlikops.aws.process import Processes, terminal
from qlikops.aws.sign_in import remember
from qlikops.config import Context, Settings
from qlikops.dataclass import dataclass
from qlikops.domain.errors import AccessDenied, NotFound
from qlikops.domain.ports import Awaited, Credentials
from qlikops.keyrings import Keyring, system_keyring

if TYPE_CHECKING:
    import boto3
    import botocore.session
    from types_boto3_cloudformation.client import CloudFormationClient
    from types_boto3_dynamodb.client import DynamoDBClient
    from types_boto3_logs.client import CloudWatchLogsClient
    from types_boto3_s3.client import S3Client
    from types_boto3_scheduler.client import EventBridgeSchedulerClient
    from types_boto3_stepfunctions.client import SFNClient
    from types_boto3_sts.client import STSClient

_CONNECT_SECONDS = 3
_READ_SECONDS = 10
_SEND_SECONDS = 5


@dataclass(frozen=True, slots=True)
class _SignedIn:
    """What a person signed in for in the terminal."""

    credentials: Any
    """botocore's."""
    processes: Processes
    """Through which they are renewed."""


_SIGNED_IN: dict[str, _SignedIn] = {}
"""Sessions by profile, for the life of this process."""


@dataclass(frozen=True, slots=True)
class Resources:
    """The names of what the stack made."""

    state_machine_arn: str
    table: str
    bucket: str
    version: str = ""
    """Version of qlikops that deployed the stack; empty for the local environment, and for a stack that says none."""

    @property
    def account(self) -> str:
        """The account's number, out of the state machine's ARN."""
        return part_of_arn(self.state_machine_arn, 4)

    @property
    def region(self) -> str:
        """The Region, out of the same ARN."""
        return part_of_arn(self.state_machine_arn, 3)


class Connection(Protocol):
    """What the roles need from AWS. Nothing here is asked for before it is needed."""

    @property
    def read_only(self) -> bool:
        """Whether writing is refused."""

    @property
    def resources(self) -> Resources:
        """What the stack made; found out once."""

    @property
    def dynamodb(self) -> DynamoDBClient:
        """Client for the ledger."""

    @property
    def stepfunctions(self) -> SFNClient:
        """Client for executions; never for callbacks."""

    @property
    def s3(self) -> S3Client:
        """Client for snapshots and reports."""

    @property
    def scheduler(self) -> EventBridgeSchedulerClient:
        """Client for the schedule."""

    @property
    def logs(self) -> CloudWatchLogsClient:
        """Client for the functions' log lines."""

    def sender(self, decision_id: str) -> SFNClient:
        """A client for one callback: one attempt, short time-outs, the decision id in its user agent."""

    def caller(self) -> str:
        """The caller's ARN."""


class AwsConnection:
    """The real thing. Safe to share between threads."""

    def __init__(self, context: Context, keyring: Callable[[], Keyring | None] = system_keyring) -> None:
        """`keyring` is asked only for a profile that names an MFA device."""
        self._context = context
        self._keyring = keyring
        self._mfa: MfaSessions | None = None
        self._lock = threading.RLock()
        self._clients: dict[str, Any] = {}
        self._resources: Resources | None = None
        self._caller = ""
        self._processes = Processes()
        self._signed_in_as: _SignedIn | None = None

    @property
    def read_only(self) -> bool:
        """Whether writing is refused."""
        return self._context.settings.read_only

    @property
    def resources(self) -> Resources:
        """What the stack made, from the local status file or from the stack's outputs; asked for once."""
        with self._lock:
            if self._resources is None:
                self._resources = self._discover()
            return self._resources

    @property
    def known_resources(self) -> Resources | None:
        """What the stack made if that is known by now; never asks."""
        return self._resources

    def learn(self, resources: Resources) -> None:
        """Somebody else has found out what the stack made."""
        with self._lock:
            self._resources = self._resources or resources

    @property
    def waits_for(self) -> Awaited | None:
        """The credential_process that runs right now; never blocks."""
        return self._processes.waits_for

    def sign_in(self) -> None:
        """Has the keys where a credential_process gives them, which may ask in this terminal. Anew each time."""
        with aws_errors("sign in"):
            chain = self._chain()
            if not runs_process(chain):
                return
            self._processes.watch(chain)
            with terminal(is_free=True):
                credentials: Any = chain.get_credentials()
                credentials.get_frozen_credentials()
        with self._lock:
            self.__dict__.pop("_session", None)
            self._clients.clear()
            self._caller = ""
            self._signed_in_as = _SignedIn(credentials, self._processes)
        if hasattr(credentials, "refresh_needed"):
            # What lasts and is renewed, a connection that is opened anew need not ask for again.
            _SIGNED_IN[self._context.settings.profile] = self._signed_in_as

    @property
    def asks_somebody(self) -> bool:
        """Whether signing in may ask the person something, so that it must not be done twice at once."""
        if self._context.local is not None:
            return False
        with aws_errors("read the AWS configuration"):
            return asks_somebody(self._chain())

    def endpoint_url(self, service: str) -> str:
        """Where the calls to `service` go by the context, the environment or the profile; empty for AWS itself."""
        if self._context.settings.endpoint_url or self._context.local is not None:
            return self._context.settings.endpoint_url
        with aws_errors("read the AWS configuration"):
            return endpoint_of(self._chain(), service)

    @property
    def dynamodb(self) -> DynamoDBClient:
        """Client for the ledger."""
        client: DynamoDBClient = self.client("dynamodb")
        return client

    @property
    def stepfunctions(self) -> SFNClient:
        """Client for executions; never for callbacks."""
        client: SFNClient = self.client("stepfunctions")
        return client

    @property
    def s3(self) -> S3Client:
        """Client for snapshots and reports."""
        client: S3Client = self.client("s3")
        return client

    @property
    def cloudformation(self) -> CloudFormationClient:
        """Client for the stack's outputs."""
        client: CloudFormationClient = self.client("cloudformation")
        return client

    @property
    def scheduler(self) -> EventBridgeSchedulerClient:
        """Client for the schedule."""
        client: EventBridgeSchedulerClient = self.client("scheduler")
        return client

    @property
    def logs(self) -> CloudWatchLogsClient:
        """Client for the functions' log lines."""
        client: CloudWatchLogsClient = self.client("logs")
        return client

    def sender(self, decision_id: str) -> SFNClient:
        """A client for one callback: a retry after a lost reply would read as `already answered`, so there is none."""
        client: SFNClient = self._make(
            "stepfunctions",
            connect_timeout=_CONNECT_SECONDS,
            read_timeout=_SEND_SECONDS,
            retries={"total_max_attempts": 1},
            user_agent_extra=f"{_agent()} decision/{decision_id}",
        )
        return client

    def caller(self) -> str:
        """The caller's ARN, from STS; asked for once."""
        with self._lock:
            if not self._caller:
                sts: STSClient = self.client("sts")
                with aws_errors("ask who the caller is"):
                    self._caller = sts.get_caller_identity()["Arn"]
            return self._caller

    def aws_time(self) -> datetime | None:
        """The time by AWS's clock; None where the reply says none. Needs no credentials: the request is not signed."""
        from botocore import UNSIGNED
        from botocore.config import Config
        from botocore.exceptions import ClientError

        local = self._context.local is not None
        settings = Config(
            signature_version=UNSIGNED,
            connect_timeout=_CONNECT_SECONDS,
            read_timeout=_READ_SECONDS,
            proxies={} if local else None,
        )
        with aws_errors("ask AWS for the time"):
            core = self._session._session if local else self._chain()
            client: Any = core.create_client(
                "sts",
                region_name=self._context.settings.region or core.get_config_variable("region") or "us-east-1",
                endpoint_url=self._context.settings.endpoint_url or None,
                aws_access_key_id="none",
                aws_secret_access_key="none",  # noqa: S106 - opens nothing; botocore looks for credentials without
                config=settings,
            )
            try:
                return aws_time(client.get_caller_identity())
            except ClientError as refused:
                return aws_time(refused.response)

    def close(self) -> None:
        """Closes the clients. A call under way ends as it would have; a later one makes its client anew."""
        # Without the lock: a call that finds something out holds it as long as the network takes.
        clients, self._clients = self._clients, {}
        while clients:
            clients.popitem()[1].close()
        # They are cycles, and the collector is told to come seldom: ten minutes of an outage would fill the memory.
        gc.collect()

    def credentials(self) -> Credentials:
        """How one signs in, and until when that lasts; nothing of either for the embedded AWS."""
        if self._context.local is not None:
            return Credentials()
        with self._lock:
            session, mfa = self._session, self._mfa
        with aws_errors("look at the credentials"):
            return (mfa and mfa.credentials()) or credentials_of(session)

    @cached_property
    def _session(self) -> boto3.Session:
        settings = self._context.settings
        with aws_errors(f"open the profile {settings.profile or 'default'}"):
            if self._context.local is not None:
                return embedded_session(settings.region)
            return self._signed_in(settings)

    def _signed_in(self, settings: Settings) -> boto3.Session:
        import boto3

        chain = self._chain()
        if profile := mfa_profile(chain):
            self._mfa = MfaSessions(profile, self._keyring)
            self._mfa.sign(chain, settings.endpoint_url)
        self._processes.watch(chain)
        if kept := self._signed_in_as or _SIGNED_IN.get(settings.profile):
            chain._credentials, self._processes = kept.credentials, kept.processes  # type: ignore[attr-defined]
        return boto3.Session(botocore_session=chain, region_name=settings.region or None)

    def _chain(self) -> botocore.session.Session:
        return _prepared(aws_session(self._context.settings.profile))

    def client(self, service: str) -> Any:
        """The client of `service`, made once."""
        with self._lock:
            if service not in self._clients:
                self._clients[service] = self._make(
                    service,
                    connect_timeout=_CONNECT_SECONDS,
                    read_timeout=_READ_SECONDS,
                    user_agent_extra=_agent(),
                )
            return self._clients[service]

    def _make(self, service: str, **config: Any) -> Any:
        from botocore.config import Config

        endpoint = self._context.settings.endpoint_url
        if service == "s3" and self.endpoint_url(service):
            config["s3"] = {"addressing_style": "path"}
        if self._context.local is not None:
            # A proxy from the machine's environment would swallow loopback.
            config["proxies"] = {}
        with self._lock, aws_errors(f"make a client for {service}"):
            client = self._session.client(  # type: ignore[call-overload]
                service, endpoint_url=endpoint or None, config=Config(**config)
            )
            remember(client, self._context.settings.profile)
            return client

    def _discover(self) -> Resources:
        if local := self._context.local:
            return Resources(local.state_machine_arn, local.table, local.bucket)
        stack = self._context.settings.stack
        hint = "Deploy it with `qlikops deploy`, or choose another context, Region or stack."
        try:
            with aws_errors(f"describe the stack {stack}"):
                (description,) = self.cloudformation.describe_stacks(StackName=stack)["Stacks"]
        except NotFound as exc:
            raise NotFound(f"There is no stack {stack} in {self._session.region_name}.", hint) from exc
        outputs = {output["OutputKey"]: output["OutputValue"] for output in description.get("Outputs", [])}
        try:
            return Resources(
                outputs["StateMachineArn"], outputs["TableName"], outputs["DataBucketName"], outputs.get("Version", "")
            )
        except KeyError as exc:
            raise NotFound(
                f"The stack {stack} ({description['StackStatus']}) has no output {exc}: it is not a finished qlikops.",
                hint,
            ) from exc


def embedded_session(region: str) -> boto3.Session:
    """A session for the embedded AWS: nobody's credentials, and nothing of the machine's own AWS configuration."""
    import boto3
    import botocore.session

    nothing = (None, None, None, None)
    isolated = botocore.session.Session(
        {
            "profile": nothing,
            "config_file": (None, None, os.devnull, None),
            "credentials_file": nothing,
            "max_attempts": (None, None, ATTEMPTS, None),
            "retry_mode": (None, None, "standard", None),
        }
    )
    return boto3.Session("test", "test", region_name=region, botocore_session=_prepared(isolated))


def _prepared(session: botocore.session.Session) -> botocore.session.Session:
    """`session`, refusing answers of a wrong shape, with what this process has read of the service models.

    Those are some 15 MB for the four services that a console uses, which each session would read anew.
    """
    check_answers(session)
    session.register_component("data_loader", _loader(session.get_config_variable("data_path")))
    return session


@cache
def _loader(data_path: str | None) -> Any:
    from botocore.loaders import create_loader

    return create_loader(data_path)


def refuse_writing(connection: Connection) -> None:
    """Raises AccessDenied in a read-only context."""
    if connection.read_only:
        raise AccessDenied("This context is read-only.", "Use a context that may write, or leave out --read-only.")


def _agent() -> str:
    return f"qlikops/{__version__}"
