"""botocore's errors by what they mean. The only place that knows both vocabularies."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum, auto
from traceback import walk_tb

from qlikops.aws.answers import foreign
from qlikops.aws.clock import clock_problem
from qlikops.aws.sign_in import how_to_sign_in, program_of
from qlikops.aws.tls import causes, tls_problem
from qlikops.domain.errors import (
    AccessDenied,
    CredentialsProblem,
    NotFound,
    Offline,
    QlikopsError,
    Throttled,
    Unreachable,
    UsageError,
)
from qlikops.domain.words.text import harmless

_THROTTLED = frozenset(
    {
        *("LimitExceededException", "ProvisionedThroughputExceededException", "RequestLimitExceeded"),
        *("RequestThrottled", "RequestThrottledException", "SlowDown", "Throttling", "ThrottlingException"),
        *("ThrottledException", "TooManyRequestsException"),
    }
)
_DENIED = frozenset(
    {"AccessDenied", "AccessDeniedException", "NotAuthorized", "UnauthorizedOperation", "KmsAccessDeniedException"}
)
_CREDENTIALS = frozenset(
    {
        *("AuthFailure", "ExpiredToken", "ExpiredTokenException", "IncompleteSignature", "InvalidAccessKeyId"),
        *("InvalidClientTokenId", "InvalidSignatureException", "MissingAuthenticationToken", "RequestExpired"),
        *("RequestTimeTooSkewed", "SignatureDoesNotMatch", "UnrecognizedClientException"),
    }
)
_NOT_FOUND = frozenset(
    {
        *("404", "ExecutionDoesNotExist", "NoSuchBucket", "NoSuchKey", "ResourceNotFoundException"),
        "StateMachineDoesNotExist",
    }
)
_ACTION = re.compile(r"not authorized to perform: (\w[\w-]*:\w+)")
_TOKEN_GONE = frozenset({"TaskDoesNotExist", "TaskTimedOut", "InvalidToken"})


class Unchanged(QlikopsError):
    """What was asked for is what the caller has already (304)."""


class Sent(Enum):
    """What a callback's reply, or its absence, says."""

    ACCEPTED = auto()
    TOKEN_GONE = auto()
    """Answered, timed out, or stopped before this answer came."""
    MAYBE = auto()
    """The reply was lost: the answer may count or not."""


@contextmanager
def aws_errors(doing: str) -> Iterator[None]:
    """Maps what botocore raises inside to `qlikops.domain.errors`; `doing` completes "Could not …"."""
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.parsers import ResponseParserError

    try:
        yield
    except ClientError as exc:
        raise _of_reply(exc, doing) from exc
    except (BotoCoreError, ResponseParserError) as exc:
        raise _without_reply(exc, doing) from exc
    except QlikopsError:
        raise
    except Exception as exc:  # whatever comes out of botocore; what does not is a fault of ours
        named = _unreadable_credentials(exc, doing) if _of_credentials(exc) else foreign(exc, doing)
        if named is None:
            raise
        raise named from exc


def callback_failed(exc: Exception, doing: str) -> Sent:
    """What a failed SendTask* call means. Raises the mapped error where the answer certainly did not count: AWS said
    so by name, or nothing was sent. Whatever else it was, the answer may have gone out.
    """
    from botocore import exceptions as boto

    if isinstance(exc, boto.ClientError):
        if _code(exc) in _TOKEN_GONE:
            return Sent.TOKEN_GONE
        if _status(exc) >= 500 or _code(exc) in ("", str(_status(exc))):
            return Sent.MAYBE
        raise _of_reply(exc, doing) from exc
    if isinstance(exc, boto.EndpointConnectionError | boto.ConnectTimeoutError | boto.ProxyConnectionError):
        # No connection, so nothing was sent: that much is certain, and sending again is safe.
        raise _without_reply(exc, doing) from exc
    if isinstance(exc, boto.BotoCoreError) and not isinstance(exc, boto.HTTPClientError | boto.ConnectionError):
        # Raised before the call: no credentials, no Region, parameters that make no sense.
        raise _without_reply(exc, doing) from exc
    if _of_credentials(exc):
        # They come before the call: nothing was sent.
        raise _unreadable_credentials(exc, doing) from exc
    return Sent.MAYBE


@contextmanager
def effect_errors(doing: str) -> Iterator[None]:
    """`aws_errors` around a call that changes something: no refusal takes back what an earlier try may have done.

    botocore raises the last answer alone, and says how often it had sent the call before; then it is Unreachable.
    https://docs.aws.amazon.com/boto3/latest/guide/retries.html (validating retry attempts)
    """
    from botocore.exceptions import ClientError

    with aws_errors(doing):
        try:
            yield
        except ClientError as exc:
            if exc.response.get("ResponseMetadata", {}).get("RetryAttempts", 0) == 0:
                raise
            said = _of_reply(exc, doing)
            raise Unreachable(f"{said.message.rstrip('.')}. An earlier try may have counted.", said.hint) from exc


def _of_reply(exc: Exception, doing: str) -> QlikopsError:
    code, said = _code(exc), f"Could not {doing}: {_message(exc)}"
    if problem := clock_problem(code, _message(exc), getattr(exc, "response", {}), doing):
        return problem
    if code in _THROTTLED:
        return Throttled(said)
    if code in _DENIED:
        return AccessDenied(said, _who_may_allow(said))
    if code in _CREDENTIALS:
        return CredentialsProblem(said, how_to_sign_in(exc))
    if code in _NOT_FOUND or (code == "ValidationError" and "does not exist" in said):
        return NotFound(said)
    if _status(exc) == 304:
        return Unchanged(said)
    if _status(exc) >= 500:
        return Unreachable(said, "AWS has a problem of its own; try again in a moment.")
    return QlikopsError(f"{said} ({code})")


