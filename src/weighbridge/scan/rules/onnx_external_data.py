"""Rule `onnx-external-data`: a tensor's bytes lie where a model must not reach."""

import re
from collections.abc import Iterator
from typing import ClassVar, Final

from weighbridge.core.evidence import Severity
from weighbridge.scan.analyzers.onnx import OnnxTensorFacts
from weighbridge.scan.interface import Facts, Match, Rule
from weighbridge.scan.paths import beside, escapes, is_beside

_KEYS: Final = frozenset({"location", "offset", "length", "checksum"})
_NUMBER: Final = re.compile(r"[0-9]{1,18}")
_MEMORY: Final = "_ORT_MEM_ADDR_"
"""ONNX Runtime's own mark: the offset is then an address in memory."""


class OnnxExternalData(Rule[OnnxTensorFacts]):
    """
    A tensor's bytes lie where a model must not reach.

    CVE-2022-25882, CVE-2024-27318 and CVE-2026-34445 are readers of such places and keys.
    """

    id: ClassVar[str] = "onnx-external-data"
    severity: ClassVar[Severity] = Severity.HIGH
    consumes: ClassVar[type[Facts]] = OnnxTensorFacts

    def check(self, facts: OnnxTensorFacts, /) -> Iterator[Match]:
        """Yield what speaks against the place of one tensor."""
        entries = facts.tensor.external
        if entries is None:
            return
        for message, severity in _problems(facts, entries):
            yield Match(
                message=message,
                offset=facts.tensor.offset,
                severity=severity,
                evidence=(
                    f"tensor {facts.tensor.name!r}: "
                    + ", ".join(f"{key}={value!r}" for key, value in entries),
                ),
            )


def _problems(
    facts: OnnxTensorFacts, entries: tuple[tuple[str, str], ...]
) -> Iterator[tuple[str, Severity]]:
    """Yield what is wrong, and how bad it is."""
    known = dict(entries)
    foreign = sorted(known.keys() - _KEYS)
    if foreign:
        message = "external data sets an attribute of the reader that is none of its own"
        yield f"{message}: {foreign[0]!r}", Severity.HIGH
    if len(known) != len(entries):
        yield "external data has a key twice", Severity.MEDIUM
    location = known.get("location", "")
    if not location:
        yield "external data names no file", Severity.MEDIUM
    elif _MEMORY in location:
        yield "external data is read from an address in the reader's memory", Severity.HIGH
    elif escapes(location):
        yield "external data lies outside the model's directory", Severity.HIGH
    elif not is_beside(facts.subject, location):
        yield "external data lies in a file that is no part of this model", Severity.MEDIUM
    yield from _extent(facts, known, location)


def _extent(
    facts: OnnxTensorFacts, known: dict[str, str], location: str
) -> Iterator[tuple[str, Severity]]:
    """Yield what is wrong with the place within the file."""
    stated = [known[key] for key in ("offset", "length") if key in known]
    if not all(_NUMBER.fullmatch(value) for value in stated):
        yield "the place of external data is no number", Severity.HIGH
        return
    offset = int(known.get("offset", "0"))
    expected = facts.tensor.expected
    length = int(known["length"]) if "length" in known else expected
    if length != expected and expected is not None:
        message = f"external data has {length} bytes, the tensor's shape demands {expected}"
        yield message, Severity.MEDIUM
    size = facts.subject.sizes.get(beside(facts.subject, location))
    if size is not None and length is not None and offset + length > size:
        message = f"external data ends at byte {offset + length} of a file of {size} bytes"
        yield message, Severity.HIGH
