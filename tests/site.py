"""`make site`: builds all pages as a site in build/site, and follows every link in it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

ROOT = Path(__file__).parents[1]
BUILD = ROOT / "build"
COPIED = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md", "docs", "deploy/qlikops.deploy.schema.json")
"""What the pages link to, at the places that it has in the repository."""
_CODE = frozenset({"pre", "code", "script", "style"})
_MARKDOWN = re.compile(r"(?:^|\n) *(?:- |\||```).{0,60}|\n *\d+\. .{0,60}")


class Page(HTMLParser):
    """The links and the anchors of one page, and what of its Markdown was left as it was."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.anchors: set[str] = set()
        self.unmade: list[str] = []
        self._code = 0
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keeps where a link or picture leads, and what may be led to."""
        self._code += tag in _CODE
        for name, value in attrs:
            if value and (tag, name) in {("a", "href"), ("img", "src"), ("script", "src"), ("link", "href")}:
                self.links.append(value)
            elif value and name in {"id", "name"}:
                self.anchors.add(value)

    def handle_endtag(self, tag: str) -> None:
        """Leaves a block of code."""
        self._code -= tag in _CODE

    def handle_data(self, data: str) -> None:
        """Keeps a line that should be an item, a table or a block."""
        if not self._code:
            self.unmade += _MARKDOWN.findall(data)


def main() -> None:
    """Builds the site; exits with what is wrong if a link in it leads nowhere."""
    pages, site = BUILD / "pages", BUILD / "site"
    for folder in (pages, site):
        shutil.rmtree(folder, ignore_errors=True)
    for name in COPIED:
        source, target = ROOT / name, pages / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target)
        else:
            shutil.copy(source, target)
    shutil.copy(ROOT / "docs" / "site.toml", BUILD / "zensical.toml")
    subprocess.run([str(Path(sys.executable).parent / "zensical"), "build", "--clean"], cwd=BUILD, check=True)
    made = {page: Page(page.read_text(encoding="utf-8")) for page in site.rglob("*.html")}
    broken = sorted(set(_broken(site, made)))
    broken += [f"{page.relative_to(site)}: {line}" for page, found in made.items() for line in found.unmade]
    sys.stdout.write(f"{len(made)} pages, {sum(len(page.links) for page in made.values()):,} links\n")
    if broken or len(made) < sum(1 for _ in pages.rglob("*.md")):
        raise SystemExit(
            "\n".join(("These links lead nowhere, or these lines are no list, table or block on the site:", *broken))
        )


def _broken(site: Path, made: dict[Path, Page]) -> Iterator[str]:
    for page, found in made.items():
        for link in found.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc or page.name == "404.html":
                continue
            path = unquote(parts.path)
            target = (page.parent / path).resolve() if path else page
            target = target / "index.html" if target.is_dir() else target
            anchor = unquote(parts.fragment)
            if not target.is_relative_to(site) or not target.exists():
                yield f"{page.relative_to(site)}: {link}"
            elif anchor and target in made and anchor not in made[target].anchors:
                yield f"{page.relative_to(site)}: {link} (no such heading)"


if __name__ == "__main__":
    main()
