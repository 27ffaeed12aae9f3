"""Every engine of the known failures has an entry, and an entry names only engines that are there."""

from __future__ import annotations

import re

import pytest

from qlikops.agent.diagnosis.engines import EVERYWHERE, SERVICES
from qlikops.agent.diagnosis.library import built_in
from qlikops.domain.fleet.engines import ENGINES


def test_every_engine_of_the_known_failures_has_a_name() -> None:
    named = {failure.engine for entries in built_in() for failure in entries.failures} - EVERYWHERE - SERVICES
    assert len(named) > 20
    assert named <= ENGINES.keys()


@pytest.mark.parametrize("name", ENGINES)
def test_an_entry_can_be_used(name: str) -> None:
    engine = ENGINES[name]
    assert engine.name
    assert set(engine.speaks) <= ENGINES.keys() - {name}
    for part in engine.types:
        assert part == part.lower().replace(" ", "")
    for words, exactly in engine.drivers:
        assert words
        assert all(word == word.lower() for word in words)
        assert re.compile(exactly)
