"""
What git says of a checkout: the source of a step, as far as it can be told.

git is asked, not imitated. It runs what the checkout's own configuration says, which is that of
whoever records.
"""

import os
import re
import subprocess
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import Final

from weighbridge.core.attestation import Source
from weighbridge.core.codes import Code
from weighbridge.core.errors import (
    ArtifactChangedError,
    LimitExceededError,
    OperationError,
    UsageError,
)
from weighbridge.core.limits.sandbox import MAX_GIT_OUTPUT_BYTES, MAX_GIT_SECONDS
from weighbridge.core.values import frozen
from weighbridge.provenance.resources import is_commit, split_git

_SCP: Final = re.compile(r"(?:[^@/\s]+@)?([A-Za-z0-9.-]+):(?!/)([^\s]+)")
_SKIPPED: Final = b"S"
"""How `git ls-files -v` marks what is not to be in the working tree; small letters, what is assumed
to be unchanged."""

_URL: Final = re.compile(r"([a-z][a-z0-9+.-]*)://(?:[^/@?#]*@)?([^/@?#]+)/([^@?#]+)")


@frozen
class Checkout:
    """
    A working tree of git.

    Attributes:
        root: Its directory, a real path.
        commit: Id of the commit that is checked out.
        branch: `refs/heads/NAME`; None for a detached head.
        remotes: Where it may be from: `git+SCHEME://HOST/PATH`, without names of users.
        edited: Files of the commit that are not as in it, with a stamp, less those left out.
        untracked: Real paths of files that the commit does not have and that are not ignored, and
            of those that git was told not to look at, less those left out.
        tracked: Absolute real paths of all other files of the commit.
        places: Real paths of where git finds out what it is to do: where it looks for a checkout
            first, the root, and its own.
    """

    root: Path
    commit: str
    branch: str | None
    remotes: tuple[str, ...]
    edited: tuple[str, ...]
    untracked: frozenset[str]
    tracked: frozenset[str]
    places: tuple[str, ...]

    def decided_in(self, *writable: str) -> bool:
        """Tell whether who can write to the real paths *writable* decides what git runs."""
        return any(_lies_in(each, writable) for each in self.places)


def find_checkout(directory: Path, /, *, leave_out: Iterable[str] = ()) -> Checkout | None:
    """
    Return the checkout that *directory* lies in; None where there is none, or no git.

    Args:
        directory: Where the step runs.
        leave_out: Real paths whose content is no part of the source: inputs and the output.

    Raises:
        OperationError: git fails where it should not.
        LimitExceededError: It says too much, or takes too long.
    """
    top = _ask(directory, "rev-parse", "--show-toplevel")
    commit = _ask(directory, "rev-parse", "--verify", "--quiet", "HEAD^{commit}")
    if top is None or commit is None:
        return None
    root = Path(os.path.realpath(_text(top)))
    left_out = tuple(leave_out)
    edited, untracked = _status(root, left_out)
    branch = _ask(root, "symbolic-ref", "--quiet", "HEAD")
    tracked, unseen = _files(root)
    return Checkout(
        root=root,
        commit=_text(commit),
        branch=None if branch is None else _text(branch),
        remotes=_remotes(root),
        edited=edited,
        untracked=untracked.union(path for path in unseen if not _lies_in(path, left_out)),
        tracked=tracked,
        places=(os.path.realpath(directory), os.fspath(root), *_own_places(root)),
    )


def source_of(checkout: Checkout | None, stated: str | None, /) -> Source | None:
    """
    Return the source of a step that runs in *checkout*.

    What the caller states is held against the checkout: it has to have that repository as a
    remote, and that revision checked out. Where nothing is stated it is the first remote.

    Raises:
        UsageError: The statement cannot be read, or the checkout is of something else.
    """
    if stated is None:
        if checkout is None or not checkout.remotes:
            return None
        return _source(checkout, checkout.remotes[0], checkout.branch)
    uri, ref = parse_source(stated)
    if checkout is None:
        raise UsageError(
            "the command does not run in a checkout of the source",
            code=Code.SOURCE_MISMATCH,
            where=stated,
            hint="Change into a checkout, or leave out --source",
        )
    if _same(uri) not in map(_same, checkout.remotes):
        raise UsageError(
            "the checkout is of another repository",
            code=Code.SOURCE_MISMATCH,
            where=stated,
            expected="a remote of that URL",
            found=", ".join(checkout.remotes) or "no remote",
        )
    if ref is not None and not _is_checked_out(checkout, ref):
        raise UsageError(
            "another revision is checked out",
            code=Code.SOURCE_MISMATCH,
            where=stated,
            expected=ref,
            found=checkout.commit,
        )
    return _source(checkout, uri, None if ref == checkout.commit else ref)


