"""Copies in the store: another process can tell by the name that one is what was verified."""

import os
from pathlib import Path

import pytest

import weighbridge as wb
from support.signed_model import make_signed_model, safetensors_file
from weighbridge.core.digest import HashAlgorithm, HashLayout
from weighbridge.core.errors import ArtifactChangedError, RefusedError, StoreError
from weighbridge.load.store import Store
from weighbridge.pipeline.copies import check_copy, is_copy, note_allowed

FILES = {"a.safetensors": safetensors_file(w=[1.0]), "deep/er/config.json": b"{}"}


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return where the store is."""
    monkeypatch.setenv("WEIGHBRIDGE_STORE", str(tmp_path / "store"))
    return tmp_path / "store"


def copy_of(place: Path, layout: HashLayout | None = None) -> Path:
    """Return a verified copy of a model that was signed under *layout*."""
    signed = make_signed_model(place, dict(FILES), layout=layout)
    with wb.load(signed.root, policy=signed.policy) as artifact:
        return artifact.path()


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize("algorithm", [HashAlgorithm.SHA256, HashAlgorithm.BLAKE3])
def test_a_copy_says_what_is_in_it(tmp_path: Path, algorithm: HashAlgorithm) -> None:
    """However the model was signed, its copy is checked by its name alone."""
    path = copy_of(tmp_path, HashLayout(algorithm))
    assert is_copy(path)
    checked = check_copy(path)
    checked.require_unchanged()
    assert set(FILES) <= set(checked.stamps)


@pytest.mark.usefixtures("store")
def test_a_copy_of_one_file(tmp_path: Path) -> None:
    """The copy of a single file is the file in its entry; another file there makes it none."""
    (tmp_path / "m.safetensors").write_bytes(FILES["a.safetensors"])
    (tmp_path / "weighbridge.toml").write_text(
        'version = 1\n[[rule]]\nmatch = ["**"]\nboundary = ["load"]\n'
        "signature = { required = false }\n"
    )
    policy = wb.Policy.from_file(tmp_path / "weighbridge.toml")
    with wb.load(tmp_path / "m.safetensors", policy=policy) as artifact:
        path = artifact.path()
    assert path.name == "m.safetensors"
    check_copy(path)
    path.parent.chmod(0o700)
    path.rename(path.with_name("n.safetensors"))
    with pytest.raises(ArtifactChangedError):
        check_copy(path.with_name("n.safetensors"))


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize("how", ["byte", "mode", "name", "more", "less", "link", "hard link"])
def test_another_copy_is_refused(tmp_path: Path, how: str) -> None:
    """One byte, a mode that lets somebody write, a name, a file more or less: it is another."""
    root = copy_of(tmp_path)
    path = root / "a.safetensors"
    root.chmod(0o755)
    match how:
        case "byte":
            path.chmod(0o644)
            path.write_bytes(path.read_bytes()[:-1] + b"!")
            path.chmod(0o444)
        case "mode":
            path.chmod(0o644)
        case "name":
            path.rename(root / "b.safetensors")
        case "more":
            (root / "more").write_bytes(b"")
            (root / "more").chmod(0o444)
        case "less":
            path.unlink()
        case "link":
            path.rename(tmp_path / "moved")
            path.symlink_to(tmp_path / "moved")
        case _:
            os.link(path, tmp_path / "another name")
    with pytest.raises(ArtifactChangedError):
        check_copy(root)


@pytest.mark.usefixtures("store")
def test_a_copy_is_of_the_policies_that_allowed_it(tmp_path: Path) -> None:
    """Whoever asks for a policy gets a copy that this one allowed, and no other policy's."""
    path = copy_of(tmp_path)
    for _ in range(2):
        note_allowed(path, by="a1")
    check_copy(path, by="a1")
    with pytest.raises(RefusedError):
        check_copy(path, by="a2")
    with pytest.raises(StoreError):
        note_allowed(tmp_path, by="a1")


@pytest.mark.usefixtures("store")
def test_an_empty_or_missing_copy_is_refused(tmp_path: Path) -> None:
    """A directory without files, and none at all, are not what was verified."""
    root = copy_of(tmp_path)
    with pytest.raises(StoreError):
        check_copy(tmp_path)
    with pytest.raises(wb.WeighbridgeError):
        check_copy(root.with_name("0" * 64))
    root.with_name("1" * 64).mkdir()
    with pytest.raises(ArtifactChangedError):
        check_copy(root.with_name("1" * 64))


def test_only_what_lies_in_the_store_is_a_copy(tmp_path: Path, store: Path) -> None:
    """The same directory elsewhere is none, nor is what lies deeper, nor the store itself."""
    root = copy_of(tmp_path)
    elsewhere = tmp_path / root.name
    elsewhere.mkdir()
    for path in (elsewhere, root / "deep" / "er", store, store / "entry"):
        assert not is_copy(path)
        with pytest.raises(StoreError):
            check_copy(path)


def test_a_store_that_others_can_write_to(tmp_path: Path, store: Path) -> None:
    """Nothing in a store that is not private is believed."""
    root = copy_of(tmp_path)
    store.chmod(0o777)
    with pytest.raises(StoreError):
        check_copy(root)


def test_changes_after_the_check_are_noticed(tmp_path: Path, store: Path) -> None:
    """A file that is exchanged for its equal, or written to, is not the one that was hashed."""
    root = copy_of(tmp_path)
    checked = check_copy(root, store=Store(store))
    root.chmod(0o755)
    path = root / "a.safetensors"
    data = path.read_bytes()
    path.rename(tmp_path / "away")
    path.write_bytes(data)
    path.chmod(0o444)
    root.chmod(0o555)
    with pytest.raises(ArtifactChangedError):
        checked.require_unchanged()
