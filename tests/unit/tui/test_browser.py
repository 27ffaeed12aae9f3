"""Whether a browser can be opened where a person sees it."""

from __future__ import annotations

import pytest

from qlikops.tui.terminal.browser import has_display


@pytest.mark.parametrize(
    ("environ", "platform", "there"),
    [
        ({}, "linux", False),
        ({"DISPLAY": ":0"}, "linux", True),
        ({"WAYLAND_DISPLAY": "wayland-0"}, "linux", True),
        ({}, "darwin", True),
        ({"SSH_CONNECTION": "a b", "DISPLAY": ":10"}, "linux", False),
        ({"SSH_TTY": "/dev/pts/1"}, "darwin", False),
    ],
)
def test_a_browser_is_opened_only_where_a_person_sees_it(environ: dict[str, str], platform: str, there: bool) -> None:
    assert has_display(environ, platform) is there
