"""`make screenshots`: a picture of each scene of the demo for README and docs, the same bytes in every run."""

from __future__ import annotations

import asyncio
from pathlib import Path

from qlikops.tui.themes import DARK, HIGH_CONTRAST, LIGHT
from tests.unit.tui.scenes import SCENES
from tests.unit.tui.stills import as_svg, still

IMAGES = Path(__file__).parents[1] / "docs" / "images"
SIZE = (120, 36)
THEMES_SHOWN = {"inbox-light": LIGHT, "inbox-high-contrast": HIGH_CONTRAST}
"""The first scene in the other themes."""


async def take(folder: Path = IMAGES) -> None:
    """Writes NAME.svg for each."""
    folder.mkdir(parents=True, exist_ok=True)
    pictures = [(name, scene, DARK) for name, scene in SCENES.items()]
    pictures += [(name, SCENES["inbox"], theme) for name, theme in THEMES_SHOWN.items()]
    for name, scene, theme in pictures:
        async with still(scene, SIZE, theme.name) as pilot:
            (folder / f"{name}.svg").write_text(as_svg(pilot), encoding="utf-8")


if __name__ == "__main__":
    asyncio.run(take())
