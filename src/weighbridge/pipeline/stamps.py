"""
What is remembered of the files of a signature: how the file system described each of them.

A signature says nothing but digests. That a file is still the one that was hashed can be told,
within limits (ADR 0022), from its device, inode, size and times; these are noted when a model
is signed, for this user on this machine. Each note is authenticated with a key of this user, and
one that is not authentic, not private, or about another signature is as if it were not there.
"""

import hmac
import json
import logging
import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from weighbridge.core.artifact import FileStamp
from weighbridge.core.digest import Digest
from weighbridge.core.limits.remembering import (
    MAX_REMEMBERED,
    MAX_REMEMBERED_BYTES,
    MIN_STAMP_AGE_NS,
)
from weighbridge.sources.private import (
    READ,
    NotPrivateError,
    check_private,
    make_private,
    read_or_make_key,
    user_directory,
    write_new,
)

_log: Final = logging.getLogger(__name__)

_MAC_BYTES: Final = 32
_PURPOSE: Final = b"weighbridge stamps of signed files 1\0"


def default_place() -> Path:
    """Return the directory of the notes, in the user's state."""
    return user_directory("XDG_STATE_HOME", ".local/state") / "weighbridge" / "signed"


class RememberedStamps:
    """
    The notes of one user.

    Args:
        root: Where; by default `default_place()`. The key lies beside it.
    """

    def __init__(self, root: Path | None = None) -> None:
        self._root = (root or default_place()).absolute()
        self._key_file = self._root.with_name(f"{self._root.name}.key")

    def find(self, signature: Digest, /) -> dict[str, FileStamp]:
        """Return the stamps of the files of *signature*; none where nothing usable is noted."""
        try:
            if not self._root.exists():
                return {}
            check_private(self._root)
            descriptor = os.open(self._root / signature.hex, READ)
            with os.fdopen(descriptor, "rb") as file:
                data = file.read(MAX_REMEMBERED_BYTES + 1)
            mac, payload = data[:_MAC_BYTES], data[_MAC_BYTES:]
            if not hmac.compare_digest(mac, self._mac(signature, payload)):
                raise NotPrivateError("it is not authentic")  # noqa: TRY301  handled as the others
        except FileNotFoundError:
            return {}
        except (OSError, NotPrivateError) as error:
            _log.warning("what is remembered of a signature is not used: %s", error)
            return {}
        # Nobody but this program could have written it.
        return {
            path: FileStamp(device=dev, inode=ino, size=size, mtime_ns=mtime, ctime_ns=ctime)
            for path, dev, ino, size, mtime, ctime in json.loads(payload)
        }

    def keep(self, signature: Digest, stamps: Mapping[str, FileStamp], *, begun_ns: int) -> int:
        """
        Note *stamps* for *signature*, and return how many.

        A file that changed shortly before the reading began, or whose change time is unknown, is
        not noted: another change at the same tick of the clock would leave the same stamp.

        Args:
            signature: Digest of the signature file.
            stamps: Of the signed files, as they were when they were read.
            begun_ns: When the reading began, nanoseconds since the epoch.

        Raises:
            NotPrivateError: The directory is not this user's alone.
            OSError: It cannot be written.
        """
        noted = [
            [path, s.device, s.inode, s.size, s.mtime_ns, s.ctime_ns]
            for path, s in sorted(stamps.items())
            if is_settled(s, begun_ns=begun_ns)
        ]
        payload = json.dumps(noted, separators=(",", ":")).encode("ascii")
        make_private(self._root.parent)  # the key's
        make_private(self._root)
        temporary = self._root / f".new-{secrets.token_hex(8)}"
        try:
            write_new(temporary, self._mac(signature, payload) + payload)
            temporary.replace(self._root / signature.hex)
        finally:
            temporary.unlink(missing_ok=True)
        self._forget()
        return len(noted)

    def _mac(self, signature: Digest, payload: bytes) -> bytes:
        secret = read_or_make_key(self._key_file)
        return hmac.digest(secret, _PURPOSE + signature.value + payload, "sha256")

    def _forget(self) -> None:
        """Remove the oldest notes beyond the bound."""
        notes = []
        for entry in os.scandir(self._root):
            with suppress(FileNotFoundError):
                notes.append((entry.stat(follow_symlinks=False).st_mtime_ns, entry.path))
        for _, path in sorted(notes, reverse=True)[MAX_REMEMBERED:]:
            Path(path).unlink(missing_ok=True)


def is_settled(stamp: FileStamp, *, begun_ns: int) -> bool:
    """Tell whether a file with *stamp* was left alone before it was read."""
    if os.name != "posix":
        return False  # the change time is the time of creation there
    return max(stamp.ctime_ns, stamp.mtime_ns) <= begun_ns - MIN_STAMP_AGE_NS
