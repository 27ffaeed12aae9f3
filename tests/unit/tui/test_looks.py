"""What every screen is held to: contrast in each of our themes, with and without colour."""

from __future__ import annotations

from collections.abc import Iterable
from io import BytesIO, TextIOWrapper
from typing import Any

import pytest
from rich.color import Color, ColorSystem
from rich.color_triplet import ColorTriplet
from rich.segment import Segment
from textual.color import Color as TextualColor
from textual.geometry import Region
from textual.pilot import Pilot
from textual.theme import Theme

from qlikops.presentation.tone import Tone
from qlikops.tui.terminal.control import keep_cells
from qlikops.tui.themes import DARK, HIGH_CONTRAST, LIGHT, SIXTEEN, THEMES, default_theme
from qlikops.tui.widgets.prose import palette
from qlikops.tui.widgets.table import MARK
from tests.unit.tui.conftest import strips_of, wait_until
from tests.unit.tui.scenes import SCENES
from tests.unit.tui.stills import still

AA, AAA = 4.5, 7.0
"""WCAG 2.2, 1.4.3 and 1.4.6."""
DRAWN_ONCE = {"BulkScreen", "ChangedScreen", "ContextsScreen", "FailurePage", "FinderScreen", "HelpScreen"}
"""Nobody can choose another theme while these are open."""


def luminance(colour: ColorTriplet) -> float:
    """Relative luminance as WCAG defines it."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour.normalized]
    return sum(weight * channel for weight, channel in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one: ColorTriplet, other: ColorTriplet) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def as_one_of_sixteen(colour: ColorTriplet) -> ColorTriplet:
    """What a terminal of 16 colours is sent in its place, in the usual palette."""
    return Color.from_triplet(colour).downgrade(ColorSystem.STANDARD).get_truecolor()


def letters(segment: Segment) -> str:
    """The text that is read: rules, bars, blocks and pictograms are not."""
    return "".join(char for char in segment.text if char.isalnum())


Pairs = dict[tuple[ColorTriplet, ColorTriplet], str]


def shown_pairs(pilot: Pilot[Any]) -> Pairs:
    """Text and ground -> an example; of a dialog only what lies inside it: what is behind is dimmed on purpose."""
    screen = pilot.app.screen
    inside = screen.region
    if screen.is_modal:
        parts = [part.region for part in screen.query("*") if not part.has_class("-textual-system")]
        inside = Region.from_union([region for region in parts if region])
    found = {}
    for y, strip in enumerate(strips_of(pilot)):
        if not inside.y <= y < inside.bottom:
            continue
        for segment in strip.crop(inside.x, inside.right):
            style = segment.style
            if not letters(segment) or style is None:
                continue
            assert style.color is not None, segment
            assert style.bgcolor is not None, segment
            pair = (style.color.get_truecolor(), style.bgcolor.get_truecolor())
            found[pair[::-1] if style.reverse else pair] = segment.text
    return found


def poor_text(pairs: Pairs, theme: Theme) -> dict[str, float]:
    """What cannot be read in `theme` -> its contrast."""
    needed = AAA if theme is HIGH_CONTRAST else AA
    return {text: found for pair, text in pairs.items() if (found := contrast(*pair)) < needed}


def poor_text_of_sixteen(pairs: Pairs) -> dict[str, float]:
    """What cannot be read on a terminal of 16 colours."""
    return {text: found for pair, text in pairs.items() if (found := contrast(*map(as_one_of_sixteen, pair))) < AA}


def poor_text_without_colour(pairs: Pairs) -> dict[str, float]:
    """What cannot be read if NO_COLOR makes every colour a grey."""
    return {text: found for pair, text in pairs.items() if (found := contrast(*map(grey, pair))) < AA}


def grey(colour: ColorTriplet) -> ColorTriplet:
    """What Textual's filter for NO_COLOR makes of it."""
    return TextualColor(*colour).monochrome.rich_color.get_truecolor()


@pytest.mark.parametrize("name", ["inbox", "executions", "events", "fleet", "deny-marked", "contexts", "commands"])
async def test_where_one_is_shows_without_colour(name: str) -> None:
    async with still(SCENES[name], (80, 24), DARK.name) as pilot:
        strips = strips_of(pilot)
        by_shape = [strip for strip in strips if MARK in strip.text]
        underlined = [strip for strip in strips if any(part.style and part.style.underline for part in strip)]
        assert len(underlined if pilot.app.screen.is_modal else by_shape) == 1


