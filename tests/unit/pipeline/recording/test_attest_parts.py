"""Claims with the digests of parts: of the files that are there, from one reading."""

import hashlib
from pathlib import Path

import pytest

from support.parts import COUNT, FILES, NAMES, START, WEIGHTS
from support.recorded_steps import Bench, make_bench
from support.signed_model import safetensors_file
from support.torch_files import checkpoint, floats, state, storage, tensor
from weighbridge.core.attestation import CutFile
from weighbridge.core.errors import ArtifactRefusedError, NothingToCheckError, UsageError
from weighbridge.core.limits.loading import HELD_INLINE_BYTES, PART_BYTES
from weighbridge.pipeline.describe import digest
from weighbridge.pipeline.recording.attest_parts import AttestedParts, attest_parts
from weighbridge.provenance.part_digests import PARTS_V1


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """Go to a directory with a model of tensors."""
    monkeypatch.chdir(tmp_path)
    made = make_bench(tmp_path)
    for path, data in FILES.items():
        (tmp_path / "data" / path).write_bytes(data)
    return made


def attest(bench: Bench) -> AttestedParts:
    """Attest the parts of the model."""
    return attest_parts("data", signer=bench.signer)


def check_parts(file: CutFile, data: bytes) -> None:
    """Hold the parts of *file* to its bytes."""
    assert file.size == len(data)
    start = 0
    for part in file.parts:
        assert part.start == start
        assert part.value == hashlib.sha256(data[start : part.end]).digest()
        start = part.end


def test_the_parts_are_those_of_the_file(bench: Bench) -> None:
    """Every byte is in one, and they end where tensors do, as far as they are large enough."""
    attested = attest(bench)
    (file,) = attested.parts.files
    assert file.path == "a.safetensors"
    check_parts(file, WEIGHTS)
    ends = {part.end for part in file.parts}
    assert {START + NAMES.index(name) * 4 * COUNT for name in ("second", "third")} <= ends
    assert attested.artifact.binding == digest("data").binding
    (statement,) = bench.claims("data/model.claims.jsonl")
    assert statement["predicateType"] == PARTS_V1
    assert statement["subject"][0]["name"] == "data"


def test_claims_and_signatures_are_no_part_of_it(bench: Bench) -> None:
    """A second claim is about the same artifact, and the first one stays."""
    first = attest(bench)
    second = attest(bench)
    assert first.artifact == second.artifact
    assert first.parts == second.parts
    assert len(bench.claims("data/model.claims.jsonl")) == 2


def test_it_is_named_as_its_signature_names_it(bench: Bench) -> None:
    """The metadata of a version control is no part of what is signed, and none of this."""
    before = attest(bench)
    (bench.root / "data" / ".gitattributes").write_text("*.safetensors filter=lfs\n")
    (bench.root / "data" / ".git").mkdir()
    (bench.root / "data" / ".git" / "a.safetensors").write_bytes(WEIGHTS)
    after = attest(bench)
    assert after.artifact == before.artifact
    assert [file.path for file in after.parts.files] == ["a.safetensors"]


def test_a_file_that_is_broken_is_cut_all_the_same(bench: Bench) -> None:
    """Where it is cut proves nothing; that it is broken is the scan's to say."""
    data = bytearray(WEIGHTS + bytes(PART_BYTES))
    (bench.root / "data" / "a.safetensors").write_bytes(data)
    (file,) = attest(bench).parts.files
    check_parts(file, bytes(data))
    assert all(part.end - part.start <= PART_BYTES for part in file.parts)


def test_files_of_other_formats_are_not_cut(bench: Bench) -> None:
    """A checkpoint is a pickle, and small files are read whole anyway."""
    values = state(a=tensor(storage("0", 40_000), [40_000], [1]))
    data = checkpoint(values, {"0": floats(*[1.0] * 40_000)})
    (bench.root / "data" / "model.bin").write_bytes(data)
    (bench.root / "data" / "small.safetensors").write_bytes(safetensors_file(w=[1.0]))
    assert len(data) > HELD_INLINE_BYTES
    assert [file.path for file in attest(bench).parts.files] == ["a.safetensors"]


def test_a_model_without_such_files_has_no_parts(bench: Bench) -> None:
    """There is nothing to sign, and nothing is."""
    (bench.root / "data" / "a.safetensors").unlink()
    with pytest.raises(NothingToCheckError):
        attest(bench)
    assert not list(bench.root.rglob("*.claims.jsonl"))


def test_what_cannot_be_accounted_for_is_not_attested(bench: Bench) -> None:
    """A link has to be allowed; then it counts as its file."""
    blob = bench.root / "blob"
    (bench.root / "data" / "a.safetensors").rename(blob)
    (bench.root / "data" / "a.safetensors").symlink_to(blob)
    with pytest.raises(ArtifactRefusedError):
        attest(bench)
    attested = attest_parts("data", signer=bench.signer, allow_symlinks=True)
    check_parts(attested.parts.files[0], WEIGHTS)


def test_it_can_be_called_otherwise(bench: Bench) -> None:
    """By the name by which others know it, if a statement can have that."""
    attested = attest_parts("data", signer=bench.signer, name="acme/data")
    assert attested.artifact.name == "acme/data"
    with pytest.raises(UsageError):
        attest_parts("data", signer=bench.signer, name="a#manifest")
