"""
Signatures in both directions with the reference packages, for all that they support.

Their signatures verify here, whatever hash, mode, curve and method they were made with. Ours
verify there wherever the package can verify such signatures at all; where it cannot, not even
its own, the test says so.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509

from support.oracles import ORACLES, Oracle
from support.pki import (
    AUTHORITY,
    CURVES,
    Issued,
    Plan,
    bundle_pem,
    curve_key,
    private_pem,
    public_pem,
    root,
    rsa_key,
)
from weighbridge.core.digest import HashAlgorithm, HashLayout
from weighbridge.core.errors import SignatureRejectedError
from weighbridge.core.evidence import Verification
from weighbridge.pipeline.selection import FileSelection
from weighbridge.pipeline.sign import sign
from weighbridge.pipeline.verify import verify
from weighbridge.signing.certificate import (
    CertificateSigner,
    CertificateVerifier,
    ExpectedIdentity,
)
from weighbridge.signing.interface import Signer, Verifier
from weighbridge.signing.key import KeySigner, KeyVerifier

pytestmark = pytest.mark.oracle

START, END = datetime(2020, 1, 1, tzinfo=UTC), datetime(2099, 1, 1, tzinfo=UTC)
URI = "https://example.org/release"
METHODS = ("key", "certificate")
THEIR_HASHES = {
    HashAlgorithm.SHA256: "sha256",
    HashAlgorithm.BLAKE2B: "blake2",
    HashAlgorithm.BLAKE3: "blake3",
}
FILES = {
    "config.json": b"{}",
    "model.safetensors": b"weights" * 100,
    "model/x": b"x",
    "model-00001.safetensors": b"y" * 17,
    "ünï/コ.txt": b"text",
    "logs/run.txt": b"log",
}


def long_lived(plan: Plan) -> Plan:
    """Return *plan* valid at any time at which these tests run: the packages read the clock."""
    return Plan(
        subject=plan.subject,
        is_ca=plan.is_ca,
        usage=plan.usage,
        extended=plan.extended,
        names=plan.names,
        not_before=START,
        not_after=END,
    )


@dataclass(frozen=True)
class Party:
    """A signer's keys and certificates as files, and what a verifier needs."""

    folder: Path
    curve: str
    method: str
    top: Issued
    issuer: Issued
    leaf: Issued

    @classmethod
    def make(cls, folder: Path, *, curve: str, method: str) -> "Party":
        """Make keys and certificates and write them to *folder*."""
        top = root(long_lived(AUTHORITY), key=rsa_key())
        authority = Plan(
            subject="CN=issuer,O=Example", is_ca=True, usage=("key_cert_sign",), extended=None
        )
        issuer = top.issue(long_lived(authority), key=curve_key("secp384r1", number=3))
        names = (x509.UniformResourceIdentifier(URI),)
        leaf = issuer.issue(long_lived(Plan(names=names)), key=curve_key(curve, number=4))
        files = {
            "key.pem": private_pem(leaf.key),
            "key.pub": public_pem(leaf.key),
            "leaf.pem": leaf.pem,
            "issuer.pem": issuer.pem,
            "root.pem": top.pem,
        }
        for name, data in files.items():
            (folder / name).write_bytes(data)
        return cls(folder, curve, method, top, issuer, leaf)

    @property
    def signer(self) -> Signer:
        """Our signer."""
        if self.method == "key":
            return KeySigner.from_pem(private_pem(self.leaf.key))
        return CertificateSigner.from_pem(self.leaf.key_pem, self.leaf.pem, [self.issuer.pem])

    @property
    def verifier(self) -> Verifier:
        """Our verifier."""
        if self.method == "key":
            return KeyVerifier.from_pem(public_pem(self.leaf.key))
        return CertificateVerifier.from_pem(
            bundle_pem([self.top]), expected=ExpectedIdentity(san_uri=URI)
        )

    @property
    def theirs(self) -> dict[str, object]:
        """What the packages need."""
        return {
            "method": self.method,
            "private_key": self.folder / "key.pem",
            "public_key": self.folder / "key.pub",
            "certificate": self.folder / "leaf.pem",
            "chain": [str(self.folder / "issuer.pem")],
            "roots": [str(self.folder / "root.pem")],
        }


