"""
Whether the files of an artifact are the ones that were signed, each of them accounted for.

What leaves a file outside the check is the caller's choice alone. The signer's ignore list is a
claim: it explains a refusal and never prevents one, since a signer who may leave out
`tokenizer.py` lets anybody exchange it.

Names are only looked up among the inventory's entries; nothing here can reach a file outside
the artifact.
"""

from dataclasses import dataclass, field
from typing import Final

from weighbridge.core.artifact import (
    GIT_NAMES,
    ArtifactKind,
    EntryRole,
    FileEntry,
    FileFormat,
    Inventory,
)
from weighbridge.core.codes import Code
from weighbridge.core.digest import FileDigest
from weighbridge.core.errors import UsageError
from weighbridge.core.evidence import Gap, Uncovered
from weighbridge.core.values import frozen
from weighbridge.inventory.names import is_under
from weighbridge.signing.problems import CoverageRejectedError, Problem
from weighbridge.signing.resources import SINGLE_FILE, Resource, path_problem
from weighbridge.signing.statement import Statement

_GIT_FORMATS: Final = frozenset(
    {
        FileFormat.EMPTY,
        FileFormat.TEXT,
        FileFormat.JSON,
        FileFormat.YAML,
        FileFormat.IMAGE,
        FileFormat.LFS_POINTER,
        FileFormat.ZLIB,
        FileFormat.UNKNOWN,
    }
)
"""What git itself keeps: text, zlib objects, and its own binary files (index, packs)."""


_LINKS: Final = frozenset({Code.SYMLINK_BROKEN, Code.SYMLINK_DIRECTORY, Code.SYMLINK_REFUSED})


@frozen
class IgnoreRules:
    """
    What the caller accepts outside a signature; never the signer's choice.

    Attributes:
        paths: Paths relative to the root, each with all that is below it.
        git_metadata: Git's own files at the root, as OMS clients leave out by default; only
            in formats that git keeps there.
        unsigned_files: Every file and empty directory that the signature does not name.
        unsigned_links: Every symbolic link that the signature does not name, nor anything below
            it; links are refused otherwise.

    Raises:
        UsageError: A path that is not canonical. `.` is refused as well: it would mean
            "everything", and a signature that covers nothing says nothing.
    """

    paths: tuple[str, ...] = ()
    git_metadata: bool = True
    unsigned_files: bool = False
    unsigned_links: bool = False

    def __post_init__(self) -> None:
        for path in self.paths:
            problem = path_problem(path)
            if path == SINGLE_FILE:
                problem = "it is the whole model"
            if problem is not None:
                raise UsageError(
                    "a path to ignore is not usable",
                    where=path,
                    expected="a path below the model, relative to it",
                    found=problem,
                )


@frozen
class Coverage:
    """
    Which files a signature covers.

    Together the two have every model file of the inventory, once.

    Attributes:
        covered: Paths whose every byte has the signed digest.
        uncovered: The others, each with the reason why it was accepted all the same.
    """

    covered: tuple[str, ...]
    uncovered: tuple[Uncovered, ...]


def compare(statement: Statement, inventory: Inventory, *, accepted: IgnoreRules) -> Coverage:
    """
    Hold *inventory* against *statement*.

    1. The inventory must be complete, but for what the caller ignores.
    2. Every file that the statement names must be there with the signed digest, even one that
       the caller ignores: a signature that holds in part would be another signature. So the
       caller digests whatever the statement names.
    3. Every other file and every empty directory must be accepted by *accepted*.

    Args:
        statement: Parsed from bytes that a `Verifier` accepted.
        inventory: Digested under `statement.layout`.
        accepted: What the caller leaves out.

    Raises:
        CoverageRejectedError: A `SignatureRejectedError` with every problem, each with the
            file it is about.
    """
    check = _Check(statement=statement, inventory=inventory, accepted=accepted)
    check.gaps()
    check.named_files()
    check.other_files()
    check.empty_directories()
    if check.problems:
        raise CoverageRejectedError(check.problems, where=inventory.name)
    return Coverage(
        covered=tuple(sorted(check.covered)),
        uncovered=tuple(sorted(check.uncovered, key=lambda item: item.path)),
    )


