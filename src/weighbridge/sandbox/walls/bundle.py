"""
What gVisor is told: a bundle after the OCI runtime specification.

A bundle is a directory with `config.json` and a root. The root here holds nothing but places to
mount at and links; what the program sees is mounted there, read only but for what it may change.
See https://github.com/opencontainers/runtime-spec/blob/main/config.md.
"""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, TypeAlias

from weighbridge.core.errors import IsolationError
from weighbridge.sandbox import calls
from weighbridge.sandbox.making import AS_OWNER, MODES
from weighbridge.sandbox.walls.interface import Limits, Walls

Section: TypeAlias = dict[str, object]

TEMPORARY: Final = ("/tmp", "/dev/shm")  # noqa: S108  the program's own
"""Directories that are new inside; one of these that may be changed is not the machine's."""

_UMASK: Final = 0o077
_LIMITS: Final[Mapping[str, str]] = {
    "memory_bytes": "RLIMIT_AS",
    "processes": "RLIMIT_NPROC",
    "file_bytes": "RLIMIT_FSIZE",
    "open_files": "RLIMIT_NOFILE",
}
LIMITED: Final = frozenset(_LIMITS)
"""Limits that hold inside; gVisor takes one on processor time and never looks at it."""

_NAMESPACES: Final = ("pid", "network", "ipc", "uts", "mount")
_ARCHITECTURES: Final = {"x86_64": "SCMP_ARCH_X86_64", "aarch64": "SCMP_ARCH_AARCH64"}
_NEW_NAMESPACES: Final = tuple(1 << bit for bit in (17, 25, 26, 27, 28, 29, 30))
"""CLONE_NEWNS, CLONE_NEWCGROUP, and so on to CLONE_NEWNET."""
_REFUSED: Final = 1
_UNIX: Final = 1
_TYPE: Final = 0xF
_ADDRESSED: Final = (2, 3)
"""SOCK_DGRAM and SOCK_RAW: one of a pair of these sends to anybody."""

_CALLS: Final = (
    *calls.KERNEL,
    *calls.SHARED_BY_NUMBER,
    *calls.ACCEPTING,
    *("socket", "connect", "io_uring_setup"),
)
"""
What programs behind walls do not need. Its own kernel would answer most of it and nothing of this
machine would hear of it; so this is a second wall.
"""


def write_bundle(place: Path, program: str, command: Sequence[str], walls: Walls, /) -> None:
    """
    Make a bundle in the empty directory *place* that runs *program* as *command* says.

    Raises:
        IsolationError: Something would have to be mounted behind a link.
    """
    root = place / "root"
    root.mkdir()
    # Of several at one place the last counts.
    mounts = [*{str(mount["destination"]): mount for mount in _mounts(walls, root)}.values()]
    for mount in mounts:
        _make_place(root, mount)
    (place / "config.json").write_text(
        json.dumps(_config(program, command, walls, mounts)), "utf-8"
    )


def _config(
    program: str, command: Sequence[str], walls: Walls, mounts: Sequence[Section]
) -> Section:
    return {
        "ociVersion": "1.0.2",
        "process": {
            # Whoever runs it outside: root of a user namespace of its own.
            "user": {"uid": 0, "gid": 0, "umask": _UMASK},
            "args": [program, *command[1:]],
            "env": [f"{name}={value}" for name, value in walls.environment],
            "cwd": walls.directory,
            "noNewPrivileges": True,
            "capabilities": {},
            "rlimits": [*_limits(walls.limits)],
        },
        "root": {"path": "root", "readonly": True},
        "hostname": "localhost",
        "mounts": [*mounts],
        "linux": {
            "namespaces": [{"type": kind} for kind in _NAMESPACES],
            "seccomp": _filter(),
        },
    }


def _limits(limits: Limits) -> Iterator[Section]:
    for name, kind in _LIMITS.items():
        value = getattr(limits, name)
        if value is not None:
            yield {"type": kind, "hard": value, "soft": value}
    yield {"type": "RLIMIT_CORE", "hard": 0, "soft": 0}


