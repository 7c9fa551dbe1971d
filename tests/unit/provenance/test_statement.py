"""Statements: what they are about."""

import json
from typing import Any

import pytest

from support.statements import (
    STATEMENT_V01,
    WEIGHTS,
    WHERE,
    artifact,
    files,
    payload,
    refused,
    sha256,
    statement,
)
from weighbridge.core.attestation import Artifact, Resource
from weighbridge.core.codes import Code
from weighbridge.core.errors import UsageError
from weighbridge.provenance import fields, resources
from weighbridge.provenance import statement as statements
from weighbridge.provenance.statement import (
    Statement,
    parse_statement,
    render_statement,
    subjects_of,
)

KIND = "https://example.org/kind/v1"


def parsed(document: Any) -> Statement:
    """Return *document* as it is read."""
    return parse_statement(payload(document), where=WHERE)


def subject(name: str | None, digest: str | None = WEIGHTS, **digests: str) -> Resource:
    """Return a subject."""
    pairs = {**({} if digest is None else {"sha256": digest}), **digests}
    return Resource(name=name, digests=tuple(sorted(pairs.items())))


def pair(name: str) -> tuple[Resource, Resource]:
    """Return the two subjects of `artifact(name)`."""
    found = artifact(name)
    return (
        subject(name, found.binding.root.hex),
        subject(f"{name}#manifest", found.binding.names.hex),
    )


def test_a_statement_is_read_with_its_subjects_in_their_order() -> None:
    """Subjects, kind and predicate stand as they are."""
    document = statement(KIND, {"x": 1}, subject=files(b=WEIGHTS, a="bb" * 32))
    read = parsed(document)
    assert [s.name for s in read.subjects] == ["b", "a"]
    assert read.predicate_type == KIND
    assert read.predicate == {"x": 1}


def test_the_version_before_1_is_read_and_another_one_is_not() -> None:
    """Statement v0.1 has the same members; what v2 means nobody knows."""
    assert parsed(statement(KIND, {}, kind=STATEMENT_V01)).predicate == {}
    with refused(text="_type is another one"):
        parsed(statement(KIND, {}, kind="https://in-toto.io/Statement/v2"))


def test_a_predicate_may_be_left_out() -> None:
    """Unset and null are the same (in-toto parsing rules); an unknown member changes nothing."""
    document = statement(KIND, {})
    del document["predicate"]
    document["extension"] = {"anything": []}
    assert parsed(document).predicate is None


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"subject": []}, "does not say what it is about"),
        ({"subject": None}, "does not say what it is about"),
        ({"subject": {}}, "subject has the wrong type"),
        ({"subject": [1]}, "subject[0]: wrong type"),
        ({"subject": [{"name": "x"}]}, "not told from others"),
        ({"subject": [{"name": "x", "uri": "https://example.org/x"}]}, "a digest for each"),
        ({"subject": [{"name": "x", "digest": {"sha256": 1}}]}, "a digest has the wrong type"),
        ({"subject": [{"name": "x", "digest": {"": "00"}}]}, "a digest has the wrong type"),
        ({"subject": [{"name": "x", "digest": {"sha256": ""}}]}, "a digest has the wrong type"),
        ({"subject": [{"name": 1, "digest": {"sha256": "00"}}]}, "name has the wrong type"),
        ({"predicateType": ""}, "predicateType is empty"),
        ({"predicateType": None}, "predicateType has the wrong type"),
        ({"_type": None}, "_type has the wrong type"),
    ],
)
def test_a_broken_statement_is_refused(change: Any, text: str) -> None:
    """Whoever does not say what is stated about what states nothing."""
    with refused(text=text):
        parsed({**statement(KIND, {}), **change})


@pytest.mark.parametrize("data", [b"", b"[]", b'{"_type": 1, "_type": 2}', b"\xff", b'{"a": NaN}'])
def test_what_is_no_strict_json_object_is_refused(data: bytes) -> None:
    """Whatever two readers could read differently is no statement."""
    with refused():
        parse_statement(data, where=WHERE)


def test_a_statement_beyond_a_bound_is_refused_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bound that is met has a code of its own, wherever it is met."""
    document = statement(KIND, {}, subject=files(a=WEIGHTS, b=WEIGHTS))
    size = len(payload(document))
    for module, name, limit in (
        (statements, "MAX_STATEMENT_BYTES", size),
        (resources, "MAX_STATEMENT_RESOURCES", 2),
        (fields, "MAX_STATEMENT_TEXT_CHARS", 64),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(module, name, limit)
            assert parsed(document).subjects
            patch.setattr(module, name, limit - 1)
            with refused(Code.LIMIT_EXCEEDED):
                parsed(document)


@pytest.mark.parametrize(
    "more",
    [
        {"name": "n" * 9},
        {"uri": "u" * 9},
        {"mediaType": "m" * 9},
        {"digest": {"d" * 9: "0"}},
        {"digest": {"d": "0" * 9}},
        {"annotations": {"a" * 9: 0}},
    ],
)
def test_every_text_of_a_subject_is_bounded(more: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Names, URIs, keys and digests have a greatest length, each by itself."""
    monkeypatch.setattr(fields, "MAX_STATEMENT_TEXT_CHARS", 9)
    document = {**statement("kind", {}), "subject": [{"digest": {"d": "0"}, **more}]}
    parsed(document)
    monkeypatch.setattr(fields, "MAX_STATEMENT_TEXT_CHARS", 8)
    with refused(Code.LIMIT_EXCEEDED):
        parsed(document)


