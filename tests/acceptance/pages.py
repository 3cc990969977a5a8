"""Read the documentation's pages: the code blocks that carry a mark, and the links."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
BLOCK = re.compile(
    r"^<!-- (append|write|doctest)(?:: (\S+))? -->\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL
)
LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Block:
    """A code block below a mark: what to do with it, for which file."""

    action: str
    file: str
    text: str


def blocks(page: Path) -> list[Block]:
    return [Block(action=m[1], file=m[2] or "", text=m[3]) for m in BLOCK.finditer(page.read_text())]


def pages() -> list[Path]:
    return [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]


def links(page: Path) -> list[str]:
    """Return the page's links to other places of the repository."""
    return [link for link in LINK.findall(page.read_text()) if not link.startswith(("http:", "https:"))]


def anchors(page: Path) -> set[str]:
    """Return the anchors that a page's headings make."""
    titles = HEADING.findall(page.read_text())
    return {re.sub(r"[^\w -]", "", title).strip().lower().replace(" ", "-") for title in titles}
