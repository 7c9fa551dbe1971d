"""New keys are written to two files that were not there, or to none."""

import stat
from pathlib import Path

import pytest

import weighbridge as wb
from weighbridge.core.codes import Code
from weighbridge.core.errors import KeyRejectedError, OperationError, UsageError
from weighbridge.pipeline import keys
from weighbridge.pipeline.keys import make_key
from weighbridge.pipeline.output import write_whole


@pytest.mark.parametrize("curve", ["P-256", "P-384", "P-521"])
@pytest.mark.parametrize("password", [None, b"secret"])
def test_a_new_key_signs_and_verifies(tmp_path: Path, curve: str, password: bytes | None) -> None:
    """What the new private key signs, the new public key verifies, on every curve."""
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").write_text("{}")
    files = make_key(tmp_path / "new.key", curve=curve, password=password)
    signer = wb.KeySigner.from_pem(files.private.read_bytes(), password=password)
    wb.sign(tmp_path / "model", signer=signer)
    verifier = wb.KeyVerifier.from_pem(files.public.read_bytes())
    assert wb.verify(tmp_path / "model", verifier=verifier).identity == files.identity
    assert files.encrypted == (password is not None)


def test_a_private_key_is_for_its_owner_only(tmp_path: Path) -> None:
    """Nobody else on the machine can read the private key, encrypted or not."""
    files = make_key(tmp_path / "new.key")
    assert stat.S_IMODE(files.private.stat().st_mode) == 0o600


def test_a_password_is_needed_for_an_encrypted_key(tmp_path: Path) -> None:
    """A key that was made with a password cannot be read without it."""
    files = make_key(tmp_path / "new.key", password=b"secret")
    for wrong in (None, b"other"):
        with pytest.raises(KeyRejectedError) as caught:
            wb.KeySigner.from_pem(files.private.read_bytes(), password=wrong)
        assert caught.value.code is Code.PASSWORD


@pytest.mark.parametrize("there", ["new.key", "new.pub"])
def test_no_key_is_replaced(tmp_path: Path, there: str) -> None:
    """Where one of the files exists, it is kept, and the other one is not written."""
    (tmp_path / there).write_bytes(b"precious")
    with pytest.raises(OperationError, match="exists already") as caught:
        make_key(tmp_path / "new.key")
    assert caught.value.code is Code.OUTPUT_EXISTS
    assert [path.name for path in tmp_path.iterdir()] == [there]
    assert (tmp_path / there).read_bytes() == b"precious"


def test_a_public_key_that_cannot_be_written_takes_the_private_one_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half a key pair is not left behind."""
    write = write_whole

    def fail(path: Path, data: bytes, /, *, replace: bool = True, mode: int = 0o666) -> None:
        if path.suffix == ".pub":
            raise OperationError("no space")
        write(path, data, replace=replace, mode=mode)

    monkeypatch.setattr(keys, "write_whole", fail)
    with pytest.raises(OperationError, match="no space"):
        make_key(tmp_path / "new.key")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "algorithm", "curve", "password", "expected"),
    [
        ("new.pub", "ecdsa", "P-256", None, "name of the public key"),
        ("new.key", "ecdsa", "P-192", None, "not one of the format"),
        ("new.key", "ecdsa", "P-256", b"", "empty password"),
        ("new.key", "ed25519", "P-256", None, "no curve to choose"),
        ("new.key", "rsa", None, None, "the algorithm is not known"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    tmp_path: Path,
    name: str,
    algorithm: str,
    curve: str | None,
    password: bytes | None,
    expected: str,
) -> None:
    """A wrong curve or algorithm, an empty password and the public key's name are wrong usage."""
    with pytest.raises(UsageError, match=expected):
        make_key(tmp_path / name, algorithm=algorithm, curve=curve, password=password)
    assert not list(tmp_path.iterdir())