def test_a_subject_has_a_bounded_number_of_digests() -> None:
    """Thirty-two kinds of digests are more than there are; one more is refused."""
    digests = {f"d{i}": "00" for i in range(32)}
    parsed(statement(KIND, {}, subject=[{"name": "x", "digest": digests}]))
    with refused(text="too many members"):
        parsed(statement(KIND, {}, subject=[{"name": "x", "digest": digests | {"d": "0"}}]))


def test_a_deep_statement_is_beyond_a_bound() -> None:
    """Nesting is measured before anything recurses."""
    with refused(Code.LIMIT_EXCEEDED):
        parse_statement(b'{"a":' + b"[" * 100 + b"]" * 100 + b"}", where=WHERE)


def test_subjects_that_belong_together_are_an_artifact() -> None:
    """`NAME` and `NAME#manifest` are one artifact, wherever they stand; the others are files."""
    root, names = pair("acme/bert")
    other = subject("README.md")
    nameless = subject(None)
    artifacts, rest = subjects_of([names, other, root, nameless, root])
    assert artifacts == (artifact("acme/bert"),)
    assert rest == (other, nameless)


def test_the_order_of_subjects_changes_nothing() -> None:
    """Several artifacts are told apart by their names."""
    a, b = pair("a"), pair("b")
    for order in ([*a, *b], [b[1], a[0], b[0], a[1]]):
        artifacts, rest = subjects_of(order)
        assert set(artifacts) == {artifact("a"), artifact("b")}
        assert rest == ()


def test_an_artifact_has_the_uri_of_its_first_subject() -> None:
    """The second subject may repeat the URI, and may not have another one."""
    root, names = pair("a")
    uri = "https://example.org/a"
    with_uri = Resource(name=root.name, uri=uri, digests=root.digests)
    ((found,), _) = subjects_of([with_uri, names])
    assert found == Artifact(name="a", uri=uri, binding=artifact("a").binding)
    same = Resource(name=names.name, uri=uri, digests=names.digests)
    assert subjects_of([with_uri, same])[0] == (found,)
    with refused(text="different URIs"):
        subjects_of(
            [with_uri, Resource(name=names.name, uri=uri + "x", digests=names.digests)], where=WHERE
        )


@pytest.mark.parametrize(
    "subjects",
    [
        pytest.param([pair("a")[1]], id="no partner"),
        pytest.param([pair("b")[0], pair("a")[1]], id="another partner"),
        pytest.param([*pair("a"), subject("a", "bb" * 32)], id="two partners"),
        pytest.param([*pair("a"), subject("a#manifest", "bb" * 32)], id="two manifests"),
        pytest.param([subject(""), subject("#manifest")], id="no name"),
        pytest.param([subject("a\n"), subject("a\n#manifest")], id="a line break in the name"),
        pytest.param([subject("a", None, sha512="00"), pair("a")[1]], id="no sha256"),
        pytest.param([subject("a", WEIGHTS.upper()), pair("a")[1]], id="upper case"),
        pytest.param([pair("a")[0], subject("a#manifest", WEIGHTS[:-1])], id="too short"),
        pytest.param([subject("a#manifest"), subject("a#manifest#manifest")], id="nested"),
    ],
)
def test_what_binds_by_one_digest_only_is_refused(subjects: list[Resource]) -> None:
    """A digest of names without the one of content binds nothing, and neither do two of them."""
    with refused():
        subjects_of(subjects, where=WHERE)


def test_a_statement_of_ours_names_an_artifact_by_two_subjects() -> None:
    """What is written is compact JSON with sorted keys, and is read as the same."""
    model = artifact("acme/bert", uri="https://example.org/bert")
    extra = Resource(name="notes.txt", digests=(("sha256", WEIGHTS),))
    data = render_statement(
        artifacts=[model], predicate_type=KIND, predicate={"b": 1, "a": []}, files=[extra]
    )
    assert data == json.dumps(json.loads(data), sort_keys=True, separators=(",", ":")).encode()
    read = parse_statement(data, where=WHERE)
    assert [s.name for s in read.subjects] == ["acme/bert", "acme/bert#manifest", "notes.txt"]
    assert subjects_of(read.subjects) == ((model,), (extra,))


@pytest.mark.parametrize(
    ("artifacts", "others"),
    [
        ([], []),
        ([artifact("")], []),
        ([artifact("a\n")], []),
        ([artifact("a#manifest")], []),
        ([artifact("a"), artifact("a")], []),
        ([artifact("a")], [subject("a")]),
        ([artifact("a")], [subject("a#manifest")]),
        ([], [subject("b#manifest")]),
        ([], [subject("b", None)]),
    ],
)
def test_a_statement_that_would_read_differently_is_not_written(
    artifacts: list[Artifact], others: list[Resource]
) -> None:
    """Nothing is signed that is about nothing, or of which it is not clear what it is about."""
    with pytest.raises(UsageError):
        render_statement(artifacts=artifacts, predicate_type=KIND, predicate={}, files=others)


def test_an_artifact_is_found_by_both_digests() -> None:
    """The digests of the two subjects are the root digest and the names digest, in this order."""
    ((found,), _) = subjects_of(pair("a"))
    assert found.binding.root == sha256("a root")
    assert found.binding.names == sha256("a names")
