"""Loading: one pass over each byte, hashed as it was signed."""

import io
import itertools
from pathlib import Path
from typing import Any

import pytest

import weighbridge as wb
from support.signed_model import SignedModel, make_signed_model, safetensors_file
from support.torch_files import checkpoint, state, vector
from weighbridge.core.digest import HashAlgorithm, HashLayout
from weighbridge.core.errors import PolicyDeniedError
from weighbridge.core.limits.units import MIB
from weighbridge.inventory import hashing
from weighbridge.inventory.blocks import Blocks, read_ahead, read_in_place
from weighbridge.load.held import HeldFile
from weighbridge.load.memory import AnonymousMemory
from weighbridge.pipeline.check import check

SHA256 = HashAlgorithm.SHA256
BLAKE3 = HashAlgorithm.BLAKE3
LAYOUTS = [
    HashLayout(),
    HashLayout(SHA256, 128 * 1024),
    HashLayout(BLAKE3),
    HashLayout(BLAKE3, 128 * 1024),
    HashLayout(HashAlgorithm.BLAKE2B),
]
WEIGHTS = safetensors_file(w=[1.0] * 500_000)


def signed(place: Path, layout: HashLayout, **rule: str) -> SignedModel:
    """Return a model of two large files and a small one, signed under *layout*."""
    files = {"a.safetensors": WEIGHTS, "b/b.safetensors": WEIGHTS, "config.json": b"{}"}
    return make_signed_model(place, files, layout=layout, rule=rule)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_loads_what_was_signed(layout: HashLayout, tmp_path: Path) -> None:
    """Whatever the signer hashed with, the files are those that were signed."""
    model = signed(tmp_path, layout)
    with wb.load(model.root, policy=model.policy) as artifact:
        assert {path: artifact.read(path) for path in artifact.files} == model.files
        assert artifact.verdict.signers[0].layout == layout


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("at", [0, MIB, len(WEIGHTS) - 1])
def test_one_other_byte_is_denied(layout: HashLayout, at: int, tmp_path: Path) -> None:
    """One byte that is not the signed one, wherever it is, denies the load."""
    model = signed(tmp_path, layout)
    changed = bytearray(WEIGHTS)
    changed[at] ^= 1
    (model.root / "a.safetensors").write_bytes(changed)
    with pytest.raises(PolicyDeniedError) as caught:
        wb.load(model.root, policy=model.policy)
    assert {reason.path for reason in caught.value.verdict.reasons} >= {"a.safetensors"}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_is_named_where_it_was_hashed_for_it(layout: HashLayout, tmp_path: Path) -> None:
    """A load hashes as the signer did; a check takes the digests that name the model as well."""
    model = signed(tmp_path, layout)
    named = check(model.root, policy=model.policy).artifact
    with wb.load(model.root, policy=model.policy) as artifact:
        found = artifact.verdict.artifact
        assert named is not None
        assert found is not None
        assert found.oms == named.oms
        assert found.names == (named.names if layout == HashLayout() else None)
        # A copy is kept under the same name either way.
        assert named.names is not None
        assert named.names.hex in artifact.path(root=tmp_path / "store").parts


@pytest.mark.parametrize(
    "scan",
    [
        "cache = true",
        'suppress = [{ rule = "suffix-lie", path = "x", sha256 = "%s", reason = "r", '
        "expires = 2099-01-01 }]" % ("0" * 64),
        'approve = [{ sha256 = "%s", globals = ["a.b"], reason = "r", expires = 2099-01-01 }]'
        % ("0" * 64),
    ],
)
def test_is_hashed_with_sha256_where_the_rule_needs_it(scan: str, tmp_path: Path) -> None:
    """A rule that knows files by their SHA-256 finds it, whatever was signed."""
    model = signed(tmp_path, HashLayout(BLAKE3), scan=f"{{ {scan} }}")
    with wb.load(model.root, policy=model.policy) as artifact:
        assert artifact.verdict.artifact is not None
        assert artifact.verdict.artifact.names is not None


def test_a_denied_load_is_named_by_what_was_hashed(tmp_path: Path) -> None:
    """A verdict about files that are not the signed ones still says which they are."""
    model = signed(tmp_path, HashLayout(BLAKE3))
    (model.root / "a.safetensors").write_bytes(WEIGHTS + b"x")
    with pytest.raises(PolicyDeniedError) as caught:
        wb.load(model.root, policy=model.policy)
    digests = caught.value.verdict.artifact
    assert digests is not None
    assert digests.names is None


def test_bytes_are_read_where_they_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every byte of a large file is read once, into the memory that is given out."""
    reads: list[int] = []

    def counting(file: io.FileIO, start: int, room: memoryview, **how: Any) -> Blocks:
        for block, stays in read_in_place(file, start, room, **how):
            reads.append(len(block))
            yield block, stays

    monkeypatch.setattr(hashing, "read_in_place", counting)
    monkeypatch.setattr(hashing, "read_ahead", counting)
    model = signed(tmp_path, HashLayout())
    with wb.load(model.root, policy=model.policy) as artifact:
        assert sum(reads) == 2 * len(WEIGHTS)
        held = artifact._held["a.safetensors"]
        assert isinstance(held.memory, AnonymousMemory)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_one_large_file_is_read_by_one_thread_and_hashed_by_another(
    layout: HashLayout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a core to spare the digest is the same."""
    used: list[int] = []

    def noting(file: object, start: int, room: memoryview, *, size: int) -> Blocks:
        used.append(len(room))
        yield from read_ahead(file, start, room, size=size)  # type: ignore[arg-type]

    monkeypatch.setattr(hashing, "read_ahead", noting)
    monkeypatch.setattr("weighbridge.inventory.take.available_cores", itertools.repeat(64).__next__)
    model = make_signed_model(tmp_path, {"m.safetensors": WEIGHTS}, layout=layout)
    with wb.load(model.root, policy=model.policy) as artifact:
        assert artifact.read("m.safetensors") == WEIGHTS
    assert sum(used) == len(WEIGHTS)


@pytest.mark.parametrize("name", ["m.safetensors", "m.pt"])
def test_tensors_are_not_read_again(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Telling the format, examining and placing look at headers, and not at the numbers again."""
    elements = MIB
    data = (
        safetensors_file(w=[1.0] * elements)
        if name == "m.safetensors"
        else checkpoint(state(w=vector("0", elements)), {"0": bytes(4 * elements)})
    )
    read: list[int] = []
    original = HeldFile.read_at

    def counting(held: HeldFile, offset: int, length: int, /) -> bytes:
        found = original(held, offset, length)
        read.append(len(found))
        return found

    monkeypatch.setattr(HeldFile, "read_at", counting)
    model = make_signed_model(tmp_path, {name: data}, formats=("torch-zip", "safetensors"))
    with wb.load(model.root, policy=model.policy) as artifact:
        assert artifact.tensors("numpy")["w"].shape == (elements,)
    assert sum(read) < len(data) // 4
