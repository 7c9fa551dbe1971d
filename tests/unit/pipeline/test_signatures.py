"""Several signatures of one model: each on its own, counted by signer, none of them silent."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import weighbridge as wb
from support.pki import AUTHORITY, Plan, curve_key, public_pem, root
from support.publisher import make_workplace, write_key
from weighbridge.core.codes import Code
from weighbridge.core.errors import (
    LimitExceededError,
    OperationError,
    RefusedError,
    SignatureRejectedError,
    UsageError,
)
from weighbridge.core.evidence import Verification
from weighbridge.core.limits.signing import MAX_SIGNATURE_FILES
from weighbridge.core.verdict import Decision, Verdict
from weighbridge.pipeline import signatures, trust
from weighbridge.signing.interface import Verifier

SIGNERS = ("publisher", "security", "stranger")

BEGIN, END = datetime(2020, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
"""Certificates of that time are valid whenever these tests run."""

POLICY = """\
version = 1
[trust.publisher]
method = "key"
public-key = "publisher.pub"
[trust.security]
method = "key"
public-key = "security.pub"
[[rule]]
match = ["model"]
boundary = ["load"]
signature = { any-of = [%s], threshold = %d }
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the current directory: a model that two have signed, and three keys."""
    make_workplace(tmp_path)
    write_key(tmp_path, "security", curve="P-384")
    monkeypatch.chdir(tmp_path)
    sign("publisher", "model/model.sig")
    sign("security", "model/model.security.sig")
    return tmp_path


def sign(name: str, signature: str, *, model: str = "model", reserve: tuple[str, ...] = ()) -> None:
    """Sign with the key NAME."""
    signer = wb.KeySigner.from_pem(Path(f"{name}.key").read_bytes())
    wb.sign(model, signer=signer, signature=signature, reserve=reserve)


def verifier(name: str) -> wb.KeyVerifier:
    """Return what accepts the key NAME."""
    return wb.KeyVerifier.from_pem(Path(f"{name}.pub").read_bytes(), where=f"{name}.pub")


def verify(*names: str, threshold: int = 1, signature: str | None = None) -> Verification:
    """Verify the model against the keys NAMES."""
    verifiers = [verifier(name) for name in names]
    return wb.verify("model", verifier=verifiers, threshold=threshold, signature=signature)


def check(*names: str, threshold: int = 1) -> Verdict:
    """Check the model by a rule with the signers NAMES."""
    listed = ", ".join(f'"{name}"' for name in names)
    Path("weighbridge.toml").write_text(POLICY % (listed, threshold))
    return wb.check("model", policy=wb.Policy.from_file("weighbridge.toml"))


def others(verification: Verification) -> dict[str, Code | None]:
    """Return what does not count, by base name."""
    return {Path(other.path).name: other.code for other in verification.others}


def test_each_signature_is_found_and_verified_on_its_own(place: Path) -> None:
    """Whoever of the two is expected, their signature counts and the other is reported."""
    del place
    for name, file, other in (
        ("publisher", "model.sig", "model.security.sig"),
        ("security", "model.security.sig", "model.sig"),
    ):
        verification = verify(name)
        assert [Path(s.signature_path).name for s in verification.signatures] == [file]
        assert verification.identity == verifier(name).identity
        assert verification.signers == 1
        assert others(verification) == {other: Code.KEY_MISMATCH}


def test_two_signers_meet_a_threshold_of_two(place: Path) -> None:
    """Two different signers are enough for a threshold of two, and no signature is left over."""
    del place
    verification = verify("publisher", "security", threshold=2)
    assert verification.signers == 2
    assert not verification.others
    assert verification.covered == ("1_Pooling/config.json", "config.json", "model.safetensors")
    assert check("publisher", "security", threshold=2).decision is Decision.ALLOW


def test_one_signer_does_not_meet_a_threshold_of_two(place: Path) -> None:
    """Without the second signature, a threshold of two is not met, and the message counts."""
    (place / "model" / "model.security.sig").unlink()
    with pytest.raises(SignatureRejectedError, match="2 different signers, found 1") as caught:
        verify("publisher", "security", threshold=2)
    assert caught.value.code is Code.SIGNER_THRESHOLD
    assert check("publisher", "security", threshold=2).decision is Decision.DENY


def test_the_same_signer_twice_counts_once(place: Path) -> None:
    """A second signature by the same key is listed and makes no second signer."""
    (place / "model" / "model.security.sig").unlink()
    sign("publisher", "model/model.again.sig")
    verification = verify("publisher", "security")
    assert len(verification.signatures) == 2
    assert verification.signers == 1
    with pytest.raises(SignatureRejectedError):
        verify("publisher", "security", threshold=2)
    assert check("publisher", "security", threshold=2).decision is Decision.DENY


def test_one_key_by_two_methods_counts_once(tmp_path: Path) -> None:
    """A key that signs by itself and again with its certificate is one signer."""
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "a.json").write_text("{}")
    key, other = curve_key(), curve_key(number=5)
    authority = root(replace(AUTHORITY, not_before=BEGIN, not_after=END))
    wb.sign(tmp_path / "model", signer=wb.KeySigner(key))
    verifiers: list[Verifier] = [
        wb.KeyVerifier.from_pem(public_pem(key)),
        wb.CertificateVerifier.from_pem(
            authority.pem, where="r", expected=wb.ExpectedIdentity(any_identity=True)
        ),
    ]
    counts = []
    for leaf_key in (key, other):
        leaf = authority.issue(Plan(not_before=BEGIN, not_after=END), key=leaf_key)
        signer = wb.CertificateSigner(leaf_key, chain=[leaf.certificate], where="leaf")
        wb.sign(tmp_path / "model", signer=signer, signature=tmp_path / "model" / "model.c.sig")
        counts.append(wb.verify(tmp_path / "model", verifier=verifiers).signers)
    assert counts == [1, 2]


@pytest.mark.parametrize("order", ["first", "last"])
def test_a_signature_by_a_stranger_neither_helps_nor_hurts(place: Path, order: str) -> None:
    """Whatever a stranger adds, before or after the others, is reported and changes nothing."""
    del place
    name = {"first": "model.0.sig", "last": "model.zz.sig"}[order]
    sign("stranger", f"model/{name}")
    verification = verify("publisher", "security", threshold=2)
    assert others(verification) == {name: Code.KEY_MISMATCH}
    verdict = check("publisher", "security", threshold=2)
    assert verdict.decision is Decision.ALLOW
    assert any(r.path == name and "another signature" in r.message for r in verdict.reasons)
    with pytest.raises(SignatureRejectedError, match=name.replace(".", r"\.")):
        verify("publisher", "security", threshold=3)


def test_a_broken_signature_by_a_trusted_key_does_not_count(place: Path) -> None:
    """A signature that names a trusted key and does not hold is reported and helps nobody."""
    path = place / "model" / "model.security.sig"
    document = json.loads(path.read_bytes())
    first = json.loads((place / "model" / "model.sig").read_bytes())
    document["dsseEnvelope"]["signatures"] = first["dsseEnvelope"]["signatures"]
    path.write_text(json.dumps(document))
    assert others(verify("publisher", "security")) == {path.name: Code.SIGNATURE_INVALID}
    with pytest.raises(SignatureRejectedError):
        verify("publisher", "security", threshold=2)
    assert check("publisher", "security").decision is Decision.ALLOW
    assert check("publisher", "security", threshold=2).decision is Decision.DENY


def test_an_old_signature_of_other_files_does_not_count(place: Path) -> None:
    """A trusted signature of an earlier version is reported with what differs."""
    (place / "model" / "config.json").write_text('{"model_type": "gpt"}\n')
    sign("publisher", "model/model.sig")
    verification = verify("publisher", "security")
    assert others(verification) == {"model.security.sig": Code.DIGEST_MISMATCH}
    with pytest.raises(SignatureRejectedError, match=r"config\.json"):
        verify("publisher", "security", threshold=2)
    verdict = check("publisher", "security")
    assert verdict.decision is Decision.ALLOW
    assert any("model.security.sig: changed" in reason.message for reason in verdict.reasons)
    assert check("publisher", "security", threshold=2).decision is Decision.DENY


def test_a_signature_of_fewer_files_gives_the_verdict_no_name(place: Path) -> None:
    """A replayed signature of a part of the model names neither the model nor what is loaded."""
    shutil.copytree(place / "model", place / "part")
    for path in (place / "part").glob("model.*sig"):
        path.unlink()
    (place / "part" / "config.json").unlink()
    sign("publisher", "part/model.sig", model="part")
    shutil.copy(place / "part" / "model.sig", place / "model" / "model.sig")
    verdict = check("publisher", "security")
    assert verdict.decision is Decision.ALLOW
    assert verdict.artifact == wb.digest("model")
    assert [signer.trust for signer in verdict.signers] == ["security"]
    assert "config.json" in verdict.covered


CONTENT = {
    "empty": b"",
    "text": b"{{ cycler.__init__.__globals__ }}",
    "json": b'{"auto_map": {"AutoModel": "evil.Model"}}',
    "pickle": b"\x80\x04c__main__\nNet\n.",
    "half a signature": b'{"mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json"}',
}


@pytest.mark.parametrize("content", CONTENT.values(), ids=CONTENT)
def test_a_file_that_is_no_signature_is_not_excused_by_its_name(
    place: Path, content: bytes
) -> None:
    """A file called like a signature that is none has to be covered like any other file."""
    (place / "model" / "model.extra.sig").write_bytes(content)
    with pytest.raises(RefusedError, match=r"model\.extra\.sig") as caught:
        verify("publisher")
    assert caught.value.code is Code.FILE_NOT_COVERED
    verdict = check("publisher", "security")
    assert verdict.decision is Decision.DENY
    assert any(r.code == Code.UNCOVERED_FILE and r.path for r in verdict.reasons if r.blocking)


@pytest.mark.parametrize("name", ["model.a.b.sig", "model..sig", "models.a.sig", "Model.a.sig"])
def test_other_names_are_no_signatures(place: Path, name: str) -> None:
    """A perfect signature under a name that is not `model.WORD.sig` is an unsigned file."""
    shutil.copy(place / "model" / "model.sig", place / "model" / name)
    with pytest.raises(RefusedError) as caught:
        verify("publisher")
    assert caught.value.code is Code.FILE_NOT_COVERED


def test_a_signature_in_a_folder_is_no_signature(place: Path) -> None:
    """Signatures lie at the root; one below it is an unsigned file."""
    shutil.copy(place / "model" / "model.sig", place / "model" / "1_Pooling" / "model.x.sig")
    with pytest.raises(RefusedError, match=r"1_Pooling/model\.x\.sig"):
        verify("publisher")


def test_a_link_called_like_a_signature_is_refused(place: Path) -> None:
    """A symbolic link stays a link, whatever it is called."""
    (place / "model" / "model.link.sig").symlink_to("model.sig")
    with pytest.raises(RefusedError) as caught:
        verify("publisher")
    assert caught.value.code is Code.SYMLINK_REFUSED
    assert check("publisher").decision is not Decision.ALLOW


def test_too_many_signatures_never_pass(place: Path) -> None:
    """As many signatures as the bound are read; one more and nobody can tell, in each operation."""
    for number in range(MAX_SIGNATURE_FILES - 2):
        shutil.copy(place / "model" / "model.sig", place / "model" / f"model.{number}.sig")
    assert verify("publisher").signers == 1
    assert check("publisher").decision is Decision.ALLOW
    shutil.copy(place / "model" / "model.sig", place / "model" / "model.more.sig")
    with pytest.raises(LimitExceededError):
        verify("publisher")
    assert check("publisher").decision is not Decision.ALLOW
    with pytest.raises(RefusedError):
        verify("publisher", signature="model/model.sig")
    with pytest.raises(LimitExceededError):
        wb.digest("model")


def test_a_named_signature_is_the_only_one_that_counts(place: Path) -> None:
    """With a signature named, the others are listed as not looked at."""
    del place
    verification = verify("publisher", signature="model/model.sig")
    assert others(verification) == {"model.security.sig": None}
    with pytest.raises(SignatureRejectedError) as caught:
        verify("publisher", signature="model/model.security.sig")
    assert caught.value.code is Code.KEY_MISMATCH
    (Path("model") / "model.broken.sig").write_text("{")
    with pytest.raises(RefusedError, match=r"model\.broken\.sig"):
        verify("publisher", signature="model/model.sig")


def test_every_signature_and_key_is_read_once(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody can give one answer to the check and another one to what is built on it."""
    reads: list[str] = []
    for module, name in ((signatures, "read_if_present"), (trust, "read_named")):
        real = getattr(module, name)

        def read(path: Path, *, real: Callable[..., bytes] = real, **given: Any) -> bytes:
            reads.append(path.name)
            return real(path, **given)

        monkeypatch.setattr(module, name, read)
    for asked in ("model/model.security.sig", str(place / "model" / "model.sig")):
        assert verify("publisher", "security", signature=asked).signers == 1
        assert sorted(reads) == ["model.security.sig", "model.sig"]
        reads.clear()
    assert check("publisher", "security", threshold=2).decision is Decision.ALLOW
    assert sorted(reads) == ["model.security.sig", "model.sig", "publisher.pub", "security.pub"]


