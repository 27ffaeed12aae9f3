"""The smaller services of the world, and the wire between a process and all of them.

Modelled: S3 objects with ETags, conditional reads and writes, and pages; SNS, EventBridge's bus and CloudWatch with
their limits; Secrets Manager; and Lambda's invocations (limits of time, at least once, errors by class name). Every
call goes through `Wire`: it takes time both ways, may go wrong by the seed, and is refused where botocore's own service
model would refuse it. Sources: the API references as botocore has them. `docs/proof.md` says what is otherwise.
"""

from __future__ import annotations

import functools
import hashlib
import io
import itertools
import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

import botocore.errorfactory
import botocore.loaders
import botocore.model
import botocore.paginate
import botocore.validate
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ParamValidationError,
    ReadTimeoutError,
)
from botocore.parsers import ResponseParserError

from tests.simulation.dynamodb import error
from tests.simulation.faults import Fault, Faults
from tests.simulation.kernel import Kernel, Process

MOST_ENTRIES = 10
"""In one call of EventBridge's PutEvents."""
MOST_SUBJECT, MOST_MESSAGE_BYTES = 99, 256 * 1024
"""Of what SNS publishes, attributes and all: a subject is of less than 100 characters."""
MOST_VALUES = 150
"""Of one metric in one call of CloudWatch's PutMetricData."""
WRITING_SECONDS = 0.02
"""How long a write to S3 takes: a conditional one by another process within this time may conflict with it."""
ENDPOINT = "https://{service}.eu-west-1.amazonaws.com"


@functools.cache
def _service_model(service: str) -> botocore.model.ServiceModel:
    return botocore.model.ServiceModel(botocore.loaders.Loader().load_service_model(service, "service-2"), service)


@functools.cache
def operations(service: str) -> Mapping[str, botocore.model.OperationModel]:
    """By the name that boto3 gives them."""
    from botocore import xform_name

    model = _service_model(service)
    return {xform_name(name): model.operation_model(name) for name in model.operation_names}


@functools.cache
def _exceptions(service: str) -> Any:
    return botocore.errorfactory.ClientExceptionsFactory().create_client_exceptions(_service_model(service))


@functools.cache
def _pagination(service: str) -> Mapping[str, Any]:
    loaded: Mapping[str, Any] = botocore.loaders.Loader().load_service_model(service, "paginators-1")["pagination"]
    return loaded


class ModelClient:
    """A client under boto3's names whose service is a model of it.

    Requests are refused where botocore's own service model refuses them, and errors are of the classes that a boto3
    client raises.
    """

    def __init__(self, service: str, model: object, carry: Callable[[str, Callable[[], Any]], Any]) -> None:
        """`carry` gets each call by its operation's name, and says what comes of it."""
        self._service, self._model, self._carry = service, model, carry

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        if operation.startswith("_") or not hasattr(self._model, operation):
            raise AttributeError(f"{self._service} is modelled without {operation}")
        call = functools.partial(self._call, operation)
        setattr(self, operation, call)  # it is asked for once
        return call

    @property
    def exceptions(self) -> Any:
        """The service's modelled exceptions, as boto3's clients have them."""
        return _exceptions(self._service)

    def close(self) -> None:
        """Like boto3's."""

    def get_paginator(self, operation: str) -> Any:
        """botocore's own paginator over the model."""
        model = operations(self._service)[operation]
        return botocore.paginate.Paginator(getattr(self, operation), _pagination(self._service)[model.name], model)

    def _call(self, operation: str, **request: Any) -> Any:
        model = operations(self._service)[operation]
        shape = (model.name, *request)
        if shape not in _VALIDATED:  # a tenth of a world's time otherwise, for requests that are all alike
            report = botocore.validate.ParamValidator().validate(request, cast("Any", model.input_shape))
            if report.has_errors():
                raise ParamValidationError(report=report.generate_report())
            _VALIDATED.add(shape)
        return self._carry(model.name, lambda: self._answered(operation, request))

    def _answered(self, operation: str, request: Mapping[str, Any]) -> Any:
        try:
            return getattr(self._model, operation)(**request)
        except ClientError as exc:
            raise self._modelled(exc) from None

    def _modelled(self, exc: ClientError) -> Exception:
        """The same error, of the class that boto3's client raises."""
        made: Exception = self.exceptions.from_code(exc.response["Error"]["Code"])(exc.response, exc.operation_name)
        return made


