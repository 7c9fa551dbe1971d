"""
What a program runs with: where its installation is, which packages that has, which image it is in.

Nothing is executed to find out. What is found is for the record: it says which versions were
there, not that they were used.
"""

import hashlib
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Final
from urllib.parse import quote

from weighbridge.core.attestation import Resource
from weighbridge.core.errors import WeighbridgeError
from weighbridge.core.limits.sandbox import MAX_PACKAGE_RECORD_BYTES, MAX_PACKAGES
from weighbridge.core.limits.units import KIB
from weighbridge.sources.reading import read_if_present

SYSTEM: Final = (
    *("/usr", "/lib", "/lib32", "/lib64", "/libx32", "/bin", "/sbin", "/etc"),
    *("/proc", "/sys", "/nix/store", "/gnu/store", "/run/systemd/resolve", "/run/nvidia"),
)
"""Where systems keep what is installed; reading it is no news."""

_VARIABLES: Final = ("VIRTUAL_ENV", "CONDA_PREFIX")
_PROGRAMS: Final = frozenset({"bin", "sbin", "shims"})
"""Directories of programs in an installation; version managers put scripts into `shims` that look
for the version to run."""
_PACKAGES: Final = (
    "lib/python3*/site-packages",
    "lib/python3*/dist-packages",
    "local/lib/python3*/dist-packages",
)
_DISTRIBUTION: Final = re.compile(
    r"([A-Za-z0-9][A-Za-z0-9._-]*)-([A-Za-z0-9][A-Za-z0-9._!+]*)\.dist-info"
)
_CONTAINER: Final = Path("/run/.containerenv")
_IMAGE_VARIABLES: Final = ("CI_JOB_IMAGE",)
_PINNED: Final = re.compile(r"[^\s@]+@sha256:([0-9a-f]{64})")

RECORD_ANNOTATION: Final = "weighbridge_record_sha256"
"""Of a package: the digest of the list that has all its files with their digests."""


def installations(program: str, environment: Mapping[str, str], /) -> tuple[str, ...]:
    """
    Return the directories that *program* is installed in, and those that it was told of.

    They are real paths: a virtual environment, and the interpreter that it was made with.
    """
    found: dict[str, None] = {}
    for place in _behind(program):
        if place.parent.name in _PROGRAMS:
            found[os.path.realpath(place.parent.parent)] = None
    for name in _VARIABLES:
        if environment.get(name):
            found[os.path.realpath(environment[name])] = None
    for entry in environment.get("PATH", "").split(os.pathsep):
        if entry and os.path.isfile(Path(entry).parent / "pyvenv.cfg"):  # noqa: PTH113  it may be closed
            found[os.path.realpath(Path(entry).parent)] = None
            for place in _behind(os.path.join(entry, "python3")):  # noqa: PTH118  a path's entry
                found[os.path.realpath(place.parent.parent)] = None
    home = os.path.realpath(Path("~").expanduser())
    return tuple(place for place in found if place not in {"/", home})


def system_places() -> tuple[str, ...]:
    """Return the real paths of `SYSTEM` that there are."""
    return tuple(dict.fromkeys(os.path.realpath(place) for place in SYSTEM if Path(place).exists()))


def packages(places: Iterable[str], /) -> tuple[Resource, ...]:
    """Return the Python packages that are installed in *places*, by name and version."""
    chosen = [Path(place) for place in places]
    # A virtual environment is all that its interpreter sees.
    chosen = [place for place in chosen if (place / "pyvenv.cfg").is_file()] or chosen
    found = {
        (name, version): info
        for place in chosen
        for name, version, info in islice(_distributions(place), MAX_PACKAGES)
    }
    return tuple(_package(*key, found[key]) for key in sorted(found)[:MAX_PACKAGES])


def container_image(environment: Mapping[str, str], /) -> Resource | None:
    """
    Return the image of the container that this process is in, where that is known.

    Podman tells, and so do some CI systems; others do not.
    """
    said = _container_file()
    image = said.get("image") or next(
        (environment[name] for name in _IMAGE_VARIABLES if environment.get(name)), None
    )
    if not image or not image.isprintable() or any(c.isspace() for c in image):
        return None
    pinned = _PINNED.fullmatch(image)
    identity = said.get("imageid", "")
    return Resource(
        uri=f"docker://{image}",
        digests=(("sha256", pinned[1]),) if pinned else (),
        annotations=(("weighbridge_image_id", json.dumps(identity)),) if identity else (),
    )


def _behind(program: str) -> Iterator[Path]:
    """Give *program*, and what it links to, link by link."""
    place = Path(program)
    for _ in range(40):
        yield place
        try:
            target = place.readlink()
        except OSError:
            return
        place = place.parent / target


def _distributions(place: Path) -> Iterator[tuple[str, str, Path]]:
    for pattern in _PACKAGES:
        for directory in sorted(place.glob(pattern)):
            for info in sorted(directory.glob("*.dist-info")):
                match = _DISTRIBUTION.fullmatch(info.name)
                if match:
                    yield re.sub(r"[-_.]+", "-", match[1]).lower(), match[2], info


def _package(name: str, version: str, info: Path) -> Resource:
    try:
        record = read_if_present(info / "RECORD", limit=MAX_PACKAGE_RECORD_BYTES)
    except WeighbridgeError:
        record = None
    digest = None if record is None else hashlib.sha256(record).hexdigest()
    return Resource(
        uri=f"pkg:pypi/{quote(name)}@{quote(version)}",
        annotations=((RECORD_ANNOTATION, json.dumps(digest)),) if digest else (),
    )


def _container_file() -> dict[str, str]:
    """Return what podman says of the container; it writes `name="value"` lines."""
    try:
        data = read_if_present(_CONTAINER, limit=64 * KIB) or b""
    except WeighbridgeError:
        return {}
    pairs = (line.partition("=") for line in data.decode(errors="replace").splitlines())
    return {name: value.strip('"') for name, _, value in pairs}
