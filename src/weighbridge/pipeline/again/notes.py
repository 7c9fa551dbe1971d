"""
Notes of runs: private to one user, and authentic.

A note is marshalled, which is nothing to be done with bytes of others: it is looked at only after
its HMAC-SHA-256, with a key of the user that does not lie beside it, was found right. Imports next
to nothing; see the package.
"""

import hmac
import marshal
import os
import stat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from weighbridge.pipeline.again.facts import Facts

_MAC_BYTES = 32
_KEY_BYTES = 32
_PURPOSE = b"weighbridge noted run 1\0"
_MOST_BYTES = 4 << 20
_OTHERS = 0o077
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def place() -> str:
    """Return the directory of the notes, in the user's cache."""
    return os.path.join(_base("XDG_CACHE_HOME", ".cache"), "weighbridge", "runs")  # noqa: PTH118  pathlib takes too long


def key_place() -> str:
    """Return where the key lies, which is that of remembered checks: not beside the notes."""
    return os.path.join(_base("XDG_STATE_HOME", ".local/state"), "weighbridge", "checks.key")  # noqa: PTH118  see above


def find(name: str, /) -> "dict[str, object] | None":
    """Return the note called *name*; None where there is none that can be believed."""
    try:
        data = _read_private(os.path.join(place(), name), _MOST_BYTES)  # noqa: PTH118  see above
        key = _read_private(key_place(), _KEY_BYTES)
    except OSError:
        return None
    mac, payload = data[:_MAC_BYTES], data[_MAC_BYTES:]
    if len(key) != _KEY_BYTES or not hmac.compare_digest(mac, authenticate(key, name, payload)):
        return None
    note = marshal.loads(payload)  # noqa: S302  authentic: see the module
    return note if isinstance(note, dict) else None


def authenticate(key: bytes, name: str, payload: bytes, /) -> bytes:
    """Return the code that says that this user's program wrote *payload* for *name*."""
    return hmac.digest(key, _PURPOSE + name.encode() + b"\0" + payload, "sha256")


def encode(note: "dict[str, object]", /) -> bytes:
    """Return *note* as bytes."""
    return marshal.dumps(note)


def same(kept: object, now: "Facts", /) -> bool:
    """Tell whether the facts of a note are those of now."""
    return kept == repr(now)


def _base(variable: str, default: str) -> str:
    named = os.environ.get(variable)
    if named and os.path.isabs(named):  # noqa: PTH117  see above
        return named
    return os.path.join(os.path.expanduser("~"), default)  # noqa: PTH111, PTH118  see above


def _read_private(path: str, most: int) -> bytes:
    """
    Return what is in a file that, with its directory, is this user's alone.

    Raises:
        OSError: It is not, or cannot be read.
    """
    above = os.lstat(os.path.dirname(path))  # noqa: PTH120  see above
    _require_own(above, directory=True)
    descriptor = os.open(path, _READ)
    with os.fdopen(descriptor, "rb") as file:
        _require_own(os.fstat(file.fileno()), directory=False)
        return file.read(most + 1)


def _require_own(found: os.stat_result, *, directory: bool) -> None:
    kind = stat.S_ISDIR if directory else stat.S_ISREG
    if not kind(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & _OTHERS:
        raise OSError(0, "it is not this user's alone")
