"""Signing with digests that exist already: what is read, what is believed, what is refused."""

import hashlib
import json
import os
import random
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

import weighbridge as wb
from support.publisher import make_workplace, write_key
from weighbridge.core.artifact import FileStamp, Inventory
from weighbridge.core.codes import Code
from weighbridge.core.errors import (
    ArtifactChangedError,
    LimitExceededError,
    MalformedContentError,
    OperationError,
    PolicyError,
    RefusedError,
    SignatureRejectedError,
    UsageError,
    WeighbridgeError,
)
from weighbridge.core.limits.sources import MAX_STATED_FILE_BYTES, MIN_MANIFEST_SAMPLE
from weighbridge.inventory.walk import walk as inventory_walk
from weighbridge.pipeline import manifests
from weighbridge.pipeline.earlier import trusted_signers
from weighbridge.pipeline.prior import Prior, PriorDigests
from weighbridge.pipeline.sign import SignResult
from weighbridge.pipeline.stamps import RememberedStamps
from weighbridge.signing.problems import ManifestMismatchError

MODEL = Path("model")
SIGNATURE = MODEL / "model.sig"
FILES = ("1_Pooling/config.json", "config.json", "model.safetensors")
posix = pytest.mark.skipif(os.name != "posix", reason="stamps are not settled elsewhere")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the current directory: a model whose files were left alone for a while, and keys."""
    make_workplace(tmp_path)
    write_key(tmp_path, "second")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    # The change time of a file cannot be set: pretend that the reading begins later.
    real = time.time_ns
    monkeypatch.setattr("weighbridge.pipeline.prior.time.time_ns", lambda: real() + 10**10)
    return tmp_path


def sign(prior: PriorDigests | None = None, *, layout: wb.HashLayout | None = None) -> SignResult:
    """Sign the model."""
    signer = wb.KeySigner.from_pem(Path("publisher.key").read_bytes())
    return wb.sign(MODEL, signer=signer, signature=SIGNATURE, prior=prior, layout=layout)


def public(name: str = "publisher") -> tuple[wb.KeyVerifier]:
    """Return what accepts the key NAME."""
    return (wb.KeyVerifier.from_pem(Path(f"{name}.pub").read_bytes()),)


def reuse(*, trust_stamps: bool = True, name: str = "publisher") -> PriorDigests:
    """Return the wish to reuse the signature that is there."""
    return PriorDigests(
        reuse=SIGNATURE, signers=public(name), trust_stamps=trust_stamps, remember=True
    )


def is_verified() -> bool:
    """Tell whether the signature that is there holds."""
    try:
        wb.verify(MODEL, verifier=public())
    except WeighbridgeError:
        return False
    return True


def change_unseen(path: Path) -> None:
    """Change *path* so that its size stays, as somebody does who can also set the clock."""
    data = path.read_bytes()
    path.write_bytes(bytes([data[0] ^ 1]) + data[1:])


# -- an earlier signature ---------------------------------------------------------------------


@posix
@pytest.mark.parametrize("layout", [wb.HashLayout(), wb.HashLayout(shard_size=7)])
def test_unchanged_files_are_not_read_again(place: Path, layout: wb.HashLayout) -> None:
    """A file with the stamp that was noted keeps its digest, and the signature is the same."""
    del place
    first = sign(PriorDigests(remember=True), layout=layout)
    assert first.remembered == 3
    (MODEL / "config.json").write_text("{}")
    second = sign(reuse(), layout=layout)
    assert second.reuse is not None
    assert second.reuse.taken == ("1_Pooling/config.json", "model.safetensors")
    assert second.reuse.changed == ("config.json",)
    assert second.reuse.identity == public()[0].identity
    assert is_verified()
    assert second.root != first.root


@posix
def test_the_digest_of_an_unread_file_is_the_old_one(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is not read is not noticed: the risk that the caller accepts is a real one."""
    del place
    sign(PriorDigests(remember=True))
    weights = MODEL / "model.safetensors"
    before = weights.stat()
    change_unseen(weights)
    noted = RememberedStamps.find

    def forged(self: RememberedStamps, signature: object) -> object:
        """Give stamps as they are now, as if the file system had noticed nothing."""
        found = noted(self, signature)  # type: ignore[arg-type]
        status = weights.stat()
        fresh = FileStamp(
            device=status.st_dev,
            inode=status.st_ino,
            size=status.st_size,
            mtime_ns=status.st_mtime_ns,
            ctime_ns=status.st_ctime_ns,
        )
        return found | {"model.safetensors": fresh}

    monkeypatch.setattr(RememberedStamps, "find", forged)
    result = sign(reuse())
    assert result.reuse is not None
    assert "model.safetensors" in result.reuse.taken
    assert weights.stat().st_size == before.st_size
    assert not is_verified()