def _who_may_allow(said: str) -> str:
    """AWS names the action, not always first: it is what to ask an administrator for."""
    match = _ACTION.search(said)
    return f"Ask for {match[1]}, or use another profile." if match else ""


def _of_credentials(exc: Exception) -> bool:
    """Whether it was raised looking for credentials.

    botocore lets through what a credential_process raises that cannot be run or prints no JSON object, and what a
    token file raises that is not there, now or when they are renewed: where it came from is all that tells.
    """
    return any(frame.f_globals.get("__name__") == "botocore.credentials" for frame, _ in walk_tb(exc.__traceback__))


def _unreadable_credentials(exc: Exception, doing: str) -> CredentialsProblem:
    return _failed_process(exc, doing) or CredentialsProblem(
        f"Could not {doing}: the credentials cannot be read: {exc}",
        "See what the profile names; `aws sts get-caller-identity` tries the same.",
    )


def _failed_process(exc: Exception, doing: str) -> CredentialsProblem | None:
    """What to say of a profile's credential_process that gave nothing; None where it was something else.

    botocore names neither the profile nor the command. Of the command only the program is shown: what follows it may
    be a password, and what it prints are keys.
    """
    for frame, _ in walk_tb(exc.__traceback__):
        command, provider = frame.f_locals.get("credential_process"), frame.f_locals.get("self")
        if frame.f_globals.get("__name__") == "botocore.credentials" and isinstance(command, str):
            profile, program = getattr(provider, "_profile_name", "default"), program_of(command)
            why = getattr(exc, "kwargs", {}).get("error_msg", exc)
            return CredentialsProblem(
                f"Could not {doing}: the profile {profile} gets its keys from a credential_process, and that failed: "
                f"`{program} …`: {why}",
                f"Run that command by hand as the profile has it, its output (the keys) thrown away with >/dev/null, "
                f"and put right what it says; `aws sts get-caller-identity --profile {profile}` tries it again.",
            )
    return None


def _without_reply(exc: Exception, doing: str) -> QlikopsError:
    from botocore import exceptions as boto

    if failed := _failed_process(exc, doing):
        return failed
    if problem := tls_problem(exc, doing):
        return problem
    said = f"Could not {doing}: {exc}"
    if isinstance(exc, boto.ProfileNotFound):
        return CredentialsProblem(said, "`aws configure list-profiles` lists what there is.")
    if isinstance(exc, boto.NoRegionError):
        return UsageError("No Region is configured.", "Give --region, set AWS_REGION, or put one into the profile.")
    if isinstance(
        exc,
        boto.NoCredentialsError
        | boto.PartialCredentialsError
        | boto.CredentialRetrievalError
        | boto.TokenRetrievalError
        | boto.LoginError
        | boto.SSOError
        | boto.UnauthorizedSSOTokenError,
    ):
        return CredentialsProblem(said, how_to_sign_in(exc))
    if isinstance(exc, boto.HTTPClientError | boto.ConnectionError):
        return _off_the_network(exc, said)
    if isinstance(
        exc,
        boto.ConfigParseError
        | boto.ConfigNotFound
        | boto.InvalidChecksumConfigError
        | boto.InvalidConfigError
        | boto.InvalidDefaultsMode
        | boto.InvalidProxiesConfigError
        | boto.InvalidRetryConfigurationError
        | boto.InvalidSTSRegionalEndpointsConfigError,
    ):
        return UsageError(
            said, "Mend the AWS configuration: ~/.aws/config, what AWS_CONFIG_FILE names, or an AWS_* variable."
        )
    if isinstance(exc, boto.InvalidRegionError):
        return UsageError(said, "Give another --region; `qlikops config` says where this one came from.")
    if isinstance(exc, boto.ParamValidationError):
        return UsageError(said)
    return Unreachable(said)


def _off_the_network(exc: Exception, said: str) -> Offline:
    """What to do about a call that got no reply; nothing where it passes by itself."""
    from botocore import exceptions as boto

    if isinstance(exc, boto.EndpointConnectionError):
        return Offline(
            said, "It recovers once the network is back, unless there is no such Region: see `qlikops config`."
        )
    if isinstance(exc, boto.ProxyConnectionError):
        return Offline(f"{said} ({_innermost(exc)})", _proxies())
    if isinstance(exc, boto.ConnectionClosedError):
        return Offline(
            said,
            "It may pass by itself; if not, what answers there is no AWS: look at the proxy, and at endpoint_url in "
            "`qlikops config`.",
        )
    return Offline(said)


def _innermost(exc: Exception) -> str:
    """What the system or the other side said, without what the libraries put around it."""
    *_, last = causes(exc)
    return harmless(str(last), 120)


def _proxies() -> str:
    """Where a proxy may be named, and which of these names one. Its URL is not told: it may hold a password."""
    names = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY")
    named = [each for name in names for each in (name, name.lower()) if os.environ.get(each)]
    where = f"Set here: {', '.join(named)}." if named else f"It is named outside of {', '.join(names)}."
    return f"The proxy does not pass it on, which it may never do: put it right, or name AWS in NO_PROXY. {where}"


def _code(exc: Exception) -> str:
    return str(getattr(exc, "response", {}).get("Error", {}).get("Code", ""))


def _message(exc: Exception) -> str:
    return str(getattr(exc, "response", {}).get("Error", {}).get("Message", "")) or _code(exc) or str(exc)


def _status(exc: Exception) -> int:
    return int(getattr(exc, "response", {}).get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
