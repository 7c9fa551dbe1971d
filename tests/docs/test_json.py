"""`docs/json.md` describes exactly the documents that the commands print."""

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from support import pickles as p
from support.documents import PACKAGE, ROOT, document, sections, table_rows
from support.pki import private_pem, public_pem
from support.signed_model import safetensors_file
from support.torch_files import checkpoint, floats, state, storage, tensor
from weighbridge.cli.main import run

SNAPSHOTS = ROOT / "tests" / "vectors" / "record"
_SCHEMA = re.compile(r"weighbridge\.[a-z-]+/v1")

POLICY = """
version = 1
[trust.release]
method = "key"
public-key = "release.pub"
[[rule]]
match = ["other"]
boundary = ["load"]
signature = { required = false }
[[rule]]
match = ["plain.pkl"]
boundary = ["load"]
formats = { allow = ["pickle"] }
signature = { required = false }
[[rule]]
match = ["model"]
boundary = ["load"]
signature = { any-of = ["release"], uncovered = "allow-git-metadata" }
"""

CASES = """
version = 1
[[case]]
name = "a"
reference = "nowhere"
boundary = "load"
files = { a = "json" }
expect = "deny"
"""

COMMANDS = {
    "weighbridge.key/v1": "keygen mine.key --no-password",
    "weighbridge.signed/v1": "sign key model --private-key release.pem",
    "weighbridge.converted/v1": "convert checkpoints out --to safetensors --tensors-only"
    " --ignore-paths checkpoints/module.py --private-key release.pem",
    "weighbridge.unpickled/v1": "unpickle plain.pkl --policy weighbridge.toml",
    "weighbridge.build/v1": "attest build bad --allow-symlinks --input model --param a=b"
    " --source git+https://git.example/a/b --private-key release.pem",
    "weighbridge.attested-parts/v1": "attest parts weights --private-key release.pem",
    "weighbridge.attested-scan/v1": "attest scan bad --allow-symlinks --private-key release.pem",
    "weighbridge.lineage/v1": "lineage out",
    "weighbridge.claims/v1": "claims list model",
    "weighbridge.appended-claims/v1": "claims append model model/model.sig",
    "weighbridge.verdict/v1": "check model --policy weighbridge.toml",
    "weighbridge.scan/v1": "scan bad --also picklescan --also modelscan --show-globals",
    "weighbridge.inspection/v1": "inspect bad",
    "weighbridge.digest/v1": "digest model",
    "weighbridge.signature/v1": "verify key model --public-key release.pub",
    "weighbridge.explanation/v1": "policy explain model",
    "weighbridge.policy-test/v1": "policy test",
    "weighbridge.doctor/v1": "doctor",
    "weighbridge.error/v1": "digest nowhere",
    "weighbridge.trust/v1": "trust show",
}
"""A command for each schema that prints a document of it with no list empty that can be full."""

SIGNED_FIRST = frozenset(
    {"weighbridge.verdict/v1", "weighbridge.signature/v1", "weighbridge.appended-claims/v1"}
)
"""Schemas whose command needs a signature."""


def members(value: object, path: str = "") -> Iterator[str]:
    """Yield the paths of all members of *value*, `[]` standing for any item."""
    if isinstance(value, dict):
        if path and ("schema" in value or path.endswith(".verdict")):
            return  # a document of its own, or one like it, listed under its schema
        for name, item in value.items():
            place = f"{path}.{name}" if path else name
            yield place
            yield from members(item, place)
    elif isinstance(value, list):
        for item in value:
            yield from members(item, f"{path}[]")


