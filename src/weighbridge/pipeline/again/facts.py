"""
What a run depends on, as the system tells it now: the same facts mean the same run.

The same code makes the facts before a run, after it, and before it is repeated, so nothing has to
be remembered of how they are made. Imports next to nothing; see the package.
"""

import hashlib
import marshal
import os
import stat
import sys

from weighbridge.sandbox.walls.lookups import directories

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    Facts = tuple[object, ...]
    Stamp = tuple[str, int, int, int, int, int, int, int]

_PACKAGE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))  # noqa: PTH100, PTH120  pathlib takes as long as all of this
_LASTING = frozenset({"ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs"})
"""As `inventory.standing.LASTING`; a test holds them equal."""
_GET_VERSION = 0x80087601
"""FS_IOC_GETVERSION on systems of 64 bits."""
_AROUND = (
    *("PATH", "HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME", "WEIGHBRIDGE_STORE"),
    "TMPDIR",
)
_MOST_BYTES = 1 << 20


def call_key(arguments: "Iterable[str]", /) -> str:
    """Return what a call is found by: the words, where they were said, and what is around them."""
    around = [os.environ.get(name) for name in _AROUND]
    parts = (sys.executable, os.getcwd(), os.getuid(), os.getgid(), around, list(arguments))  # noqa: PTH109  see above
    return hashlib.sha256(repr(parts).encode("utf-8", "surrogateescape")).hexdigest()


def facts(
    *,
    read: "Iterable[str]",
    trees: "Iterable[str]",
    places: "Iterable[str]",
    passed: "Iterable[str]" = (),
    there: "Iterable[str]" = (),
    variables: "Iterable[str]",
    program: str,
) -> "Facts":
    """
    Return the facts of a run.

    Args:
        read: Files whose bytes count: the policy and the keys.
        trees: Directories or files of which every stamp counts: the model and its copy.
        places: Paths of which counts what they lead to: what the program may see.
        passed: Paths of which counts by way of what they lead somewhere, and not what is there:
            those in what the program may change.
        there: Paths of which counts whether something is there.
        variables: Names of variables that it is given.
        program: What it is called by.

    Raises:
        OSError: Something is not there, or a tree lies where stamps say nothing.
    """
    lasting = _lasting_devices()
    return (
        sys.version,
        sys.prefix,
        os.uname().release,
        tuple(os.getgroups()),
        _state_of_program(),
        tuple(_installed(path) for path in sys.path),
        tuple(content(path) for path in read),
        tuple(_digest(tree(path, lasting)) for path in trees),
        tuple(_place(path) for path in places),
        tuple(directories(path) for path in passed),
        tuple(os.path.exists(path) for path in there),  # noqa: PTH110  see above
        tuple(os.environ.get(name) for name in variables),
        _found(program),
    )


def newest(root: str, /) -> int:
    """
    Return when the last change at or below *root* was, in nanoseconds since 1970.

    Raises:
        OSError: It cannot be looked at.
    """
    return max(max(each[5:7]) for each in tree(root, _lasting_devices()))


def content(path: str, /) -> "tuple[str, str]":
    """
    Return where *path* leads, and the digest of what is there.

    Raises:
        OSError: It cannot be read, or is too large.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        data = file.read(_MOST_BYTES + 1)
    if len(data) > _MOST_BYTES:
        raise OSError(0, "it is too large to be compared")
    return os.path.realpath(path), hashlib.sha256(data).hexdigest()


def tree(root: str, lasting: "frozenset[int]") -> "Iterator[Stamp]":
    """
    Yield path, mode, device, inode, size, times and generation of everything at and below *root*.

    Raises:
        OSError: Something cannot be looked at, or lies on another file system than *lasting* ones.
    """
    waiting = [(root, os.lstat(root))]
    while waiting:
        path, found = waiting.pop()
        if found.st_dev not in lasting:
            raise OSError(0, "stamps say nothing here")
        generation = 0
        if stat.S_ISDIR(found.st_mode):
            with os.scandir(path) as entries:
                below = [(entry.path, entry.stat(follow_symlinks=False)) for entry in entries]
            waiting += sorted(below)
        elif stat.S_ISREG(found.st_mode):
            generation = _generation(path)
        else:
            raise OSError(0, "there is something else than files and directories")
        yield (
            path,
            found.st_mode,
            found.st_dev,
            found.st_ino,
            found.st_size,
            found.st_mtime_ns,
            found.st_ctime_ns,
            generation,
        )


def _generation(path: str) -> int:
    import fcntl  # noqa: PLC0415  not on every system

    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        return int.from_bytes(fcntl.ioctl(descriptor, _GET_VERSION, bytes(8))[:4], sys.byteorder)
    except OSError:
        return 0  # a file system that has none
    finally:
        os.close(descriptor)


def _digest(values: "Iterable[object]") -> str:
    return hashlib.sha256(repr(list(values)).encode("utf-8", "surrogateescape")).hexdigest()


def _state_of_program() -> str:
    """Return a digest over the stamps of all files of this package: a thousand, so no generator."""
    state: list[str | int] = []
    waiting = [_PACKAGE]
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            for entry in entries:
                if entry.is_dir():
                    if entry.name != "__pycache__":
                        waiting.append(entry.path)
                    continue
                found = entry.stat()
                state += (entry.path, found.st_ino, found.st_size, found.st_mtime_ns)
                state.append(found.st_ctime_ns)
    return hashlib.sha256(marshal.dumps(state)).hexdigest()


def _installed(directory: str) -> "tuple[object, ...]":
    """Return the stamp of a directory with modules: it changes with what is installed there."""
    try:
        found = os.stat(directory)  # noqa: PTH116  see above
    except OSError:
        return (directory,)
    return (directory, found.st_ino, found.st_mtime_ns, found.st_ctime_ns)


def _place(path: str) -> "tuple[object, ...]":
    """Return what *path* leads to, by way of what, and who may put something else there."""
    around = directories(path)
    try:
        found = os.lstat(path)
    except OSError:
        return (path, None, around)
    link = os.readlink(path) if stat.S_ISLNK(found.st_mode) else None  # noqa: PTH115  see above
    return (
        path,
        link,
        os.path.realpath(path),
        around,
        os.path.isfile(path),  # noqa: PTH113  see above
        os.path.isdir(path),  # noqa: PTH112  see above
        found.st_uid,
        found.st_gid,
        found.st_mode,
        found.st_dev,
        found.st_ino,
    )


def _found(program: str) -> "tuple[object, ...]":
    """Return what a shell would run for *program*, and its stamp."""
    for directory in [""] if "/" in program else os.environ.get("PATH", os.defpath).split(":"):
        path = os.path.abspath(os.path.join(directory, program))  # noqa: PTH100, PTH118  see above
        if os.access(path, os.X_OK) and os.path.isfile(path):  # noqa: PTH113  see above
            return _place(path)
    return ()


def _lasting_devices() -> "frozenset[int]":
    """As `inventory.standing.lasting_devices`; a test holds them equal."""
    with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as file:  # noqa: PTH123
        lines = file.read().splitlines()
    devices = set()
    for line in lines:
        fields, _, rest = line.partition(" - ")
        if rest.split(" ")[0] in _LASTING:
            major, minor = fields.split(" ")[2].split(":")
            devices.add(os.makedev(int(major), int(minor)))
    return frozenset(devices)
