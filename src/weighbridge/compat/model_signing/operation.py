"""Run one operation of `weighbridge`, and say what came of it in the reference's words."""

import contextlib
import io
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import click

from weighbridge.cli.failures import report
from weighbridge.cli.main import cli
from weighbridge.cli.terminal import Session
from weighbridge.core.artifact import CLAIMS_NAME, ArtifactKind, is_signature_name
from weighbridge.core.codes import Code
from weighbridge.core.errors import SignatureRejectedError, WeighbridgeError
from weighbridge.pipeline.selection import FileSelection, inside
from weighbridge.sources.local import locate

EXIT_FAILED: Final = 1
"""The reference has this one code for whatever went wrong."""

_MAYBE_LEGACY: Final = frozenset(
    {Code.KEY_MISMATCH, Code.LEGACY_REFUSED, Code.SIGNATURE_INVALID, Code.SIGNATURE_MALFORMED}
)
"""What a signature of releases before 1.0 is refused with."""

_WORDS: Final = {"sign": "Signing", "verify": "Verification"}


def sign(arguments: Sequence[str]) -> int:
    """Run `weighbridge sign` with *arguments* and return the exit code."""
    return _tell("sign", lambda: run_sign(arguments))


def verify(arguments: Sequence[str], *, san_uris: Sequence[str] = ()) -> int:
    """
    Run `weighbridge verify` with *arguments* and return the exit code.

    As the reference does, signatures of releases before 1.0 are read; a warning says so.

    Args:
        arguments: As on the command line.
        san_uris: URIs that the signer's certificate has to have, each of them.
    """
    return _tell("verify", lambda: run_verify(arguments, san_uris=san_uris))


def refuse(operation: str, message: str, *, hint: str | None = None) -> int:
    """Say that *operation* cannot be done because of *message*."""
    _say_failure(operation, f"{message}. {hint}" if hint else message)
    return EXIT_FAILED


def warn(text: str) -> None:
    """Say *text* on standard error."""
    click.echo(f"warning: {text}", err=True)


def run_sign(arguments: Sequence[str], *, quiet: bool = False) -> str:
    """
    Run `weighbridge sign` with *arguments* and return its JSON document.

    Raises:
        WeighbridgeError: Nothing was signed.
    """
    return _run(["sign", *arguments], quiet=quiet)


def run_verify(
    arguments: Sequence[str], *, san_uris: Sequence[str] = (), quiet: bool = False
) -> str:
    """
    Run `weighbridge verify` with *arguments* and return its JSON document.

    Raises:
        WeighbridgeError: It does not verify.
    """
    arguments = ["verify", *arguments]
    try:
        document = _run(arguments, quiet=quiet)
    except SignatureRejectedError as error:
        if error.code not in _MAYBE_LEGACY:
            raise
        try:
            document = _run([*arguments, "--allow-legacy"], quiet=quiet)
        except WeighbridgeError:
            raise error from None
        if not quiet:
            warn(
                "this signature is in the form of releases before 1.0, which binds less: sign again"
            )
    read = json.loads(document)
    _require_listed(arguments, read)
    found = read["identity"].get("san_uris", [])
    missing = [uri for uri in san_uris if uri not in found]
    if missing:
        raise SignatureRejectedError(
            "the certificate lacks a name that is asked for",
            code=Code.IDENTITY_MISMATCH,
            expected=", ".join(missing),
            found=", ".join(found) or "no URI",
        )
    return document


def _require_listed(arguments: Sequence[str], verified: Mapping[str, Any]) -> None:
    """
    Refuse signatures and claims beside the verified one that its signer does not list.

    They are no part of a model for `weighbridge verify`; for the reference they are files like
    any other, and a script that it stops must not go on here.

    Raises:
        SignatureRejectedError: There are some, and the caller leaves out neither them nor all
            unsigned files.
    """
    if "--ignore-unsigned-files" in arguments:
        return
    (model,) = (each for each in arguments[2:] if not each.startswith("-"))
    handle = locate(model)
    if handle.kind is ArtifactKind.FILE:
        return
    given = {each.partition("=")[0]: each.partition("=")[2] for each in arguments}
    paths = tuple(
        each.partition("=")[2] for each in arguments if each.startswith("--ignore-paths=")
    )
    left_out = FileSelection(ignore_paths=paths).ignored(handle)
    known = {*verified["covered"], *verified["uncovered"], *verified["claimed_ignore_paths"]}
    known |= {*left_out, inside(handle, Path(given["--signature"]))}
    names = {place.name for place in handle.root.iterdir()} - known
    unlisted = sorted(n for n in names if n == CLAIMS_NAME or is_signature_name(n))
    if unlisted:
        raise SignatureRejectedError(
            "there are signatures or claims that the signature neither covers nor lists",
            code=Code.FILE_NOT_COVERED,
            where=model,
            found=", ".join(unlisted),
            hint="Leave them out with --ignore_paths; weighbridge verify knows what they are",
        )


def _run(arguments: Sequence[str], *, quiet: bool) -> str:
    """Return the JSON document that the command prints; its errors are raised."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        session = Session()
        cli.main(
            args=[*arguments, "--format", "json", *(["--quiet"] if quiet else [])],
            prog_name="weighbridge",
            standalone_mode=False,
            obj=session,
        )
        session.out.flush()
    return out.getvalue()


def _tell(operation: str, run: Callable[[], str]) -> int:
    try:
        run()
    except click.ClickException:
        raise
    except WeighbridgeError as error:
        _say_failure(operation, str(error))
        return EXIT_FAILED
    except Exception as error:  # noqa: BLE001  the process boundary: a crash is never a pass
        report(Session(), error)
        return EXIT_FAILED
    click.echo(f"{_WORDS[operation]} succeeded")
    return 0


def _say_failure(operation: str, text: str) -> None:
    click.echo(f"{_WORDS[operation]} failed with error: {text}", err=True)
    sys.stderr.flush()
