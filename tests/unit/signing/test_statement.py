"""The signed statement: what is read, what is refused, what is written."""

import json
from collections.abc import Callable

import pytest

from support.signatures import (
    FILES,
    SHARDS,
    Document,
    altered,
    parse_payload,
    refused,
    state,
    statement_document,
)
from weighbridge.core.codes import Code
from weighbridge.core.digest import HashAlgorithm, HashLayout
from weighbridge.core.limits.inventory import MAX_SHARD_BYTES
from weighbridge.signing.statement import (
    LEGACY_PREDICATE_TYPE,
    parse_statement,
    render_statement,
)

OTHER = "https://model_signing/signature/v1.7"


def serialization(document: Document) -> Document:
    """Return the serialization of a statement."""
    found: Document = document["predicate"]["serialization"]
    return found


def first(document: Document) -> Document:
    """Return the first resource of a statement."""
    found: Document = document["predicate"]["resources"][0]
    return found


@pytest.mark.parametrize("algorithm", HashAlgorithm)
@pytest.mark.parametrize("shard_size", [None, 4, 1000])
def test_what_is_written_is_read_back(algorithm: HashAlgorithm, shard_size: int | None) -> None:
    """A statement survives writing and reading, for every hash in both modes."""
    statement = state(layout=HashLayout(algorithm, shard_size), ignored=["model.sig"])
    assert parse_statement(render_statement(statement), where="model.sig") == statement


def test_what_is_written_follows_the_specification() -> None:
    """A written statement has sorted keys, plain algorithm names and integer sizes."""
    document = statement_document(state(layout=SHARDS, ignored=["b", "a"]))
    assert serialization(document) == {
        "method": "shards",
        "hash_type": "sha256",
        "shard_size": 4,
        "allow_symlinks": False,
        "ignore_paths": ["a", "b"],
    }
    resources = document["predicate"]["resources"]
    assert [r["name"] for r in resources] == [
        "config.json:0:2",
        "weights/model.safetensors:0:4",
        "weights/model.safetensors:4:8",
        "weights/model.safetensors:8:10",
    ]
    assert {r["algorithm"] for r in resources} == {"sha256"}
    payload = render_statement(state())
    assert (
        payload == json.dumps(json.loads(payload), sort_keys=True, separators=(",", ":")).encode()
    )


ACCEPTED: dict[str, Callable[[Document], object]] = {
    "as we write it": lambda _: None,
    "no ignore list": lambda d: serialization(d).pop("ignore_paths"),
    "links allowed": lambda d: serialization(d).update(allow_symlinks=True),
    "odd ignore list": lambda d: serialization(d).update(ignore_paths=["/", "", "..", "a/b"]),
    "a later minor version": lambda d: d.update(predicateType=OTHER),
    "a later minor version with a new member": lambda d: (
        d.update(predicateType=OTHER),
        d["predicate"].update(new=1),
    ),
    "unknown member of a resource": lambda d: first(d).update(annotations={}),
    "another name of the model": lambda d: d["subject"][0].update(name="../\u202e"),
    "more digests of the model": lambda d: d["subject"][0]["digest"].update(sha512="00"),
}


@pytest.mark.parametrize("change", ACCEPTED.values(), ids=ACCEPTED)
def test_every_form_that_producers_write_is_read(change: Callable[[Document], object]) -> None:
    """A statement in any form that the format allows names the same files."""
    document = altered(statement_document(), change)
    assert parse_payload(document).paths == set(FILES)


SHARD_FORMS: dict[str, Callable[[Document], object]] = {
    "as we write it": lambda _: None,
    "size as a fraction": lambda d: serialization(d).update(shard_size=4.0),
    "algorithm with its size": lambda d: [
        r.update(algorithm="sha256-sharded-4") for r in d["predicate"]["resources"]
    ],
}


@pytest.mark.parametrize("change", SHARD_FORMS.values(), ids=SHARD_FORMS)
def test_every_form_of_shards_is_read(change: Callable[[Document], object]) -> None:
    """Shards are read in the specification's form and in the one that producers write."""
    document = altered(statement_document(state(layout=SHARDS)), change)
    assert parse_payload(document).layout == SHARDS


