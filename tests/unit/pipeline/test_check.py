"""The order of the stages, and what becomes of each stage's failure."""

import importlib
import os
from pathlib import Path

import pytest

import weighbridge as wb
from support.publisher import POLICY, make_workplace, write_key
from weighbridge.core.codes import Code
from weighbridge.core.errors import (
    KeyRejectedError,
    NothingToCheckError,
    PolicyDeniedError,
    PolicyIndeterminateError,
    SignatureRejectedError,
    UsageError,
)
from weighbridge.core.verdict import Decision, Verdict


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the current directory: a signed model, keys and a policy."""
    make_workplace(tmp_path)
    monkeypatch.chdir(tmp_path)
    _sign()
    return tmp_path


def _sign(key: str = "publisher", **options: wb.HashLayout) -> None:
    data = Path(f"{key}.key").read_bytes()
    wb.sign(
        "model",
        signer=wb.KeySigner.from_pem(data, password=None, where=f"{key}.key"),
        layout=options.get("layout"),
    )


def _check(policy: str | None = None, boundary: str = "load") -> Verdict:
    if policy is not None:
        Path("weighbridge.toml").write_text(policy)
    return wb.check("model", policy=wb.Policy.from_file("weighbridge.toml"), boundary=boundary)


def _codes(verdict: Verdict) -> set[str]:
    return {reason.code for reason in verdict.reasons if reason.blocking}


def test_a_signed_model_is_allowed_and_every_file_is_covered(place: Path) -> None:
    """The verdict lists every file as covered and names the signer and both digests."""
    verdict = _check()
    assert verdict.decision is Decision.ALLOW
    assert verdict.covered == ("1_Pooling/config.json", "config.json", "model.safetensors")
    assert not verdict.uncovered
    assert verdict.signers[0].trust == "publisher"
    assert verdict.artifact is not None
    assert verdict.artifact.names == wb.digest("model").names


def test_without_a_matching_rule_nothing_is_read(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another boundary is denied before the model is opened."""

    def refuse(*arguments: object, **options: object) -> None:
        pytest.fail("the model was read")

    monkeypatch.setattr("weighbridge.pipeline.check.take_inventory", refuse)
    verdict = _check(boundary="upload")
    assert (verdict.decision, _codes(verdict)) == (Decision.DENY, {Code.POLICY_NO_MATCH})


