"""
Which trusted root is meant, and the one operation that refreshes it.

The command line uses, in this order: the file that the user names; the root that this user
fetched with `weighbridge trust update`; the root of the installed package. Policies use the first
and the last only (see `pipeline.trust`).
"""

import errno
import json
import os
import stat
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from weighbridge.core.codes import Code
from weighbridge.core.errors import KeyRejectedError, OperationError, UsageError
from weighbridge.core.limits.signing import MAX_TRUST_FILE_BYTES
from weighbridge.core.values import frozen
from weighbridge.pipeline.output import write_whole
from weighbridge.signing.sigstore.parties import Party, changes_between, parties_of
from weighbridge.signing.sigstore.refresh import FetchedRoot, fetch_root, packaged_keys
from weighbridge.signing.sigstore.trust import (
    CONFIG_TYPE,
    ROOT_NAME,
    SERVICES_NAME,
    Instance,
    Trust,
    packaged_trust,
    parse_trust,
)
from weighbridge.sources.private import READ, NotPrivateError, check_parents
from weighbridge.sources.reading import read_if_present, read_named, read_open

_OWNER_ONLY: Final = 0o600
_PRIVATE: Final = 0o700
_OTHERS_WRITE: Final = stat.S_IWGRP | stat.S_IWOTH
_DIRECTORY: Final = READ | getattr(os, "O_DIRECTORY", 0)


@frozen
class Repository:
    """
    Where a private instance publishes its trusted root.

    Attributes:
        url: Address of the TUF repository.
        keys: The file `root.json` of the repository, as the instance's owner gave it.
    """

    url: str
    keys: Path


@frozen
class RootRefresh:
    """
    What a refresh of the trusted root did.

    Attributes:
        path: The file with the root, or with the client trust configuration.
        sha256: Lower-case hex digest of that file.
        before: The digest of the root that was used before; None where there was none.
        changes: What is different, one line each.
        parties: Everybody whom the new root names.
    """

    path: Path
    sha256: str
    before: str | None
    changes: tuple[str, ...]
    parties: tuple[Party, ...]


@frozen
class RootView:
    """
    A trusted root for people.

    Attributes:
        where: The file.
        sha256: Lower-case hex digest of it.
        parties: Everybody whom it names.
    """

    where: str
    sha256: str
    parties: tuple[Party, ...]


def user_directory() -> Path:
    """Return where a user's refreshed roots are (XDG base directory specification)."""
    named = os.environ.get("XDG_DATA_HOME")
    base = Path(named) if named and Path(named).is_absolute() else Path.home() / ".local" / "share"
    return base / "weighbridge" / "trust"


def chosen_trust(*, file: Path | None, instance: Instance = Instance.PUBLIC) -> Trust:
    """
    Return the trust that the user means.

    Args:
        file: A trusted root or client trust configuration; decides alone if it is given.
        instance: Whose root otherwise.

    Raises:
        UsageError: The file is not there.
        KeyRejectedError: It cannot be used, or others than the user could have written it.
    """
    if file is not None:
        data = read_named(file, limit=MAX_TRUST_FILE_BYTES, what="trust configuration")
        return parse_trust(data, where=os.fspath(file))
    return _refreshed(instance) or packaged_trust(instance)


def view_root(trust: Trust, /) -> RootView:
    """Return *trust* for people."""
    return RootView(where=trust.where, sha256=trust.sha256, parties=parties_of(trust))


def update_root(
    *,
    instance: Instance = Instance.PUBLIC,
    repository: Repository | None = None,
    output: Path | None = None,
) -> RootRefresh:
    """
    Fetch the current trusted root, verify it and keep it.

    Nothing else refreshes a root, and no verification causes it.

    Args:
        instance: Whose root; see `user_directory` for where it is kept.
        repository: A private instance's; then *output* is needed.
        output: Write a client trust configuration there, and nothing to the user's directory.

    Raises:
        UsageError: A private instance, and nowhere to write to.
        KeyRejectedError: What was fetched does not verify; what was there before stays.
        OperationError: Fetching or writing failed; what was there before stays.
    """
    if repository is not None and output is None:
        raise UsageError(
            "a private instance's root needs a file to be written to",
            expected="--output FILE",
            hint="Give that file with --trust-config later, or pin it in the policy",
        )
    directory = user_directory()
    if repository is not None:
        keys = read_named(repository.keys, limit=MAX_TRUST_FILE_BYTES, what="root of keys")
        url = repository.url
    else:
        keys, url = packaged_keys(instance), instance.url
    fetched = fetch_root(url, keys=keys, directory=directory / "tuf")
    after = parse_trust(fetched.root, where=url, services=fetched.services)
    if output is not None:
        return _written(output, after, fetched)
    before = _refreshed(instance) or packaged_trust(instance)
    place = directory / instance.value
    place.mkdir(mode=_PRIVATE, parents=True, exist_ok=True)
    if fetched.services is not None:
        write_whole(place / SERVICES_NAME, fetched.services, mode=_OWNER_ONLY)
    write_whole(place / ROOT_NAME, fetched.root, mode=_OWNER_ONLY)
    return RootRefresh(
        path=place / ROOT_NAME,
        sha256=after.sha256,
        before=before.sha256,
        changes=changes_between(before, after),
        parties=parties_of(after),
    )


