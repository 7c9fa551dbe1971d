"""
What a keyless signature file holds beside the statement: a certificate and the log's entry.

Source: Sigstore bundle 0.3 (protobuf-specs `sigstore_bundle.proto`, `sigstore_rekor.proto`);
C2SP `tlog-checkpoint` and `signed-note`.

Here the structure is read strictly, so that every field has one spelling and none is there that
no signature binds. Certificates, signatures, proofs and times are verified by the `sigstore`
package, see `verification`. What it leaves unbound is bound here:

1. an entry of the first version has the log's promise, and with it the time and the index that
   the promise is over; an entry of the second version has neither;
2. the index of an entry of the second version is the one of its proof;
3. size and root of the proof are those of the checkpoint, and the log's own signature on it
   is there once, under the log's name.

Signatures of witnesses on a checkpoint are allowed, and nothing rests on them.
"""

import base64
import binascii
import re
from typing import Final

from weighbridge.core.codes import Code
from weighbridge.core.errors import SignatureRejectedError
from weighbridge.core.limits.signing import (
    MAX_CHECKPOINT_CHARS,
    MAX_KEY_FILE_BYTES,
    MAX_LOG_ENTRY_BYTES,
    MAX_PROOF_HASHES,
    MAX_SIGNATURE_BYTES,
    MAX_UNIX_SECONDS,
)
from weighbridge.core.values import frozen
from weighbridge.formats.json import JsonValue
from weighbridge.formats.json.members import Members

ENTRY_KINDS: Final = (("dsse", "0.0.1"), ("hashedrekord", "0.0.2"))
"""The entries that logs of the first and of the second version have of a signature like ours."""

_NUMBER: Final = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)
_NOTE: Final = re.compile(
    r"(?P<origin>[^\n]+)\n(?P<size>[^\n]+)\n(?P<root>[^\n]+)\n(?:[^\n]+\n)*"
    r"\n(?P<signatures>(?:\u2014 [^\s+]+ [A-Za-z0-9+/]+={0,2}\n)+)"
)
_ID_BYTES: Final = 32
_KEY_ID_BYTES: Final = 4


@frozen
class InclusionProof:
    """
    That an entry is in a log; not verified.

    Attributes:
        index: Of the entry.
        size: Of the log.
        root: Hash over all of the log.
        hashes: The path from the entry to the root.
        checkpoint: What the log signed: its size and root.
    """

    index: int
    size: int
    root: bytes
    hashes: tuple[bytes, ...]
    checkpoint: str


@frozen
class LogEntry:
    """
    An entry of a transparency log; nothing of it is verified.

    Attributes:
        index: In all of the log's trees together.
        log_id: Which log: SHA-256 of its key, or as the trusted root says.
        kind: Of the entry.
        version: Of the kind.
        time: When the log says that the entry came in, seconds since 1970; None where it does
            not say.
        promise: The log's signature over time, index and body, where it has a time.
        proof: That it is in the log.
        body: The entry itself.
    """

    index: int
    log_id: bytes
    kind: str
    version: str
    time: int | None
    promise: bytes | None
    proof: InclusionProof
    body: bytes


@frozen
class SigstoreMaterial:
    """The certificate of a keyless signature (DER) and the log's entry; both untrusted."""

    certificate: bytes
    entry: LogEntry


def read_material(verification: Members[SignatureRejectedError]) -> SigstoreMaterial:
    """
    Read the verification material of a keyless signature.

    Raises:
        SignatureRejectedError: It is not of the format, or breaks one of the rules above.
    """
    verification.allow({"certificate", "tlogEntries", "timestampVerificationData"})
    certificate = verification.object("certificate")
    certificate.allow({"rawBytes"})
    count = len(verification.items("tlogEntries"))
    if count != 1:
        raise verification.error(
            "the number of log entries is wrong",
            expected="exactly one",
            found=str(count),
            code=Code.LOG_ENTRY,
        )
    (entry,) = verification.objects("tlogEntries", limit=1)
    return SigstoreMaterial(
        certificate=certificate.binary("rawBytes", limit=MAX_KEY_FILE_BYTES),
        entry=_read_entry(entry),
    )


