"""Tests of what an output takes over from its inputs."""

import os
from pathlib import Path

import pytest

from support.claims import bundle, write_files
from support.signatures import key_signer
from weighbridge.core.errors import LimitExceededError
from weighbridge.pipeline.claims import carrying, reading
from weighbridge.pipeline.claims.carrying import carry
from weighbridge.pipeline.claims.writing import append_claims
from weighbridge.pipeline.sign import sign
from weighbridge.sources.local import locate


def test_signatures_and_claims_of_all_inputs_are_carried_once(tmp_path: Path) -> None:
    """A signature is a claim of the output, and what two inputs share is carried once."""
    one = write_files(tmp_path / "one", {"a": b"1"})
    two = write_files(tmp_path / "two", {"b": b"2", "model.ci.sig": b"no signature"})
    data = write_files(tmp_path / "data", {"c": b"3"})
    sign(one.root, signer=key_signer())
    sign(one.root, signer=key_signer(number=1), signature=one.root / "model.second.sig")
    append_claims(one, [bundle("a"), bundle("b")])
    append_claims(two, [bundle("b"), bundle("c")])
    with (two.root / "model.claims.jsonl").open("ab") as file:
        file.write(b"broken\n")
    signatures = [(one.root / name).read_bytes() for name in ("model.sig", "model.second.sig")]
    carried = carry([one, two, data])
    assert carried == (*signatures, bundle("a"), bundle("b"), bundle("c"))


def test_the_signature_beside_a_single_file_is_carried(tmp_path: Path) -> None:
    """An input of one file has its signature and its claims beside it."""
    write_files(tmp_path, {"adapter.bin": b"1"})
    file = locate(tmp_path / "adapter.bin")
    sign(file.root, signer=key_signer())
    append_claims(file, [bundle("a")])
    assert carry([file]) == ((tmp_path / "adapter.bin.sig").read_bytes(), bundle("a"))


def test_what_cannot_be_a_signature_is_not_waited_for(tmp_path: Path) -> None:
    """A pipe that is called like a signature is left out."""
    handle = write_files(tmp_path, {"a": b"1"})
    os.mkfifo(tmp_path / "model.sig")
    assert carry([handle]) == ()


@pytest.mark.parametrize("bound", ["MAX_CLAIMS", "MAX_CLAIMS_BYTES"])
def test_more_than_a_claims_file_has_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bound: str
) -> None:
    """Inputs with more claims than an output may have fail, instead of losing some."""
    one = write_files(tmp_path / "one", {"a": b"1"})
    two = write_files(tmp_path / "two", {"a": b"1"})
    append_claims(one, [bundle("a")])
    append_claims(two, [bundle("b")])
    monkeypatch.setattr(carrying, bound, 1 if bound == "MAX_CLAIMS" else 2 * len(bundle("a")))
    with pytest.raises(LimitExceededError):
        carry([one, two])


def test_an_input_whose_claims_are_too_many_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Claims that cannot be read are not dropped in silence."""
    one = write_files(tmp_path / "one", {"a": b"1"})
    append_claims(one, [bundle("a"), bundle("b")])
    monkeypatch.setattr(reading, "MAX_CLAIMS", 1)
    with pytest.raises(LimitExceededError):
        carry([one])