def test_a_threshold_has_to_be_reachable(place: Path) -> None:
    """A threshold with one named file, a threshold of none, and nobody expected are mistakes."""
    del place
    with pytest.raises(UsageError):
        verify("publisher", threshold=2, signature="model/model.sig")
    with pytest.raises(UsageError):
        verify("publisher", threshold=0)
    with pytest.raises(UsageError):
        verify()


def test_signing_lists_the_other_signatures_and_signs_none(place: Path) -> None:
    """A new signature covers no other one, and leaves out those that are there or reserved."""
    sign("stranger", "model/model.third.sig", reserve=("audit", "legal_2"))
    verification = verify("stranger")
    assert not any(path.endswith(".sig") for path in verification.covered)
    assert set(verification.first.claimed_ignores) >= {
        "model.sig",
        "model.claims.jsonl",
        "model.security.sig",
        "model.third.sig",
        "model.audit.sig",
        "model.legal_2.sig",
    }
    assert verify("publisher", "security", threshold=2).signers == 2
    with pytest.raises(UsageError, match=r"a/b"):
        sign("stranger", "model/model.third.sig", reserve=("a/b",))
    assert (place / "model" / "model.third.sig").exists()


def test_a_model_file_called_like_a_signature_is_signed(place: Path) -> None:
    """A file that is no signature is signed like any other, and is covered then."""
    (place / "model" / "model.note.sig").write_text("a note, and no signature")
    sign("publisher", "model/model.sig")
    verification = verify("publisher")
    assert "model.note.sig" in verification.covered
    assert others(verification)["model.note.sig"] is Code.SIGNATURE_MALFORMED
    (place / "model" / "model.note.sig").write_text("another note")
    with pytest.raises(SignatureRejectedError, match=r"model\.note\.sig"):
        verify("publisher")