OnCall = Callable[[str, str, Mapping[str, Any]], None]
"""Told caller, operation under boto3's name, and request."""
OnFailure = Callable[[Exception], None]
"""Told the error that a call came to, in the process that made it."""


class Wire(ModelClient):
    """The way from one process to one service."""

    def __init__(
        self,
        faults: Faults,
        service: str,
        model: object,
        who: Callable[[], str],
        on_call: Sequence[OnCall] = (),
        on_failure: Sequence[OnFailure] = (),
        attempts: Callable[[], int] = lambda: 1,
    ) -> None:
        """`who` names the caller, for faults and the trace; `on_call` is told of each call before it goes out, and
        `on_failure` of each that comes to an error. `attempts` says how often the caller's SDK sends one at most.
        """
        super().__init__(service, model, self._sent)
        self._faults, self._who, self._on_call, self._on_failure = faults, who, on_call, on_failure
        self._attempts = attempts
        self._tokens = itertools.count()

    def _call(self, operation: str, **request: Any) -> Any:
        for told in self._on_call:
            told(self._who(), operation, request)
        for token in operations(self._service)[operation].idempotent_members:
            request.setdefault(token, f"{next(self._tokens):032x}")  # boto3 adds one, and sends the call again with it
        try:
            return super()._call(operation, **request)
        except Exception as exc:
            for failed in self._on_failure:
                failed(exc)
            raise

    def _answered(self, operation: str, request: Mapping[str, Any]) -> Any:
        try:
            return super()._answered(operation, request)
        except ClientError as exc:
            code = exc.response["Error"]["Code"]
            self._faults.reached(f"{self._service} answers {code}")
            if code == "ValidationException":
                self._faults.malformed.append(f"{self._who()}: {exc}")
            raise

    def _sent(self, operation: str, send: Callable[[], Any]) -> Any:
        """Sends a call as boto3's standard mode does: again where the answer may be another one, after a pause.

        https://docs.aws.amazon.com/boto3/latest/guide/retries.html
        """
        kernel, attempts, earlier = self._faults.kernel, self._attempts(), 0
        while True:
            try:
                return self._befall(operation, send)
            except (*_NOT_SENT, *_LOST, ClientError) as exc:
                code = ""
                if isinstance(exc, ClientError):
                    code = exc.response["Error"]["Code"]
                    exc.response.setdefault("ResponseMetadata", {})["RetryAttempts"] = earlier  # type: ignore[typeddict-item]
                is_broken = code in _BROKEN.values()
                if (code and not is_broken and code not in _SENT_AGAIN) or earlier >= attempts - 1:
                    raise
                if is_broken or isinstance(exc, _LOST):
                    self._faults.reached("a call is sent again that may have been carried out")
            kernel.sleep(kernel.random.random() * min(20.0, 2.0**earlier))
            earlier += 1

    def _befall(self, operation: str, send: Callable[[], Any]) -> Any:
        return self._faults.befall(
            f"{self._service}:{operation}", self._who(), send, lambda fault: self._failure(fault, operation)
        )

    def _failure(self, fault: Fault, operation: str) -> Exception:
        endpoint = ENDPOINT.format(service=self._service)
        match fault:
            case Fault.REFUSED:
                return _NOT_SENT[len(self._faults.befallen) % len(_NOT_SENT)](endpoint_url=endpoint)
            case Fault.LOST:
                return _LOST[len(self._faults.befallen) % len(_LOST)](endpoint_url=endpoint)
            case Fault.BUSY if operation == "TransactWriteItems":
                code, reasons = _BUSY_TRANSACTIONS[len(self._faults.befallen) % len(_BUSY_TRANSACTIONS)]
                return self._modelled(error(code, operation, "Rate exceeded", **reasons))
            case Fault.BUSY:
                return self._modelled(
                    error(_BUSY.get(self._service, "ThrottlingException"), operation, "Rate exceeded")
                )
            case Fault.BROKEN:
                return self._modelled(error(_BROKEN[self._service], operation, "Internal error"))
            case Fault.FORBIDDEN:
                codes = _FORBIDDEN.get(self._service, _FORBIDDEN_USUALLY)
                code = codes[len(self._faults.befallen) % len(codes)]
                return self._modelled(error(code, operation, "not authorized, or no longer"))
        return ResponseParserError(f"Unable to parse response from {self._service}: not well-formed")