def parse_source(text: str, /) -> tuple[str, str | None]:
    """
    Read `git+URL@REF`; a URL alone counts with `git+` in front.

    Raises:
        UsageError: It is no such reference.
    """
    place = split_git(text if text.startswith("git+") else f"git+{text}")
    if place is None or not text.isprintable():
        raise UsageError(
            "this is no reference to a source",
            where=text,
            expected="git+https://HOST/OWNER/REPOSITORY@REF",
        )
    uri, ref = place
    if ref is not None and not is_commit(ref) and not ref.startswith("refs/"):
        raise UsageError(
            "a source's revision is written in full",
            where=text,
            expected="refs/heads/BRANCH, refs/tags/TAG or the commit's id",
            found=ref,
        )
    return uri, ref


def require_same_source(before: Checkout, after: Checkout | None, /) -> None:
    """
    Refuse a step during which its source changed.

    Files that are new count for nothing here: steps write next to their source.

    Raises:
        ArtifactChangedError: Another commit is checked out, or a file of it was edited.
    """
    found: str | None = None
    if after is None or after.root != before.root:
        found = "it is gone"
    elif after.commit != before.commit:
        found = f"commit {after.commit} instead of {before.commit}"
    elif after.edited != before.edited:
        found = ", ".join(sorted(set(after.edited) ^ set(before.edited))[:5]) or "other edits"
    if found is not None:
        raise ArtifactChangedError(
            "the source changed while the step ran",
            code=Code.INPUT_CHANGED,
            where=os.fspath(before.root),
            found=found,
            hint="No claim was made. Run the step again when nothing edits its source",
        )


def is_clean(checkout: Checkout, read: Collection[str] | None, /) -> bool:
    """
    Tell whether a step saw nothing of *checkout* but what the commit has.

    Args:
        checkout: As it was before the step.
        read: Real paths of the files that the step read undeclared; None where not all of them
            are known. Then every file that the commit does not have counts.
    """
    if checkout.edited:
        return False
    return not checkout.untracked if read is None else checkout.untracked.isdisjoint(read)


def _source(checkout: Checkout, uri: str, ref: str | None) -> Source:
    return Source(uri=uri, ref=ref, commit=checkout.commit, clean=is_clean(checkout, None))