def _filter() -> Section:
    """Return the second wall: calls that programs do not need."""
    return {
        "defaultAction": "SCMP_ACT_ALLOW",
        "architectures": [_ARCHITECTURES[os.uname().machine]],
        "syscalls": [
            _refusal(*_CALLS),
            # Without a tracer it is a call that is not there, and programs go on without. It takes
            # no other error, and its flags lie where no filter sees them.
            {"names": ["clone3"], "action": "SCMP_ACT_TRACE"},
            *(_refusal("clone", where=_has(0, flag, flag)) for flag in _NEW_NAMESPACES),
            *(_refusal("socketpair", where=_has(1, _TYPE, kind)) for kind in _ADDRESSED),
            _refusal("socketpair", where=_is_not(0, _UNIX)),
            *(
                _refusal(name, where=_has(at, bit, bit))
                for name, at in MODES.items()
                for bit in AS_OWNER
            ),
            *(_refusal("setpriority", where=_is_not(index, 0)) for index in (0, 1)),
        ],
    }


def _refusal(*names: str, where: Sequence[Section] = ()) -> Section:
    """Refuse calls whose arguments meet all conditions of *where*."""
    made: Section = {"names": [*names], "action": "SCMP_ACT_ERRNO", "errnoRet": _REFUSED}
    return {**made, "args": [*where]} if where else made


def _has(index: int, mask: int, value: int) -> tuple[Section, ...]:
    """Tell of an argument that it has *value* in the bits of *mask*."""
    return ({"index": index, "value": mask, "valueTwo": value, "op": "SCMP_CMP_MASKED_EQ"},)


def _is_not(index: int, value: int) -> tuple[Section, ...]:
    return ({"index": index, "value": value, "op": "SCMP_CMP_NE"},)


def _mounts(walls: Walls, root: Path) -> Iterator[Section]:
    """Yield what is mounted, and make the links of what is shown at its place."""
    yield {"destination": "/proc", "type": "proc", "source": "proc"}
    yield {"destination": "/dev", "type": "tmpfs", "source": "tmpfs"}
    for temporary in TEMPORARY:
        yield {"destination": temporary, "type": "tmpfs", "source": "tmpfs"}
    shown: list[Path] = []
    for place in map(Path, sorted({*walls.readable})):
        if any(place.is_relative_to(each) for each in shown):
            continue
        # What may not be looked at is not there for this user.
        with suppress(PermissionError):
            if place.is_symlink():
                _make_above(root, place).symlink_to(place.readlink())
            elif place.exists():
                yield _bound(os.fspath(place), os.fspath(place))
            shown.append(place)
    for writable in walls.writable:
        if writable not in TEMPORARY:
            yield _bound(writable, writable, changed=True)
    for outside, inside in walls.shown:
        yield _bound(outside, inside)
    yield from _start(walls, shown)


def _start(walls: Walls, shown: Sequence[Path]) -> Iterator[Section]:
    """Have a place to start from: it need not be anything that the program may see."""
    start = Path(walls.directory)
    around = (*shown, *map(Path, walls.writable), *(Path(inside) for _, inside in walls.shown))
    known = any(start.is_relative_to(each) or each.is_relative_to(start) for each in around)
    if not known and start not in map(Path, ("/", *TEMPORARY)):
        yield {"destination": walls.directory, "type": "tmpfs", "source": "tmpfs"}


def _bound(outside: str, inside: str, *, changed: bool = False) -> Section:
    options = ["rbind", "rw" if changed else "ro", "nosuid", "nodev"]
    return {"destination": inside, "type": "bind", "source": outside, "options": options}


def _make_place(root: Path, mount: Mapping[str, object]) -> None:
    """Make what is mounted at, unless another mount has it."""
    inside, source = Path(str(mount["destination"])), Path(str(mount["source"]))
    if mount["type"] == "bind" and not source.is_dir():
        _make_above(root, inside).touch()
    else:
        _make_above(root, inside / "x")


def _make_above(root: Path, inside: Path) -> Path:
    """
    Make the directories above *inside*, and return where it is in *root*.

    Raises:
        IsolationError: A link is on the way: to follow it would lead out of the root.
    """
    at = root
    for part in inside.parts[1:-1]:
        at /= part
        if at.is_symlink():
            raise IsolationError(
                "what the program is shown lies behind a link",
                where=os.fspath(inside),
                found=f"/{at.relative_to(root)} is a link",
                hint="Name it by the path that the link leads to",
            )
        at.mkdir(exist_ok=True)
    return at / inside.name
