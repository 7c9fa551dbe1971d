"""Several signatures of one model, read by the reference packages."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.oracles import ORACLES, Oracle
from support.pki import curve_key, private_pem, public_pem
from weighbridge.pipeline.sign import sign
from weighbridge.pipeline.verify import verify
from weighbridge.signing.key import KeySigner, KeyVerifier

pytestmark = pytest.mark.oracle


@pytest.fixture(scope="module", params=ORACLES)
def oracle(request: pytest.FixtureRequest) -> Iterator[Oracle]:
    """Return a reference package."""
    oracle = Oracle(request.param)
    yield oracle
    oracle.close()


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """Return a model, with the keys of two signers beside it."""
    model = tmp_path / "model"
    model.mkdir()
    (model / "config.json").write_text("{}")
    for number in (1, 2):
        (tmp_path / f"{number}.key").write_bytes(private_pem(curve_key(number=number)))
        (tmp_path / f"{number}.pub").write_bytes(public_pem(curve_key(number=number)))
    return model


def sign_as(model: Path, number: int, name: str, *, reserve: tuple[str, ...] = ()) -> None:
    """Sign with the key *number* into the file *name*."""
    signer = KeySigner.from_pem((model.parent / f"{number}.key").read_bytes())
    sign(model, signer=signer, signature=model / name, reserve=reserve)


def their_word(oracle: Oracle, model: Path, number: int, name: str) -> str | None:
    """Return what the package says against the signature *name* by the key *number*."""
    return oracle.ask(
        action="verify",
        method="key",
        public_key=model.parent / f"{number}.pub",
        model=model,
        signature=model / name,
    )


def test_a_reserved_signature_is_accepted(oracle: Oracle, model: Path) -> None:
    """The package accepts either signature where the first one was made for a second one."""
    sign_as(model, 1, "model.sig", reserve=("audit",))
    sign_as(model, 2, "model.audit.sig")
    assert their_word(oracle, model, 1, "model.sig") is None
    assert their_word(oracle, model, 2, "model.audit.sig") is None
    (model / "config.json").write_text("[]")
    assert their_word(oracle, model, 1, "model.sig") is not None
    assert their_word(oracle, model, 2, "model.audit.sig") is not None


def test_an_unreserved_signature_is_an_extra_file_to_them(oracle: Oracle, model: Path) -> None:
    """Without the reserved name the package takes the second signature for an added file."""
    sign_as(model, 1, "model.sig")
    sign_as(model, 2, "model.audit.sig")
    assert their_word(oracle, model, 1, "model.sig") is not None
    assert their_word(oracle, model, 2, "model.audit.sig") is None
    verifiers = [
        KeyVerifier.from_pem((model.parent / f"{number}.pub").read_bytes()) for number in (1, 2)
    ]
    assert verify(model, verifier=verifiers, threshold=2).signers == 2


def test_a_signature_of_theirs_counts_beside_ours(oracle: Oracle, model: Path) -> None:
    """A second signature that the package makes is one of the two that are asked for."""
    sign_as(model, 1, "model.sig")
    error = oracle.ask(
        action="sign",
        method="key",
        private_key=model.parent / "2.key",
        model=model,
        signature=model.parent / "theirs.sig",
        hashing={"algorithm": "sha256", "ignore": [str(model / "model.sig")]},
    )
    assert error is None
    (model.parent / "theirs.sig").rename(model / "model.theirs.sig")
    verifiers = [
        KeyVerifier.from_pem((model.parent / f"{number}.pub").read_bytes()) for number in (1, 2)
    ]
    assert verify(model, verifier=verifiers, threshold=2).signers == 2
