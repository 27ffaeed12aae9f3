"""What the ledger has on runs, many at a time."""

from __future__ import annotations

from collections.abc import Sequence

from qlikops.aws import records
from qlikops.aws.errors import aws_errors
from qlikops.aws.session import Connection
from qlikops.domain.ledger import SUMMARY, Attribute, run_partition
from qlikops.domain.run import RunSummary

MOST = 100
"""As many as one BatchGetItem takes."""


def summaries(connection: Connection, names: Sequence[str]) -> dict[str, RunSummary]:
    """The summaries of at most MOST runs by name; those that could not be read this time are left out."""
    if not names:
        return {}
    table = connection.resources.table
    with aws_errors("read the runs"):
        reply = connection.dynamodb.batch_get_item(
            RequestItems={table: {"Keys": [records.key(run_partition(name), SUMMARY) for name in names]}}
        )
    runs = (records.value(RunSummary, item, Attribute.BODY) for item in reply["Responses"].get(table, []))
    return {run.execution_name: run for run in runs if run is not None}