def test_the_signature_is_verified_before_the_files_are_read(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The signer is known when the inventory is taken."""
    order: list[str] = []

    def noting(name: str) -> None:
        target = f"weighbridge.pipeline.check.{name}"
        real = getattr(importlib.import_module("weighbridge.pipeline.check"), name)

        def call(*arguments: object, **options: object) -> object:
            order.append(name)
            return real(*arguments, **options)

        monkeypatch.setattr(target, call)

    noting("take_inventory")
    noting("verify_statement")
    assert _check().decision is Decision.ALLOW
    assert order == ["verify_statement", "take_inventory"]


@pytest.mark.parametrize(
    "layout", [wb.HashLayout(wb.HashAlgorithm.BLAKE3), wb.HashLayout(shard_size=3)]
)
def test_other_layouts_are_compared_in_the_same_pass(place: Path, layout: wb.HashLayout) -> None:
    """A signature with another hash or with shards is checked, and the names digest is known."""
    _sign(layout=layout)
    verdict = _check()
    assert verdict.decision is Decision.ALLOW
    assert verdict.artifact is not None
    assert verdict.artifact.names == wb.digest("model").names


def test_a_missing_signature_is_a_deny(place: Path) -> None:
    """A model without a signature is denied where one is required."""
    (place / "model" / "model.sig").unlink()
    verdict = _check()
    assert verdict.decision is Decision.DENY
    assert Code.SIGNATURE_MISSING in _codes(verdict)


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff", b"[" * 100_000])
def test_a_broken_signature_is_no_crash_and_no_pass(place: Path, content: bytes) -> None:
    """Whatever stands in the signature's place, the verdict is not allow."""
    (place / "model" / "model.sig").write_bytes(content)
    assert _check().decision is not Decision.ALLOW


def test_a_pipe_in_the_signature_s_place_is_not_waited_for(place: Path) -> None:
    """A named pipe called model.sig leads to a verdict at once, and not to allow."""
    (place / "model" / "model.sig").unlink()
    os.mkfifo(place / "model" / "model.sig")
    assert _check().decision is not Decision.ALLOW


def test_an_empty_directory_is_noticed(place: Path) -> None:
    """An added empty directory is denied by name, since no signature covers it."""
    (place / "model" / "empty").mkdir()
    verdict = _check()
    assert verdict.decision is Decision.DENY
    assert any(r.path == "empty" and r.blocking for r in verdict.reasons)


def test_a_link_is_denied_unless_the_rule_allows_links(place: Path) -> None:
    """A link to a signed file's bytes passes only with `symlinks = "files"`."""
    (place / "outside.json").write_bytes((place / "model" / "config.json").read_bytes())
    (place / "model" / "config.json").unlink()
    (place / "model" / "config.json").symlink_to("../outside.json")
    assert _check().decision is not Decision.ALLOW
    assert _check(POLICY + 'symlinks = "files"\n').decision is Decision.ALLOW


def test_two_signers_can_be_demanded(place: Path) -> None:
    """A threshold of two is not met by one signature, whoever else is listed."""
    write_key(place, "second")
    policy = POLICY.replace(
        "[[rule]]", '[trust.second]\nmethod = "key"\npublic-key = "second.pub"\n\n[[rule]]'
    ).replace('["publisher"] }', '["publisher", "second"], threshold = 2 }')
    verdict = _check(policy)
    assert verdict.decision is Decision.DENY
    assert Code.SIGNER_THRESHOLD in _codes(verdict)
    assert _check(policy.replace("threshold = 2", "threshold = 1")).decision is Decision.ALLOW


def test_a_model_without_a_file_is_nothing_to_check(place: Path) -> None:
    """An empty directory is an error of its own and never a verdict."""
    (place / "model").rename(place / "old")
    (place / "model").mkdir()
    with pytest.raises(NothingToCheckError):
        _check()


def test_a_key_that_the_policy_names_has_to_be_there(place: Path) -> None:
    """A missing or broken key of the policy is an error, not a verdict without it."""
    (place / "publisher.pub").write_text("no key")
    with pytest.raises(KeyRejectedError):
        _check()
    (place / "publisher.pub").unlink()
    with pytest.raises(UsageError):
        _check()


def test_keyless_trust_is_not_taken_for_verified(place: Path) -> None:
    """A rule that trusts a keyless identity cannot be met by this version, and says so."""
    verdict = _check(
        'version = 1\n[trust.bot]\nmethod = "sigstore"\nidentity = "a@example.org"\n'
        'issuer = "https://issuer.example.org"\n[[rule]]\nmatch = ["model"]\n'
        'boundary = ["load"]\nsignature = { required = true, any-of = ["bot"] }\n'
    )
    assert verdict.decision is not Decision.ALLOW


def test_a_load_raises_with_the_verdict(place: Path) -> None:
    """A denied load has every reason in the error, an undecided one is another error."""
    policy = wb.Policy.from_file("weighbridge.toml")
    with (place / "model" / "config.json").open("ab") as file:
        file.write(b" ")
    with pytest.raises(PolicyDeniedError, match=r"config\.json") as caught:
        wb.load("model", policy=policy)
    assert Code.DIGEST_MISMATCH in _codes(caught.value.verdict)
    Path("weighbridge.toml").write_text(
        POLICY.replace("signature = {", 'scan = { on-gap = "indeterminate" }\nsignature = {')
    )
    (place / "model" / "config.json").write_text('{"model_type": "bert"}\n')
    (place / "model" / "weights.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(64))
    _sign()
    text = Path("weighbridge.toml").read_text() + "formats = { deny-executable = false }\n"
    Path("weighbridge.toml").write_text(text)
    with pytest.raises(PolicyIndeterminateError):
        wb.load("model", policy=wb.Policy.from_file("weighbridge.toml"))


def test_a_load_gives_out_what_was_signed(place: Path) -> None:
    """The loaded artifact has the signed files and no other."""
    with wb.load("model", policy=wb.Policy.from_file("weighbridge.toml")) as model:
        assert model.files == ("1_Pooling/config.json", "config.json", "model.safetensors")
        assert model.read("config.json") == b'{"model_type": "bert"}\n'


@pytest.mark.parametrize("what", ["pipe", "directory"])
def test_what_is_no_file_in_the_signature_s_place_is_refused(place: Path, what: str) -> None:
    """A pipe or a directory called model.sig is the model's fault: not verified."""
    (place / "model" / "model.sig").unlink()
    if what == "pipe":
        os.mkfifo(place / "model" / "model.sig")
    else:
        (place / "model" / "model.sig").mkdir()
    verifier = wb.KeyVerifier.from_pem((place / "publisher.pub").read_bytes(), where="p")
    with pytest.raises(SignatureRejectedError) as caught:
        wb.verify("model", verifier=verifier)
    assert caught.value.code is Code.SIGNATURE_MALFORMED
    assert _check().decision is Decision.DENY


def test_a_renamed_file_is_named_under_both_names(place: Path) -> None:
    """Where a signed file is missing, the verdict names what was added as well."""
    (place / "model" / "config.json").rename(place / "model" / "lies.json")
    paths = {reason.path for reason in _check().reasons if reason.blocking}
    assert {"config.json", "lies.json"} <= paths


def test_the_path_of_a_policy_is_no_policy(place: Path) -> None:
    """A path in the place of a policy is the caller's mistake, with what to say instead."""
    with pytest.raises(UsageError, match="from_file"):
        wb.check("model", policy="weighbridge.toml")  # type: ignore[arg-type]


def test_a_verdict_advises_no_flag_of_another_command(place: Path) -> None:
    """What verify's caller could leave out is no advice for a policy's user."""
    (place / "model" / "config.json").rename(place / "model" / "lies.json")
    assert not any("--" in reason.message for reason in _check().reasons)
