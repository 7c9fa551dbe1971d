"""Keyless signatures: the entry of the log, its proof, and the checkpoint."""

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from support.keyless import Case, b64, read_bundle, write_bundle
from weighbridge.core.codes import Code
from weighbridge.demo.instance.authority import new_key
from weighbridge.demo.instance.careless import Parts, log_carelessly
from weighbridge.demo.instance.faults import Faults, LogFault

Entry = dict[str, Any]


@pytest.fixture(params=[1, 2])
def version(request: pytest.FixtureRequest) -> int:
    """Each version of the log's protocol."""
    number: int = request.param
    return number


def _entry(parts: Parts) -> Entry:
    """Return a copy of the entry."""
    entry: Entry = json.loads(json.dumps(parts.entry))
    return entry


def _altered(change: Callable[[Entry], None]) -> Callable[[Parts], Parts]:
    """Return what changes a copy of the entry."""

    def alter(parts: Parts) -> Parts:
        entry = _entry(parts)
        change(entry)
        return replace(parts, entry=entry)

    return alter


def test_no_entry_is_refused(case: Case, version: int) -> None:
    """A signature that is in no log is refused."""
    case.sign(version=version)
    bundle = read_bundle(case.model)
    bundle["verificationMaterial"]["tlogEntries"] = []
    write_bundle(case.model, bundle)
    case.refused(Code.LOG_ENTRY)


def test_no_list_of_entries_is_refused(case: Case) -> None:
    """A signature file that does not speak of logs at all is refused."""
    case.sign()
    bundle = read_bundle(case.model)
    del bundle["verificationMaterial"]["tlogEntries"]
    write_bundle(case.model, bundle)
    case.refused(Code.LOG_ENTRY, Code.SIGNATURE_MALFORMED)


def test_two_entries_are_refused(case: Case) -> None:
    """A second entry that nobody verifies is refused."""
    case.sign()
    bundle = read_bundle(case.model)
    bundle["verificationMaterial"]["tlogEntries"] *= 2
    write_bundle(case.model, bundle)
    case.refused(Code.LOG_ENTRY)


@pytest.mark.parametrize(
    "fault",
    [
        LogFault.OTHER_KEY,
        LogFault.OTHER_CHECKPOINT,
        LogFault.BROKEN_PROOF,
        LogFault.WRONG_INDEX,
        LogFault.NOT_LOGGED,
    ],
)
def test_a_log_that_misbehaves_is_refused(case: Case, version: int, fault: LogFault) -> None:
    """
    Entries of another log, and proofs that prove nothing, are refused in both versions.

    Another log; a checkpoint by another key; a proof that does not lead to the root; one for
    another place; an entry that was never put into the log.
    """
    case.sign(faults=Faults(log=fault), version=version)
    case.refused(Code.LOG_ENTRY)


@pytest.mark.parametrize("fault", [LogFault.NO_PROOF, LogFault.NO_CHECKPOINT])
def test_an_entry_without_a_proof_is_refused(case: Case, fault: LogFault) -> None:
    """A log's word without a proof, or a proof of a tree that nobody signed, is refused."""
    case.sign(faults=Faults(log=fault))
    case.refused(Code.SIGNATURE_MALFORMED, Code.LOG_ENTRY)


def test_a_log_that_is_not_in_the_root_is_refused(case: Case, version: int) -> None:
    """A root that names another log, and all else, trusts nobody here."""
    case.sign(version=version)
    keys = replace(case.instance.keys, tlogs=(new_key(),))
    trust = case.instance.write_trust("other-log.json", keys)
    case.refused(Code.LOG_ENTRY, trust=trust)


def test_the_name_of_another_log_is_refused(case: Case, version: int) -> None:
    """An entry that claims to be of a log that nobody knows is refused."""

    def change(entry: Entry) -> None:
        entry["logId"]["keyId"] = b64(b"\x01" * 32)

    case.sign(version=version, alter=_altered(change))
    case.refused(Code.LOG_ENTRY)


def test_an_entry_for_another_signature_is_refused(case: Case, version: int) -> None:
    """The entry of another signature by the same signer over the same statement is refused."""

    def alter(parts: Parts) -> Parts:
        other = case.parts(parts.payload, version=version)
        return replace(parts, entry=other.entry)

    case.sign(version=version, alter=alter)
    case.refused(Code.LOG_ENTRY)


def test_an_entry_for_another_statement_is_refused(case: Case, version: int) -> None:
    """A key that signed two statements: the entry of the one is not that of the other."""

    def alter(parts: Parts) -> Parts:
        other = case.parts(parts.payload + b" ", version=version)
        return replace(parts, entry=other.entry, certificate=other.certificate)

    case.sign(version=version, alter=alter)
    case.refused(Code.LOG_ENTRY, Code.SIGNATURE_INVALID)


def test_an_entry_of_the_other_version_about_the_same_is_refused_under_its_name(
    case: Case,
) -> None:
    """An entry that says that it is of another kind than it is, is refused."""

    def change(entry: Entry) -> None:
        entry["kindVersion"] = {"kind": "dsse", "version": "0.0.1"}

    case.sign(alter=_altered(change))
    case.refused(Code.LOG_ENTRY)


@pytest.mark.parametrize(
    "kind", [("hashedrekord", "0.0.1"), ("dsse", "0.0.2"), ("rekord", "0.0.1"), ("", "")]
)
def test_another_kind_of_entry_is_refused(case: Case, kind: tuple[str, str]) -> None:
    """Kinds of entries that nobody verifies here are refused."""

    def change(entry: Entry) -> None:
        entry["kindVersion"] = {"kind": kind[0], "version": kind[1]}

    case.sign(alter=_altered(change))
    case.refused(Code.LOG_ENTRY)


