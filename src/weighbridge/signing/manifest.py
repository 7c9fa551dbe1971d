"""
The manifest of an inventory: what a signer states, and the two digests of a model.

Source: OMS specification 1.0, section 6; in-toto DigestSet, `dirHash`.
"""

from collections.abc import Collection, Iterable, Iterator

from weighbridge.core.artifact import EntryRole, FileEntry, Inventory
from weighbridge.core.codes import Code
from weighbridge.core.digest import Digest, FileDigest, HashLayout
from weighbridge.core.errors import NothingToCheckError
from weighbridge.inventory.names import as_text, is_under
from weighbridge.signing.problems import NotSignableError, Problem
from weighbridge.signing.resources import (
    SINGLE_FILE,
    Resource,
    names_digest_of,
    path_problem,
    root_digest,
)
from weighbridge.signing.statement import Statement

__all__ = ["make_statement", "names_digest", "resources_of", "root_digest"]


def make_statement(
    inventory: Inventory,
    layout: HashLayout,
    *,
    ignored: Collection[str],
    allow_symlinks: bool,
) -> Statement:
    """
    Return the statement that signs *inventory* under *layout*.

    Args:
        inventory: Complete, and digested under *layout*.
        layout: How the files are digested.
        ignored: Paths to leave out, each with all below it; they are written into the
            statement, sorted, so that other verifiers leave out the same.
        allow_symlinks: Whether links to files stood for the files.

    Raises:
        NotSignableError: As `resources_of`.
        NothingToCheckError: As `resources_of`.
    """
    resources = resources_of(inventory, layout, ignored=ignored)
    return Statement(
        subject_name=as_text(inventory.name),
        root=root_digest(resources),
        layout=layout,
        allow_symlinks=allow_symlinks,
        ignore_paths=tuple(sorted(ignored)),
        resources=resources,
    )


def resources_of(
    inventory: Inventory, layout: HashLayout, *, ignored: Collection[str]
) -> tuple[Resource, ...]:
    """
    Return the manifest's entries, in code-point order of their whole names.

    Signatures and claims are never part of the model. A single-file model is named `.`.

    Args:
        inventory: Complete, and digested under *layout*.
        layout: How the files are digested.
        ignored: Paths to leave out, each with all below it.

    Raises:
        NotSignableError: The inventory has gaps, an empty directory (the format cannot
            cover it), an empty file in shards mode (it has no shard), or a name that is not
            canonical. All of them are listed.
        NothingToCheckError: Nothing is left to sign.
        KeyError: An entry was not digested under *layout*: a mistake of the caller.
    """
    resources: list[Resource] = []
    problems = [
        Problem(code=gap.code, path=gap.path or SINGLE_FILE, message=gap.reason)
        for gap in inventory.gaps
        if gap.path is None or not is_under(gap.path, ignored)
    ]
    problems += [
        Problem(
            code=Code.EMPTY_DIRECTORY,
            path=path,
            message=f"an empty directory, which no signature covers: remove it, or "
            f"--ignore-paths {path}",
        )
        for path in inventory.empty_directories
        if not is_under(path, ignored)
    ]
    for entry in inventory.entries:
        if entry.role is not EntryRole.MODEL or is_under(entry.path, ignored):
            continue
        parts = entry.digest(layout)
        problem = _entry_problem(entry, parts)
        if problem is None:
            resources.extend(_entry_resources(entry, parts))
        else:
            problems.append(problem)
    if problems:
        raise NotSignableError(problems, where=inventory.name)
    if not resources:
        raise NothingToCheckError("no file is left to sign", where=inventory.name)
    resources.sort(key=lambda resource: resource.name)
    return tuple(resources)


def names_digest(entries: Iterable[FileEntry], /, *, name: str) -> Digest:
    """
    Return the names digest; see `resources.names_digest_of`.

    Args:
        entries: The files, each with a SHA-256 of the whole file.
        name: The artifact's base name; it stands for `.`, the path of a single file.

    Raises:
        ValueError: A path with a line break, which would make two lists equal.
        KeyError: An entry without a SHA-256: a mistake of the caller.
    """
    return names_digest_of(_named(entries, name=name))


def _named(entries: Iterable[FileEntry], *, name: str) -> Iterator[tuple[str, Digest]]:
    for entry in entries:
        path = name if entry.path == SINGLE_FILE else entry.path
        digest = entry.digest(HashLayout()).whole
        if digest is None:
            raise ValueError(f"a list of names cannot hold {path!a}")
        yield path, digest


def _entry_problem(entry: FileEntry, digest: FileDigest) -> Problem | None:
    """Tell why *entry* cannot be signed, if it cannot."""
    if (problem := path_problem(entry.path)) is not None:
        return Problem(code=Code.RESOURCE_NAME, path=entry.path, message=problem)
    if not digest.parts:
        return Problem(
            code=Code.ZERO_BYTE_IN_SHARDS,
            path=entry.path,
            message="an empty file has no shard to sign: sign in files mode, or "
            f"--ignore-paths {entry.path}",
        )
    return None


def _entry_resources(entry: FileEntry, digest: FileDigest) -> Iterable[Resource]:
    if digest.layout.shard_size is None:
        (part,) = digest.parts
        return (Resource(entry.path, 0, None, part.value),)
    return (Resource(entry.path, part.start, part.end, part.value) for part in digest.parts)
