"""What a pickle holds, as a tree and as JSON (`weighbridge.unpickled/v1`)."""

from collections.abc import Iterator
from typing import Final, Protocol, cast

from weighbridge.core.errors import one_line
from weighbridge.core.outline import Outline
from weighbridge.record.json_v1 import Document, JsonValue
from weighbridge.record.style import counted

_BRANCH, _LAST, _BAR, _BLANK = "├─ ", "└─ ", "│  ", "   "
_WIDEST: Final = 120
"""Columns of branches; what is deeper is said to be there."""


class UnpickledFile(Protocol):
    """What was unpickled; see `pipeline.unpickling.unpickle.Unpickled`."""

    @property
    def file(self) -> str:
        """Path of the file in the artifact."""
        ...

    @property
    def format(self) -> str:
        """Its format."""
        ...

    @property
    def judged(self) -> bool:
        """Whether only what the allow-list lists was given to it."""
        ...

    @property
    def engine(self) -> str:
        """What isolated the process."""
        ...

    @property
    def arrays(self) -> int:
        """How many arrays it holds."""
        ...

    @property
    def outline(self) -> Outline:
        """What it holds, for people."""
        ...

    @property
    def document(self) -> object:
        """What it holds, as JSON."""
        ...

    @property
    def written(self) -> tuple[str, ...]:
        """Paths of the files that were written."""
        ...


def unpickled_text(found: UnpickledFile, /) -> str:
    """Return the tree; untrusted text in it is escaped."""
    lines = [*_lines(found.outline), ""]
    held = "names of the allow-list only" if found.judged else "anything"
    lines.append(
        f"{counted(found.arrays, 'array')}; {found.format}, opened by {found.engine}, "
        f"and given {held}"
    )
    lines += [f"written: {one_line(each)}" for each in found.written]
    return "\n".join(lines) + "\n"


def unpickled_document(found: UnpickledFile, /) -> Document:
    """Return the document of `unpickle`: schema `weighbridge.unpickled/v1`."""
    return {
        "schema": "weighbridge.unpickled/v1",
        "file": found.file,
        "format": str(found.format),
        "unpickle": "judged" if found.judged else "anything",
        "engine": found.engine,
        "arrays": found.arrays,
        # Numbers with a fraction occur in it, as nowhere else in our documents.
        "value": cast("JsonValue", found.document),
        "written": list(found.written),
    }


def _lines(root: Outline) -> Iterator[str]:
    # Each entry: how the line begins, how those below it begin, and what it is about.
    pending: list[tuple[str, str, Outline | str]] = [("", "", root)]
    while pending:
        first, rest, item = pending.pop()
        if isinstance(item, str):
            yield first + item
            continue
        yield f"{first}{one_line(item.label)}: {one_line(item.text)}"
        below: list[Outline | str] = [*item.below]
        if item.more:
            below.append("...")
        if below and len(rest) >= _WIDEST:
            below = ["... deeper"]
        for number in reversed(range(len(below))):
            last = number == len(below) - 1
            pending.append(
                (
                    rest + (_LAST if last else _BRANCH),
                    rest + (_BLANK if last else _BAR),
                    below[number],
                )
            )
