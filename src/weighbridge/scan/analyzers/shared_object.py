"""Executables and libraries of the operating system: which kind, and no more."""

from dataclasses import dataclass
from typing import Final

from weighbridge.scan.interface import Analysis, Facts, Subject


@dataclass(frozen=True, slots=True, kw_only=True)
class NativeCodeFacts(Facts):
    """
    Machine code that an operating system loads.

    Attributes:
        kind: Name of the format.
    """

    kind: str


_MAGIC: Final = (
    (b"\x7fELF", "ELF (Linux)"),
    (b"MZ", "PE (Windows)"),
    (b"\xfe\xed\xfa\xce", "Mach-O (macOS)"),
    (b"\xfe\xed\xfa\xcf", "Mach-O (macOS)"),
    (b"\xce\xfa\xed\xfe", "Mach-O (macOS)"),
    (b"\xcf\xfa\xed\xfe", "Mach-O (macOS)"),
    (b"\xca\xfe\xba\xbe", "Mach-O (macOS) for several machines, or Java bytecode"),
    (b"\xca\xfe\xba\xbf", "Mach-O (macOS) for several machines"),
    (b"\x00asm", "WebAssembly"),
)


def analyze(subject: Subject) -> Analysis:
    """Yield the kind of native code; its instructions are not looked at."""
    start = subject.source.read_at(0, 4)
    kinds = [kind for magic, kind in _MAGIC if start.startswith(magic)]
    yield NativeCodeFacts(subject=subject, kind=kinds[0] if kinds else "of an unknown format")
