"""What to say if the agent that is deployed and the program on this machine are not of one version."""

from __future__ import annotations

from qlikops.dataclass import dataclass
from qlikops.domain.words.text import harmless

_LONGEST = 40


@dataclass(frozen=True, slots=True)
class Difference:
    """Two versions that are not the same: what is so, and what to do about it."""

    what: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.what} {self.remedy}"


def difference(deployed: str, own: str) -> Difference | None:
    """The difference of the stack's version and this program's; None if there is none, or the stack says no version."""
    if not deployed or deployed == own:
        return None
    what = f"The agent was deployed by qlikops {harmless(deployed, _LONGEST)}, this is {own}."
    if _numbers(deployed) > _numbers(own):
        return Difference(what, "Update qlikops on this machine.")
    return Difference(what, "`qlikops deploy` updates the agent; `qlikops deploy --plan` shows what that changes.")


def _numbers(version: str) -> tuple[int, ...]:
    """`1.10.2` as numbers, so that it comes after `1.9`; what follows them, such as `rc1`, does not count."""
    parts = [part for part in version.split(".")[:3] if part.isdecimal() and part.isascii()]
    return tuple(int(part[:9]) for part in parts)
