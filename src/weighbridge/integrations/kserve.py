"""
KServe: a storage initializer that puts verified bytes, and no others, into the volume of a model.

::

    python -m weighbridge.integrations.kserve --policy F URI PATH [URI PATH]...

KServe runs it as an init container and gives it addresses and paths in turn (a
`ClusterStorageContainer`); the server's container starts when it ends with 0. What an address names
is downloaded by KServe's own package `kserve-storage` to a staging directory, checked there, and
copied: whole, or not at all. Whatever was in PATH is taken away first.

A policy's rules match the address as a path: `s3://bucket/bert` is `s3/bucket/bert`.
"""

import contextlib
import importlib
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import click

from weighbridge.core.errors import MissingExtraError, OperationError, UsageError, WeighbridgeError
from weighbridge.load.tree import remove_tree
from weighbridge.pipeline.check import DEFAULT_BOUNDARY
from weighbridge.pipeline.output import lies_in
from weighbridge.pipeline.pulling import Pulled, pull
from weighbridge.policy.schema import Policy

_SEPARATOR: Final = "://"
_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*")
"""RFC 3986, 3.1."""

_LOCAL: Final = "file"
_HUB: Final = "hf"
_OF_THE_CLIENT: Final = Path(".cache", "huggingface")
"""What the hub's client leaves in a directory that it downloads to."""

POLICY_PLACE: Final = Path("/etc/weighbridge/weighbridge.toml")


def initialize(
    pairs: Sequence[tuple[str, Path]], *, policy: Path, boundary: str = DEFAULT_BOUNDARY
) -> None:
    """
    Put the verified bytes of each address at its path.

    Args:
        pairs: Addresses and paths.
        policy: The file with what has to hold.
        boundary: Where it is applied.

    Raises:
        UsageError: A path is the same as an earlier one, holds it, or is a part of what was put
            there; or it holds the working directory, the policy or a model, or lies in a model.
        MissingExtraError: KServe's package is needed for an address, and not installed.
        OperationError: An address cannot be downloaded.
        WeighbridgeError: As for `pipeline.pulling.pull`. What was put at other paths is taken
            away again.
    """
    # What is downloaded is checked from within another working directory.
    places = [(uri, Path(os.path.abspath(path))) for uri, path in pairs]  # noqa: PTH100
    rules = Policy.from_file(os.path.abspath(policy))  # noqa: PTH100  links are the caller's
    _require_apart([path for _, path in places])
    _require_expendable(places, policy)
    with contextlib.ExitStack() as unwinding:
        for _, path in places:
            unwinding.callback(_empty, path)
        done: list[Pulled] = []
        for uri, path in places:
            _require_nothing_of(done, path)
            _empty(path)
            with _fetched(uri) as reference:
                done.append(pull(reference, path, policy=rules, boundary=boundary))
        unwinding.pop_all()


def _require_apart(paths: Sequence[Path]) -> None:
    """Refuse a path that would take away what was put at another one before."""
    real = [Path(os.path.realpath(path)) for path in paths]
    for number, path in enumerate(real):
        for earlier in real[:number]:
            if earlier.is_relative_to(path):
                raise _not_apart("is the same as an earlier one or holds it", path, earlier)


def _require_expendable(places: Sequence[tuple[str, Path]], policy: Path) -> None:
    """Refuse a path that is emptied with something in it that nobody can mean to lose."""
    models = [local for uri, _ in places if (local := _local(uri)) is not None]
    needed = [os.path.realpath(each) for each in (os.curdir, os.fspath(policy), *models)]
    for _, path in places:
        lost = [each for each in needed if lies_in(each, path)]
        lost += [os.path.realpath(model) for model in models if lies_in(path, model)]
        if lost:
            raise UsageError(
                "a path is emptied first, and this one may not be",
                where=os.fspath(path),
                expected="a directory for the model alone",
                found=f"one with or in {lost[0]}",
            )