def render_material(
    material: SigstoreMaterial, *, timestamps: tuple[bytes, ...]
) -> dict[str, JsonValue]:
    """Return the verification material as JSON."""
    entry = material.entry
    proof = entry.proof
    rendered: dict[str, JsonValue] = {
        "logIndex": str(entry.index),
        "logId": {"keyId": _base64(entry.log_id)},
        "kindVersion": {"kind": entry.kind, "version": entry.version},
        "inclusionProof": {
            "logIndex": str(proof.index),
            "treeSize": str(proof.size),
            "rootHash": _base64(proof.root),
            "hashes": [_base64(item) for item in proof.hashes],
            "checkpoint": {"envelope": proof.checkpoint},
        },
        "canonicalizedBody": _base64(entry.body),
    }
    if entry.time is not None and entry.promise is not None:
        rendered["integratedTime"] = str(entry.time)
        rendered["inclusionPromise"] = {"signedEntryTimestamp": _base64(entry.promise)}
    stamps: list[JsonValue] = [{"signedTimestamp": _base64(item)} for item in timestamps]
    return {
        "certificate": {"rawBytes": _base64(material.certificate)},
        "tlogEntries": [rendered],
        "timestampVerificationData": {"rfc3161Timestamps": stamps},
    }


def _read_entry(entry: Members[SignatureRejectedError]) -> LogEntry:
    entry.allow(
        {
            "logIndex",
            "logId",
            "kindVersion",
            "integratedTime",
            "inclusionPromise",
            "inclusionProof",
            "canonicalizedBody",
        }
    )
    log = entry.object("logId")
    log.allow({"keyId"})
    kind = entry.object("kindVersion")
    kind.allow({"kind", "version"})
    time, promise = _read_promise(entry)
    read = LogEntry(
        index=_number(entry, "logIndex"),
        log_id=log.binary("keyId", limit=_ID_BYTES),
        kind=kind.text("kind"),
        version=kind.text("version"),
        time=time,
        promise=promise,
        proof=_read_proof(entry.object("inclusionProof")),
        body=entry.binary("canonicalizedBody", limit=MAX_LOG_ENTRY_BYTES),
    )
    _check_kind(read, entry)
    _check_checkpoint(read, entry)
    return read


def _read_promise(entry: Members[SignatureRejectedError]) -> tuple[int | None, bytes | None]:
    """Return time and promise; each is worth something only with the other."""
    # Logs of the second version write a time of zero, which says that they do not say.
    time = (_number(entry, "integratedTime") if "integratedTime" in entry else 0) or None
    promise = None
    if "inclusionPromise" in entry:
        signed = entry.object("inclusionPromise")
        signed.allow({"signedEntryTimestamp"})
        promise = signed.binary("signedEntryTimestamp", limit=MAX_SIGNATURE_BYTES)
    if (time is None) != (promise is None) or (time or 0) > MAX_UNIX_SECONDS:
        raise entry.error(
            "the log's time is not bound to the entry",
            expected="integratedTime with an inclusionPromise, or neither",
            found=f"a time of {time or 0} {'without' if promise is None else 'with'} a promise",
            code=Code.LOG_ENTRY,
        )
    return time, promise


