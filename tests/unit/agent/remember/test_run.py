from __future__ import annotations

import pytest

from qlikops.agent.remember.run import Run
from qlikops.domain.encoding.codec import CodecError
from tests.unit.domain.samples import NOON


def test_a_run_started_when_its_text_says() -> None:
    assert Run("arn", "run-1", "2026-03-07T12:00:00Z").started == NOON
    with pytest.raises(CodecError):
        _ = Run("arn", "run-1", "noon").started
