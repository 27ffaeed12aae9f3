"""The recipes of docs/runbook.md on the embedded AWS: a pager behind rules, and a subscription that filters."""

from __future__ import annotations

import json
import re
from typing import Any

from qlikops.agent.tell.notify import Notifier
from tests.documents import DOCS
from tests.embedded import EmbeddedAws
from tests.event_schemas import examples
from tests.unit.agent.pager import Pager

NIGHT = ("ApprovalRequested", "ApprovalReminder", "FindingOpened", "RestartFellOver", "ApprovalClosed", "FindingClosed")


def recipes() -> list[Any]:
    """The JSON of the page, in its order: the pattern of a rule, then its input transformer."""
    page = (DOCS / "runbook.md").read_text()
    return [json.loads(block) for block in re.findall(r"^```json\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)]


def queue(aws: EmbeddedAws, name: str) -> tuple[str, str]:
    sqs = aws.client("sqs")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    return str(url), str(arn)


def received(aws: EmbeddedAws, url: str, count: int) -> list[Any]:
    sqs = aws.client("sqs")
    bodies: list[Any] = []
    while len(bodies) < count:
        found = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=5).get("Messages", [])
        assert found, f"{len(bodies)} of {count} arrived"
        for each in found:
            bodies.append(json.loads(each["Body"]))
            sqs.delete_message(QueueUrl=url, ReceiptHandle=each["ReceiptHandle"])
    return bodies


def test_a_pager_behind_the_rules_opens_and_resolves_and_a_filter_lets_through_what_it_says(
    embedded_aws: EmbeddedAws,
) -> None:
    aws = embedded_aws
    events, sns = aws.client("events"), aws.client("sns")
    pattern, transformer = recipes()
    url, arn = queue(aws, "recipes-pager")
    for state in ("open", "closed"):
        events.put_rule(Name=f"recipes-{state}", EventPattern=json.dumps({**pattern, "detail": {"state": [state]}}))
        events.put_targets(Rule=f"recipes-{state}", Targets=[{"Id": "1", "Arn": arn}])
    topic = sns.create_topic(Name="recipes")["TopicArn"]
    mail_url, mail_arn = queue(aws, "recipes-mail")
    policy = json.dumps({"severity": ["critical"], "tags": ["gold"]})
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=mail_arn, Attributes={"FilterPolicy": policy})

    notifier = Notifier(aws.client, topic)
    for name in NIGHT:
        assert notifier.tell(examples()[name])

    heard = received(aws, url, 5)
    details = {each["detail"]["event"]: each["detail"] for each in heard}
    pager = Pager(details[name] for name in NIGHT if name in details)
    assert (pager.open, pager.unopened, list(pager.rang.values())) == ({}, [], [1, 1])
    subjects = [each["Subject"] for each in received(aws, mail_url, 3)]
    assert [subject.split(":")[1].split()[0] for subject in subjects] == ["resume", "still", "restarted"]
    # What the embedded AWS does not apply: each path of the transformer is one that all details have.
    for path in transformer["InputPathsMap"].values():
        for event in examples().values():
            assert path.removeprefix("$.detail.") in event.detail()
    assert set(re.findall(r"<(\w+)>", transformer["InputTemplate"])) == transformer["InputPathsMap"].keys()