def _read_proof(proof: Members[SignatureRejectedError]) -> InclusionProof:
    proof.allow({"logIndex", "treeSize", "rootHash", "hashes", "checkpoint"})
    checkpoint = proof.object("checkpoint")
    checkpoint.allow({"envelope"})
    note = checkpoint.text("envelope")
    hashes = proof.texts("hashes") if "hashes" in proof else ()
    if len(hashes) > MAX_PROOF_HASHES or len(note) > MAX_CHECKPOINT_CHARS:
        raise proof.error(
            "the proof is too long",
            expected=f"at most {MAX_PROOF_HASHES} hashes and {MAX_CHECKPOINT_CHARS} characters",
            found=f"{len(hashes)} and {len(note)}",
            code=Code.LOG_ENTRY,
        )
    return InclusionProof(
        index=_number(proof, "logIndex"),
        size=_number(proof, "treeSize"),
        root=proof.binary("rootHash", limit=_ID_BYTES),
        hashes=tuple(
            Members(
                {"hash": text}, at=proof.at, where=proof.where, raises=proof.raises, code=proof.code
            ).binary("hash", limit=_ID_BYTES)
            for text in hashes
        ),
        checkpoint=note,
    )


def _check_kind(entry: LogEntry, at: Members[SignatureRejectedError]) -> None:
    """Refuse kinds of entries that are not read, and numbers that their kind leaves unbound."""
    if (entry.kind, entry.version) not in ENTRY_KINDS:
        raise at.error(
            "the log entry is of a kind that is not read here",
            expected=" or ".join(" ".join(kind) for kind in ENTRY_KINDS),
            found=repr(f"{entry.kind[:40]} {entry.version[:40]}"),
            code=Code.LOG_ENTRY,
        )
    first = (entry.kind, entry.version) == ENTRY_KINDS[0]
    if first != (entry.promise is not None):
        raise at.error(
            "the log entry has the wrong kind of evidence",
            expected="a promise in an entry dsse 0.0.1, and in no other",
            found=f"{entry.kind} {entry.version} with{'' if entry.promise else 'out'} one",
            code=Code.LOG_ENTRY,
        )
    if not first and entry.index != entry.proof.index:
        raise at.error(
            "the log entry has two indices",
            expected=f"{entry.proof.index}, as in the proof",
            found=str(entry.index),
            code=Code.LOG_ENTRY,
        )


def _check_checkpoint(entry: LogEntry, at: Members[SignatureRejectedError]) -> None:
    """Refuse a checkpoint that is about another tree than the proof, or signed ambiguously."""
    note = _NOTE.fullmatch(entry.proof.checkpoint)
    if note is None:
        raise _bad_checkpoint(at, found="something else")
    stated = (note["size"], note["root"])
    if stated != (str(entry.proof.size), _base64(entry.proof.root)):
        raise _bad_checkpoint(at, found=f"one about size {note['size'][:20]!a} of another tree")
    own = []
    for line in note["signatures"].splitlines():
        _, name, signature = line.split(" ")
        raw = _canonical(signature)
        if raw is None:
            raise _bad_checkpoint(at, found="a signature that is not canonical base64")
        if raw.startswith(entry.log_id[:_KEY_ID_BYTES]):
            own.append(name)
    origin = note["origin"]
    if len(own) != 1 or not (origin == own[0] or origin.startswith(f"{own[0]} - ")):
        raise _bad_checkpoint(at, found=f"{len(own)} signatures of the log for {origin[:80]!a}")


def _bad_checkpoint(at: Members[SignatureRejectedError], *, found: str) -> SignatureRejectedError:
    return at.error(
        "the checkpoint does not belong to the proof",
        expected="a note with its size and root, signed once by the log",
        found=found,
        code=Code.LOG_ENTRY,
    )


def _canonical(text: str) -> bytes | None:
    try:
        raw = base64.b64decode(text, validate=True)
    except binascii.Error:
        return None
    return raw if _base64(raw) == text else None


def _number(members: Members[SignatureRejectedError], name: str) -> int:
    """Read an unsigned integer in the one spelling of protobuf's JSON: a decimal string."""
    text = members.text(name)
    if _NUMBER.fullmatch(text) is None:
        raise members.error(
            f"{name} is no number", expected="decimal digits in a string", found=repr(text[:40])
        )
    return int(text)


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
