"""The project's documents as data: sections, fenced blocks, tables, and the paths they name."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "weighbridge"

_FENCE = re.compile(r"^(`{3,})(\w*)\s*$")
_HEADING = re.compile(r"^(#{1,6}) (.+?)\s*$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """
    A fenced block of a document.

    Attributes:
        language: What stands behind the opening fence.
        text: The lines between the fences.
        line: The number of the first of them, from 1.
    """

    language: str
    text: str
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """
    A heading of a document with what stands below it, up to the next heading.

    Attributes:
        level: How many `#` the heading has.
        title: The heading without backquotes.
        text: Everything below it, fenced blocks included.
    """

    level: int
    title: str
    text: str


def documents() -> tuple[Path, ...]:
    """Return every document of the repository, README first."""
    top = sorted(ROOT.glob("*.md"), key=lambda p: (p.name != "README.md", p.name))
    return (*top, *sorted((ROOT / "docs").rglob("*.md")))


def document(name: str) -> str:
    """Return the text of the document at *name*, relative to the repository."""
    return (ROOT / name).read_text("utf-8")


def blocks(text: str) -> tuple[Block, ...]:
    """Return the fenced blocks of *text*, in order."""
    found: list[Block] = []
    fence: str | None = None
    language, start = "", 0
    lines: list[str] = []
    for number, line in enumerate(text.splitlines(), start=1):
        mark = _FENCE.match(line)
        if fence is None and mark is not None:
            fence, language, start, lines = mark.group(1), mark.group(2), number + 1, []
        elif fence is not None and line.strip() == fence:
            found.append(Block(language=language, text="\n".join(lines) + "\n", line=start))
            fence = None
        elif fence is not None:
            lines.append(line)
    return tuple(found)


def prose(text: str) -> str:
    """Return *text* without its fenced blocks."""
    kept: list[str] = []
    fence: str | None = None
    for line in text.splitlines():
        mark = _FENCE.match(line)
        if fence is None and mark is not None:
            fence = mark.group(1)
        elif fence is not None and line.strip() == fence:
            fence = None
        elif fence is None:
            kept.append(line)
    return "\n".join(kept)


def sections(text: str) -> tuple[Section, ...]:
    """Return the sections of *text*; a heading within a fenced block is none."""
    found: list[Section] = []
    level, title = 0, ""
    lines: list[str] = []
    fenced = False
    for line in text.splitlines():
        if _FENCE.match(line):
            fenced = not fenced
        heading = None if fenced else _HEADING.match(line)
        if heading is None:
            lines.append(line)
            continue
        found.append(Section(level=level, title=title, text="\n".join(lines).strip()))
        level, title, lines = len(heading.group(1)), heading.group(2).replace("`", ""), []
    found.append(Section(level=level, title=title, text="\n".join(lines).strip()))
    return tuple(section for section in found if section.level)


def table_rows(text: str) -> Iterator[tuple[str, ...]]:
    """Yield the cells of every row of the tables in *text*, without heads and rules."""
    previous_was_row = False
    for line in text.splitlines():
        is_row = line.startswith("|") and line.rstrip().endswith("|")
        if is_row and previous_was_row and not re.fullmatch(r"[|\s:-]+", line):
            yield tuple(
                cell.strip().replace(r"\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]
            )
        previous_was_row = is_row