@dataclass(slots=True, kw_only=True)
class _Check:
    """One comparison, while it collects."""

    statement: Statement
    inventory: Inventory
    accepted: IgnoreRules
    problems: list[Problem] = field(default_factory=list)
    covered: list[str] = field(default_factory=list)
    uncovered: list[Uncovered] = field(default_factory=list)

    def gaps(self) -> None:
        """Step 1."""
        links = self.accepted.unsigned_links and self.inventory.gaps
        places = signed_places(self.statement) if links else frozenset[str]()
        for gap in self.inventory.gaps:
            if gap.path is not None and is_under(gap.path, self.accepted.paths):
                self._accept(gap.path, f"ignored by the caller; {gap.reason}")
            elif gap.path is not None and is_unsigned_link(gap, places, self.accepted):
                self._accept(gap.path, f"not in the signature; {gap.reason}")
            else:
                self._refuse(gap.code, gap.path or SINGLE_FILE, gap.reason)

    def named_files(self) -> None:
        """Step 2."""
        entries = {entry.path: entry for entry in self.inventory.entries}
        for path, resources in self._named().items():
            entry = entries.get(path)
            if entry is None:
                self._refuse(Code.FILE_MISSING, path, "signed, and not there")
            elif (problem := self._mismatch(entry, resources)) is not None:
                self._refuse(*problem)
            else:
                self.covered.append(path)

    def other_files(self) -> None:
        """Step 3, files."""
        named = self._named()
        for entry in self.inventory.entries:
            if entry.role is not EntryRole.MODEL or entry.path in named:
                continue
            if is_under(entry.path, self.accepted.paths):
                self._accept(entry.path, "ignored by the caller")
            elif self.accepted.unsigned_files:
                self._accept(entry.path, "not in the signature; unsigned files are accepted")
            elif not (self.accepted.git_metadata and is_under(entry.path, GIT_NAMES)):
                self._refuse(*self._not_covered(entry), advice=_acceptance(entry.path))
            elif entry.format in _GIT_FORMATS:
                self._accept(entry.path, f"git metadata ({entry.format})")
            else:
                self._refuse(
                    Code.FILE_NOT_COVERED,
                    entry.path,
                    f"unsigned, and {entry.format or 'of a format that nobody told'} is nothing "
                    "that git keeps there",
                    advice=_acceptance(entry.path),
                )

    def empty_directories(self) -> None:
        """Step 3, directories: they hold nothing, yet their presence can matter to a loader."""
        for path in self.inventory.empty_directories:
            if is_under(path, self.accepted.paths):
                self._accept(path, "an empty directory, ignored by the caller")
            elif self.accepted.unsigned_files:
                self._accept(path, "an empty directory; unsigned files are accepted")
            elif self.accepted.git_metadata and is_under(path, GIT_NAMES):
                self._accept(path, "git metadata (an empty directory)")
            else:
                self._refuse(
                    Code.EMPTY_DIRECTORY,
                    path,
                    "an empty directory, which no signature covers",
                    advice=_acceptance(path),
                )

    def _named(self) -> dict[str, list[Resource]]:
        """
        Return the statement's resources by the path of their file in the inventory.

        A single-file model is named `.` by today's clients and by its base name by the
        specification; both mean the one file.
        """
        named: dict[str, list[Resource]] = {}
        for resource in self.statement.resources:
            named.setdefault(resource.path, []).append(resource)
        single = self.inventory.kind is ArtifactKind.FILE and SINGLE_FILE not in named
        if single and self.inventory.name in named:
            named[SINGLE_FILE] = named.pop(self.inventory.name)
        return named

    def _mismatch(
        self, entry: FileEntry, resources: list[Resource]
    ) -> tuple[Code, str, str] | None:
        """Tell how *entry* differs from what was signed, if it does."""
        # Whether a link may stand for a file is the caller's to say, when the inventory is
        # taken: a signer cannot know how a cache lays the same bytes out.
        try:
            digest = entry.digest(self.statement.layout)
        except KeyError:
            return (
                Code.EVIDENCE_INCOMPLETE,
                entry.path,
                "signed, and not digested here: what a signature names cannot be left out",
            )
        signed = [(r.start, r.end, r.value) for r in sorted(resources, key=lambda r: r.start)]
        found = _parts(digest)
        if signed == found:
            return None
        return Code.DIGEST_MISMATCH, entry.path, _difference(signed, found)

    def _not_covered(self, entry: FileEntry) -> tuple[Code, str, str]:
        """Word the refusal of a file that the statement does not name."""
        if is_under(entry.path, _claimed(self.statement)):
            reason = "not in the signature: the signer left it out, which is not yours to trust"
            return Code.FILE_NOT_COVERED, entry.path, reason
        if entry.size == 0 and self.statement.layout.shard_size is not None:
            reason = "an empty file, which a signature over shards cannot cover"
            return Code.ZERO_BYTE_IN_SHARDS, entry.path, reason
        return Code.FILE_NOT_COVERED, entry.path, "not in the signature"

    def _accept(self, path: str, reason: str) -> None:
        self.uncovered.append(Uncovered(path=path, reason=reason))

    def _refuse(self, code: Code, path: str, message: str, *, advice: str | None = None) -> None:
        self.problems.append(Problem(code=code, path=path, message=message, advice=advice))


def signed_places(statement: Statement) -> frozenset[str]:
    """Return the paths that *statement* names, with every directory above them."""
    places = set(statement.paths)
    for path in statement.paths:
        while (path := path.rpartition("/")[0]) and path not in places:
            places.add(path)
    return frozenset(places)


def is_unsigned_link(gap: Gap, places: frozenset[str], accepted: IgnoreRules) -> bool:
    """Tell whether *gap* is a link that *accepted* tolerates, at none of the signed *places*."""
    return accepted.unsigned_links and gap.code in _LINKS and gap.path not in places


def _acceptance(path: str) -> str:
    return f"--ignore-paths {path} accepts it"


_Part = tuple[int, int | None, bytes]


def _parts(digest: FileDigest) -> list[_Part]:
    """Return the parts of a file's digest in the form in which they are signed."""
    if digest.layout.shard_size is None:
        return [(0, None, part.value) for part in digest.parts]
    return [(part.start, part.end, part.value) for part in digest.parts]


def _difference(signed: list[_Part], found: list[_Part]) -> str:
    """Describe the first difference between two digests of a file."""
    if signed[0][1] is None:
        return f"changed since it was signed: expected {_hex(signed[0])}, found {_hex(found[0])}"
    if (size := signed[-1][1]) != (actual := found[-1][1] if found else 0):
        return f"changed since it was signed: expected {size} bytes, found {actual}"
    start, end, _ = next(a for a, b in zip(signed, found, strict=False) if a != b)
    return f"changed since it was signed: bytes {start} to {end} differ"


def _hex(part: _Part) -> str:
    return part[2].hex()


def _claimed(statement: Statement) -> frozenset[str]:
    """Return the paths that the signer says to have left out, for messages."""
    return frozenset(path.removeprefix("./").rstrip("/") for path in statement.ignore_paths)
