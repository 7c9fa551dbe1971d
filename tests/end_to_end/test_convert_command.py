"""`weighbridge convert` as a command: what it prints, and its exit codes."""

import json
import os
import signal
from pathlib import Path

import pytest

from support import pickles as p
from support.publisher import write_key
from support.torch_files import checkpoint, floats, small_checkpoint, state, storage, tensor, vector
from weighbridge.cli.main import run
from weighbridge.cli.terminal import NextStage


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Prepare checkpoints and a key, and go there."""
    (tmp_path / "model.bin").write_bytes(small_checkpoint())
    square = storage("0", 4)
    value = state(
        a=tensor(square, [2, 2], [2, 1]),
        b=tensor(square, [2, 2], [2, 1]),
        c=tensor(square, [2, 2], [1, 2]),
        epoch=p.integer(1),
    )
    root = tmp_path / "trained"
    root.mkdir()
    (root / "net.pt").write_bytes(checkpoint(value, {"0": floats(1, 2, 3, 4)}))
    (root / "config.json").write_text("{}")
    (root / "train.py").write_text("import os\n")
    write_key(tmp_path, "mine")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_text_of_a_plain_conversion(capsys: pytest.CaptureFixture[str], place: Path) -> None:
    """One line for the result, one for each file, and the word that nothing was claimed."""
    assert run(["convert", "model.bin", "out", "--to", "safetensors"]) == 0
    printed = capsys.readouterr()
    assert printed.out == (
        f"converted 2 tensors (184 B) in 1 file: {place / 'out'}\n"
        "  model.safetensors  2 tensors, 184 B\n"
    )
    assert printed.err == "no claim was written, since no signer was given: see --private-key\n"


def test_text_of_a_conversion_with_everything(
    capsys: pytest.CaptureFixture[str], place: Path
) -> None:
    """Aliases, what was put in order, left out and copied, and the claim are told."""
    words = "convert trained out --to safetensors --tensors-only --ignore-paths trained/train.py"
    assert run([*words.split(), "--private-key", "mine.key", "--name", "acme/bert"]) == 0
    printed = capsys.readouterr()
    assert printed.out == (
        f"converted 3 tensors (296 B) in 1 file: {place / 'out'}\n"
        "  net.pt -> net.safetensors  3 tensors, 296 B\n"
        "1 name for the elements of another one\n"
        "  b = a\n"
        "1 tensor put in order\n"
        "  c\n"
        "1 value left out that is no tensor\n"
        "  epoch: int\n"
        "1 file copied\n"
        "  config.json\n"
        "1 file left out\n"
        "  train.py\n"
        "claimed in model.claims.jsonl: made from acme/bert\n"
        "  0 claims of it carried along\n"
    )
    assert printed.err == ""


def test_json(capsys: pytest.CaptureFixture[str], place: Path) -> None:
    """The document has the same, and is frozen."""
    words = "convert trained out --to safetensors --tensors-only --ignore-paths trained/train.py"
    assert run([*words.split(), "--format", "json", "--quiet"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert set(document.pop("confinement")) == {"complete", "enforced", "refused"}
    assert document == {
        "schema": "weighbridge.converted/v1",
        "path": str(place / "out"),
        "to": "safetensors",
        "files": [
            {
                "path": "net.safetensors",
                "source": "net.pt",
                "bytes": 296,
                "tensors": 3,
                "aliases": [{"name": "b", "same_as": "a"}],
                "rearranged": ["c"],
                "not_tensors": ["epoch: int"],
            }
        ],
        "copied": ["config.json"],
        "left_out": ["train.py"],
        "claim": None,
    }


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        ("convert trained/net.pt out --to safetensors", 10, "epoch: int"),
        ("convert trained out --to safetensors", 10, "train.py"),
        ("convert trained/config.json out --to safetensors", 3, "nothing-to-check"),
        ("convert nowhere out --to safetensors", 2, "reference-not-found"),
        ("convert model.bin out", 2, "--to"),
        ("convert model.bin out --to gguf", 2, "gguf"),
        ("convert model.bin out --to safetensors --key x", 2, "no such part"),
        ("convert model.bin mine.pub --to safetensors", 1, "output-exists"),
        ("convert trained x.safetensors --to safetensors", 2, "single file"),
        ("convert model.bin out --to safetensors --name a", 2, "nobody signs"),
        ("convert model.bin out --to safetensors --builder urn:a", 2, "nobody signs"),
    ],
)
def test_exit_codes(
    words: str, code: int, message: str, capsys: pytest.CaptureFixture[str], place: Path
) -> None:
    """Refusals, nothing to convert and wrong usage have their codes, and nothing is written."""
    before = sorted(place.rglob("*"))
    assert run(words.split()) == code
    printed = capsys.readouterr()
    assert printed.out == ""
    assert message in printed.err
    assert sorted(place.rglob("*")) == before


def test_a_request_to_end_leaves_nothing(
    capsys: pytest.CaptureFixture[str], place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SIGTERM during the writing removes what was written, and the exit code tells it."""
    before = sorted(place.rglob("*"))
    handler = signal.getsignal(signal.SIGTERM)

    def begin(progress: NextStage, total: int, /) -> None:
        assert total
        assert sorted(place.rglob("*")) != before
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(NextStage, "begin", begin)
    try:
        with pytest.raises(SystemExit) as caught:
            run(["convert", "model.bin", "out", "--to", "safetensors"])
    finally:
        signal.signal(signal.SIGTERM, handler)
    assert caught.value.code == 128 + signal.SIGTERM
    assert sorted(place.rglob("*")) == before
    assert capsys.readouterr().out == ""


def test_names_cannot_reach_the_terminal(capsys: pytest.CaptureFixture[str], place: Path) -> None:
    """Control characters in names of tensors are escaped."""
    name = "a\x1b[2J\nok"
    value = p.dict_of(p.text("x"), vector("0", 2), p.text(name), vector("0", 2))
    (place / "bad.bin").write_bytes(checkpoint(value, {"0": floats(1, 2)}))
    assert run(["convert", "bad.bin", "out", "--to", "safetensors", "--quiet"]) == 0
    assert "  a\\x1b[2J\\nok = x\n" in capsys.readouterr().out
