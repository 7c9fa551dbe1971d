"""`sign --reuse`, `--remember`, `--manifest` from the command line."""

import hashlib
import json
import os
import time
from pathlib import Path

import pytest

from support.publisher import POLICY, Result, make_workplace, weighbridge


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Return a directory with a signed model, whose files are remembered."""
    make_workplace(tmp_path)
    for path in (tmp_path / "model").rglob("*"):
        # Changed tomorrow, by its stamp: however slow the machine is, too young to be remembered.
        os.utime(path, (time.time() + 86400,) * 2)
    assert sign(tmp_path, "--remember").code == 0
    return tmp_path


def sign(place: Path, *more: str) -> Result:
    """Sign the model, with the state in *place*."""
    arguments = ("sign", "key", "model", "--private-key", "publisher.key", "--format", "json")
    return weighbridge(place, *arguments, *more, XDG_STATE_HOME=str(place / "state"))


@pytest.mark.parametrize(
    "who",
    [("--reuse-public-key", "publisher.pub"), ("--reuse-trust", "publisher")],
    ids=["key", "policy"],
)
def test_an_earlier_signature_is_reused(place: Path, who: tuple[str, str]) -> None:
    """A key or a policy's entry says whose it has to be, and the result says what changed."""
    (place / "model" / "config.json").write_text("{}")
    done = sign(place, "--reuse", "model/model.sig", *who, "--trust-stamps")
    assert done.code == 0, done.err
    reuse = json.loads(done.out)["reuse"]
    assert reuse["changed"] == ["config.json"]
    # The files are too young to have been remembered.
    assert reuse["unchanged"] == ["1_Pooling/config.json", "model.safetensors"]
    assert weighbridge(place, "verify", "key", "model", "--public-key", "publisher.pub").code == 0


def test_an_earlier_signature_by_another_signer_is_refused(place: Path) -> None:
    """A signature by somebody else, and none to compare with, leave nothing changed."""
    before = (place / "model" / "model.sig").read_bytes()
    stranger = sign(place, "--reuse", "model/model.sig", "--reuse-public-key", "stranger.pub")
    assert stranger.code == 10
    assert sign(place, "--reuse", "model/model.sig").code == 2
    assert sign(place, "--trust-stamps").code == 2
    assert (place / "model" / "model.sig").read_bytes() == before


@pytest.mark.parametrize("check", ["full", "sample"])
def test_a_manifest_is_compared(place: Path, check: str) -> None:
    """A model that is the manifest's is signed, and another one is not."""
    digest = hashlib.sha256((place / "model" / "config.json").read_bytes()).hexdigest()
    listed = [{"path": "config.json", "lfs": {"oid": digest}}]
    (place / "listing.json").write_text(json.dumps(listed))
    done = sign(place, "--manifest", "listing.json", "--manifest-check", check)
    assert done.code == 0, done.err
    assert json.loads(done.out)["manifest"]["compared"] == ["config.json"]
    (place / "model" / "config.json").write_text("{}")
    done = sign(place, "--manifest", "listing.json", "--manifest-check", check)
    assert done.code == 10
    assert json.loads(done.out)["code"] == "manifest-mismatch"


def test_the_policy_of_the_workplace_has_the_entry() -> None:
    """The entry that these tests name is one of the policy."""
    assert "[trust.publisher]" in POLICY