@posix
@pytest.mark.parametrize(
    "change",
    [
        lambda path: path.write_bytes(path.read_bytes()),
        os.utime,
        lambda path: path.chmod(0o640),
        lambda path: path.rename(path.with_name("x")).rename(path),
        change_unseen,
    ],
    ids=["written", "touched", "mode", "renamed", "changed"],
)
def test_any_change_of_a_stamp_has_the_file_read(
    place: Path, change: Callable[[Path], object]
) -> None:
    """Whatever the file system noticed, the file is read again."""
    del place
    sign(PriorDigests(remember=True))
    change(MODEL / "model.safetensors")
    result = sign(reuse())
    assert result.reuse is not None
    assert "model.safetensors" not in result.reuse.taken
    assert is_verified()


@posix
def test_an_exchanged_file_is_read(place: Path) -> None:
    """Another file with the same name, size and modification time is another file."""
    sign(PriorDigests(remember=True))
    weights = MODEL / "model.safetensors"
    status = weights.stat()
    other = place / "other"
    other.write_bytes(weights.read_bytes()[::-1])
    os.utime(other, ns=(status.st_atime_ns, status.st_mtime_ns))
    other.rename(weights)
    result = sign(reuse())
    assert result.reuse is not None
    assert result.reuse.changed == ("model.safetensors",)
    assert is_verified()


@pytest.mark.parametrize("what", ["not remembered", "not trusted", "forgotten", "other layout"])
def test_without_both_wishes_every_file_is_read(place: Path, what: str) -> None:
    """Nothing is taken unless it was noted before and is trusted now, for the same layout."""
    sign(PriorDigests(remember=what != "not remembered"))
    if what == "forgotten":
        for note in (place / "state" / "weighbridge" / "signed").iterdir():
            note.unlink()
    layout = wb.HashLayout(shard_size=7) if what == "other layout" else None
    result = sign(reuse(trust_stamps=what != "not trusted"), layout=layout)
    assert result.reuse is not None
    assert result.reuse.taken == ()
    assert result.reuse.unchanged == (() if what == "other layout" else FILES)
    assert is_verified()


def test_what_changed_since_is_told(place: Path) -> None:
    """Changed, added and removed files are told apart."""
    del place
    sign()
    (MODEL / "config.json").write_text("{}")
    (MODEL / "added").write_text("x")
    (MODEL / "1_Pooling" / "config.json").unlink()
    (MODEL / "1_Pooling").rmdir()
    result = sign(reuse(trust_stamps=False))
    assert result.reuse is not None
    assert result.reuse.changed == ("config.json",)
    assert result.reuse.added == ("added",)
    assert result.reuse.removed == ("1_Pooling/config.json",)
    assert result.reuse.unchanged == ("model.safetensors",)


def test_the_earlier_signature_is_verified_first(place: Path) -> None:
    """A signature by somebody else, a broken one or none is refused, and nothing is written."""
    del place
    sign()
    before = SIGNATURE.read_bytes()
    with pytest.raises(SignatureRejectedError) as caught:
        sign(reuse(name="stranger"))
    assert caught.value.code is Code.KEY_MISMATCH
    with pytest.raises(SignatureRejectedError) as caught:
        sign(PriorDigests(reuse=Path("nowhere.sig"), signers=public()))
    assert caught.value.code is Code.SIGNATURE_MISSING
    assert SIGNATURE.read_bytes() == before
    both = PriorDigests(reuse=SIGNATURE, signers=(*public("stranger"), *public()))
    assert sign(both).reuse is not None


