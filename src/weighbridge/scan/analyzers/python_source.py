"""Python source: parsed with `ast`, never compiled, imported or executed."""

import ast
import warnings

from weighbridge.core.errors import LimitExceededError, MalformedContentError
from weighbridge.core.limits.documents import MAX_PYTHON_SOURCE_BYTES
from weighbridge.core.values import frozen
from weighbridge.scan.interface import Analysis, Facts, Subject
from weighbridge.scan.python_names import Reference, references_in
from weighbridge.scan.text import read_whole


@frozen
class PythonSourceFacts(Facts):
    """
    A file of Python source.

    Attributes:
        problem: Why it cannot be parsed; None when it can.
        only_comments: Whether there is no statement in it.
    """

    problem: str | None
    only_comments: bool = False


@frozen
class PythonReferencesFacts(Facts):
    """What the source refers to outside itself."""

    references: tuple[Reference, ...]


def analyze(subject: Subject) -> Analysis:
    """
    Yield that there is Python source, and what it refers to.

    Source that cannot be parsed is a fact and a gap: what it would call is not known.

    Raises:
        LimitExceededError: Larger than the limit for Python source.
    """
    if subject.source.size > MAX_PYTHON_SOURCE_BYTES:
        raise LimitExceededError(
            "the Python source is too large",
            expected=f"at most {MAX_PYTHON_SOURCE_BYTES} bytes",
            found=str(subject.source.size),
        )
    try:
        tree = _parse(read_whole(subject))
    except MalformedContentError as error:
        yield PythonSourceFacts(subject=subject, problem=error.found or error.message)
        yield subject.gap(error.told())
        return
    yield PythonSourceFacts(subject=subject, problem=None, only_comments=not tree.body)
    yield PythonReferencesFacts(subject=subject, references=tuple(references_in(tree)))


def _parse(data: bytes) -> ast.Module:
    """
    Parse Python source.

    The interpreter's parser bounds its own nesting: 200 brackets, 100 levels of indentation, a
    few thousand levels of grammar, the recursion limit for the tree.

    Raises:
        MalformedContentError: It is not Python for this interpreter, or absurdly nested.
    """
    try:
        with warnings.catch_warnings():
            # The source's own invalid escapes and comparisons are no concern of ours.
            warnings.simplefilter("ignore")
            return ast.parse(data)
    except (SyntaxError, ValueError, RecursionError, MemoryError, LookupError) as error:
        # LookupError: a coding line that names an unknown codec.
        raise _unparsable(f"{type(error).__name__}: {error}") from error


def _unparsable(found: str) -> MalformedContentError:
    """Build the error for source that cannot be parsed."""
    return MalformedContentError(
        "the Python source does not parse", expected="Python source", found=found
    )