def _is_checked_out(checkout: Checkout, ref: str) -> bool:
    if ref in {checkout.commit, checkout.branch}:
        return True
    if is_commit(ref):
        return False
    rest = ref.removeprefix("refs/")
    # What CI systems check out has no branch; they keep what they fetched under remotes.
    for name in (ref, f"refs/remotes/{rest}", f"refs/remotes/origin/{rest.removeprefix('heads/')}"):
        found = _ask(checkout.root, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
        if found is not None:
            return _text(found) == checkout.commit
    return False


def _own_places(root: Path) -> tuple[str, ...]:
    """Return where git has its own files: of this working tree, and of all of the repository."""
    asked = (_ask(root, "rev-parse", f"--{kind}-dir") for kind in ("git", "git-common"))
    return tuple(os.path.realpath(root / _text(found)) for found in asked if found is not None)


def _status(root: Path, left_out: tuple[str, ...]) -> tuple[tuple[str, ...], frozenset[str]]:
    """Return what of the commit was edited, and what else is there."""
    data = _ask(
        root,
        *(
            "-c",
            "core.fsmonitor=false",
            "-c",
            "core.trustctime=true",
            "-c",
            "core.checkStat=default",
        ),
        *("status", "--porcelain=v1", "-z", "--untracked-files=all", "--no-renames"),
        "--ignore-submodules=none",
        # Not looked at either: in a submodule git would run what that one's configuration says.
        *("--", ".", *_excluded(root, left_out)),
    )
    if data is None:
        raise OperationError("git does not say what was changed", where=os.fspath(root))
    edited: list[str] = []
    untracked: list[str] = []
    for item in data.split(b"\0"):
        kind, path = item[:2], os.fsdecode(item[3:])
        real = os.path.realpath(root / path)
        if not path or _lies_in(real, left_out):
            continue
        if kind == b"??":
            untracked.append(real)
        else:
            edited.append(f"{path} ({_stamp(root / path)})")
    return tuple(edited), frozenset(untracked)


def _excluded(root: Path, left_out: tuple[str, ...]) -> Iterator[str]:
    """Yield the patterns by which git leaves out what lies in the checkout."""
    for place in left_out:
        if _lies_in(place, (os.fspath(root),)) and place != os.fspath(root):
            yield f":(top,exclude,literal){os.path.relpath(place, root)}"


def _files(root: Path) -> tuple[frozenset[str], frozenset[str]]:
    """
    Return the commit's files, and those of them that git does not look at, by their real paths.

    Users have git leave a file as it is (assume-unchanged, skip-worktree): then it does not say
    whether the file is that of the commit. Of a sparse checkout such files are not there.
    """
    tracked: set[str] = set()
    unseen: set[str] = set()
    for item in (_ask(root, "ls-files", "-v", "-z") or b"").split(b"\0"):
        kind, path = item[:1], os.fsdecode(item[2:])
        if path:
            seen = kind.isupper() and kind != _SKIPPED
            (tracked if seen else unseen).add(os.path.realpath(root / path))
    return frozenset(tracked), frozenset(path for path in unseen if os.path.lexists(path))


def _stamp(place: Path) -> str:
    """Return what tells one edit of a file from the next."""
    try:
        status = place.lstat()
    except OSError:
        return "gone"
    return f"{status.st_size} bytes of {status.st_mtime_ns}"


def _lies_in(path: str, places: Iterable[str]) -> bool:
    return any(path == place or path.startswith(f"{place.rstrip('/')}/") for place in places)


def _remotes(root: Path) -> tuple[str, ...]:
    data = _ask(root, "config", "--null", "--get-regexp", r"^remote\..*\.url$") or b""
    found: dict[str, str] = {}
    for item in data.split(b"\0"):
        name, _, url = os.fsdecode(item).partition("\n")
        uri = _public(url)
        if uri is not None:
            found.setdefault(name, uri)
    # The one that clones are made from comes first.
    return tuple(uri for _, uri in sorted(found.items(), key=lambda p: (".origin." not in p[0], p)))


def _public(url: str) -> str | None:
    """Return *url* as a source's, without a user's name or password; None for a local one."""
    match = _URL.fullmatch(url)
    if match:
        scheme, host, path = match.groups()
    elif match := _SCP.fullmatch(url):
        scheme, host, path = "ssh", *match.groups()
    else:
        return None
    uri = f"git+{scheme}://{host}/{path.rstrip('/').removesuffix('.git')}"
    return uri if split_git(uri) == (uri, None) and uri.isprintable() else None


def _same(uri: str) -> str:
    """Return what two ways to write one repository have in common."""
    public = _public(uri.removeprefix("git+")) or uri
    host, _, path = public.partition("://")[2].partition("/")
    return f"{host.lower()}/{path}"


def _text(data: bytes) -> str:
    return os.fsdecode(data).rstrip("\n")


def _ask(directory: Path, *arguments: str) -> bytes | None:
    """Return what git answers; None if it says no, or is not installed."""
    environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0"}
    try:
        done = subprocess.run(  # noqa: S603  found on the user's own path
            ["git", "-C", os.fspath(directory), "-c", "core.quotePath=false", *arguments],  # noqa: S607
            env=environment | {"LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=MAX_GIT_SECONDS,
            check=False,
        )
    except OSError:
        return None
    except subprocess.TimeoutExpired as error:
        raise LimitExceededError(
            "git takes too long",
            where=os.fspath(directory),
            expected=f"an answer to git {arguments[0]} within {MAX_GIT_SECONDS} seconds",
        ) from error
    if len(done.stdout) > MAX_GIT_OUTPUT_BYTES:
        raise LimitExceededError("git says too much", where=os.fspath(directory))
    return done.stdout if done.returncode == 0 else None
