"""Jupyter notebooks: code that somebody is meant to run, and output that a browser shows."""

import ast
import re
import warnings
from collections.abc import Iterator
from typing import Final

from weighbridge.core.limits.documents import MAX_PYTHON_SOURCE_BYTES, MAX_XML_ODDITIES
from weighbridge.core.values import frozen
from weighbridge.formats.json import JsonValue, parse_json
from weighbridge.scan.analyzers.markup import ActiveMarkupFacts
from weighbridge.scan.configuration import settings_in
from weighbridge.scan.interface import Analysis, Facts, Subject
from weighbridge.scan.python_names import Reference, references_in
from weighbridge.scan.text import read_whole


@frozen
class NotebookFacts(Facts):
    """
    The code of a notebook.

    Attributes:
        cells: How many cells have code.
        commands: Lines that a shell runs, up to a bound.
        references: What the Python in it refers to, as far as it parses.
    """

    cells: int
    commands: tuple[str, ...]
    references: tuple[Reference, ...]


_MAGIC: Final = re.compile(r"^[ \t]*(?:[%!?]|\w[\w, ]*=[ \t]*!).*$", re.MULTILINE)
_SHELL: Final = re.compile(
    r"^[ \t]*(?:\w[\w, ]*=[ \t]*)?!.*$|^%%(?:bash|sh|cmd|script).*$", re.MULTILINE
)
_ACTIVE: Final = re.compile(r"<(?:script|iframe|object|embed)\b|javascript:", re.IGNORECASE)


def analyze(subject: Subject) -> Analysis:
    """
    Yield the code and the active output of a notebook.

    Raises:
        MalformedContentError: Not strict JSON.
        LimitExceededError: Larger or nested deeper than the limits.
    """
    document = parse_json(read_whole(subject), what=subject.name or subject.path)
    yield from settings_in(subject, document)
    cells = tuple(_cells(document))
    sources = [
        _text(cell.get("source", cell.get("input")))
        for cell in cells
        if cell.get("cell_type") == "code"
    ]
    sources = [source for source in sources if source.strip()]
    if sources:
        commands = (match for source in sources for match in _SHELL.finditer(source))
        yield NotebookFacts(
            subject=subject,
            cells=len(sources),
            commands=tuple(each.group().strip() for each in commands)[:MAX_XML_ODDITIES],
            references=tuple(_references(subject, sources)),
        )
    yield from _active_outputs(subject, cells)


def _cells(document: JsonValue) -> Iterator[dict[str, JsonValue]]:
    """Yield the cells, of version 4 or, in worksheets, of version 3."""
    if not isinstance(document, dict):
        return
    sheets = document.get("worksheets")
    for holder in (document, *(sheets if isinstance(sheets, list) else ())):
        cells = holder.get("cells") if isinstance(holder, dict) else None
        if isinstance(cells, list):
            yield from (cell for cell in cells if isinstance(cell, dict))


def _text(value: JsonValue) -> str:
    """Return text that a notebook keeps whole or as lines."""
    if isinstance(value, list):
        return "".join(line for line in value if isinstance(line, str))
    return value if isinstance(value, str) else ""


def _references(subject: Subject, sources: list[str]) -> Iterator[Reference]:
    """Yield what the Python of the cells refers to; cells in other languages do not parse."""
    for source in sources:
        subject.check_time()
        if len(source) > MAX_PYTHON_SOURCE_BYTES:
            continue
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                tree = ast.parse(_MAGIC.sub("pass", source))
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
        yield from references_in(tree)


def _active_outputs(
    subject: Subject, cells: tuple[dict[str, JsonValue], ...]
) -> Iterator[ActiveMarkupFacts]:
    """Yield each cell whose stored output, or whose text, has script in it."""
    found = 0
    for number, cell in enumerate(cells, start=1):
        texts = list(_shown(cell))
        if found < MAX_XML_ODDITIES and any(map(_ACTIVE.search, texts)):
            found += 1
            yield ActiveMarkupFacts(subject=subject, line=number, text=f"output of cell {number}")


def _shown(cell: dict[str, JsonValue]) -> Iterator[str]:
    """Yield what a browser renders of one cell."""
    if cell.get("cell_type") == "markdown":
        yield _text(cell.get("source"))
    outputs = cell.get("outputs")
    for output in outputs if isinstance(outputs, list) else ():
        data = output.get("data") if isinstance(output, dict) else None
        if isinstance(data, dict):
            if "application/javascript" in data:
                yield "<script>"
            yield from (_text(data.get(kind)) for kind in ("text/html", "image/svg+xml"))