async def can_be_read(pilot: Pilot[Any], themes: Iterable[Theme]) -> None:
    """Fails unless all text can be read in each of `themes`, at once when it is chosen while the screen is shown."""
    for theme in themes:
        if theme.name != pilot.app.theme:
            grounds = {ground for _, ground in shown_pairs(pilot)}
            pilot.app.theme = theme.name
            await wait_until(pilot, lambda: grounds != {ground for _, ground in shown_pairs(pilot)})  # noqa: B023
            await wait_until(pilot, lambda: not poor_text(shown_pairs(pilot), theme))  # noqa: B023
        pairs = shown_pairs(pilot)
        assert len(pairs) >= 2
        assert not poor_text(pairs, theme)
        assert not poor_text_without_colour(pairs), theme.name
        if theme is SIXTEEN:
            assert not poor_text_of_sixteen(pairs)


@pytest.mark.parametrize("theme", [theme for theme in THEMES if theme is not DARK], ids=lambda theme: theme.name)
@pytest.mark.parametrize("name", [name for name, scene in SCENES.items() if scene.screen in DRAWN_ONCE])
async def test_all_text_can_be_read_where_no_other_theme_can_be_chosen(name: str, theme: Theme) -> None:
    """In DARK, and wherever another one can be, it is looked at beside the snapshots."""
    async with still(SCENES[name], (120, 40), theme.name) as pilot:
        await can_be_read(pilot, [theme])


RED = {1, 9}


@pytest.mark.parametrize("theme", THEMES, ids=lambda theme: theme.name)
async def test_danger_is_red_and_like_no_other_tone_with_16_colours_and_bold_without_any(theme: Theme) -> None:
    async with still(SCENES["inbox"], (80, 24), theme.name) as pilot:
        colours = palette(pilot.app.screen)
    ours = {**theme.variables, "foreground": theme.foreground}
    shown = {
        tone: (style.color or Color.parse(str(ours["foreground"]))).downgrade(ColorSystem.STANDARD).number
        for tone, style in colours.items()
    }
    assert shown[Tone.DANGER] in RED
    assert [tone for tone, number in shown.items() if number == shown[Tone.DANGER]] == [Tone.DANGER]
    assert [tone for tone, style in colours.items() if style.bold] == [Tone.DANGER]
    if theme is SIXTEEN:
        assert len(set(shown.values())) == len(Tone), "each tone has a colour of its own"


def test_what_the_locale_cannot_encode_is_one_cell_of_ascii() -> None:
    terminal = TextIOWrapper(BytesIO(), encoding="latin-1", errors="backslashreplace")
    keep_cells(terminal)
    terminal.write("● crit  › ━━╸··✗ “表” ▐1▌")
    terminal.seek(0)
    assert terminal.read() == '* crit  > ===··x "?" [1]'


def test_without_a_choice_few_colours_mean_the_theme_of_16() -> None:
    assert default_theme(None) == default_theme("standard") == SIXTEEN.name
    assert default_theme("256") == default_theme("truecolor") == DARK.name
    assert not LIGHT.dark


@pytest.mark.parametrize("theme", THEMES, ids=lambda theme: theme.name)
def test_every_role_can_be_read_on_every_ground(theme: Theme) -> None:
    """Whatever a screen puts where: its colours come from these."""
    needed = AAA if theme is HIGH_CONTRAST else AA
    roles = {"text": theme.foreground, "quiet": theme.variables["qlikops-muted"], "accent": theme.primary}
    roles |= {"green": theme.success, "amber": theme.warning, "red": theme.error}
    grounds = (theme.background, theme.surface, theme.panel, theme.variables["qlikops-cursor"])
    poor = {
        (name, ground): found
        for name, colour in roles.items()
        for ground in grounds
        if (found := contrast(triplet(str(colour)), triplet(str(ground)))) < needed
    }
    assert not poor
    assert len(set(roles.values())) == len(roles)


def triplet(colour: str) -> ColorTriplet:
    return Color.parse(colour).get_truecolor()


def test_the_theme_of_16_needs_no_other_colours() -> None:
    """Black, light and dark grey, and the bright ones."""
    colours = {value for value in SIXTEEN.variables.values() if value.startswith("#")}
    sent = {Color.parse(colour).downgrade(ColorSystem.STANDARD).number for colour in colours}
    assert sent == {0, 7, 8, 9, 10, 11, 14, 15}
    assert len(colours) == len(sent)