_VALIDATED: set[tuple[str, ...]] = set()
"""Requests by operation and parameters of which one has passed botocore's own check."""

_NOT_SENT = (EndpointConnectionError, ConnectTimeoutError)
_LOST = (ReadTimeoutError, ConnectionClosedError)
"""What botocore raises where no answer came: the service may have carried it out."""
_SENT_AGAIN = (
    "ThrottlingException",
    "ProvisionedThroughputExceededException",
    "SlowDown",
    "TransactionInProgressException",
)
"""The codes modelled here after which boto3 sends a call again, beside those of a 500."""
_BUSY_TRANSACTIONS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("ProvisionedThroughputExceededException", {}),
    ("TransactionInProgressException", {}),
    ("TransactionCanceledException", {"CancellationReasons": [{"Code": "ThrottlingError"}]}),
    ("TransactionCanceledException", {"CancellationReasons": [{"Code": "ProvisionedThroughputExceeded"}]}),
)
"""https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html#API_TransactWriteItems_Errors"""
_BUSY = {"dynamodb": "ProvisionedThroughputExceededException", "s3": "SlowDown", "sns": "Throttled"}
_BROKEN = {  # all with status 500
    "bedrock-runtime": "InternalServerException",
    "cloudwatch": "InternalServiceError",
    "dynamodb": "InternalServerError",
    "events": "InternalException",
    "s3": "InternalError",
    "secretsmanager": "InternalServiceError",
    "sns": "InternalError",
    "stepfunctions": "InternalFailure",
}
_FORBIDDEN = {
    "cloudwatch": ("AccessDenied", "ExpiredToken"),
    "s3": ("AccessDenied", "ExpiredToken"),
    "sns": ("AuthorizationError", "ExpiredToken"),
}
_FORBIDDEN_USUALLY = ("AccessDeniedException", "ExpiredTokenException")


