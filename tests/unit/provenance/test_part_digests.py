"""Digests of parts: written as they are read, without holes, and within bounds."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from support.statements import WHERE, artifact
from weighbridge.core.attestation import CutFile, PartDigests
from weighbridge.core.codes import Code
from weighbridge.core.digest import DigestPart
from weighbridge.core.errors import ClaimError, LimitExceededError, UsageError
from weighbridge.core.limits.claims import MAX_PART_BYTES
from weighbridge.provenance import part_digests
from weighbridge.provenance.part_digests import PARTS_V1, render_parts
from weighbridge.provenance.reading import read_claim

ABOUT = artifact("acme/bert")
PARTS = PartDigests(
    files=(
        CutFile(
            path="a.safetensors",
            parts=(DigestPart(0, 100, b"\1" * 32), DigestPart(100, 150, b"\2" * 32)),
        ),
        CutFile(path="b/b.gguf", parts=(DigestPart(0, 7, b"\3" * 32),)),
    )
)
Change = Callable[[list[dict[str, Any]]], object]


def changed(change: Change) -> bytes:
    """Return the statement with its files changed."""
    document = json.loads(render_parts(PARTS, artifacts=[ABOUT]))
    change(document["predicate"]["files"])
    return json.dumps(document).encode()


def test_what_is_written_is_read() -> None:
    """Files, ends and digests survive being signed, with what they are about."""
    claim = read_claim(render_parts(PARTS, artifacts=[ABOUT]), where=WHERE)
    assert claim.content == PARTS
    assert claim.artifacts == (ABOUT,)
    assert claim.predicate_type == PARTS_V1
    assert [file.size for file in PARTS.files] == [150, 7]


def test_the_wire_format_is_this_one() -> None:
    """What was signed once has to be readable for ever."""
    document = json.loads(render_parts(PARTS, artifacts=[ABOUT]))
    assert document["predicate"]["files"][1] == {
        "path": "b/b.gguf",
        "parts": [{"end": 7, "sha256": "03" * 32}],
    }


@pytest.mark.parametrize(
    "change",
    [
        lambda files: files.clear(),
        lambda files: files.append(files[0]),
        lambda files: files[0].pop("path"),
        lambda files: files[0].update(path=""),
        lambda files: files[0].update(path=1),
        lambda files: files[0].update(parts=[]),
        lambda files: files[0].update(parts={}),
        lambda files: files[0].update(parts=[1]),
        lambda files: files[0]["parts"].reverse(),
        lambda files: files[0]["parts"][0].update(end=0),
        lambda files: files[0]["parts"][0].update(end=-1),
        lambda files: files[0]["parts"][0].update(end=1.0),
        lambda files: files[0]["parts"][0].update(end=True),
        lambda files: files[0]["parts"][0].update(end="100"),
        lambda files: files[0]["parts"][1].update(end=100),
        lambda files: files[0]["parts"][0].pop("end"),
        lambda files: files[0]["parts"][0].pop("sha256"),
        lambda files: files[0]["parts"][0].update(sha256="AA" * 32),
        lambda files: files[0]["parts"][0].update(sha256="aa" * 31),
        lambda files: files[0]["parts"][0].update(sha256=7),
        lambda files: files[0]["parts"][0].update(end=MAX_PART_BYTES + 1),
    ],
)
def test_parts_with_holes_or_without_digests_are_none(change: Change) -> None:
    """A file has every byte in one part, and every part has a digest and a size in bounds."""
    with pytest.raises(ClaimError):
        read_claim(changed(change), where=WHERE)


def test_fields_that_nobody_knows_are_ignored() -> None:
    """As everywhere in statements (in-toto's parsing rules)."""
    claim = read_claim(changed(lambda files: files[0].update(other=1)), where=WHERE)
    assert claim.content == PARTS


def test_more_parts_than_the_bound_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are counted over all files, when reading and when writing."""
    data = render_parts(PARTS, artifacts=[ABOUT])
    monkeypatch.setattr(part_digests, "MAX_PARTS", 3)
    read_claim(data, where=WHERE)
    monkeypatch.setattr(part_digests, "MAX_PARTS", 2)
    with pytest.raises(ClaimError) as caught:
        read_claim(data, where=WHERE)
    assert caught.value.code is Code.LIMIT_EXCEEDED
    with pytest.raises(LimitExceededError):
        render_parts(PARTS, artifacts=[ABOUT])


def test_nothing_is_written_that_would_be_read_otherwise() -> None:
    """Files have to be sorted, since readers sort them."""
    with pytest.raises(UsageError):
        render_parts(PartDigests(files=PARTS.files[::-1]), artifacts=[ABOUT])
