"""
What `docker run` promises, kept by bubblewrap: a read-only root, a user without capabilities, a filter.

    python container_runs.py run [OPTION...] IMAGE [ARGUMENT...]

Stands in for `docker`. An option that it does not know is an error, so a recipe cannot ask for what is
not looked at. The image is a directory: `image.json` has its entry point and arguments, the rest of it
is copied into the root. Programs and Python are those of this machine.
"""

import json
import os
import shutil
import sys
import sysconfig
from collections.abc import Iterator, Sequence
from pathlib import Path

from support.containers import within
from weighbridge.sandbox.walls.starting import PACKAGE

_SYSTEM = ("/usr", "/bin", "/lib", "/lib64", "/etc/ld.so.cache", "/etc/alternatives")
_FLAGS = {"--rm", "--init", "--read-only"}
_REQUIRED = {"--cap-drop": "ALL", "--security-opt": "no-new-privileges"}
_VALUED = {"--user", "--tmpfs", "--env", "--volume", "--publish", "--pids-limit", "--memory"}


def command(arguments: Sequence[str]) -> list[str]:
    """
    Return what runs the container.

    Raises:
        ValueError: It asks for more, or for less, than it should.
    """
    options, image, rest = _parsed(arguments)
    asked = [name for name, _ in options]
    if "--read-only" not in asked or any((k, v) not in options for k, v in _REQUIRED.items()):
        raise ValueError(f"privileges are left: {asked}")
    made = json.loads((image / "image.json").read_text("utf-8"))
    user, _, group = dict(options)["--user"].partition(":")
    line = [*("bwrap", "--unshare-user", "--uid", user, "--gid", group, "--unshare-pid")]
    line += [*("--unshare-ipc", "--cap-drop", "ALL", "--clearenv", "--proc", "/proc")]
    line += ["--dev", "/dev", "--setenv", "PATH", os.environ["PATH"]]
    # First: what stands for the image's own files may lie below one of them on this machine.
    for name, value in options:
        line += _made(value, user) if name == "--tmpfs" else []
    for place in dict.fromkeys((*_SYSTEM, *_python())):
        line += ["--ro-bind-try", place, place]
    for entry in sorted((image / "root").iterdir()):
        for below in sorted(entry.iterdir()):
            line += ["--ro-bind", str(below), f"/{entry.name}/{below.name}"]
    for name, value in options:
        line += _bound(name, value)
    line += ["--remount-ro", "/", "--chdir", "/", "--die-with-parent", "--"]
    program, *fixed = made["entrypoint"]
    found = shutil.which(program) or program
    return [*line, *within("docker"), found, *fixed, *(rest or made["cmd"])]


def _parsed(arguments: Sequence[str]) -> tuple[list[tuple[str, str]], Path, list[str]]:
    if arguments[0] != "run":
        raise ValueError(f"not known: {arguments[0]}")
    waiting = list(arguments[1:])
    options = []
    while waiting[0].startswith("-"):
        name = waiting.pop(0)
        if name not in _FLAGS | _REQUIRED.keys() | _VALUED:
            raise ValueError(f"not known: {name}")
        options.append((name, "" if name in _FLAGS else waiting.pop(0)))
    return options, Path(waiting[0]), waiting[1:]


def _python() -> Iterator[str]:
    yield from (sys.prefix, sys.base_prefix, os.fspath(PACKAGE.parent))
    yield os.fspath(Path(__file__).parents[1])


def _made(value: str, user: str) -> list[str]:
    place, _, detail = value.partition(":")
    fields = dict(each.split("=") for each in detail.split(","))
    if fields.get("uid", user) != user:
        raise ValueError(f"somebody else's: {value}")
    return ["--perms", fields["mode"], "--tmpfs", place]


def _bound(name: str, value: str) -> list[str]:
    place, _, detail = value.partition(":")
    if name == "--volume":
        target, _, mode = detail.partition(":")
        return ["--ro-bind" if mode == "ro" else "--bind", place, target]
    if name == "--env":
        variable, _, text = value.partition("=")
        return ["--setenv", variable, text]
    return []


def main(arguments: Sequence[str]) -> None:
    """Become the container."""
    line = command(arguments)
    where = os.pathsep.join(
        [os.fspath(PACKAGE.parent), os.fspath(Path(__file__).parents[1]), _packages()]
    )
    end = line.index("--")
    line[end:end] = ["--setenv", "PYTHONPATH", where]
    os.execvp(line[0], line)


def _packages() -> str:
    return sysconfig.get_path("purelib")


if __name__ == "__main__":
    main(sys.argv[1:])
