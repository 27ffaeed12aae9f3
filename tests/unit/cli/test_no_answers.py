"""Something answers in AWS's place, 200 and nonsense: every command says so, and none ends in a fault."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from qlikops.aws.environment import AwsEnvironment
from qlikops.cli.context import Invocation
from qlikops.cli.exit_codes import ExitCode
from qlikops.config import LocalConnection, local_status_path
from qlikops.domain.encoding import codec
from qlikops.qlik.simulator.loopback import LoopbackHandler, LoopbackServer
from tests.unit.cli.conftest import Run

PAGE = "<html><body>Please sign in to this network.</body></html>"
BODIES = {
    "nothing": "",
    "a page": PAGE,
    "an object": "{}",
    "null": "null",
    "a list": "[]",
    "a number": "5",
    "a text": '"x"',
    "no lists": json.dumps(dict.fromkeys(("Items", "executions", "events", "Responses", "Target", "Item"), 5)),
    "lists of nothing": json.dumps({key: [None, 5, "x", {}] for key in ("Items", "executions", "events", "Stacks")}),
    "objects of numbers": json.dumps({"Items": [{"pk": 5}], "executions": [{"name": 5}], "Item": {"pk": 5}}),
    "no times": json.dumps({"executions": [{"executionArn": "x", "name": "x", "startDate": "never", "status": "x"}]}),
    "an abyss": "[" * 50_000,
    "a number without an end": '{"Items": ' + "9" * 5000 + "}",
    "XML": "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>x</Arn></GetCallerIdentityResult>"
    "</GetCallerIdentityResponse>",
    "XML without an end": "<a><b>",
    "stacks of nothing": "<DescribeStacksResponse><DescribeStacksResult><Stacks/></DescribeStacksResult>"
    "</DescribeStacksResponse>",
}
ID = "0123456789ab"
COMMANDS: list[tuple[str, ...]] = [
    *(("approvals",), ("approve", ID, "--yes"), ("deny", ID[:4], "--reason", "r"), ("claim", ID), ("show", ID)),
    *(("show", "a-run"), ("executions",), ("run",), ("stop", "a-run", "--reason", "r"), ("redrive", "a-run")),
    *(("tasks",), ("task", "t"), ("reports",), ("report",), ("report", "a-run"), ("handover",), ("doctor",)),
    *(("schedule",), ("schedule", "--pause"), ("schedule", "--rate", "5m"), ("schedule", "--remove")),
    *(("deploy", "--plan"), ("deploy", "--drift"), ("deploy", "--follow"), ("destroy", "--plan")),
]
EVERY_BODY: list[tuple[str, ...]] = [("approvals",), ("executions",), ("tasks",), ("schedule",)]
"""One for each way in which a service spells its answers; the others are told apart by what they read of them."""
SOME = ("an object", "objects of numbers")
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
"""A command's connections are closed with its process, which here is the test's."""


@dataclass
class StandIn:
    """Answers everything with `body`."""

    url: str = ""
    body: str = ""
    status: int = 200
    asked: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def stand_in() -> Iterator[StandIn]:
    found = StandIn()

    class Handler(LoopbackHandler):
        def respond(self) -> None:
            self.body()
            found.asked.append(self.path)
            self.write(found.status, found.body.encode(), "text/html" if found.body == PAGE else "")

    with LoopbackServer(Handler) as server:
        found.url = server.url
        yield found


@pytest.fixture
def invocation(invocation: Invocation, stand_in: StandIn) -> Invocation:
    """The context `local` is the stand-in."""
    path = local_status_path(invocation.environ)
    path.parent.mkdir(parents=True)
    machine = "arn:aws:states:us-east-1:000000000000:stateMachine:QlikMonitoringAgent"
    path.write_text(codec.dumps(LocalConnection(stand_in.url, "us-east-1", "qlikops", machine, "table", "bucket")))
    return replace(invocation, open_environment=AwsEnvironment)


@pytest.mark.parametrize(
    ("args", "body"),
    [(args, body) for args in COMMANDS for body in (BODIES if args in EVERY_BODY else SOME)],
    ids=lambda value: value if isinstance(value, str) else " ".join(value),
)
def test_nonsense_for_an_answer_is_named(run: Run, stand_in: StandIn, args: tuple[str, ...], body: str) -> None:
    stand_in.body, stand_in.status, stand_in.asked = BODIES[body], 200, []
    done = run(*args, "--context", "local")
    assert done.exit_code in set(ExitCode)
    assert stand_in.asked
    assert "Traceback" not in done.stdout + done.stderr


@pytest.mark.parametrize("args", [args for args in COMMANDS if args != ("doctor",)], ids=" ".join)
@pytest.mark.parametrize("status", [200, 403])
def test_no_command_takes_a_page_for_an_answer(run: Run, stand_in: StandIn, args: tuple[str, ...], status: int) -> None:
    """Neither for one in which nothing is said ("there is no approval", "claimed"), nor for a refusal of AWS's."""
    stand_in.body, stand_in.status = PAGE, status
    done = run(*args, "--context", "local")
    # What starts something may have been heard by whoever is behind the page.
    code = ExitCode.UNKNOWN if args == ("run",) else ExitCode.UNREACHABLE
    assert (done.exit_code, done.stdout) == (code, "")
    assert "is no answer of AWS's" in done.stderr


def test_what_a_stand_in_says_is_told_with_what_to_do(run: Run, stand_in: StandIn) -> None:
    stand_in.body, stand_in.status = "{}", 200
    done = run("approvals", "--context", "local")
    assert done.exit_code == ExitCode.UNREACHABLE
    assert "The reply to Query is no answer of AWS's: Items is missing." in done.stderr
    assert "endpoint_url" in done.stderr


READ_BY_AWS = [
    *(("AWS_ENDPOINT_URL", each) for each in ("http://[", "nonsense", "http://a_b:99999", "http://a..b")),
    *(("AWS_MAX_ATTEMPTS", each) for each in ("x", "-1", "0", "9" * 5000)),
    *(("AWS_RETRY_MODE", "x"), ("AWS_DEFAULT_REGION", "a b"), ("AWS_PROFILE", "nobody"), ("AWS_CA_BUNDLE", "/none")),
    *(("AWS_CONFIG_FILE", "/dev"), ("AWS_SHARED_CREDENTIALS_FILE", "/proc/self/mem"), ("AWS_DATA_PATH", "/dev/null")),
    *(("AWS_STS_REGIONAL_ENDPOINTS", "x"), ("AWS_USE_DUALSTACK_ENDPOINT", "x"), ("AWS_DEFAULTS_MODE", "x")),
    *(("AWS_METADATA_SERVICE_TIMEOUT", "x"), ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "x")),
    *(("AWS_REQUEST_MIN_COMPRESSION_SIZE_BYTES", "x"), ("HTTP_PROXY", "http://[")),
]


@pytest.mark.parametrize(("name", "value"), READ_BY_AWS)
def test_whatever_the_aws_libraries_read_is_their_error_and_no_fault(
    run: Run, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, value: str
) -> None:
    for key, given in {
        "AWS_CONFIG_FILE": str(tmp_path / "none"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "none"),
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_ENDPOINT_URL": stand_in.url,
        "AWS_EC2_METADATA_DISABLED": "true",
        name: value,
    }.items():
        monkeypatch.setenv(key, given)
    assert run("schedule", "--remove", "--context", "default").exit_code in set(ExitCode)
