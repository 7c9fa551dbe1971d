"""Executables and libraries of the operating system: which kind, and no more."""

from typing import Final

from weighbridge.core.artifact import FileFormat
from weighbridge.core.values import frozen
from weighbridge.scan.interface import Analysis, Facts, Subject


@frozen
class NativeCodeFacts(Facts):
    """
    Machine code that an operating system loads.

    Attributes:
        kind: Name of the format.
    """

    kind: str


_MAGIC: Final = (
    (
        b"MZqFpD='",
        "a program for several systems (Actually Portable Executable), as llamafiles are",
    ),
    (
        b"jartsr='",
        "a program for several systems (Actually Portable Executable), as llamafiles are",
    ),
    (
        b"APEDBG='",
        "a program for several systems (Actually Portable Executable), as llamafiles are",
    ),
    (b"\x7fELF", "ELF (Linux)"),
    (b"MZ", "PE (Windows)"),
    (b"\xfe\xed\xfa\xce", "Mach-O (macOS)"),
    (b"\xfe\xed\xfa\xcf", "Mach-O (macOS)"),
    (b"\xce\xfa\xed\xfe", "Mach-O (macOS)"),
    (b"\xcf\xfa\xed\xfe", "Mach-O (macOS)"),
    (b"\xca\xfe\xba\xbf", "Mach-O (macOS) for several machines"),
    (b"\x00asm", "WebAssembly"),
    (b"!<arch>\n", "a library of object files"),
    (b"\x1bLua", "Lua bytecode"),
    (b"BC\xc0\xde", "LLVM bitcode"),
    (b"dex\n", "Dalvik bytecode"),
    (b"\x4c\x00\x00\x00", "a Windows shortcut, which runs what it names"),
    (b"\xd0\xcf\x11\xe0", "an OLE document: an installer, or an Office document with macros"),
)
_ENGINE: Final = "a TensorRT engine: kernels compiled for a GPU, plugins by name, host code perhaps"
_FAT: Final = b"\xca\xfe\xba\xbe"
_FIRST_JAVA: Final = 45
"""Java classes and fat Mach-O share their magic number; classes have a version of at least this."""


def analyze(subject: Subject) -> Analysis:
    """Yield the kind of native code; its instructions are not looked at."""
    start = subject.source.read_at(0, 8)
    kinds = [kind for magic, kind in _MAGIC if start.startswith(magic)]
    if subject.format is FileFormat.TENSORRT:
        kinds = [_ENGINE]
    if start.startswith(_FAT):
        is_java = int.from_bytes(start[4:8], "big") >= _FIRST_JAVA
        kinds = ["Java bytecode" if is_java else "Mach-O (macOS) for several machines"]
    yield NativeCodeFacts(subject=subject, kind=kinds[0] if kinds else "of an unknown format")
