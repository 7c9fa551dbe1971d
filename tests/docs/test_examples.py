"""The examples in the documents run and print what the documents say."""

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from support.documents import ROOT, Block, blocks, documents
from support.examples import matches, run_examples, steps
from support.pki import private_pem, public_pem
from support.signed_model import safetensors_file
from support.torch_files import small_checkpoint


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """
    Prepare the directory in which a document's examples run, and go there.

    It has a small model in `model/` (a configuration, two tensors and a card), a copy of it in
    `models/bert/`, the same tensors as a checkpoint in `model.bin`, and the key pairs `keys/release.pem` and `.pub`, `keys/other.pem` and `.pub`.
    Software tokens are kept in `tokens/`.
    """
    for name in ("model", "models/bert"):
        root = tmp_path / name
        root.mkdir(parents=True)
        (root / "config.json").write_text(json.dumps({"model_type": "bert"}) + "\n")
        (root / "README.md").write_text("# A small model\n")
        (root / "model.safetensors").write_bytes(
            safetensors_file(bias=[0.5, -0.5], weight=[0.0, 0.25, 0.5, 0.75])
        )
    (tmp_path / "model.bin").write_bytes(small_checkpoint())
    keys = tmp_path / "keys"
    keys.mkdir(mode=0o700)
    for name in ("release", "other"):
        key = ec.generate_private_key(ec.SECP256R1())
        (keys / f"{name}.pem").write_bytes(private_pem(key))
        (keys / f"{name}.pub").write_bytes(public_pem(key))
    (tmp_path / "tokens").mkdir()
    (tmp_path / "softhsm2.conf").write_text(f"directories.tokendir = {tmp_path / 'tokens'}\n")
    monkeypatch.setenv("SOFTHSM2_CONF", str(tmp_path / "softhsm2.conf"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WEIGHBRIDGE_STORE", str(tmp_path / "store"))
    monkeypatch.delenv("WEIGHBRIDGE_PASSWORD", raising=False)
    return tmp_path


@pytest.mark.parametrize("file", documents(), ids=lambda p: p.relative_to(ROOT).as_posix())
def test_examples_are_true(file: Path, place: Path) -> None:
    """Every example of a document runs and prints what the document says."""
    run_examples(file.read_text("utf-8"), place)


@pytest.mark.parametrize("name", ["docs/cli.md", "docs/json.md"])
def test_guides_have_examples(name: str) -> None:
    """The guides that promise executed examples have some that are not skipped."""
    found = [b for b in blocks((ROOT / name).read_text("utf-8")) if b.language == "console"]
    assert [b for b in found if not b.text.startswith("# not run:")]


@pytest.mark.parametrize(
    "text",
    [
        "```console\n$ echo one\ntwo\n```\n",
        "```console\n$ echo one\n```\n",
        "```console\n$ false\n```\n",
        "```console\n$ true  # exit code 10\n```\n",
        "```console\noutput of nothing\n```\n",
        "```python\nassert False\n```\n",
    ],
)
def test_a_false_example_is_noticed(text: str, place: Path) -> None:
    """An example that prints or does something else than the document says is an error."""
    with pytest.raises(AssertionError):
        run_examples(text, place)


def test_true_examples_run(place: Path) -> None:
    """Commands, files and Python blocks run in order in one directory; skipped ones do not."""
    text = (
        "```toml\n# sub/a.toml\na = 1\n```\n"
        "```console\n$ cat sub/a.toml\n# sub/a.toml\na = ...\n"
        "$ cat <<'EOF'\n> two\n> EOF\ntwo\n$ sh -c 'exit 3'  # exit code 3\n```\n"
        "```console\n# not run: it would fail\n$ false\n```\n"
        "```python\nfrom pathlib import Path\nPath('made').write_text('x')\n```\n"
        "```python\nassert Path('made').exists()\n```\n"
    )
    assert run_examples(text, place) == 4
    assert (place / "made").exists()


def test_a_document_that_needs_what_is_not_there_is_skipped(place: Path) -> None:
    """Examples for a program that is not installed are skipped by name, and run where it is."""
    with pytest.raises(pytest.skip.Exception, match="no-such-program"):
        run_examples("```console\n# needs: sh no-such-program\n$ false\n```\n", place)
    assert run_examples("```console\n# needs: sh\n$ echo one\none\n```\n", place) == 1


@pytest.mark.parametrize(
    ("expected", "found", "outcome"),
    [
        ("a\n...\nd", "a\nb\nc\nd\n", True),
        ("a\n...\nd", "a\nd\n", True),
        ("a\n...\nd", "a\nb\n", False),
        ("x ... z", "x y z\n", True),
        ("x ... z", "x y\nz\n", False),
        ("x ...", "x y\nz\n", True),
        ("x ...\nz", "x y\nq\nz\n", False),
        ("", "", True),
        ("", "a\n", False),
        ("a.c", "abc\n", False),
    ],
)
def test_wildcards(expected: str, found: str, *, outcome: bool) -> None:
    """Three dots stand for text within a line, for whole lines, or at the end for the rest."""
    assert matches(expected, found) is outcome


def test_a_command_may_have_several_lines() -> None:
    """Lines that begin with `> ` continue a command as long as it has no output."""
    block = Block(language="console", text="$ a\n> b\nc\n> d\n", line=1)
    (step,) = steps(block)
    assert (step.command, step.output) == ("a\nb", "c\n> d")