class SimulatedS3:
    """Buckets of one account. Reads after writes are consistent."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._written: dict[tuple[str, str], tuple[float, str]] = {}
        """When each object was written last, and by which process."""
        self.objects: dict[tuple[str, str], tuple[bytes, datetime]] = {}
        self.on_put: list[Callable[[str, bytes], None]] = []
        """Told the key and the body of each object that is written."""

    def put_object(
        self, Bucket: str, Key: str, Body: bytes, IfMatch: str = "", IfNoneMatch: str = "", **_: Any
    ) -> dict[str, Any]:
        there = self.objects.get((Bucket, Key))
        if IfMatch and there is None:
            raise error("NoSuchKey", "PutObject", "The specified key does not exist.")
        if (IfMatch or IfNoneMatch) and self._is_being_written((Bucket, Key)):
            raise error("ConditionalRequestConflict", "PutObject", "A conflicting operation occurred.")
        if there is not None and (IfNoneMatch == "*" or (IfMatch and IfMatch != _etag(there[0]))):
            raise error("PreconditionFailed", "PutObject", "At least one of the pre-conditions did not hold.")
        self._written[Bucket, Key] = (self._kernel.now, self._kernel.current_name)
        self.objects[Bucket, Key] = (Body, self._kernel.time())
        for told in self.on_put:
            told(Key, Body)
        return {"ETag": _etag(Body)}

    def _is_being_written(self, place: tuple[str, str]) -> bool:
        """Whether another process' write has just been carried out, and is taken for under way still."""
        at, who = self._written.get(place, (0.0, ""))
        is_close = self._kernel.now - at < WRITING_SECONDS and who != self._kernel.current_name
        return is_close and self._kernel.random.random() < 0.5

    def get_object(self, Bucket: str, Key: str, IfNoneMatch: str = "") -> dict[str, Any]:
        if (Bucket, Key) not in self.objects:
            raise error("NoSuchKey", "GetObject", "The specified key does not exist.")
        body, at = self.objects[Bucket, Key]
        if IfNoneMatch == _etag(body):
            raise error("304", "GetObject", "Not Modified")
        return {"Body": io.BytesIO(body), "ETag": _etag(body), "LastModified": at}

    def list_objects_v2(
        self,
        Bucket: str,
        Prefix: str = "",
        Delimiter: str = "",
        MaxKeys: int = 1000,
        ContinuationToken: str = "",
    ) -> dict[str, Any]:
        found: dict[str, dict[str, Any]] = {}
        for (bucket, key), (_body, at) in sorted(self.objects.items()):
            if bucket != Bucket or not key.startswith(Prefix):
                continue
            head, slash, _rest = key.removeprefix(Prefix).partition(Delimiter) if Delimiter else ("", "", "")
            if slash:
                folder = f"{Prefix}{head}{Delimiter}"
                found[folder] = {"CommonPrefixes": {"Prefix": folder}}
            else:
                found[key] = {"Contents": {"Key": key, "LastModified": at}}
        # Folders count as keys, and lie among them.
        behind = [name for name in sorted(found) if name > ContinuationToken]
        answer: dict[str, Any] = {"KeyCount": len(behind[:MaxKeys]), "IsTruncated": len(behind) > MaxKeys}
        for name in behind[:MaxKeys]:
            ((kind, entry),) = found[name].items()
            answer.setdefault(kind, []).append(entry)
        return answer | ({"NextContinuationToken": behind[MaxKeys - 1]} if answer["IsTruncated"] else {})


def _etag(body: bytes) -> str:
    return f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"'


@dataclass
class SimulatedSns:
    """One topic and all that was published to it."""

    kernel: Kernel
    published: list[tuple[float, dict[str, Any]]] = field(default_factory=list)

    def publish(self, **message: Any) -> dict[str, str]:
        subject, attributes = message.get("Subject", "-"), message.get("MessageAttributes", {})
        if not (0 < len(subject) <= MOST_SUBJECT and subject.isascii() and subject.isprintable() and subject[0] != " "):
            raise error("InvalidParameter", "Publish", "Invalid parameter: Subject")
        if not all(each["StringValue"] for each in attributes.values()):
            raise error("ParameterValueInvalid", "Publish", "An attribute must have a value that is not empty")
        beside = "".join(text for name, each in attributes.items() for text in (name, *each.values()))
        if not message["Message"] or len(f"{message['Message']}{beside}".encode()) > MOST_MESSAGE_BYTES:
            raise error("InvalidParameter", "Publish", "Invalid parameter: Message too long")
        self.published.append((self.kernel.now, message))
        return {"MessageId": f"{len(self.published):08}"}