REFUSED: dict[str, tuple[Callable[[Document], object], Code]] = {
    "unknown member": (lambda d: d.update(extra=1), Code.STATEMENT_MALFORMED),
    "another statement type": (
        lambda d: d.update(_type="https://in-toto.io/Statement/v0.1"),
        Code.STATEMENT_MALFORMED,
    ),
    "another predicate": (
        lambda d: d.update(predicateType="https://slsa.dev/provenance/v1"),
        Code.PREDICATE_UNSUPPORTED,
    ),
    "a major version to come": (
        lambda d: d.update(predicateType="https://model_signing/signature/v2.0"),
        Code.PREDICATE_UNSUPPORTED,
    ),
    "predicate type that only begins right": (
        lambda d: d.update(predicateType="https://model_signing/signature/v1.0\n"),
        Code.PREDICATE_UNSUPPORTED,
    ),
    "no subject": (lambda d: d.update(subject=[]), Code.STATEMENT_MALFORMED),
    "two subjects": (
        lambda d: d.update(subject=d["subject"] * 2),
        Code.STATEMENT_MALFORMED,
    ),
    "subject without a name": (
        lambda d: d["subject"][0].update(name=""),
        Code.STATEMENT_MALFORMED,
    ),
    "unknown member of the predicate": (
        lambda d: d["predicate"].update(extra=1),
        Code.STATEMENT_MALFORMED,
    ),
    "unknown member of the serialization": (
        lambda d: serialization(d).update(extra=1),
        Code.STATEMENT_MALFORMED,
    ),
    "unknown member of the serialization in a later minor version": (
        lambda d: (d.update(predicateType=OTHER), serialization(d).update(extra=1)),
        Code.STATEMENT_MALFORMED,
    ),
    "unknown hash": (
        lambda d: serialization(d).update(hash_type="md5"),
        Code.STATEMENT_MALFORMED,
    ),
    "unknown method": (
        lambda d: serialization(d).update(method="tensors"),
        Code.STATEMENT_MALFORMED,
    ),
    "files with a shard size": (
        lambda d: serialization(d).update(shard_size=4),
        Code.STATEMENT_MALFORMED,
    ),
    "link rule as a string": (
        lambda d: serialization(d).update(allow_symlinks="false"),
        Code.STATEMENT_MALFORMED,
    ),
    "ignore list with a number": (
        lambda d: serialization(d).update(ignore_paths=[1]),
        Code.STATEMENT_MALFORMED,
    ),
    "nothing signed": (
        lambda d: d["predicate"].update(resources=[]),
        Code.STATEMENT_MALFORMED,
    ),
    "resource that is no object": (
        lambda d: d["predicate"].update(resources=["x"]),
        Code.STATEMENT_MALFORMED,
    ),
    "algorithm of another hash": (
        lambda d: first(d).update(algorithm="blake3"),
        Code.STATEMENT_MALFORMED,
    ),
    "algorithm of shards in files mode": (
        lambda d: first(d).update(algorithm="sha256-sharded-4"),
        Code.STATEMENT_MALFORMED,
    ),
    "digest in capitals": (
        lambda d: first(d).update(digest=first(d)["digest"].upper()),
        Code.STATEMENT_MALFORMED,
    ),
    "digest of the wrong length": (
        lambda d: first(d).update(digest=first(d)["digest"][:-2]),
        Code.STATEMENT_MALFORMED,
    ),
    "digest of half a byte": (
        lambda d: first(d).update(digest="0" * 63 + "x"),
        Code.STATEMENT_MALFORMED,
    ),
    "name that leaves the root": (
        lambda d: first(d).update(name="../config.json"),
        Code.RESOURCE_NAME,
    ),
    "name with a second spelling": (
        lambda d: first(d).update(name="./config.json"),
        Code.RESOURCE_NAME,
    ),
    "name twice": (
        lambda d: d["predicate"].update(resources=d["predicate"]["resources"] * 2),
        Code.RESOURCE_DUPLICATE,
    ),
    "root digest of something else": (
        lambda d: d["subject"][0]["digest"].update(sha256="0" * 64),
        Code.ROOT_DIGEST_MISMATCH,
    ),
    "root digest in capitals": (
        lambda d: d["subject"][0]["digest"].update(
            sha256=d["subject"][0]["digest"]["sha256"].upper()
        ),
        Code.ROOT_DIGEST_MISMATCH,
    ),
    "no SHA-256 root digest": (
        lambda d: d["subject"][0].update(digest={"sha512": "00"}),
        Code.STATEMENT_MALFORMED,
    ),
    "resources in another order": (
        lambda d: d["predicate"]["resources"].reverse(),
        Code.ROOT_DIGEST_MISMATCH,
    ),
}