def test_an_entry_in_other_words_is_refused(case: Case, version: int) -> None:
    """An entry that means the same in other bytes is not the one that is in the log."""

    def change(entry: Entry) -> None:
        body = json.loads(base64.b64decode(entry["canonicalizedBody"]))
        entry["canonicalizedBody"] = b64(json.dumps(body, indent=1).encode())

    case.sign(version=version, alter=_altered(change))
    case.refused(Code.LOG_ENTRY)


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("logIndex", "0"),
        ("treeSize", "1"),
        ("treeSize", "1000000"),
        ("rootHash", b64(b"\x01" * 32)),
        ("hashes", []),
        ("logIndex", "-1"),
        ("treeSize", "0"),
        ("logIndex", "99999999999999999999"),
    ],
)
def test_a_changed_proof_is_refused(
    case: Case, version: int, member: str, value: str | list[str]
) -> None:
    """Index, size, root and path of the proof are all bound to what the log signed."""
    case.parts(b"another")  # So that the tree has more than one leaf.

    def change(entry: Entry) -> None:
        entry["inclusionProof"][member] = value

    case.sign(version=version, alter=_altered(change))
    case.refused(Code.LOG_ENTRY, Code.SIGNATURE_MALFORMED)


def test_another_index_than_the_proof_s_is_refused(case: Case) -> None:
    """In version 2 the entry and its proof name one index."""

    def change(entry: Entry) -> None:
        entry["logIndex"] = str(int(entry["logIndex"]) + 1)

    case.sign(alter=_altered(change))
    case.refused(Code.LOG_ENTRY)


def test_the_checkpoint_of_another_tree_is_refused(case: Case, version: int) -> None:
    """A checkpoint that the log signed later, about a larger tree, is not that of this proof."""

    def alter(parts: Parts) -> Parts:
        entry = _entry(parts)
        later = _entry(case.parts(parts.payload, version=version))
        entry["inclusionProof"]["checkpoint"] = later["inclusionProof"]["checkpoint"]
        return replace(parts, entry=entry)

    case.sign(version=version, alter=alter)
    case.refused(Code.LOG_ENTRY)


@pytest.mark.parametrize(
    "change",
    [
        lambda note: note.replace("loopback", "loopbacc"),
        lambda note: note.partition("\n\n")[0] + "\n",
        lambda note: note.replace("\n\n", "\nmore\n\n", 1),
        lambda note: note + note.partition("\n\n")[2],
        lambda note: note.replace("\n\n", "\n\n\n", 1),
        lambda note: note[:-1],
        lambda _: "",
        lambda note: note.replace("\n", "\r\n"),
    ],
)
def test_a_changed_checkpoint_is_refused(case: Case, change: Callable[[str], str]) -> None:
    """Another name, line, number of signatures or form of the note is not what was signed."""

    def alter(entry: Entry) -> None:
        checkpoint = entry["inclusionProof"]["checkpoint"]
        checkpoint["envelope"] = change(checkpoint["envelope"])

    case.sign(alter=_altered(alter))
    case.refused(Code.LOG_ENTRY, Code.SIGNATURE_MALFORMED)


def test_the_promise_of_another_log_is_refused(case: Case) -> None:
    """In version 1 the log's promise is by its key."""
    case.sign(version=1, faults=Faults(log=LogFault.OTHER_PROMISE))
    case.refused(Code.LOG_ENTRY)


def test_a_changed_time_is_refused(case: Case) -> None:
    """In version 1 the time is the one that the log promised."""

    def change(entry: Entry) -> None:
        entry["integratedTime"] = str(int(entry["integratedTime"]) + 1)

    case.sign(version=1, alter=_altered(change))
    case.refused(Code.LOG_ENTRY)


def test_a_time_without_a_promise_is_refused(case: Case) -> None:
    """A time that no signature binds is refused, whether or not there is another one."""

    def change(entry: Entry) -> None:
        del entry["inclusionPromise"]

    case.sign(version=1, alter=_altered(change), stamps=1)
    case.refused(Code.LOG_ENTRY)


def test_a_time_in_an_entry_of_version_2_is_refused(case: Case) -> None:
    """Logs of version 2 promise no time, so a time in their entries is somebody else's."""

    def change(entry: Entry) -> None:
        entry["integratedTime"] = "1700000000"

    case.sign(alter=_altered(change))
    case.refused(Code.LOG_ENTRY)


def test_a_promise_about_another_entry_is_refused(case: Case) -> None:
    """In version 1 the promise of another entry does not go with this one."""

    def alter(parts: Parts) -> Parts:
        other = _entry(case.parts(parts.payload, version=1))
        return replace(
            parts, entry={**_entry(parts), "inclusionPromise": other["inclusionPromise"]}
        )

    case.sign(version=1, alter=alter)
    case.refused(Code.LOG_ENTRY)


@pytest.mark.parametrize("other", [1, 2])
def test_logging_a_signature_again_does_no_harm(case: Case, other: int) -> None:
    """A signature that is in the log twice verifies with either entry."""

    def alter(parts: Parts) -> Parts:
        again = log_carelessly(
            case.instance, parts.payload, parts.signature, parts.certificate, version=other
        )
        return replace(parts, entry=again)

    case.sign(alter=alter)
    case.accepted()
