"""
Really loads samples, each in a confined child, and says which of them executed something.

Runs in the environment of the victims, `python -m benchmarks.scan.victims < TASKS`: a line
`{"id", "loader", "path"}` each, answered by `{"id", "loader", "acts", "error"}`. What counts as
an act is the marker file, and whatever the interpreter announces to audit hooks that no loader
does on its own: a program started, a connection, a file made. Announced acts other than the
marker's are prevented. A child can write into an
empty directory only and has bounds on time, memory and file size.
"""

import importlib
import io
import json
import os
import pickle
import select
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from benchmarks.scan.confinement import confine
from benchmarks.scan.samples import MARKER_NAME, MARKER_VARIABLE

_SECONDS: Final = 20
_MEMORY: Final = 6 * 1024**3
_FILE_BYTES: Final = 1024**2
_WRITE: Final = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND

_STARTS: Final = frozenset(
    {"os.system", "os.exec", "os.posix_spawn", "os.spawn", "subprocess.Popen", "pty.spawn"}
)
"""Let through: the payload's command is the inert one."""

_PREVENTED: Final = frozenset(
    [
        "socket.connect",
        "socket.getaddrinfo",
        "socket.gethostbyname",
        "socket.gethostbyaddr",
        "urllib.Request",
        "ftplib.connect",
        "smtplib.connect",
        "imaplib.open",
        "poplib.connect",
        "nntplib.connect",
        "telnetlib.Telnet.open",
        "webbrowser.open",
        "os.remove",
        "os.rename",
        "os.rmdir",
        "os.chmod",
        "os.chown",
        "os.truncate",
        "os.putenv",
        "os.unsetenv",
        "shutil.rmtree",
        "shutil.move",
        "shutil.unpack_archive",
        "shutil.copytree",
        "marshal.loads",
        "sqlite3.connect",
        "os.kill",
        "os.fork",
        "os.forkpty",
        "signal.pthread_kill",
        "code.__new__",
        "ctypes.dlopen",
        "tempfile.mkstemp",
        "tempfile.mkdtemp",
        "ensurepip.bootstrap",
    ]
)
_MADE: Final = frozenset(
    {"os.mkdir", "os.link", "os.symlink", "shutil.copyfile", "shutil.make_archive"}
)


def main() -> int:
    """Answer every task."""
    tasks = [json.loads(line) for line in sys.stdin if line.strip()]
    for task in sorted(tasks, key=lambda each: _ORDER.index(each["loader"].partition(":")[0])):
        prepare = _LOADERS[task["loader"]][0]
        for name in prepare:
            importlib.import_module(name)
        sys.stdout.write(json.dumps(attempt(task["loader"], Path(task["path"]), task["id"])) + "\n")
        sys.stdout.flush()
    return 0


def attempt(loader: str, path: Path, identifier: str) -> dict[str, Any]:
    """Load *path* in a child and return what it did."""
    directory = Path(tempfile.mkdtemp(prefix="weighbridge-victim-"))
    reader, writer = os.pipe()
    try:
        directory.chmod(0o777)
        copy = directory / "artifact"
        shutil.copytree(path.parent, copy)
        child = os.fork()
        if child == 0:
            os.close(reader)
            _be_victim(loader, copy / path.name, directory, writer)
        os.close(writer)
        said, error = _wait(child, reader)
        acts = sorted(set(said))
        if any((directory / name).exists() for name in (MARKER_NAME, "marker")):
            acts.append("marker")
        return {"id": identifier, "loader": loader, "acts": acts, "error": error}
    finally:
        os.close(reader)
        shutil.rmtree(directory, ignore_errors=True)


def _wait(child: int, reader: int) -> tuple[list[str], str]:
    """Read what the child says until it ends or its time is over."""
    said = b""
    late = False
    while True:
        ready, _, _ = select.select([reader], [], [], _SECONDS)
        if not ready:
            late = True
            break
        block = os.read(reader, 65536)
        if not block:
            break
        said += block
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    lines = said.decode("utf-8", "replace").splitlines()
    errors = [line[1:] for line in lines if line.startswith("!")]
    return [line for line in lines if not line.startswith("!")], "late" if late else " ".join(
        errors
    )


def _be_victim(loader: str, path: Path, directory: Path, writer: int) -> None:
    """Confine this process, load the file, and end."""
    os.setsid()
    os.chdir(directory)
    null = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(null, number)
    os.environ.update(
        {MARKER_VARIABLE: str(directory / MARKER_NAME), "HOME": str(directory), "DISPLAY": ""}
    )
    confined = confine(directory, seconds=_SECONDS, memory=_MEMORY, file_bytes=_FILE_BYTES)
    if not confined:
        os.write(writer, b"!the kernel does not confine writing\n")
        os._exit(1)
    sys.dont_write_bytecode = True
    action = _LOADERS[loader][1]
    sys.addaudithook(_hook(writer, str(directory)))
    try:
        action(path)
    except BaseException as error:  # noqa: BLE001  whatever a hostile file raises is an answer
        os.write(
            writer, f"!{type(error).__name__}: {str(error)[:200]!r}\n".encode("utf-8", "replace")
        )
    os._exit(0)


