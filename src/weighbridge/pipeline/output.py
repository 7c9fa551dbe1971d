"""Write a result file so that it is there whole, or not at all."""

import os
import tempfile
from pathlib import Path

from weighbridge.core.codes import Code
from weighbridge.core.errors import OperationError


def write_whole(path: Path, data: bytes, /, *, replace: bool = True) -> None:
    """
    Write *data* to *path* by way of a temporary file beside it.

    An error or an interrupt leaves what was there before, and no temporary file.

    Args:
        path: Where to.
        data: The content.
        replace: Whether an existing file may be replaced.

    Raises:
        OperationError: The file exists, or the system refuses.
    """
    if not replace and path.exists():
        raise OperationError(
            "the file exists already",
            code=Code.OUTPUT_EXISTS,
            where=os.fspath(path),
            hint="Remove it, or give another name",
        )
    try:
        _write(path, data)
    except OSError as error:
        raise OperationError(
            f"the file cannot be written: {error.strerror or error}", where=os.fspath(path)
        ) from error


def _write(path: Path, data: bytes) -> None:
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _umask() -> int:
    """Return the process' mask; the only way to read it is to set it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