@dataclass
class SimulatedEventBridge:
    """The default bus and all that was put on it."""

    kernel: Kernel
    put: list[tuple[float, dict[str, Any]]] = field(default_factory=list)
    """When, and the entry."""
    put_by: list[str] = field(default_factory=list)
    """By which process each of them, `world` if it came late."""
    is_refused: Callable[[], bool] = lambda: False
    """Whether one of the entries is, and the others are taken."""
    refused: set[tuple[str, str]] = field(default_factory=set)
    """Processes of which an entry was refused so and not taken since, and the entry's detail."""

    def put_events(self, Entries: list[dict[str, Any]]) -> dict[str, Any]:
        size = sum(len(f"{each['Source']}{each['DetailType']}{each['Detail']}".encode()) + 14 for each in Entries)
        if not 0 < len(Entries) <= MOST_ENTRIES or size > MOST_MESSAGE_BYTES:
            raise error("ValidationException", "PutEvents", "Total size of the entries is over the limit.")
        answers: list[dict[str, str]] = []
        for each in Entries:
            if self.is_refused():
                self.refused.add((self.kernel.current_name, each["Detail"]))
                answers.append({"ErrorCode": "ThrottlingException", "ErrorMessage": "Rate exceeded"})
                continue
            self.refused.discard((self.kernel.current_name, each["Detail"]))
            self.put.append((self.kernel.now, each))
            self.put_by.append(self.kernel.current_name)
            answers.append({"EventId": f"{len(self.put):08}"})
        return {"FailedEntryCount": sum("ErrorCode" in answer for answer in answers), "Entries": answers}


@dataclass
class SimulatedCloudWatch:
    """Data points by metric."""

    points: list[dict[str, Any]] = field(default_factory=list)

    def put_metric_data(self, Namespace: str, MetricData: list[dict[str, Any]], **_: Any) -> dict[str, Any]:
        if any(len(point.get("Values", ())) > MOST_VALUES for point in MetricData):
            raise error("InvalidParameterValue", "PutMetricData", f"At most {MOST_VALUES} values of a metric")
        for values, counts in ((each["Values"], each.get("Counts", ())) for each in MetricData if "Values" in each):
            assert len(set(values)) == len(values) == len(counts), "each value is listed once, with its count"
        self.points += [{"Namespace": Namespace, **point} for point in MetricData]
        return {}


@dataclass
class SimulatedSecrets:
    """One secret."""

    text: str

    def get_secret_value(self, SecretId: str) -> dict[str, str]:
        return {"ARN": SecretId, "SecretString": self.text}


Handler = Callable[[dict[str, Any], "Context"], dict[str, Any]]


class Context:
    """Lambda's, of one invocation: its time is the world's."""

    def __init__(self, kernel: Kernel, ends_at: float) -> None:
        self._kernel, self._ends_at = kernel, ends_at

    def get_remaining_time_in_millis(self) -> int:
        """Until the invocation is killed."""
        return max(0, int(1000 * (self._ends_at - self._kernel.monotonic())))


@dataclass
class Function:
    """One function: what it runs and for how long it may."""

    handler: Handler
    seconds: float


@dataclass(frozen=True, slots=True)
class Invocation:
    """One run of a function, from when it began."""

    function: str
    payload: Any
    at: float
    process: str
    """Its name."""

    @property
    def proposal_id(self) -> str:
        """Whose turn it is; empty for a function that is for a whole run."""
        return str(self.payload.get("proposal", {}).get("proposal_id", ""))