def _written(output: Path, after: Trust, fetched: FetchedRoot) -> RootRefresh:
    """Write one file that says whom to trust and, if that is known, where to sign."""
    data = fetched.root
    if fetched.services is not None:
        document = {
            "mediaType": CONFIG_TYPE,
            "trustedRoot": json.loads(fetched.root),
            "signingConfig": json.loads(fetched.services),
        }
        data = (json.dumps(document, indent=2, sort_keys=True) + "\n").encode()
    previous = read_if_present(output, limit=MAX_TRUST_FILE_BYTES)
    before = None if previous is None else parse_trust(previous, where=os.fspath(output))
    write_whole(output, data)
    written = parse_trust(data, where=os.fspath(output))
    return RootRefresh(
        path=output,
        sha256=written.sha256,
        before=None if before is None else before.sha256,
        changes=() if before is None else changes_between(before, after),
        parties=parties_of(after),
    )


def _refreshed(instance: Instance) -> Trust | None:
    """
    Return the root that this user fetched, if there is one.

    Whoever can write to it, or to the file that says where to sign, decides who signed or who
    gets the token, so they are used only if nobody else can.
    """
    place = user_directory() / instance.value
    if not place.is_symlink() and not place.exists():
        return None
    data = _read_own(place, ROOT_NAME)
    if data is None:
        return None
    services = _read_own(place, SERVICES_NAME)
    return parse_trust(data, where=os.fspath(place / ROOT_NAME), services=services)


def _read_own(directory: Path, name: str) -> bytes | None:
    """
    Return the content of a file that nobody else could have written; None where there is none.

    The very files that are opened are examined, so that none can be exchanged in between.

    Raises:
        KeyRejectedError: Another user owns it or its directory, or may write to one of them.
        LimitExceededError: It is too large.
        OperationError: It cannot be read.
    """
    place = directory / name
    if os.open not in os.supports_dir_fd:
        return read_if_present(place, limit=MAX_TRUST_FILE_BYTES)
    with ExitStack() as opened:
        try:
            check_parents(directory)
            above = os.open(directory, _DIRECTORY)
            opened.callback(os.close, above)
            _require_own(os.fstat(above), directory)
            file = os.open(name, READ | os.O_NONBLOCK, dir_fd=above)
            opened.callback(os.close, file)
        except FileNotFoundError:
            return None
        except NotPrivateError as error:
            raise _not_own(directory, found=str(error)) from error
        except OSError as error:
            if error.errno in {errno.ELOOP, errno.ENOTDIR}:
                raise _not_own(place, found="a symbolic link") from error
            raise OperationError(
                f"the trusted root cannot be read: {error.strerror or error}",
                where=os.fspath(place),
            ) from error
        status = os.fstat(file)
        _require_own(status, place)
        return read_open(file, place, limit=MAX_TRUST_FILE_BYTES)


def _require_own(status: os.stat_result, place: Path) -> None:
    """
    Refuse what somebody else could have written, given its *status*.

    Raises:
        KeyRejectedError: Another user owns it or may write to it, or it is no file.
    """
    regular = stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)
    others = stat.S_IMODE(status.st_mode) & _OTHERS_WRITE
    if status.st_uid not in (0, os.geteuid()) or others or not regular:
        mode = stat.filemode(status.st_mode)
        raise _not_own(place, found=f"owner {status.st_uid}, mode {mode}")


def _not_own(place: Path, *, found: str) -> KeyRejectedError:
    return KeyRejectedError(
        "somebody else could have written the trusted root",
        code=Code.TRUSTED_ROOT,
        where=os.fspath(place),
        expected="owned by you, and writable for you alone",
        found=found,
        hint="Remove it and run: weighbridge trust update",
    )