def test_signatures_are_no_part_of_what_digest_and_load_see(place: Path) -> None:
    """The digest of a model is the same with more signatures, and a load gives none of them out."""
    policy_text = POLICY % ('"publisher", "security"', 2)
    before = wb.digest("model")
    sign("stranger", "model/model.third.sig")
    assert wb.digest("model") == before
    Path("weighbridge.toml").write_text(policy_text)
    with wb.load("model", policy=wb.Policy.from_file("weighbridge.toml")) as model:
        assert model.files == ("1_Pooling/config.json", "config.json", "model.safetensors")
    (place / "model" / "model.four.sig").write_text("{}")
    assert wb.digest("model") != before


def test_an_inspection_shows_every_signature(place: Path) -> None:
    """Each signature is a claim of its own, the first one first."""
    (place / "model" / "model.bad.sig").write_text("{}")
    inspection = wb.inspect("model")
    assert [claim.path for claim in inspection.signatures] == [
        "model.sig",
        "model.bad.sig",
        "model.security.sig",
    ]
    assert [claim.problem is None for claim in inspection.signatures] == [True, False, True]
    assert inspection.signature == inspection.signatures[0]


def test_a_single_file_has_its_signatures_beside_it(place: Path) -> None:
    """FILE.sig and FILE.WORD.sig are read; those of another file are not."""
    file = place / "net.safetensors"
    shutil.copy(place / "model" / "model.safetensors", file)
    sign("publisher", "net.safetensors.sig", model="net.safetensors")
    sign("security", "net.safetensors.sec.sig", model="net.safetensors")
    sign("stranger", "net.safetensors.x.sig", model="net.safetensors", reserve=("y",))
    (place / "net.safetensors.bad.sig").write_text("{")
    (place / "net.sig").write_text("{")
    verifiers = [verifier("publisher"), verifier("security")]
    verification = wb.verify(file, verifier=verifiers, threshold=2)
    assert verification.signers == 2
    assert set(others(verification)) == {"net.safetensors.x.sig", "net.safetensors.bad.sig"}
    named = wb.verify(file, verifier=verifiers, signature="net.safetensors.sec.sig")
    assert not named.others
    (place / "net.safetensors.sig").unlink()
    (place / "net.safetensors.sec.sig").unlink()
    with pytest.raises(SignatureRejectedError, match="none of the signatures") as caught:
        wb.verify(file, verifier=verifiers)
    assert caught.value.code is Code.SIGNATURE_MALFORMED


