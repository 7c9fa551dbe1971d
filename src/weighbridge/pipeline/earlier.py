"""
An earlier signature of a model that is signed again: what it says, and what of that still holds.

It is verified against whom the caller expects before anything of it is used. The digest of a file
is taken from it only where the file, by its stamp, is as it was when that signature was made
(ADR 0022).
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from weighbridge.core.artifact import FileStamp
from weighbridge.core.digest import DigestPart, FileDigest, HashLayout
from weighbridge.core.errors import SignatureRejectedError
from weighbridge.core.identity import VerifiedIdentity
from weighbridge.core.values import frozen
from weighbridge.pipeline.signatures import read_signature
from weighbridge.pipeline.stamps import RememberedStamps
from weighbridge.pipeline.trust import trust_entries, verifier_for
from weighbridge.pipeline.verify import VerifiedStatement, verify_statement
from weighbridge.policy.schema import Policy
from weighbridge.signing.interface import Verifier
from weighbridge.signing.statement import Statement

_Parts = Sequence[tuple[int, int | None, bytes]]
"""Start, end and digest of each part of a file; an end of None is the file's own."""


@frozen
class Reuse:
    """
    What became of an earlier signature.

    Attributes:
        signature: Its file.
        identity: Who made it.
        taken: Files whose digests were taken from it, unread.
        unchanged: Files that were read and are as it says.
        changed: Files that are not.
        added: Files that it does not name.
        removed: Files that it names and that are not signed any more.
    """

    signature: Path
    identity: VerifiedIdentity
    taken: tuple[str, ...]
    unchanged: tuple[str, ...]
    changed: tuple[str, ...]
    added: tuple[str, ...]
    removed: tuple[str, ...]


def trusted_signers(policy: Policy, names: tuple[str, ...]) -> Iterator[Verifier]:
    """
    Yield the verifiers of the trust entries *names* of *policy*.

    Raises:
        PolicyError: There is no such entry.
        UsageError, KeyRejectedError, OperationError: A key that it names cannot be used.
    """
    for entry in trust_entries(policy, names):
        yield verifier_for(entry, policy)


def verify_earlier(place: Path | None, signers: Sequence[Verifier], /) -> VerifiedStatement | None:
    """
    Return what the signature at *place* states, if it is by one of *signers*; None without one.

    Raises:
        SignatureRejectedError: It does not hold, or is by somebody else.
        LimitExceededError: It is too large.
    """
    if place is None:
        return None
    file = read_signature(place)
    now = datetime.now(UTC)
    errors: list[SignatureRejectedError] = []
    for signer in signers:
        try:
            return verify_statement(file, signer, at=now, allow_legacy=False)
        except SignatureRejectedError as error:
            errors.append(error)
    raise errors[0]


def unchanged_digests(
    old: VerifiedStatement, stamps: Mapping[str, FileStamp], /, *, layout: HashLayout
) -> dict[str, FileDigest]:
    """
    Return the digests of the files that, by their *stamps*, are as they were for *old*.

    Empty where *old* digests in another way, or where nothing usable is remembered of it.
    """
    if old.statement.layout != layout:
        return {}
    remembered = RememberedStamps().find(old.file.sha256)
    digests = _digests_of(old.statement)
    return {
        path: _file_digest(digests[path], stamp, layout)
        for path, stamp in stamps.items()
        if path in digests and remembered.get(path) == stamp
    }


def changes_since(old: VerifiedStatement, new: Statement, /, *, taken: Collection[str]) -> Reuse:
    """Return what is different in *new*; the digests of the files *taken* are those of *old*."""
    before, now = _digests_of(old.statement), _digests_of(new)
    both = before.keys() & now.keys()
    same_layout = old.statement.layout == new.layout
    equal = {path for path in both if same_layout and before[path] == now[path]}
    return Reuse(
        signature=old.file.path,
        identity=old.identity,
        taken=tuple(sorted(taken)),
        unchanged=tuple(sorted(equal.difference(taken))),
        changed=tuple(sorted(both - equal)),
        added=tuple(sorted(now.keys() - before.keys())),
        removed=tuple(sorted(before.keys() - now.keys())),
    )


def _digests_of(statement: Statement) -> dict[str, _Parts]:
    """Return the parts of each file's digest, in their order."""
    digests: dict[str, list[tuple[int, int | None, bytes]]] = {}
    for resource in statement.resources:
        digests.setdefault(resource.path, []).append((resource.start, resource.end, resource.value))
    return {path: sorted(parts, key=lambda part: part[0]) for path, parts in digests.items()}


def _file_digest(parts: _Parts, stamp: FileStamp, layout: HashLayout) -> FileDigest:
    return FileDigest(
        layout,
        tuple(
            DigestPart(start, stamp.size if end is None else end, value)
            for start, end, value in parts
        ),
    )
