"""Tests of reading claims: each line on its own, within bounds."""

import hashlib
import json
import os
from pathlib import Path

import pytest

from support.claims import bundle, write_files
from weighbridge.core.codes import Code
from weighbridge.core.errors import ClaimError, LimitExceededError, SignatureRejectedError
from weighbridge.core.evidence import Stage
from weighbridge.pipeline.claims import reading
from weighbridge.pipeline.claims.reading import (
    claims_place,
    one_line,
    parse_lines,
    read_claims,
)
from weighbridge.sources.local import locate

MODEL = {"config.json": b"{}"}
NAME = "model.claims.jsonl"


def test_claims_lie_in_a_directory_and_beside_a_file(tmp_path: Path) -> None:
    """A directory has its claims at its root, a single file beside it under its own name."""
    handle = write_files(tmp_path / "bert", MODEL)
    assert claims_place(handle) == tmp_path / "bert" / NAME
    alone = locate(tmp_path / "bert" / "config.json")
    assert claims_place(alone) == tmp_path / "bert" / "config.json.claims.jsonl"


def test_without_a_file_there_are_no_claims_and_no_gaps(tmp_path: Path) -> None:
    """That nobody claims anything is no gap: whether it matters is the policy's to say."""
    found = read_claims(write_files(tmp_path, MODEL))
    assert (found.lines, found.gaps) == ((), ())


def test_each_line_is_a_claim_with_its_own_digest(tmp_path: Path) -> None:
    """Blank lines and blanks around a claim are nothing; a claim that is there twice is one."""
    first, second = bundle("a"), bundle("b")
    text = b"\n".join([first, b"", b"  " + second + b"\r", first, b"\t", b""])
    found = read_claims(write_files(tmp_path, {**MODEL, NAME: text}))
    assert [line.data for line in found.lines] == [first, second]
    assert [line.place for line in found.lines] == [f"{NAME}:1", f"{NAME}:3"]
    assert [line.sha256 for line in found.lines] == [
        hashlib.sha256(data).hexdigest() for data in (first, second)
    ]
    assert [line.bundle.payload for line in found.lines if line.bundle] == [b'"a"', b'"b"']
    assert all(line.gap is None for line in found.lines)


@pytest.mark.parametrize(
    "broken",
    [b"{", b"[]", b"\xff\xfe", b'"text"', bundle()[:-1], bundle() + bundle(), b"{" * 100, b"\x00"],
)
def test_a_broken_line_is_a_gap_and_the_others_stay(tmp_path: Path, broken: bytes) -> None:
    """What is no bundle is a gap of its line; it neither helps nor harms another line."""
    text = b"\n".join([bundle("a"), broken, bundle("b")])
    found = read_claims(write_files(tmp_path, {**MODEL, NAME: text}))
    assert [line.bundle is not None for line in found.lines] == [True, False, True]
    gap = found.lines[1].gap
    assert gap is not None
    assert (gap.stage, gap.path) == (Stage.PROVENANCE, NAME)
    assert gap.code in {Code.CLAIM_MALFORMED, Code.LIMIT_EXCEEDED}
    assert gap.reason.startswith(f"{NAME}:2: ")
    assert found.gaps == ()


def test_a_line_that_is_too_long_is_a_gap_before_it_is_parsed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bound on one claim is met at its length, and the other claims are read."""
    short = bundle("a")
    monkeypatch.setattr(reading, "MAX_CLAIM_BYTES", len(short))
    padded = short[:1] + b" " + short[1:]
    text = b"\n".join([padded, short])
    found = read_claims(write_files(tmp_path, {**MODEL, NAME: text}))
    assert [line.bundle is not None for line in found.lines] == [False, True]
    assert found.lines[0].gap is not None
    assert "too long" in found.lines[0].gap.reason


@pytest.mark.parametrize("kind", ["lines", "bytes", "directory", "pipe"])
def test_a_file_that_cannot_be_read_is_one_gap(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """Too many lines or bytes, and what is no file, are a gap of the whole file."""
    handle = write_files(tmp_path, MODEL)
    place = claims_place(handle)
    if kind == "directory":
        place.mkdir()
    elif kind == "pipe":
        os.mkfifo(place)
    else:
        place.write_bytes(b"\n".join([bundle("a"), bundle("b"), bundle("c")]))
        monkeypatch.setattr(reading, "MAX_CLAIMS" if kind == "lines" else "MAX_CLAIMS_BYTES", 2)
    found = read_claims(handle)
    assert found.lines == ()
    assert len(found.gaps) == 1
    assert found.gaps[0].stage is Stage.PROVENANCE


def test_as_many_lines_as_allowed_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bound is on claims; one more is refused, with or without a last line break."""
    monkeypatch.setattr(reading, "MAX_CLAIMS", 2)
    two = bundle("a") + b"\n" + bundle("b")
    assert len(parse_lines(two, name="x")) == 2
    assert len(parse_lines(two + b"\n", name="x")) == 2
    with pytest.raises(LimitExceededError):
        parse_lines(two + b"\n" + bundle("c"), name="x")


def test_a_bundle_of_several_lines_becomes_one_and_means_the_same() -> None:
    """A bundle that a client wrote with indentation is one line here, with the same content."""
    pretty = json.dumps(json.loads(bundle("a")), indent=2).encode() + b"\n"
    line = one_line(pretty, where="x")
    assert b"\n" not in line
    assert json.loads(line) == json.loads(bundle("a"))
    assert one_line(b" " + bundle("a") + b"\r\n", where="x") == bundle("a")


def test_what_is_no_bundle_becomes_no_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing but a bundle of bounded length becomes a claim."""
    with pytest.raises(SignatureRejectedError):
        one_line(b"{}", where="x")
    with pytest.raises(SignatureRejectedError):
        one_line(bundle() + b"\n" + bundle(), where="x")
    monkeypatch.setattr(reading, "MAX_CLAIM_BYTES", 10)
    with pytest.raises(ClaimError):
        one_line(bundle(), where="x")