def test_a_directory_that_cannot_be_listed_is_an_error(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the system does not list the directory, nobody says that there is no signature."""
    del place

    def refuse(path: object) -> object:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("weighbridge.pipeline.selection.os.scandir", refuse)
    with pytest.raises(OperationError, match="cannot be listed"):
        verify("publisher")
    assert check("publisher").decision is not Decision.ALLOW


def test_a_statement_that_is_malformed_is_not_counted(place: Path) -> None:
    """A trusted key's signature over something else than a statement is reported as that."""
    del place
    signer = wb.KeySigner.from_pem(Path("security.key").read_bytes())
    Path("model/model.security.sig").write_bytes(signer.sign(b"{}"))
    assert others(verify("publisher", "security")) == {
        "model.security.sig": Code.STATEMENT_MALFORMED
    }


def test_an_unsigned_rule_still_knows_signatures(place: Path) -> None:
    """Where no signature is required, signatures are no model files either."""
    del place
    text = POLICY % ('"publisher"', 1)
    text = text[: text.index("signature =")] + "signature = { required = false }\n"
    Path("weighbridge.toml").write_text(text)
    verdict = wb.check("model", policy=wb.Policy.from_file("weighbridge.toml"))
    assert verdict.decision is Decision.ALLOW
    assert verdict.artifact == wb.digest("model")


def test_a_verification_rests_on_a_signature() -> None:
    """There is no verification without a signature."""
    with pytest.raises(ValueError, match="rests on a signature"):
        Verification(signatures=())


@pytest.mark.parametrize("target", ["../config.json", "..", "nowhere"])
def test_unsigned_links_are_accepted_with_unsigned_files_only(place: Path, target: str) -> None:
    """A link beside the signed files is refused, and listed where unsigned files are accepted."""
    link = place / "model" / "1_Pooling" / "link"
    link.symlink_to(target)
    with pytest.raises(RefusedError, match="1_Pooling/link"):
        verify("publisher")
    verification = wb.verify("model", verifier=verifier("publisher"), ignore_unsigned_files=True)
    assert [item.path for item in verification.uncovered] == ["1_Pooling/link"]
    assert "1_Pooling/link" not in verification.covered


@pytest.mark.parametrize("name", ["config.json", "1_Pooling"])
def test_a_link_in_the_place_of_something_signed_is_refused(place: Path, name: str) -> None:
    """A signed file, or a directory of one, is no unsigned link, whatever is accepted."""
    signed = place / "model" / name
    signed.rename(place / "moved")
    signed.symlink_to("../moved")
    with pytest.raises(RefusedError, match=name):
        wb.verify("model", verifier=verifier("publisher"), ignore_unsigned_files=True)


def test_signatures_share_one_bound_of_bytes(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All signatures together have no more bytes than one may have; what is beyond is not read."""
    first = (place / "model" / "model.sig").stat().st_size
    monkeypatch.setattr("weighbridge.pipeline.signatures.MAX_BUNDLE_BYTES", first + 10)
    with pytest.raises(LimitExceededError, match=r"model\.security\.sig"):
        verify("publisher")
    assert check("publisher", "security").decision is not Decision.ALLOW
