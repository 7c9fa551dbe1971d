"""`weighbridge bom`: both formats, with and without a policy, and what a hostile model claims."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from support.publisher import make_workplace, weighbridge
from weighbridge.pipeline.bill import make_bill

pytestmark = pytest.mark.usefixtures("measured_programs")

CARD = "---\nlicense: apache-2.0\nbase_model: acme/base\ndatasets:\n- acme/data\n---\n# Model\n"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Return a directory with a signed model that has a card, and a policy."""
    make_workplace(tmp_path)
    (tmp_path / "model" / "README.md").write_text(CARD, "utf-8")
    signed = weighbridge(tmp_path, "sign", "key", "model", "--private-key", "publisher.key")
    assert signed.code == 0
    return tmp_path


def properties(document: dict[str, Any]) -> dict[str, str]:
    """Return the properties of the model in a CycloneDX document."""
    found = document["metadata"]["component"]["properties"]
    return {item["name"].removeprefix("weighbridge:"): item["value"] for item in found}


def test_without_a_policy_nothing_but_what_is_computed_is_verified(place: Path) -> None:
    """Digests are verified; the signature, the licence and the data sets are claimed."""
    result = weighbridge(place, "bom", "model")
    assert result.code == 0
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(result.out) is None
    said = properties(json.loads(result.out))
    assert said["standing:hashes"].startswith("verified")
    assert said["standing:licenses"] == "claimed (README.md)"
    assert said["standing:signer"].startswith("claimed")
    assert "decision" not in said


def test_with_a_policy_the_signer_is_verified(place: Path) -> None:
    """Whom the policy names and who signed is verified; the card's words stay claims."""
    result = weighbridge(place, "bom", "model", "--policy", "weighbridge.toml")
    assert result.code == 0
    said = properties(json.loads(result.out))
    assert said["standing:signer"] == "verified (trust entry publisher)"
    assert said["standing:licenses"] == "claimed (README.md)"
    assert said["decision"] == "allow"


def test_a_changed_model_has_a_bill_that_says_deny(place: Path) -> None:
    """No signature counts for other bytes, so none is verified."""
    (place / "model" / "config.json").write_text("{}", "utf-8")
    result = weighbridge(place, "bom", "model", "--policy", "weighbridge.toml")
    assert result.code == 0
    said = properties(json.loads(result.out))
    assert said["decision"] == "deny"
    assert said["standing:signer"].startswith("claimed")


def test_an_output_file_is_written_whole(place: Path) -> None:
    """SPDX goes to the file, and nothing to standard output."""
    result = weighbridge(place, "bom", "model", "--format", "spdx", "--output", "bill.json")
    assert (result.code, result.out) == (0, "")
    document = json.loads((place / "bill.json").read_text("utf-8"))
    assert document["@context"] == "https://spdx.org/rdf/3.0.1/spdx-context.jsonld"


@pytest.mark.parametrize(
    ("name", "data", "note"),
    [
        ("config.json", b"{", "config.json was not read"),
        ("model.safetensors", b"\xff" * 64, None),
        ("README.md", b"---\nlicense: {a: b}\n---\n", "README.md: license is not plain"),
    ],
)
def test_what_cannot_be_read_is_a_note(
    place: Path, name: str, data: bytes, note: str | None
) -> None:
    """A broken file is listed with its digest, and said to be unread where it would have been."""
    (place / "model" / name).write_bytes(data)
    result = weighbridge(place, "bom", "model")
    assert result.code == 0
    document = json.loads(result.out)
    assert name in [part["name"] for part in document["components"]]
    notes = [annotation["text"] for annotation in document.get("annotations", [])]
    assert note is None or any(text.startswith(note) for text in notes)


def test_a_configuration_of_wrong_types_claims_nothing(place: Path) -> None:
    """Names that are no texts are left out instead of being written as something else."""
    (place / "model" / "config.json").write_text(
        '{"architectures": [1, null, {"a": 2}, "Net"], "model_type": ["x", 3]}', "utf-8"
    )
    result = weighbridge(place, "bom", "model")
    parameters = json.loads(result.out)["metadata"]["component"]["modelCard"]["modelParameters"]
    assert parameters["modelArchitecture"] == "Net"
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(result.out) is None


def test_a_model_with_a_link_has_no_bill(place: Path) -> None:
    """What cannot be accounted for is an error, not a shorter list."""
    (place / "model" / "link").symlink_to("config.json")
    result = weighbridge(place, "bom", "model")
    assert result.code == 10
    assert json.loads(result.out)["code"] == "symlink-refused"
    assert weighbridge(place, "bom", "model", "--allow-symlinks").code == 0


BUILT = """
[builder.local]
id        = "urn:weighbridge:builder:local"
signed-by = "publisher"
max-level = 1
"""


@pytest.fixture
def recorded(place: Path) -> Path:
    """Return the directory with a model beside it that was made from the signed one."""
    copy = "import shutil; shutil.copytree('model', 'tuned')"
    done = weighbridge(
        place,
        *("record", "--output", "tuned", "--input", "base=model"),
        *("--private-key", "publisher.key", "--", sys.executable, "-I", "-c", copy),
    )
    assert done.code == 0, done.err
    policy = (place / "weighbridge.toml").read_text("utf-8")
    (place / "weighbridge.toml").write_text(policy.replace("[[rule]]", f"{BUILT}\n[[rule]]"))
    return place


@pytest.mark.parametrize(
    ("options", "standing"), [((), "claimed"), (("--policy", "weighbridge.toml"), "verified")]
)
def test_a_build_and_its_parents_are_listed(
    recorded: Path, options: tuple[str, ...], standing: str
) -> None:
    """The pedigree names the parent by both digests; who signed it decides what it counts for."""
    result = weighbridge(recorded, "bom", "tuned", *options)
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(result.out) is None
    document = json.loads(result.out)
    assert properties(document)["standing:build"].startswith(standing)
    ancestors = document["metadata"]["component"]["pedigree"]["ancestors"]
    (base,) = [each for each in ancestors if each["name"] == "base"]
    named = json.loads(weighbridge(recorded, "digest", "model", "--format", "json").out)
    digest = named["artifact"]["digest"]
    assert base["version"] == digest["names"]
    assert base["hashes"][0]["content"] == digest["oms"].removeprefix("sha256:")


def test_a_build_of_another_model_is_not_listed(recorded: Path) -> None:
    """Claims do not follow a model whose files are others."""
    (recorded / "tuned" / "config.json").write_text("{}", "utf-8")
    document = json.loads(weighbridge(recorded, "bom", "tuned").out)
    assert "standing:build" not in properties(document)


def test_a_flood_of_claims_is_cut_short(recorded: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a bill has no room for is left out, and a note says so."""
    monkeypatch.setattr("weighbridge.pipeline.bill.MAX_BILL_ITEMS", 1)
    bill = make_bill(recorded / "tuned")
    assert bill.builds == ()
    assert "1 claim(s) were left out: a bill has no room" in bill.notes