def _hook(writer: int, directory: str) -> Callable[[str, tuple[Any, ...]], None]:
    """Return the audit hook that reports acts and prevents all that do not make the marker."""

    def watch(event: str, args: tuple[Any, ...]) -> None:
        if event in _STARTS:
            os.write(writer, f"{event}\n".encode())
        elif event == "open":
            mode, flags = args[1], args[2]
            written = isinstance(flags, int) and flags & _WRITE
            name = str(args[0])
            if (
                written or (isinstance(mode, str) and set(mode) & set("wax+"))
            ) and name != os.devnull:
                os.write(writer, b"open for writing\n")
                if not name.endswith(MARKER_NAME) and directory not in name:
                    raise PermissionError("prevented")
        elif event in _MADE:
            os.write(writer, f"{event}\n".encode())
        elif event in _PREVENTED:
            if event == "ctypes.dlopen" and args[0] is not None and "missing" not in str(args[0]):
                return
            if event == "code.__new__" or (event == "marshal.loads" and len(args[0]) > 8):
                return
            os.write(writer, f"{event}\n".encode())
            raise PermissionError(f"prevented: {event}")

    return watch


def _pickle(path: Path) -> None:
    with path.open("rb") as stream:
        pickle.load(stream)


def _pickle_bytes(path: Path) -> None:
    pickle.loads(path.read_bytes())


def _pickle_pure(path: Path) -> None:
    with path.open("rb") as stream:
        pickle._Unpickler(stream).load()  # noqa: SLF001  the Python unpickler


def _pickle_twice(path: Path) -> None:
    with path.open("rb") as stream:
        while True:
            pickle.load(stream)


def _pickle_reused(path: Path) -> None:
    with path.open("rb") as stream:
        unpickler = pickle.Unpickler(stream)
        while True:
            unpickler.load()


def _pickle_ascii(path: Path) -> None:
    with path.open("rb") as stream:
        pickle.load(stream, encoding="latin-1")


def _call(module: str, name: str, **kwargs: Any) -> Callable[[Path], None]:
    def action(path: Path) -> None:
        getattr(importlib.import_module(module), name)(str(path), **kwargs)

    return action


def _npz(path: Path) -> None:
    with importlib.import_module("numpy").load(str(path), allow_pickle=True) as archive:
        for name in archive.files:
            archive[name]


def _pickle_inside(opener: str) -> Callable[[Path], None]:
    def action(path: Path) -> None:
        with importlib.import_module(opener).open(str(path), "rb") as stream:
            pickle.load(stream)

    return action


def _zip_member(path: Path) -> None:
    with importlib.import_module("zipfile").ZipFile(path) as archive:
        for name in archive.namelist():
            pickle.load(io.BytesIO(archive.read(name)))


def _tar_member(path: Path) -> None:
    with importlib.import_module("tarfile").open(path) as archive:
        for member in archive.getmembers():
            content = archive.extractfile(member)
            if content is not None:
                pickle.load(content)


def _keras(path: Path) -> None:
    importlib.import_module("keras").saving.load_model(str(path), safe_mode=False)


def _yaml(path: Path) -> None:
    importlib.import_module("yaml").unsafe_load(path.read_text())


def _jsonpickle(path: Path) -> None:
    importlib.import_module("jsonpickle").decode(path.read_text(), safe=False)


def _torch_script(path: Path) -> None:
    importlib.import_module("torch").jit.load(str(path))()


def _import_beside(path: Path) -> None:
    sys.path.insert(0, str(path.parent))
    importlib.import_module(path.name.partition(".")[0])


_LOADERS: Final[dict[str, tuple[tuple[str, ...], Callable[[Path], None]]]] = {
    "pickle": ((), _pickle),
    "pickle:bytes": ((), _pickle_bytes),
    "pickle:python": ((), _pickle_pure),
    "pickle:again": ((), _pickle_twice),
    "pickle:reused": ((), _pickle_reused),
    "pickle:latin": ((), _pickle_ascii),
    "gzip": (("gzip",), _pickle_inside("gzip")),
    "bz2": (("bz2",), _pickle_inside("bz2")),
    "lzma": (("lzma",), _pickle_inside("lzma")),
    "zip": (("zipfile",), _zip_member),
    "tar": (("tarfile",), _tar_member),
    "import": ((), _import_beside),
    "yaml": (("yaml",), _yaml),
    "jsonpickle": (("jsonpickle",), _jsonpickle),
    "numpy": (("numpy",), _call("numpy", "load", allow_pickle=True)),
    "numpy:npz": (("numpy",), _npz),
    "joblib": (("joblib", "numpy"), _call("joblib", "load")),
    "pandas": (("pandas",), _call("pandas", "read_pickle")),
    "dill": (("dill",), _call("benchmarks.scan.victims", "load_dill")),
    "torch": (("torch",), _call("torch", "load", weights_only=False)),
    "torch:script": (("torch",), _torch_script),
    "torch:package": (("torch.package",), _call("benchmarks.scan.victims", "load_package")),
    "keras": (("keras",), _keras),
}
"""What each loader needs imported before its children are made, and what it does."""

_ORDER: Final = (
    "pickle",
    "gzip",
    "bz2",
    "lzma",
    "zip",
    "tar",
    "import",
    "yaml",
    "jsonpickle",
    "numpy",
    "joblib",
    "pandas",
    "dill",
    "torch",
    "keras",
)
"""Light ones first, so that their children carry little."""


def load_dill(path: str) -> None:
    """Load *path* with dill."""
    with Path(path).open("rb") as stream:
        importlib.import_module("dill").load(stream)


def load_package(path: str) -> None:
    """Load the pickle `model/model.pkl` of a package."""
    importlib.import_module("torch.package").PackageImporter(path).load_pickle("model", "model.pkl")


if __name__ == "__main__":
    sys.exit(main())
