"""
Append claims: whole or not at all, one writer at a time, each claim once.

The new content is written beside the file and takes its place in one step, so that neither a
reader nor a full disk nor an interrupt ever meets half a line. Writers wait for each other at a
lock on the directory, which leaves nothing behind.
"""

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from weighbridge.core.codes import Code
from weighbridge.core.errors import LimitExceededError, OperationError
from weighbridge.core.limits.claims import MAX_CLAIMS_BYTES
from weighbridge.pipeline.claims.reading import claims_place, one_line, split_lines
from weighbridge.pipeline.output import write_whole
from weighbridge.sources.interface import LocalHandle
from weighbridge.sources.reading import read_open

try:
    import fcntl
except ImportError:  # pragma: no cover  a system without POSIX locks
    fcntl = None  # type: ignore[assignment]

_READ: Final = (
    os.O_RDONLY
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)
)
_MODE: Final = 0o666


def append_claim(handle: LocalHandle, bundle: bytes, /) -> int:
    """Append one claim; see `append_claims`."""
    return append_claims(handle, (bundle,))


def append_claims(handle: LocalHandle, bundles: Sequence[bytes], /) -> int:
    """
    Append *bundles* to the claims of the artifact, and return how many of them are new.

    A bundle that is there already, byte by byte, is not appended again. What is in the file
    stays as it is, also what cannot be read. Nothing is verified: a claim counts as far as
    whoever reads it trusts its signer, and no further.

    Args:
        handle: The artifact; a symbolic link in the place of its claims is refused.
        bundles: Sigstore bundles, as signers make them; one with line breaks is made one line.

    Raises:
        SignatureRejectedError: One of them is no bundle; nothing is appended then.
        ClaimError: One of them is longer than a claim may be.
        LimitExceededError: There would be more claims than `core.limits` allows.
        OperationError: The file is a link or no regular file, or the system refuses.
    """
    lines = [one_line(data, where="the new claim") for data in bundles]
    return append_lines(claims_place(handle), lines)


def append_lines(place: Path, lines: Sequence[bytes]) -> int:
    """Append *lines*, each a bundle, to the claims file *place*; see `append_claims`."""
    with _locked(place.parent):
        before, mode = _read(place)
        known = {line for _, line in split_lines(before, name=place.name)}
        new = [line for line in dict.fromkeys(lines) if line not in known]
        if not new:
            return 0
        gap = b"" if not before or before.endswith(b"\n") else b"\n"
        after = b"".join((before, gap, *(line + b"\n" for line in new)))
        if len(after) > MAX_CLAIMS_BYTES:
            raise LimitExceededError(
                "the claims would be too large",
                where=os.fspath(place),
                expected=f"at most {MAX_CLAIMS_BYTES} bytes",
                found=str(len(after)),
            )
        for _ in split_lines(after, name=place.name):
            pass
        write_whole(place, after, mode=mode)
        return len(new)


def _read(place: Path) -> tuple[bytes, int]:
    """Return the content of the claims file, and its permissions."""
    try:
        descriptor = os.open(place, _READ)
    except FileNotFoundError:
        return b"", _MODE
    except OSError as error:
        if place.is_symlink():
            raise _not_regular(place, "a symbolic link") from error
        raise OperationError(
            f"the claims cannot be read: {error.strerror or error}", where=os.fspath(place)
        ) from error
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise _not_regular(place, "another kind of file")
        return read_open(descriptor, place, limit=MAX_CLAIMS_BYTES), stat.S_IMODE(status.st_mode)
    finally:
        os.close(descriptor)


def _not_regular(place: Path, found: str) -> OperationError:
    return OperationError(
        "claims are appended to a regular file only",
        code=Code.SPECIAL_FILE,
        where=os.fspath(place),
        expected="a regular file, or none yet",
        found=found,
    )


@contextmanager
def _locked(directory: Path) -> Iterator[None]:
    """Wait until nobody else appends in *directory*; the lock ends with the process."""
    if fcntl is None:  # pragma: no cover  see above
        yield
        return
    try:
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise OperationError(
            f"the directory cannot be opened: {error.strerror or error}", where=os.fspath(directory)
        ) from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        except OSError as error:
            raise OperationError(
                f"the directory cannot be locked: {error.strerror or error}",
                where=os.fspath(directory),
            ) from error
        yield
        # The new name is to outlive a failure of the machine as the content does; not every file
        # system can promise that of a directory.
        with suppress(OSError):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)
