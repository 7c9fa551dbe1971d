"""Claims: every value of a statement is either read, refused or known not to matter."""

import json
from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

import pytest

from support.statements import (
    Document,
    artifact,
    build,
    collection,
    container_based,
    delegated,
    generic_v02,
    github,
    gitlab,
    link,
    payload,
    read,
    summary,
    verification,
)
from weighbridge.core.attestation import Resource
from weighbridge.core.codes import Code
from weighbridge.core.errors import ClaimError
from weighbridge.provenance.reading import Claim
from weighbridge.provenance.slsa import render_build
from weighbridge.provenance.summary import render_summary

VALUES: tuple[Any, ...] = (
    None,
    "",
    "x",
    "https://example.org/x",
    0,
    1.5,
    True,
    [],
    ["x"],
    [{}],
    {},
    {"x": 1},
)
CODES = {Code.CLAIM_MALFORMED, Code.CLAIM_UNKNOWN}


def ours() -> Document:
    """Return a statement of ours about a build that uses everything."""
    made = build(
        inputs=(artifact("acme/base", uri="https://example.org/base"),),
        others=(Resource(uri="pkg:pypi/torch", digests=(("sha256", "ab" * 32),)),),
        byproducts=(Resource(uri="file:log"),),
        invocation_id="42",
    )
    document: Document = json.loads(render_build(made, artifacts=[artifact("acme/bert")]))
    return document


def receipt() -> Document:
    """Return a receipt of ours."""
    made = summary(
        policy_sha256="ab" * 32,
        levels=("SLSA_BUILD_LEVEL_2",),
        inputs=(Resource(digests=(("sha256", "cd" * 32),)),),
        boundary="deploy",
    )
    document: Document = json.loads(render_summary(made, artifacts=[artifact("acme/bert")]))
    return document


PLATFORMS: dict[str, Callable[[], Document]] = {
    "ours": ours,
    "receipt": receipt,
    "github": github,
    "delegated": delegated,
    "container": container_based,
    "v0.2": generic_v02,
    "gitlab": gitlab,
    "link": link,
    "witness": collection,
    "summary": verification,
}


def paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield where there are values in *value*, the outer ones first."""
    if path:
        yield path
    steps = value.items() if isinstance(value, dict) else ()
    for step, inner in steps or (enumerate(value) if isinstance(value, list) else ()):
        yield from paths(inner, (*path, step))


def changed(document: Document, path: tuple[Any, ...], value: Any) -> Document:
    """Return *document* with *value* at *path*."""
    copy = deepcopy(document)
    place: Any = copy
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return copy


def read_or_none(document: Document) -> Claim | None:
    """Return the claim that *document* is, or None where it is refused as such."""
    try:
        return read(document)
    except ClaimError as error:
        if error.code not in CODES:
            raise
        return None


@pytest.mark.parametrize("platform", sorted(PLATFORMS))
def test_any_value_anywhere_is_read_or_refused(platform: str) -> None:
    """A value of any type in any place is an error of a claim at worst."""
    document = PLATFORMS[platform]()
    told = {
        read_or_none(changed(document, path, value)) is None
        for path in paths(document)
        for value in VALUES
    }
    assert told == {True, False}


NOT_READ: dict[str, set[Any]] = {
    "ours": set(),
    "receipt": {"slsaVersion"},
    "summary": {"slsaVersion"},
    "github": set(),
    "delegated": set(),
    "container": set(),
    "v0.2": {"reproducible"},
    "gitlab": set(),
    "link": {"stdout"},
    # Of what was made the subjects tell; the times are those of the command.
    "witness": {
        *("stdout", "os", "mime_type", "starttime", "endtime"),
        ("predicate", "attestations", 4, "type"),
        ("predicate", "attestations", 4, "attestation", "model.safetensors", "digest", "sha256"),
        ("subject", 1, "name"),
        ("subject", 1, "digest", "sha1"),
    },
}
"""Members, and places, that say nothing of what was built, by whom, from what or how."""


@pytest.mark.parametrize("platform", sorted(PLATFORMS))
def test_whoever_changes_a_text_changes_the_claim(platform: str) -> None:
    """Every text of a statement is in what is read of it, or known not to matter."""
    document = PLATFORMS[platform]()
    claim = read(document)
    for path in paths(document):
        place: Any = document
        for step in path:
            place = place[step]
        if isinstance(place, str) and read_or_none(changed(document, path, place + "x")) == claim:
            assert NOT_READ[platform] & {path[-1], path}, path


@pytest.mark.parametrize("platform", sorted(PLATFORMS))
def test_whoever_adds_a_member_adds_nothing_that_is_trusted(platform: str) -> None:
    """An unknown member is ignored or is a parameter, a variable or a material of its own."""
    document = PLATFORMS[platform]()
    claim = read(document)
    for path in ((), *paths(document)):
        place: Any = document
        for step in path:
            place = place[step]
        if isinstance(place, dict):
            found = read_or_none(changed(document, (*path, "weighbridge_unknown"), "x"))
            if found is not None:
                assert found.artifacts == claim.artifacts
                assert [file.name for file in found.files] == [file.name for file in claim.files]


def test_the_spelling_of_a_statement_changes_nothing() -> None:
    """Space and the order of members are no part of what is said."""
    document = ours()
    shuffled = json.dumps(dict(reversed(document.items())), indent=3)
    assert json.loads(shuffled) == document
    assert read(json.loads(shuffled)) == read(document)
    assert payload(document) != shuffled.encode()
