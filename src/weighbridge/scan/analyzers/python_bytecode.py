"""Compiled Python modules: what they do cannot be told here."""

from weighbridge.scan.interface import Analysis, Facts, Subject


class PythonBytecodeFacts(Facts):
    """A compiled Python module."""

    __slots__ = ()


def analyze(subject: Subject) -> Analysis:
    """Yield that the subject is bytecode; it is not disassembled."""
    yield PythonBytecodeFacts(subject=subject)