def test_an_earlier_signature_needs_a_signer(place: Path) -> None:
    """Whose signature it has to be is never assumed."""
    del place
    sign()
    with pytest.raises(UsageError) as caught:
        sign(PriorDigests(reuse=SIGNATURE))
    assert caught.value.code is Code.IDENTITY_REQUIRED
    for wrong in (PriorDigests(signers=public()), PriorDigests(trust_stamps=True)):
        with pytest.raises(UsageError, match="--reuse"):
            sign(wrong)


def test_signers_of_a_policy(place: Path) -> None:
    """A policy's trust entries say whose the earlier signature has to be."""
    del place
    sign()
    policy = wb.Policy.from_file("weighbridge.toml")
    signers = tuple(trusted_signers(policy, ("publisher",)))
    assert sign(PriorDigests(reuse=SIGNATURE, signers=signers)).reuse is not None
    with pytest.raises(PolicyError):
        tuple(trusted_signers(policy, ("nobody",)))


@posix
def test_a_file_that_changes_meanwhile_is_noticed(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that changes after it was decided not to read it ends the signing."""
    del place
    sign(PriorDigests(remember=True))
    before = SIGNATURE.read_bytes()
    real = inventory_walk

    def walk(*arguments: object, **options: object) -> object:
        found = real(*arguments, **options)  # type: ignore[arg-type]
        os.utime(MODEL / "model.safetensors", ns=(1, 1))
        return found

    monkeypatch.setattr("weighbridge.pipeline.prior.walk", walk)
    with pytest.raises(ArtifactChangedError, match="safetensors"):
        sign(reuse())
    assert SIGNATURE.read_bytes() == before


def test_a_place_that_is_not_private_is_an_error(place: Path) -> None:
    """Where nothing can be noted, the caller hears of it; the signature is there."""
    (place / "state" / "weighbridge").mkdir(parents=True)
    (place / "state" / "weighbridge" / "signed").write_text("a file")
    with pytest.raises(OperationError, match="is signed") as caught:
        sign(PriorDigests(remember=True))
    assert caught.value.code is Code.STORE_UNUSABLE
    assert is_verified()


# -- manifests ---------------------------------------------------------------------------------


def stated(paths: Sequence[str] = FILES, **wrong: str) -> Path:
    """Write an OCI manifest of the model's files; *wrong* has other digests by path's stem."""
    layers = []
    for path in paths:
        data = (MODEL / path).read_bytes() if (MODEL / path).exists() else b""
        digest = wrong.get(Path(path).stem, hashlib.sha256(data).hexdigest())
        layers.append(
            {
                "mediaType": "application/octet-stream",
                "digest": f"sha256:{digest}",
                "size": len(data),
                "annotations": {"org.opencontainers.image.title": path},
            }
        )
    Path("manifest.json").write_text(json.dumps({"schemaVersion": 2, "layers": layers}))
    return Path("manifest.json")


@pytest.mark.parametrize("layout", [wb.HashLayout(), wb.HashLayout(wb.HashAlgorithm.BLAKE3)])
def test_a_manifest_is_compared_with_every_file(place: Path, layout: wb.HashLayout) -> None:
    """By default every file is read, whatever the signature's own hash is."""
    del place
    result = sign(PriorDigests(manifest=stated(FILES[:2])), layout=layout)
    assert result.manifest is not None
    assert result.manifest.compared == FILES[:2]
    assert result.manifest.unstated == FILES[2:]
    assert result.manifest.taken == ()
    assert is_verified()


@pytest.mark.parametrize("sample", [False, True])
@pytest.mark.parametrize("what", ["digest", "size", "missing"])
def test_a_difference_is_refused(place: Path, what: str, sample: bool) -> None:
    """One file that differs or is not there, and nothing is signed."""
    del place
    match what:
        case "digest":
            manifest = stated(model="00" * 32)
        case "size":
            manifest = stated()
            with (MODEL / "model.safetensors").open("ab") as file:
                file.write(b"x")
        case _:
            manifest = stated((*FILES, "not-there"))
    with pytest.raises(ManifestMismatchError) as caught:
        sign(PriorDigests(manifest=manifest, sample=sample))
    assert caught.value.code is Code.MANIFEST_MISMATCH
    assert len(caught.value.problems) == 1
    assert not SIGNATURE.exists()


def test_what_is_left_out_is_not_compared(place: Path) -> None:
    """A file that the caller leaves out may be in the manifest and not be there."""
    del place
    signer = wb.KeySigner.from_pem(Path("publisher.key").read_bytes())
    selection = wb.FileSelection(ignore_paths=("model/not-there",))
    prior = PriorDigests(manifest=stated((*FILES, "not-there")))
    result = wb.sign(MODEL, signer=signer, selection=selection, prior=prior)
    assert result.manifest is not None
    assert result.manifest.compared == FILES


@pytest.fixture
def many(place: Path) -> list[str]:
    """Add files to the model, and return the paths of all."""
    for number in range(40):
        (place / "model" / f"part-{number:02}.bin").write_bytes(bytes([number]) * 100)
    return [*FILES, *(f"part-{number:02}.bin" for number in range(40))]


def test_a_sample_reads_some_files(many: list[str]) -> None:
    """A sample reads as many files as the bound says, and believes the manifest of the others."""
    result = sign(PriorDigests(manifest=stated(many), sample=True, remember=True))
    assert result.manifest is not None
    assert len(result.manifest.compared) == MIN_MANIFEST_SAMPLE
    assert len(result.manifest.taken) == len(many) - MIN_MANIFEST_SAMPLE
    assert result.remembered == (MIN_MANIFEST_SAMPLE if os.name == "posix" else 0)
    assert is_verified()


def test_a_sample_misses_what_it_does_not_read(
    many: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A changed file outside the sample is signed as the manifest says, so it does not verify."""
    manifest = stated(many)
    change_unseen(MODEL / "part-39.bin")
    monkeypatch.setattr(
        random.SystemRandom, "sample", lambda self, population, count: population[:count]
    )
    assert sign(PriorDigests(manifest=manifest, sample=True)).manifest is not None
    assert not is_verified()
    with pytest.raises(ManifestMismatchError, match="part-39"):
        sign(PriorDigests(manifest=manifest))


def test_a_sample_has_its_limits(many: list[str]) -> None:
    """A sample needs a manifest, and the manifest's own hash."""
    manifest = stated(many)
    with pytest.raises(UsageError, match="--manifest"):
        sign(PriorDigests(sample=True))
    with pytest.raises(UsageError, match="SHA-256"):
        sign(
            PriorDigests(manifest=manifest, sample=True),
            layout=wb.HashLayout(wb.HashAlgorithm.BLAKE3),
        )


@posix
@pytest.mark.parametrize("layout", [wb.HashLayout(), wb.HashLayout(shard_size=7)])
def test_a_manifest_and_an_earlier_signature(place: Path, layout: wb.HashLayout) -> None:
    """Digests of an earlier signature are held against the manifest where they can be."""
    del place
    sign(PriorDigests(remember=True), layout=layout)
    both = PriorDigests(
        reuse=SIGNATURE, signers=public(), trust_stamps=True, manifest=stated(FILES[:2])
    )
    result = sign(both, layout=layout)
    assert result.reuse is not None
    whole = layout == wb.HashLayout()
    assert result.reuse.taken == (FILES if whole else FILES[2:])
    wrong = PriorDigests(
        reuse=SIGNATURE, signers=public(), trust_stamps=True, manifest=stated(config="00" * 32)
    )
    with pytest.raises(ManifestMismatchError):
        sign(wrong, layout=layout)


def test_notes_and_pointers_in_a_directory(place: Path) -> None:
    """What a client noted of its downloads, and pointers, are read from a directory."""
    notes = place / "notes"
    (notes / "1_Pooling").mkdir(parents=True)
    commit = "0123456789" * 4
    weights = hashlib.sha256((MODEL / "model.safetensors").read_bytes()).hexdigest()
    pooling = hashlib.sha256((MODEL / "1_Pooling" / "config.json").read_bytes()).hexdigest()
    (notes / "model.safetensors.metadata").write_text(f"{commit}\n{weights}\n1753000000.25\n")
    (notes / "config.json.metadata").write_text(f"{commit}\n{commit}\n1753000000.25\n")
    size = (MODEL / "1_Pooling" / "config.json").stat().st_size
    pointer = f"version https://example.org/v1\noid sha256:{pooling}\nsize {size}\n"
    (notes / "1_Pooling" / "config.json").write_text(pointer)
    (notes / "big").write_bytes(bytes(MAX_STATED_FILE_BYTES + 1))
    (notes / "link").symlink_to("nowhere")
    (notes / "some.lock").write_text("")
    result = sign(PriorDigests(manifest=notes))
    assert result.manifest is not None
    assert result.manifest.compared == ("1_Pooling/config.json", "model.safetensors")
    (notes / "model.safetensors.metadata").write_text(f"{commit}\n{pooling}\n1753000000.25\n")
    with pytest.raises(ManifestMismatchError, match=r"model\.safetensors"):
        sign(PriorDigests(manifest=notes))


def test_a_directory_that_states_nothing_is_refused(place: Path) -> None:
    """A directory without notes or pointers is no manifest."""
    (place / "empty").mkdir()
    with pytest.raises(MalformedContentError) as caught:
        sign(PriorDigests(manifest=place / "empty"))
    assert caught.value.code is Code.MANIFEST_MALFORMED


def test_a_directory_of_too_many_files_is_refused(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A directory with more files than any model has is not gone through."""
    notes = place / "notes"
    notes.mkdir()
    for number in range(3):
        (notes / str(number)).write_text("")
    monkeypatch.setattr(manifests, "MAX_FILES", 2)
    with pytest.raises(LimitExceededError, match="too many"):
        sign(PriorDigests(manifest=notes))


def test_directories_count_as_well(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tree of empty directories without end is not gone through either."""
    (place / "notes" / "a" / "b" / "c").mkdir(parents=True)
    monkeypatch.setattr(manifests, "MAX_FILES", 3)
    with pytest.raises(LimitExceededError, match="too many"):
        sign(PriorDigests(manifest=place / "notes"))


@pytest.mark.parametrize("refused", ["scandir", "lstat"])
def test_a_directory_that_cannot_be_read_as_a_whole_is_refused(
    place: Path, monkeypatch: pytest.MonkeyPatch, refused: str
) -> None:
    """What cannot be listed or examined might state something: it is not passed over."""
    notes = place / "notes"
    (notes / "closed").mkdir(parents=True)
    digest = hashlib.sha256((MODEL / "config.json").read_bytes()).hexdigest()
    note = f"{'0' * 40}\n{digest}\n1753000000.25\n"
    (notes / "config.json.metadata").write_text(note)
    (notes / "closed" / "other.metadata").write_text(note.replace(digest, "0" * 64))
    real: dict[str, Any] = {"scandir": os.scandir, "lstat": Path.lstat}

    def refuse(path: Any, *given: Any) -> Any:
        if "closed" in os.fspath(path):
            raise PermissionError(13, "Permission denied", os.fspath(path))
        return real[refused](path, *given)

    monkeypatch.setattr(os if refused == "scandir" else Path, refused, refuse)
    with pytest.raises(OperationError, match=r"closed.*Permission denied"):
        sign(PriorDigests(manifest=notes))


def test_a_single_file_has_its_pointer_or_its_entry(place: Path) -> None:
    """For a single file the pointer, or the entry with its name, is what counts."""
    weights = place / "net.bin"
    weights.write_bytes(b"weights")
    digest = hashlib.sha256(b"weights").hexdigest()
    signer = wb.KeySigner.from_pem(Path("publisher.key").read_bytes())

    def result(text: str) -> SignResult:
        Path("m").write_text(text)
        return wb.sign(weights, signer=signer, prior=PriorDigests(manifest=Path("m")))

    pointer = f"version https://example.org/v1\noid sha256:{digest}\nsize 7\n"
    signed = result(pointer)
    assert signed.manifest is not None
    assert signed.manifest.compared == (".",)
    listed = [{"path": "net.bin", "lfs": {"oid": digest}}, {"path": "o", "lfs": {"oid": digest}}]
    assert result(json.dumps(listed)).manifest is not None
    for wrong in (pointer.replace("size 7", "size 8"), json.dumps(listed[1:])):
        with pytest.raises(RefusedError) as caught:
            result(wrong)
        assert caught.value.code is Code.MANIFEST_MISMATCH


def test_an_ordinary_signing_asks_for_nothing(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a wish nothing is remembered, compared or taken."""

    def refuse(self: object, inventory: Inventory) -> Inventory:
        pytest.fail("somebody asked for digests")

    monkeypatch.setattr(Prior, "complete", refuse)
    result = sign()
    assert (result.reuse, result.manifest, result.remembered) == (None, None, None)
    assert not (place / "state").exists()