class SimulatedLambda:
    """Invocations, at least once each; one that is killed or too slow is an error to whoever waits for it."""

    def __init__(self, kernel: Kernel, faults: Faults, functions: Mapping[str, Function]) -> None:
        self._kernel, self._faults, self._functions = kernel, faults, functions
        self._count = 0
        self.running: dict[str, Process] = {}
        self.begun: dict[str, Invocation] = {}
        """All invocations by the names of their processes."""
        self.answers: dict[str, Any] = {}
        """What they have answered, by the names of their processes."""
        self.unanswered: defaultdict[str, list[str]] = defaultdict(list)
        """Of each function, the processes of its invocations that were killed, took too long or failed."""
        self.on_begin: list[Callable[[Invocation], None]] = []
        """Told each invocation as it begins."""
        self.on_answer: list[Callable[[Invocation], None]] = []
        """Told each invocation that answers."""
        self.on_end: list[Callable[[Process], None]] = []
        """Told each process that is over: it has answered, has raised, or was killed."""
        self._failed: dict[str, Callable[[str, str], None]] = {}

    def invoke(
        self, name: str, payload: Any, answered: Callable[[Any], None], failed: Callable[[str, str], None]
    ) -> None:
        """Begins an invocation; one of `answered` and `failed` is called, once."""
        short = name.rpartition("-")[2]
        arrives = self._kernel.random.expovariate(1 / 0.05)
        if fault := self._faults.of_invocation(short):
            self._kernel.say(f"{fault} {short}", "lambda")
            match fault:
                case Fault.BUSY:
                    self._kernel.after(arrives, lambda: failed("Lambda.TooManyRequestsException", "Rate Exceeded."))
                    return
                case Fault.REFUSED:
                    self._kernel.after(arrives, lambda: failed("Lambda.ServiceException", "service"))
                    return
                case Fault.TWICE:
                    late = self._faults.how_late()
                    self._run(short, payload, arrives + late, lambda _: None, lambda *_: None)
                case Fault.LATE:
                    arrives += self._faults.how_late()
                case Fault.LOST:
                    self._run(short, payload, arrives, lambda _: None, lambda *_: None)
                    self._kernel.after(arrives + 20, lambda: failed("Lambda.SdkClientException", "timeout"))
                    return
        self._run(short, payload, arrives, answered, failed)

    def repeat(self, invocation: Invocation, after: float) -> None:
        """Begins one once more, as a service does that promises at least once; nobody waits for its answer."""
        self._run(invocation.function, invocation.payload, after, lambda _: None, lambda *_: None)

    def give_up(self, process: Process) -> None:
        """Tells who waits for an invocation that its answer is lost; the invocation goes on, if it is not over."""
        if failed := self._failed.get(process.name):
            failed("Lambda.SdkClientException", "timeout")

    def _run(
        self,
        name: str,
        payload: Any,
        arrives: float,
        answered: Callable[[Any], None],
        failed: Callable[[str, str], None],
    ) -> None:
        function = self._functions[name]
        self._count += 1
        number = self._count
        text = json.dumps(payload)

        def live() -> Any:
            begun = self.begun[process.name] = Invocation(
                name, json.loads(text), self._kernel.monotonic(), process.name
            )
            for told in self.on_begin:
                told(begun)
            ends_at = self._kernel.monotonic() + function.seconds
            self._kernel.at(ends_at, time_out)
            return json.loads(json.dumps(function.handler(json.loads(text), Context(self._kernel, ends_at))))

        def time_out() -> None:
            if not process.is_over:
                timed_out.append(True)
                self._kernel.kill(process)

        def ended(process: Process) -> None:
            self.running.pop(process.name, None)
            self._failed.pop(process.name, None)
            for over in self.on_end:
                over(process)
            if process.is_killed or process.error is not None:
                self.unanswered[name].append(process.name)
            if process.is_killed:
                gone = ("Runtime.OutOfMemory", "Runtime.ExitError", "Runtime.ExitError")[len(self.begun) % 3]
                error_name = "Sandbox.Timedout" if timed_out else gone
                failed(error_name, json.dumps({"errorType": error_name, "errorMessage": f"RequestId: {number} Error"}))
            elif process.error is not None:
                error_name = type(process.error).__name__
                said = {"errorType": error_name, "errorMessage": str(process.error), "stackTrace": []}
                failed(error_name, json.dumps(said))
            else:
                self.answers[process.name] = process.result
                for told in self.on_answer:
                    told(self.begun[process.name])
                answered(process.result)

        timed_out: list[bool] = []
        process = self._kernel.spawn(f"{name}#{number}", live, after=arrives, on_end=ended)
        self.running[process.name], self._failed[process.name] = process, failed
