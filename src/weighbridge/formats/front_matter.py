"""
The front matter of a model card: names with plain values at the top of a README.

A model card begins with a YAML document between two lines of `---`. Of it only what is plain is
read: `name: value`, lists of values, and no other construct of YAML, so that no two readers can
take it differently. What is not plain is named and left out. All of it is a claim.
"""

import re
from typing import Final

from weighbridge.core.limits.documents import MAX_FRONT_MATTER_BYTES
from weighbridge.core.values import frozen

_FENCE: Final = "---"
_ENTRY: Final = re.compile(r"([A-Za-z][A-Za-z0-9_-]{0,63}):(?:[ \t]+(.*))?")
_ITEM: Final = re.compile(r"[ ]*-[ \t]+(.*)")
_QUOTED: Final = re.compile(r"'([^'\\]*)'|\"([^\"\\]*)\"")
_PLAIN: Final = re.compile(r"[^\s\[\]{}&*!|>%@`#'\",:?-](?:[^#:\[\]{},]|(?<=\S)#|:(?=\S))*")
_MAX_VALUES: Final = 1_000


@frozen
class FrontMatter:
    """
    What a model card says of its model.

    Attributes:
        values: Pairs of a name and its values, in the order of the file; each name once.
        skipped: Names whose value is not plain, or that occur twice.
    """

    values: tuple[tuple[str, tuple[str, ...]], ...] = ()
    skipped: tuple[str, ...] = ()

    def get(self, name: str, /) -> tuple[str, ...]:
        """Return the values of *name*; none where there is no plain one."""
        return dict(self.values).get(name, ())


def read_front_matter(data: bytes, /) -> FrontMatter:
    """
    Return the front matter at the start of *data*; empty where there is none that ends in time.

    Total: it raises nothing. At most `MAX_FRONT_MATTER_BYTES` are looked at.
    """
    text = data[:MAX_FRONT_MATTER_BYTES].decode("utf-8", "replace")
    lines = [line.rstrip("\r") for line in text.removeprefix("\N{BOM}").split("\n")]
    if lines[0].rstrip() != _FENCE:
        return FrontMatter()
    for end, line in enumerate(lines[1:], start=1):
        if line.rstrip() == _FENCE:
            return _read(lines[1:end])
    return FrontMatter()


def _read(lines: list[str]) -> FrontMatter:
    found: dict[str, tuple[str, ...] | None] = {}
    for name, inline, below in _blocks(lines):
        values = _values(inline, below)
        found[name] = None if name in found else values
    return FrontMatter(
        values=tuple((name, values) for name, values in found.items() if values is not None),
        skipped=tuple(name for name, values in found.items() if values is None),
    )


def _blocks(lines: list[str]) -> list[tuple[str, str, list[str]]]:
    """Cut the lines at the names that begin at the margin."""
    blocks: list[tuple[str, str, list[str]]] = []
    for line in lines:
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        entry = _ENTRY.fullmatch(line)
        if entry is not None:
            blocks.append((entry[1], (entry[2] or "").strip(), []))
        elif blocks:
            blocks[-1][2].append(line)
    return blocks


def _values(inline: str, below: list[str]) -> tuple[str, ...] | None:
    """Return the values of one name; None where they are not plain."""
    if below and inline:
        return None
    if below:
        items = [_ITEM.fullmatch(line) for line in below]
        texts = [item[1] for item in items if item is not None]
        return _scalars(texts) if len(texts) == len(below) else None
    if inline.startswith("[") and inline.endswith("]"):
        inner = inline[1:-1].strip()
        return _scalars(inner.split(",")) if inner else ()
    return _scalars([inline]) if inline else ()


def _scalars(texts: list[str]) -> tuple[str, ...] | None:
    if len(texts) > _MAX_VALUES:
        return None
    scalars = [_scalar(text.strip()) for text in texts]
    return None if None in scalars else tuple(scalar for scalar in scalars if scalar is not None)


def _scalar(text: str) -> str | None:
    quoted = _QUOTED.fullmatch(text)
    if quoted is not None:
        return quoted[1] if quoted[1] is not None else quoted[2]
    return text if _PLAIN.fullmatch(text) is not None else None
