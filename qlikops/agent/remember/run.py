"""The run that a payload belongs to, as the state machine hands it from state to state."""

from __future__ import annotations

from datetime import datetime

from qlikops.dataclass import dataclass
from qlikops.domain.encoding.codec import parse_time


@dataclass(frozen=True, slots=True)
class Run:
    """An execution. Its fields travel as they came from the context object."""

    execution_arn: str
    execution_name: str
    started_at: str

    @property
    def started(self) -> datetime:
        """When it started. Raises CodecError where the text is no time."""
        return parse_time(self.started_at)