def _local(uri: str) -> str | None:
    """Return the path on this machine that *uri* names; None if it is to be downloaded."""
    scheme, separator, rest = uri.partition(_SEPARATOR)
    return (rest if separator else uri) if not separator or scheme == _LOCAL else None


def _require_nothing_of(done: Sequence[Pulled], path: Path) -> None:
    """Refuse a path at which there is something of an earlier model."""
    real = Path(os.path.realpath(path))
    for earlier in done:
        place = Path(os.path.realpath(earlier.path))
        if any((place / file).is_relative_to(real) for file in earlier.files):
            raise _not_apart("is a part of an earlier model", path, place)


def _not_apart(why: str, path: Path, earlier: Path) -> UsageError:
    return UsageError(
        f"a path {why}, and is emptied first",
        where=os.fspath(path),
        found=os.fspath(earlier),
        hint="Give each address a path of its own",
    )


@contextlib.contextmanager
def _fetched(uri: str) -> Iterator[str]:
    """Give a reference to what *uri* names, which is downloaded if need be."""
    local = _local(uri)
    if local is not None:
        yield local
        return
    scheme, _, rest = uri.partition(_SEPARATOR)
    segments = rest.strip("/").split("/")
    if not _SCHEME.fullmatch(scheme):
        raise UsageError("an address begins with a scheme", expected="such as s3://", found=uri)
    if not {"", ".", ".."}.isdisjoint(segments):
        raise UsageError("an address with empty segments or dots names nothing", found=uri)
    staging = Path(tempfile.mkdtemp(prefix="weighbridge-"))
    try:
        place = staging.joinpath(scheme, *segments)
        place.mkdir(parents=True)
        _download(uri, place)
        # A link in its place leads elsewhere, and is for the check to refuse.
        if scheme == _HUB and not any(
            (place / each).is_symlink() for each in (_OF_THE_CLIENT, _OF_THE_CLIENT.parent)
        ):
            shutil.rmtree(place / _OF_THE_CLIENT, ignore_errors=True)
            with contextlib.suppress(OSError):
                (place / _OF_THE_CLIENT.parent).rmdir()
        with contextlib.chdir(staging):  # so that rules match the address, and not the staging
            yield "/".join((scheme, *segments))
    finally:
        remove_tree(staging)


def _download(uri: str, place: Path) -> None:
    try:
        storage: Any = importlib.import_module("kserve_storage").Storage
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            "KServe's own package downloads models", hint="pip install kserve-storage"
        ) from error
    try:
        storage.download(uri, os.fspath(place))
    except Exception as error:  # it raises `Exception` itself, and what its clients raise
        raise OperationError(f"the model cannot be downloaded: {error}", where=uri) from error


def _empty(path: Path) -> None:
    if path.is_dir():
        for entry in path.iterdir():
            remove_tree(entry)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--policy",
    type=click.Path(path_type=Path),
    default=POLICY_PLACE,
    show_default=True,
    help="The policy.",
)
@click.option(
    "--boundary", default=DEFAULT_BOUNDARY, show_default=True, help="Where it is applied."
)
@click.argument("uris_and_paths", metavar="URI PATH...", nargs=-1, required=True)
def main(policy: Path, boundary: str, uris_and_paths: tuple[str, ...]) -> None:
    """Put the verified bytes of each URI at its PATH, or nothing."""
    if len(uris_and_paths) % 2:
        raise click.UsageError("an address without a path")
    paths = map(Path, uris_and_paths[1::2])
    pairs = tuple(zip(uris_and_paths[::2], paths, strict=True))
    try:
        initialize(pairs, policy=policy, boundary=boundary)
    except WeighbridgeError as error:
        click.echo(f"weighbridge: {error}", err=True)
        sys.exit(error.exit_code)
    except OSError as error:
        where = None if error.filename is None else str(error.filename)
        failed = OperationError(error.strerror or str(error), where=where)
        click.echo(f"weighbridge: {failed}", err=True)
        sys.exit(failed.exit_code)


if __name__ == "__main__":
    main()
