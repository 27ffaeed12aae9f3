"""`python -m tests.benchmarks.empty_app WORDS [TABLE]`: what a console can't be quicker than.

Without a table an app that shows WORDS; with one, WORDS as soon as a boto3 client has had one answer from it.
"""

from __future__ import annotations

import sys
import threading

from textual.app import App, ComposeResult
from textual.widgets import Static


class Empty(App[None]):
    """One line of text."""

    def __init__(self, words: str, table: str) -> None:
        super().__init__()
        self._words = words
        self._table = table

    def compose(self) -> ComposeResult:
        """The line, empty as long as there is something to ask."""
        yield Static("" if self._table else self._words, markup=False)

    def on_mount(self) -> None:
        """Asks as the console does, while the first frame paints."""
        if self._table:
            threading.Thread(target=self._ask, daemon=True).start()

    def _ask(self) -> None:
        import boto3

        boto3.client("dynamodb").query(
            TableName=self._table,
            IndexName="inbox",
            KeyConditionExpression="inbox = :waiting",
            ExpressionAttributeValues={":waiting": {"S": "WAITING"}},
        )
        self.call_from_thread(lambda: self.query_one(Static).update(self._words))


if __name__ == "__main__":
    Empty(sys.argv[1], "".join(sys.argv[2:])).run()