@pytest.mark.parametrize(("change", "code"), REFUSED.values(), ids=REFUSED)
def test_a_statement_with_anything_else_is_refused(
    change: Callable[[Document], object], code: Code
) -> None:
    """A statement that differs from an acceptable one in one respect is refused."""
    with refused(code, text="model.sig"):
        parse_payload(altered(statement_document(), change))


SHARDS_REFUSED: dict[str, tuple[Callable[[Document], object], Code]] = {
    "no size": (lambda d: serialization(d).pop("shard_size"), Code.STATEMENT_MALFORMED),
    "size zero": (lambda d: serialization(d).update(shard_size=0), Code.STATEMENT_MALFORMED),
    "size true": (lambda d: serialization(d).update(shard_size=True), Code.STATEMENT_MALFORMED),
    "size a string": (
        lambda d: serialization(d).update(shard_size="4"),
        Code.STATEMENT_MALFORMED,
    ),
    "size not whole": (
        lambda d: serialization(d).update(shard_size=4.5),
        Code.STATEMENT_MALFORMED,
    ),
    "size absurd": (
        lambda d: serialization(d).update(shard_size=MAX_SHARD_BYTES + 1),
        Code.STATEMENT_MALFORMED,
    ),
    "another size": (lambda d: serialization(d).update(shard_size=5), Code.STATEMENT_MALFORMED),
    "algorithm with another size": (
        lambda d: first(d).update(algorithm="sha256-sharded-5"),
        Code.STATEMENT_MALFORMED,
    ),
    "name without a range": (lambda d: first(d).update(name="config.json"), Code.RESOURCE_NAME),
    "a hole": (
        lambda d: d["predicate"]["resources"].pop(2),
        Code.STATEMENT_MALFORMED,
    ),
    "a shard twice": (
        lambda d: d["predicate"]["resources"].append(d["predicate"]["resources"][0]),
        Code.RESOURCE_DUPLICATE,
    ),
}


@pytest.mark.parametrize(("change", "code"), SHARDS_REFUSED.values(), ids=SHARDS_REFUSED)
def test_shards_with_anything_else_are_refused(
    change: Callable[[Document], object], code: Code
) -> None:
    """Shards that differ from acceptable ones in one respect are refused."""
    with refused(code, text="model.sig"):
        parse_payload(altered(statement_document(state(layout=SHARDS)), change))


@pytest.mark.parametrize("payload", [b"", b"[]", b"x", b'{"a":1,"a":1}'])
def test_what_is_no_strict_json_object_is_refused(payload: bytes) -> None:
    """A payload that is not one strict JSON object is a malformed statement, not a crash."""
    with refused(Code.STATEMENT_MALFORMED, text="model.sig"):
        parse_statement(payload, where="model.sig")


def legacy_document() -> Document:
    """Return a statement as releases before 1.0 wrote it."""
    resources = statement_document()["predicate"]["resources"]
    return {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [
            {
                "name": r["name"],
                "digest": {"sha256": r["digest"]},
                "annotations": {"actual_hash_algorithm": "file-sha256"},
            }
            for r in resources
        ],
        "predicateType": LEGACY_PREDICATE_TYPE,
        "predicate": {"unused": "Unused, just passed due to API requirements"},
    }


def test_a_statement_before_1_0_is_read_on_request() -> None:
    """The predicate before 1.0 gives the same files, marked as legacy, if the caller asks."""
    statement = parse_payload(legacy_document(), allow_legacy=True)
    assert statement.legacy
    assert statement.resources == state().resources
    assert statement.root == state().root


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda d: d.update(subject=[]), Code.STATEMENT_MALFORMED),
        (lambda d: d.update(subject=d["subject"] * 2), Code.RESOURCE_DUPLICATE),
        (lambda d: d["subject"][0].update(name="../x"), Code.RESOURCE_NAME),
        (lambda d: d["subject"][0].update(digest={}), Code.STATEMENT_MALFORMED),
        (lambda d: d["subject"][0]["digest"].update(sha256="0"), Code.STATEMENT_MALFORMED),
    ],
)
def test_a_statement_before_1_0_keeps_the_rules_for_names_and_digests(
    change: Callable[[Document], object], code: Code
) -> None:
    """The legacy switch opens the old form and none of its carelessness."""
    with refused(code):
        parse_payload(altered(legacy_document(), change), allow_legacy=True)
