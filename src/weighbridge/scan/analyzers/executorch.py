"""Programs of ExecuTorch: the operators and backends that they need."""

from weighbridge.core.values import frozen
from weighbridge.formats.executorch import Program, read_program
from weighbridge.formats.flatbuffers import Flatbuffer
from weighbridge.scan.interface import Analysis, Facts, Subject


@frozen
class ExecutorchFacts(Facts):
    """
    What there is to say of a program.

    Attributes:
        program: Its operators and backends.
    """

    program: Program


def analyze(subject: Subject) -> Analysis:
    """
    Yield what the program needs.

    Raises:
        MalformedContentError: Something lies outside the file.
        LimitExceededError: Too many tables or operators.
    """
    program = read_program(Flatbuffer(subject.source))
    yield ExecutorchFacts(subject=subject, program=program)
