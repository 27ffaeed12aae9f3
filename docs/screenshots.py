"""Takes the README's picture of the console on the real local environment. Run by `make screenshots`.

The picture changes with every run (ids, times), so it is taken when the console changes, not by the tests.
"""

from __future__ import annotations

import asyncio
import os
import re
import tempfile
from collections.abc import Callable
from pathlib import Path

IMAGES = Path(__file__).parent / "images"
SIZE = (120, 36)
_FONT_FACES = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)
"""They name a font server; the viewer's own monospace font does."""


async def take(folder: Path) -> None:
    """Starts everything, waits until the inbox is full, and saves the picture."""
    os.environ["QLIKOPS_DATA_DIR"] = str(folder)
    from textual.app import App
    from textual.pilot import Pilot

    from qlikops.aws.environment import AwsEnvironment
    from qlikops.config import resolve_context
    from qlikops.local.environment import LocalEnvironment
    from qlikops.tui.app import QlikOpsApp
    from qlikops.tui.context import ContextSource

    def save(app: App[object], name: str) -> None:
        svg = app.export_screenshot(title="qlikops")
        (IMAGES / f"{name}.svg").write_text(_FONT_FACES.sub("", svg), encoding="utf-8")

    async def until(pilot: Pilot[object], seen: Callable[[], bool]) -> None:
        async with asyncio.timeout(60):
            while not seen():
                await pilot.pause(0.2)

    environment = LocalEnvironment()
    environment.up(progress=print)
    try:
        context = resolve_context("local", {})
        app = QlikOpsApp([ContextSource(context.name, lambda: AwsEnvironment(context))])
        async with app.run_test(size=SIZE) as pilot:
            await until(pilot, lambda: len(app.state.waiting) >= 5)
            await pilot.press(
                *["down"] * [each.row.title.startswith("sales-orders") for each in app.state.waiting].index(True)
            )
            await until(pilot, lambda: "48" in app.export_screenshot())
            save(app, "inbox")
    finally:
        environment.down()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        asyncio.run(take(Path(scratch)))
