"""The server of models that evaluators are tested against."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.converse import ConverseServer


@pytest.fixture(scope="module")
def running() -> Iterator[ConverseServer]:
    with ConverseServer() as server:
        yield server


@pytest.fixture
def server(running: ConverseServer) -> ConverseServer:
    """As it is at first: nothing to say, and asked nothing."""
    running.script.clear()
    running.requests.clear()
    return running
