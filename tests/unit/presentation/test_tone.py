"""Text with tones, as plain text and as Markdown: our words as they are, others' never as markup."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from qlikops.presentation.tone import Section, Span, Tone, as_markdown, as_text, joined, line, outside, plain

PAGE = (
    Section("", (line("task", "eu/", Span("orders", Tone.DANGER)), line("", "more"))),
    Section("Evidence", (line("e1", outside("a [b](c)")),)),
)


def test_as_text_labels_stand_in_a_column_and_titles_alone() -> None:
    assert as_text(PAGE) == "task         eu/orders\n             more\n\nEvidence\ne1           a [b](c)"


def test_neighbours_of_one_tone_are_one_span() -> None:
    pieces = [("a", Tone.GOOD), ("b", Tone.GOOD), (" ", Tone.NEUTRAL), ("c", Tone.GOOD)]
    assert joined(pieces) == (Span("ab", Tone.GOOD), Span(" "), Span("c", Tone.GOOD))
    assert joined([]) == ()


def test_as_markdown_each_line_is_an_item_and_nothing_is_markup() -> None:
    assert as_markdown("*Run*", PAGE) == (
        "# \\*Run\\*\n\n- **task** eu/orders\n- more\n\n## Evidence\n\n- **e1** a \\[b\\](c)\n"
    )


@given(st.text(max_size=60))
def test_no_text_from_outside_becomes_markup_or_steers(text: str) -> None:
    written = as_markdown("t", [Section("", (line("x", outside(text)),))]).removeprefix("# t\n\n- **x** ")
    assert not re.search(r"(?<!\\)(?:\\\\)*[`*_\[\]<>|#~&]", written)
    assert written.count("\n") == 1


def test_our_own_words_stand_before_what_comes_from_outside_and_are_not_cut() -> None:
    span = outside("x" * 99, Tone.MUTED, 5, before="said by ")
    assert (span.text, span.tone) == ("said by xxxx…", Tone.MUTED)
    assert plain([Span("a"), span]) == "asaid by xxxx…"