def documented() -> dict[str, set[str]]:
    """Return the members that the document lists, by schema, objects around them included."""
    found: dict[str, set[str]] = {}
    for section in sections(document("docs/json.md")):
        if _SCHEMA.fullmatch(section.title):
            listed = {row[0].strip("`") for row in table_rows(section.text)}
            around = {
                re.sub(r"\[\]$", "", path[: match.start()])
                for path in listed
                for match in re.finditer(r"\.", path)
            }
            found[section.title] = listed | around | {"schema"}
    return found


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Prepare a model, a bad one, keys, a policy and cases, and go there."""
    for name in ("model", "bad"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "model.safetensors").write_bytes(safetensors_file(weight=[1.0]))
    (tmp_path / "model" / ".gitignore").write_text("*.tmp\n")
    (tmp_path / "bad" / "config.json").write_text('{"a": 1, "a": 2}')
    (tmp_path / "bad" / "net.pkl").write_bytes(b"\x80\x02cacme.model\nNet\n.")
    (tmp_path / "bad" / "module.py").write_text("import os\nos.system('true')\n")
    (tmp_path / "bad" / "link").symlink_to("config.json")
    (tmp_path / "bad" / "model.sig").write_text("{}")
    (tmp_path / "plain.pkl").write_bytes(b"\x80\x02]K\x01a.")
    (tmp_path / "weights").mkdir()
    weights = safetensors_file(weight=[1.0] * 20_000)
    (tmp_path / "weights" / "model.safetensors").write_bytes(weights)
    checkpoints = tmp_path / "checkpoints"
    checkpoints.mkdir()
    (checkpoints / "module.py").write_text("import os\n")
    (checkpoints / "config.json").write_text("{}")
    weight = storage("0", 4)
    values = state(
        a=tensor(weight, [2, 2], [2, 1]),
        b=tensor(weight, [2, 2], [2, 1]),
        c=tensor(weight, [2, 2], [1, 2]),
        epoch=p.integer(1),
    )
    (checkpoints / "model.bin").write_bytes(checkpoint(values, {"0": floats(1, 2, 3, 4)}))
    key = ec.generate_private_key(ec.SECP256R1())
    (tmp_path / "release.pem").write_bytes(private_pem(key))
    (tmp_path / "release.pub").write_bytes(public_pem(key))
    (tmp_path / "weighbridge.toml").write_text(POLICY)
    (tmp_path / "weighbridge.test.toml").write_text(CASES)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def printed(schema: str, capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    """Return the document that the command for *schema* prints."""
    if schema in SIGNED_FIRST:
        assert run(COMMANDS["weighbridge.signed/v1"].split()) == os.EX_OK
        capsys.readouterr()
    if schema == "weighbridge.lineage/v1":
        run(COMMANDS["weighbridge.converted/v1"].split())
        capsys.readouterr()
    run([*COMMANDS[schema].split(), "--format", "json"])
    result = json.loads(capsys.readouterr().out)
    assert isinstance(result, dict)
    return result


def snapshots(schema: str) -> set[str]:
    """Return the members of the reviewed documents of *schema*, which show what is seldom there."""
    documents = (json.loads(path.read_bytes()) for path in SNAPSHOTS.glob("*.json"))
    return {path for each in documents if each["schema"] == schema for path in members(each)}


def test_every_schema_is_documented() -> None:
    """The schemas of the source, of the document and of these commands are the same."""
    text = "\n".join(path.read_text() for path in (PACKAGE / "record").glob("*.py"))
    assert set(_SCHEMA.findall(text)) == set(documented()) == set(COMMANDS)


@pytest.mark.usefixtures("place")
@pytest.mark.parametrize("schema", sorted(COMMANDS))
def test_every_member_is_documented(schema: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Each member that a command prints is listed under its schema."""
    result = printed(schema, capsys)
    assert result["schema"] == schema
    assert set(members(result)) - documented()[schema] == set()


@pytest.mark.usefixtures("place")
@pytest.mark.parametrize("schema", sorted(COMMANDS))
def test_every_documented_member_is_printed(
    schema: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each member that is listed occurs in a document, printed here or kept as a snapshot."""
    result = printed(schema, capsys)
    found = set(members(result)) | snapshots(schema)
    nulls = {path for path in members(result) if None in _values(result, path)}
    missing = {
        path
        for path in documented()[schema] - found
        if not any(path.startswith(f"{parent}.") for parent in nulls)
    }
    assert missing == set()


def _values(result: object, path: str) -> list[object]:
    """Return the values at *path*, of every item where there are several."""
    values = [result]
    for name in path.split("."):
        found = [value[name.removesuffix("[]")] for value in values if isinstance(value, dict)]
        values = [item for each in found for item in each] if name.endswith("[]") else found
    return values
