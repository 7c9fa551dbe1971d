"""Other people's code that is handed verified bytes: whatever it raises ends as our error."""

from collections.abc import Iterator
from contextlib import contextmanager

from weighbridge.core.codes import Code
from weighbridge.core.errors import OperationError, WeighbridgeError, one_line


@contextmanager
def foreign(framework: str, *, where: str) -> Iterator[None]:
    """
    Turn what *framework* raises about the file *where* into an `OperationError`.

    Errors of ours pass through: they come from the restricted unpickler within.
    """
    try:
        yield
    except WeighbridgeError:
        raise
    # Frameworks have exception trees of their own and let any of Python's through besides; what
    # they do not take is not loaded, whatever they call it. Nothing is swallowed.
    except Exception as error:
        told = one_line(f"{type(error).__name__}: {error}")[:400]
        raise OperationError(
            f"{framework} does not take the file",
            code=Code.LOAD_FORMAT,
            where=where,
            found=told,
            hint="Look whether the installed release is the one that the model was made with",
        ) from error
