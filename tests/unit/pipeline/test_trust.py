"""What trust entries of a policy come to: several keys, their end, and clocks that count."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import weighbridge as wb
from support.publisher import make_workplace
from support.timestamps import Clock, make_clock, serve_clock
from weighbridge.core.codes import Code
from weighbridge.core.errors import KeyRejectedError, PolicyError
from weighbridge.core.verdict import Decision, Verdict
from weighbridge.pipeline.keys import make_key
from weighbridge.pipeline.trust import verifier_for
from weighbridge.policy.trust import SigstoreTrust
from weighbridge.signing.timestamps.signer import TimestampedSigner


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the current directory, with a model and keys."""
    make_workplace(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def sign(key: str = "publisher", *, clock: Clock | None = None, where: str | None = None) -> None:
    """Sign the model, with a timestamp where there is a clock."""
    signer = wb.KeySigner.from_pem(Path(f"{key}.key").read_bytes(), allow_nonstandard=True)
    if clock is None:
        wb.sign("model", signer=signer, signature=where)
        return
    with serve_clock(clock) as server:
        stamped = TimestampedSigner(signer, urls=(server.url,))
        wb.sign("model", signer=stamped, signature=where)


def check(*entries: str, threshold: int = 1) -> Verdict:
    """Return the verdict of a policy with the trust *entries*, each by its keys."""
    names = [f"e{number}" for number in range(len(entries))]
    trust = "".join(
        f'[trust.{name}]\nmethod = "key"\n{entry}\n'
        for name, entry in zip(names, entries, strict=True)
    )
    listed = ", ".join(f'"{name}"' for name in names)
    text = (
        f'version = 1\n{trust}[[rule]]\nmatch = ["model"]\nboundary = ["load"]\n'
        f"signature = {{ any-of = [{listed}], threshold = {threshold} }}\n"
    )
    Path("weighbridge.toml").write_text(text)
    return wb.check("model", policy=wb.Policy.from_file("weighbridge.toml"))


def codes(verdict: Verdict) -> set[str]:
    """Return why the verdict is not allow."""
    return {reason.code for reason in verdict.reasons if reason.blocking}


@pytest.mark.parametrize("key", ["publisher", "stranger"])
def test_either_key_of_a_signer_is_enough(place: Path, key: str) -> None:
    """A signature by any key of an entry is one by the entry."""
    sign(key)
    assert check('public-key = ["publisher.pub", "stranger.pub"]').decision is Decision.ALLOW
    other = {"publisher": "stranger", "stranger": "publisher"}[key]
    denied = check(f'public-key = ["{other}.pub"]')
    assert denied.decision is Decision.DENY
    assert Code.KEY_MISMATCH in codes(denied)


def test_one_signer_with_two_keys_counts_once(place: Path) -> None:
    """Two signatures by two keys of one entry do not make two signers; two entries do."""
    sign("publisher")
    sign("stranger", where="model/model.second.sig")
    together = 'public-key = ["publisher.pub", "stranger.pub"]'
    apart = ('public-key = "publisher.pub"', 'public-key = "stranger.pub"')
    assert check(*apart, threshold=2).decision is Decision.ALLOW
    write_spare(place)
    denied = check(together, 'public-key = "spare.pub"', threshold=2)
    assert denied.decision is Decision.DENY
    assert Code.SIGNER_THRESHOLD in codes(denied)


def write_spare(place: Path) -> None:
    """Write a key that signs nothing."""
    make_key(place / "spare.key")


def test_a_copy_of_a_key_does_not_count_twice(place: Path) -> None:
    """The same key under another name is the same signer."""
    sign("publisher")
    sign("publisher", where="model/model.second.sig")
    (place / "copy.pub").write_bytes((place / "publisher.pub").read_bytes())
    entries = ('public-key = "publisher.pub"', 'public-key = "copy.pub"')
    assert check(*entries).decision is Decision.ALLOW
    assert Code.SIGNER_THRESHOLD in codes(check(*entries, threshold=2))
    with pytest.raises(KeyRejectedError, match="a key is there twice"):
        check('public-key = ["publisher.pub", "copy.pub"]')


def test_an_end_counts_without_a_timestamp(place: Path) -> None:
    """After a key's last day its signatures count no more; on that day they do."""
    sign()
    today = datetime.now(UTC).date()
    key = 'public-key = "publisher.pub"\nvalid-until = '
    assert check(f"{key}{today + timedelta(days=1)}").decision is Decision.ALLOW
    denied = check(f"{key}{today - timedelta(days=1)}")
    assert denied.decision is Decision.DENY
    assert Code.KEY_EXPIRED in codes(denied)


def test_clocks_of_the_policy_are_believed(place: Path) -> None:
    """A timestamp by an authority of the entry counts, and the verdict says when it was signed."""
    clock = make_clock(place / "tsa")
    (place / "clock.pem").write_bytes(clock.root.pem)
    required = (
        'public-key = "publisher.pub"\ntimestamp-certificate-chain = "clock.pem"\n'
        "require-timestamp = true"
    )
    sign()
    denied = check(required)
    assert denied.decision is Decision.DENY
    assert Code.TIMESTAMP_REQUIRED in codes(denied)
    sign(clock=clock)
    allowed = check(required)
    assert allowed.decision is Decision.ALLOW
    (signer,) = allowed.signers
    assert [time.authority for time in signer.times] == ["CN=clock,O=Example"]


@pytest.mark.parametrize("algorithm", ["ed25519", "ml-dsa-65"])
def test_other_kinds_of_keys_have_to_be_allowed(place: Path, algorithm: str) -> None:
    """An entry with such a key says so, or the policy's key is refused."""
    make_key(place / "new.key", algorithm=algorithm)
    sign("new")
    entry = 'public-key = "new.pub"'
    assert check(f"{entry}\nnonstandard-keys = true").decision is Decision.ALLOW
    with pytest.raises(KeyRejectedError, match="nonstandard-keys = true"):
        check(entry)


@pytest.mark.parametrize(("root", "digest"), [("root.json", None), (None, "0" * 64)])
def test_half_a_pinned_root_is_no_other_root(
    place: Path, root: str | None, digest: str | None
) -> None:
    """An entry made in memory that pins half a root is refused, and not given the public one."""
    del place
    text = (
        'version = 1\n[trust.ada]\nmethod = "sigstore"\nidentity = "ada@example.org"\n'
        'issuer = "https://issuer.example"\n[[rule]]\nmatch = ["model"]\nboundary = ["load"]\n'
        'signature = { any-of = ["ada"] }\n'
    )
    policy = wb.Policy.from_toml(text.encode(), path=None)
    (entry,) = policy.trust
    assert isinstance(entry, SigstoreTrust)
    verifier_for(entry, policy)
    with pytest.raises(PolicyError, match="half of a trusted root"):
        verifier_for(replace(entry, trusted_root=root, trusted_root_sha256=digest), policy)
