"""README and docs: each page says for whom it is and can be reached, links lead somewhere, commands exist."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from tests.cases import for_all
from tests.commands import root

TOP = Path(__file__).parents[2]
DOCS = TOP / "docs"
PAGES = (TOP / "README.md", TOP / "CONTRIBUTING.md", TOP / "CHANGELOG.md", TOP / "SECURITY.md", *DOCS.rglob("*.md"))
TEXTS = {page: page.read_text(encoding="utf-8") for page in sorted(PAGES) if page.exists()}


def named(page: Path) -> str:
    return page.relative_to(TOP).as_posix()


@cache
def prose(text: str) -> str:
    """Without blocks of code, in which nothing is a link or a heading."""
    return re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)


def links(page: Path) -> Iterator[tuple[Path, str]]:
    """Where the links of a page to our own files lead: the file, and the heading in it or nothing."""
    for target, heading in re.findall(r"\]\(([^)#:\s]*)(?:#([^)\s]*))?\)", prose(TEXTS[page])):
        yield Path(os.path.normpath(page.parent / target)) if target else page, heading


@cache
def anchors(page: Path) -> set[str]:
    text = prose(TEXTS[page])
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", each.lower()).strip().replace(" ", "-") for each in headings} | set(
        re.findall(r'<a id="([^"]*)">', text)
    )


@for_all(TEXTS, named=named)
def test_its_links_lead_somewhere(page: Path) -> None:
    for target, heading in links(page):
        assert target.exists(), target
        assert not heading or heading in anchors(target), f"{named(target)}#{heading}"


@for_all([each for each in TEXTS if each.is_relative_to(DOCS)], named=named)
def test_its_first_sentence_says_for_whom_it_is(page: Path) -> None:
    blocks = [block for block in TEXTS[page].split("\n\n") if not block.startswith(("#", "<!--", "---"))]
    assert blocks[0].startswith("For "), blocks[0]


def test_every_page_can_be_reached_from_the_readme() -> None:
    reached, left = set[Path](), [TOP / "README.md"]
    while left:
        page = left.pop()
        if page not in reached and page in TEXTS:
            reached.add(page)
            left += [target for target, _ in links(page)]
    assert {named(page) for page in TEXTS} == {named(page) for page in reached}


def test_the_site_shows_every_page_of_the_docs() -> None:
    shown = set(re.findall(r'"(docs/[^"]+\.md)"', (DOCS / "site.toml").read_text()))
    assert shown == {named(page) for page in TEXTS if page.is_relative_to(DOCS)}


def command_lines() -> Iterator[tuple[str, str]]:
    """Every `qlikops …` in a block of code or between backticks, with the page it stands on; not of the changelog."""
    for page, text in TEXTS.items():
        if page.name == "CHANGELOG.md":
            continue
        for block in re.findall(r"^ *```(?:sh)?\n(.*?)^ *```$", text, re.DOTALL | re.MULTILINE):
            yield from (
                (named(page), line.strip()) for line in block.splitlines() if line.strip().startswith("qlikops ")
            )
        yield from ((named(page), line) for line in re.findall(r"`(qlikops [^`\n]+)`", prose(text)))


def test_what_the_pages_tell_people_to_type_exists() -> None:
    lines, top = set(command_lines()), root()
    assert len(lines) > 100
    for page, line in sorted(lines):
        words = shlex.split(line.replace("…", "").replace("'", "") if line.count("'") % 2 else line, comments=True)[1:]
        command: Any = top
        spellings = {name for each in command.params for name in (*each.opts, *each.secondary_opts)}
        for word in words:
            if word in getattr(command, "commands", {}):
                command = command.commands[word]
                spellings |= {name for each in command.params for name in (*each.opts, *each.secondary_opts)}
            elif word.startswith("-") and word not in {"-", "--help"}:
                assert word.partition("=")[0] in spellings, (page, line)
        is_group = getattr(command, "commands", {}) and not getattr(command, "invoke_without_command", False)
        assert not is_group or len(words) == 1 or words[0].startswith("--"), (page, line)


def test_the_changelog_has_each_heading_once_a_version() -> None:
    """Lines that are merged from two sides come back with the headings of before."""
    for version in TEXTS[TOP / "CHANGELOG.md"].split("\n## ")[1:]:
        headings = re.findall(r"^### (.*)$", version, re.MULTILINE)
        assert headings == [each for each in ("Upgrading", "Added", "Changed", "Fixed") if each in headings]


def test_the_files_that_the_pages_for_developers_name_exist() -> None:
    pages = [page for page in TEXTS if page.parent == DOCS / "development" or page.name == "CONTRIBUTING.md"]
    named_files = [
        name
        for page in pages
        for name in re.findall(r"`((?:deploy|docs|qlikops|requirements|statemachine|tests)/[^`\s]+)`", TEXTS[page])
        if not re.search(r"[A-Z]{4,}", name)  # MODULE.py stands for any
    ]
    assert len(named_files) > 20
    assert [name for name in named_files if not (TOP / name.partition("::")[0]).exists()] == []
