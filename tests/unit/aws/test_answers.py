"""What of AWS's answers is read, is checked."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import botocore.session
import pytest

from qlikops.aws import answers
from qlikops.aws.answers import NoAnswer, part_of_arn

ROOT = Path(__file__).parents[3]
SERVICES = ("stepfunctions", "dynamodb", "s3", "sts", "cloudformation", "scheduler", "secretsmanager", "iam")
READ = re.compile(r"""(?:\[|\.get\()"([A-Za-z]+)["]""")


def members(shape: Any, seen: set[str]) -> Iterator[str]:
    """The names in a shape, at any depth."""
    if shape is None or shape.name in seen:
        return
    seen.add(shape.name)
    if shape.type_name == "structure":
        for name, inner in shape.members.items():
            yield name
            yield from members(inner, seen)
    elif shape.type_name in ("list", "map"):
        yield from members(shape.member if shape.type_name == "list" else shape.value, seen)


def test_whatever_is_read_of_an_answer_is_checked() -> None:
    session = botocore.session.Session()
    asked = set(re.findall(r"\.([a-z]+(?:_[a-z]+)+)\(|paginator\(\"([a-z_]+)\"\)", source()))
    operations = {"".join(word.title() for word in name.split("_")) for pair in asked for name in pair if name}
    known: set[str] = set()
    for service in SERVICES:
        model = session.get_service_model(service)
        for name in set(model.operation_names) & operations:
            known |= set(members(model.operation_model(name).output_shape, set(answers._OPAQUE)))
    # Of an error's, of a request's, and of our own stack's outputs there are the same names.
    read = (set(READ.findall(source())) & known) - {"Code", "Message", "TableName", "Version"}
    assert len(read) > 40
    assert read <= answers._READ


def source() -> str:
    folders = (ROOT / "qlikops" / "aws", ROOT / "qlikops" / "deployment")
    return "\n".join(path.read_text(encoding="utf-8") for folder in folders for path in folder.glob("*.py"))


@pytest.mark.parametrize("text", ["", "x", "arn", "arn:aws", "a:b:c:d:e:f", "arn:aws:sts::1"])
def test_what_is_no_arn_has_no_account(text: str) -> None:
    with pytest.raises(NoAnswer, match="is no ARN"):
        part_of_arn(text, 4)
    assert part_of_arn("arn:aws:sts::111111111111:assumed-role/x:y/z", 4) == "111111111111"