@pytest.fixture(scope="module", params=ORACLES)
def oracle(request: pytest.FixtureRequest) -> Iterator[Oracle]:
    """One of the packages."""
    running = Oracle(request.param)
    yield running
    running.close()


@pytest.fixture(params=METHODS)
def method(request: pytest.FixtureRequest) -> str:
    """A method that the packages share with us."""
    name: str = request.param
    return name


@pytest.fixture
def party(tmp_path: Path, method: str) -> Party:
    """A signer with a P-256 key."""
    folder = tmp_path / "party"
    folder.mkdir()
    return Party.make(folder, curve="secp256r1", method=method)


@pytest.fixture(params=["directory", "file"])
def model(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A model directory or a single-file model."""
    place = tmp_path / "model"
    if request.param == "file":
        place.write_bytes(b"weights" * 100)
        return place
    return write_model(place)


def write_model(place: Path) -> Path:
    """Write the model directory to *place*."""
    for name, data in FILES.items():
        path = place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    (place / ".gitattributes").write_bytes(b"* text\n")
    return place


def ours(model: Path, party: Party, **options: object) -> Verification:
    """Verify *model* here."""
    ignored = options.get("ignored", ())
    assert isinstance(ignored, tuple)
    return verify(
        model,
        verifier=party.verifier,
        signature=party.folder / "model.sig",
        selection=FileSelection(ignore_paths=tuple(model / name for name in ignored)),
    )


def sign_here(model: Path, party: Party, *, layout: HashLayout | None = None) -> None:
    """Sign *model* here."""
    sign(model, signer=party.signer, signature=party.folder / "model.sig", layout=layout)


def hashing(layout: HashLayout) -> dict[str, object]:
    """Return a layout in the packages' words."""
    return {"algorithm": THEIR_HASHES[layout.algorithm], "shard_size": layout.shard_size}


def tamper(model: Path) -> str:
    """Change one byte of the model; return the file's path in messages."""
    victim = model if model.is_file() else model / "model.safetensors"
    data = bytearray(victim.read_bytes())
    data[5] ^= 1
    victim.write_bytes(data)
    return "." if model.is_file() else "model.safetensors"


# -- theirs, verified here ---------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", HashAlgorithm)
@pytest.mark.parametrize("shard_size", [None, 64, 1_000_000_000])
def test_their_signatures_verify_here(
    oracle: Oracle,
    party: Party,
    model: Path,
    algorithm: HashAlgorithm,
    shard_size: int | None,
) -> None:
    """Each hash in both modes verifies here, and one changed byte is refused by name."""
    layout = HashLayout(algorithm, shard_size)
    signature = party.folder / "model.sig"
    error = oracle.ask(
        action="sign", model=model, signature=signature, hashing=hashing(layout), **party.theirs
    )
    assert error is None
    evidence = ours(model, party)
    assert set(evidence.covered) == ({"."} if model.is_file() else set(FILES))
    # The packages sign BLAKE3 over whole files even when asked for shards.
    expected = HashLayout(algorithm) if algorithm is HashAlgorithm.BLAKE3 else layout
    assert evidence.layout == expected
    changed = tamper(model)
    with pytest.raises(
        SignatureRejectedError, match=f"  {model.name if changed == '.' else changed}: changed"
    ):
        ours(model, party)


@pytest.mark.parametrize("curve", CURVES)
def test_their_signatures_verify_here_on_every_curve(
    oracle: Oracle, method: str, tmp_path: Path, curve: str
) -> None:
    """Each curve verifies here with its own hash, by key and by certificate."""
    party = Party.make(tmp_path, curve=curve, method=method)
    model = write_model(tmp_path / "model")
    error = oracle.ask(action="sign", model=model, signature=tmp_path / "model.sig", **party.theirs)
    assert error is None
    assert set(ours(model, party).covered) == set(FILES)


def test_what_their_signer_left_out_is_refused_here(
    oracle: Oracle, party: Party, tmp_path: Path
) -> None:
    """Paths that their signer ignored need the verifier's own word here."""
    model = write_model(tmp_path / "model")
    options = {"algorithm": "sha256", "ignore": ["logs", "config.json"]}
    signature = party.folder / "model.sig"
    error = oracle.ask(
        action="sign", model=model, signature=signature, hashing=options, **party.theirs
    )
    assert error is None
    with pytest.raises(SignatureRejectedError, match=r"logs/run\.txt: .* the signer left it out"):
        ours(model, party)
    evidence = ours(model, party, ignored=("logs", "config.json"))
    assert {u.path for u in evidence.uncovered} == {
        "logs/run.txt",
        "config.json",
        ".gitattributes",
    }


# -- ours, verified there ----------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", [HashAlgorithm.SHA256, HashAlgorithm.BLAKE3])
def test_our_signatures_verify_there(
    oracle: Oracle, party: Party, model: Path, algorithm: HashAlgorithm
) -> None:
    """Files mode with the hashes that they can guess verifies there; a changed byte does not."""
    sign_here(model, party, layout=HashLayout(algorithm))
    task = {"action": "verify", "model": model, "signature": party.folder / "model.sig"}
    assert oracle.ask(**task, **party.theirs) is None
    tamper(model)
    assert "mismatch" in (oracle.ask(**task, **party.theirs) or "").lower()


@pytest.mark.parametrize("curve", CURVES)
def test_our_signatures_verify_there_on_every_curve(
    oracle: Oracle, method: str, tmp_path: Path, curve: str
) -> None:
    """Each curve verifies there with its own hash, by key and by certificate."""
    party = Party.make(tmp_path, curve=curve, method=method)
    model = write_model(tmp_path / "model")
    sign_here(model, party)
    error = oracle.ask(
        action="verify", model=model, signature=tmp_path / "model.sig", **party.theirs
    )
    assert error is None


def test_what_we_leave_out_is_left_out_there(oracle: Oracle, party: Party, tmp_path: Path) -> None:
    """Our ignore list is understood there: they accept changes below it and nowhere else."""
    model = write_model(tmp_path / "model")
    signature = model / "model.sig"
    sign(
        model,
        signer=party.signer,
        signature=signature,
        selection=FileSelection(ignore_paths=(model / "logs",)),
    )
    task = {"action": "verify", "model": model, "signature": signature}
    (model / "logs" / "run.txt").write_bytes(b"another")
    (model / "model.claims.jsonl").write_bytes(b"{}")
    assert oracle.ask(**task, **party.theirs) is None
    (model / "config.json").write_bytes(b"another")
    assert oracle.ask(**task, **party.theirs) is not None


@pytest.mark.parametrize(
    "layout",
    [
        HashLayout(HashAlgorithm.BLAKE2B),
        HashLayout(HashAlgorithm.SHA256, 64),
        HashLayout(HashAlgorithm.BLAKE2B, 64),
    ],
)
def test_what_they_cannot_verify_they_cannot_verify_of_their_own(
    oracle: Oracle, party: Party, tmp_path: Path, layout: HashLayout
) -> None:
    """Shards and BLAKE2b are refused there whoever signed them, and verify here."""
    model = write_model(tmp_path / "model")
    signature = party.folder / "model.sig"
    task = {"action": "verify", "model": model, "signature": signature}
    sign_here(model, party, layout=layout)
    assert set(ours(model, party).covered) == set(FILES)
    assert oracle.ask(**task, **party.theirs) is not None
    error = oracle.ask(
        action="sign", model=model, signature=signature, hashing=hashing(layout), **party.theirs
    )
    assert error is None
    assert set(ours(model, party).covered) == set(FILES)
    assert oracle.ask(**task, **party.theirs) is not None


def test_our_signature_by_another_key_is_refused_there(
    oracle: Oracle, party: Party, tmp_path: Path
) -> None:
    """The oracle's acceptance means something: it refuses a stranger's signature."""
    model = write_model(tmp_path / "model")
    signature = party.folder / "model.sig"
    stranger = root(long_lived(AUTHORITY)).issue(long_lived(Plan()), key=curve_key(number=9))
    signer: Signer = KeySigner.from_pem(stranger.key_pem)
    if party.method == "certificate":
        signer = CertificateSigner.from_pem(stranger.key_pem, stranger.pem)
    sign(model, signer=signer, signature=signature)
    error = oracle.ask(action="verify", model=model, signature=signature, **party.theirs)
    assert error is not None
