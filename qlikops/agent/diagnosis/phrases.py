"""Phrases with holes, found without regular expressions in time that is linear in the text.

`requested WAL segment <name> has already been removed`: a hole stands for anything up to 120 characters. Holes named
`<n>` (a number), `<word>` (no blanks) and `<host>` (with or without a port) stand only for that. Quoted text in a
phrase stands for anything in quotes. Case and white space do not count.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from qlikops.agent.diagnosis.quotes import without_quotes
from qlikops.dataclass import dataclass

LONGEST_HOLE = 120
_HOLE = re.compile(r"<([a-z_]{1,24})>")
_FILLS = {
    "n": re.compile(r"\s?[(\[]?-?\d[\d.,]{0,15}[)\]]?\s?"),
    "word": re.compile(r"\s?(?:''|[^\s'\"(){}\[\],;]{1,128})\s?"),
    "host": re.compile(
        r"\s?(?:''|\[?[0-9a-f:]{2,39}\]?|\d{1,3}(?:\.\d{1,3}){3}|[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63}){0,9})"
        r"(?::\d{1,5})?\s?"
    ),
}
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Phrase:
    """A text to be found in what an engine says."""

    parts: tuple[str, ...]
    """The literal text around the holes, in lower case; the first and the last may be empty."""
    holes: tuple[str, ...]
    """Names of the holes; one fewer than `parts`."""
    words: tuple[str, ...] = ()
    """Words that stand whole in every text with the phrase."""

    @classmethod
    def of(cls, text: str) -> Phrase:
        """The phrase that `text` writes down."""
        said = re.sub(r"\s+", " ", without_quotes(text.strip()).said).lower()
        pieces = _HOLE.split(said)
        parts = tuple(pieces[::2])
        return cls(parts, tuple(pieces[1::2]), tuple(_whole_words(parts)))

    @property
    def weight(self) -> int:
        """Number of letters and digits of the phrase, without its holes."""
        return sum(len(word) for part in self.parts for word in _WORD.findall(part))

    def find(self, folded: str) -> Iterator[tuple[int, int]]:
        """Start and end of each occurrence in `folded`, which is in lower case and has single blanks."""
        first = 0
        if not self.parts[0].strip():
            first = next((index for index, part in enumerate(self.parts) if part.strip()), 0)
        anchor, position = self.parts[first], 0
        while (start := folded.find(anchor, position)) >= 0:
            position = start + 1
            # A hole in front has nothing to hold on to: it is left out of what is found.
            end = self._end(folded, start, first)
            if end is not None and self._stands_alone(folded, start, end):
                yield start, end
                position = max(position, end)

    def _stands_alone(self, folded: str, start: int, end: int) -> bool:
        """Whether it is not within a longer word, where the same letters are something else."""
        if start > 0 and self.parts[0] and _joins(folded[start - 1], folded[start]):
            return False
        return not (end < len(folded) and self.parts[-1] and _joins(folded[end - 1], folded[end]))

    def _end(self, folded: str, start: int, first: int) -> int | None:
        end = start + len(self.parts[first])
        for hole, part in zip(self.holes[first:], self.parts[first + 1 :], strict=True):
            fill = _FILLS.get(hole)
            if not part.strip():
                # The last one: as much as its kind takes.
                match = fill.match(folded, end) if fill else None
                return match.end() if match else (None if fill else end)
            at = folded.find(part, end, end + LONGEST_HOLE + len(part))
            if at < 0 or (fill and not fill.fullmatch(folded, end, at)):
                return None
            end = at + len(part)
        return end


def _whole_words(parts: tuple[str, ...]) -> Iterator[str]:
    for index, part in enumerate(parts):
        for word in _WORD.finditer(part):
            # Beside a hole a word may go on.
            begins_at_hole = index > 0 and word.start() == 0
            ends_at_hole = index < len(parts) - 1 and word.end() == len(part)
            if not begins_at_hole and not ends_at_hole and word[0].isascii():
                yield word[0]


def _joins(before: str, after: str) -> bool:
    return _is_of_a_word(before) and _is_of_a_word(after)


def _is_of_a_word(char: str) -> bool:
    # Where words need no blanks between them, a phrase stands anywhere.
    return (char.isalnum() or char == "_") and char < "\u2e80"
