"""Scripts: text that an interpreter named on the first line, or by the suffix, executes."""

from weighbridge.core.values import frozen
from weighbridge.scan.analyzers import python_source
from weighbridge.scan.interface import Analysis, Facts, Subject


@frozen
class ScriptFacts(Facts):
    """
    A script.

    Attributes:
        interpreter: What would run it, as the file or its suffix says.
        on_request: Whether it is a recipe that runs only when somebody asks for it by name.
    """

    interpreter: str
    on_request: bool = False


_FIRST_LINE_BYTES = 256


def analyze(subject: Subject) -> Analysis:
    """
    Yield the interpreter; a Python script is read as Python source as well.

    Raises:
        LimitExceededError: Python source larger than its limit.
    """
    line = subject.source.read_at(0, _FIRST_LINE_BYTES).partition(b"\n")[0]
    interpreter = line.removeprefix(b"#!").strip().decode("utf-8", "backslashreplace")
    yield ScriptFacts(subject=subject, interpreter=interpreter)
    if "python" in interpreter or subject.name.endswith(".py"):
        yield from python_source.analyze(subject)
