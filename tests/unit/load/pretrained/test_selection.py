"""Which of the admitted files a library gets to see."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from support import pickles as p
from support.holding import hold_files
from support.markers import marking_pickle
from support.signed_model import safetensors_file
from support.torch_files import checkpoint, legacy_checkpoint
from weighbridge.core.errors import UsageError, WeighbridgeError
from weighbridge.load.pretrained.selection import choose_files, has_safetensors

VECTORS = Path(__file__).parents[3] / "vectors" / "torch"
PLAIN = (VECTORS / "plain.pt").read_bytes()
LEGACY = (VECTORS / "legacy.pth").read_bytes()
SAFE = safetensors_file(a=[1.0])
CONFIG = json.dumps({"a": 1}).encode()


def test_data_are_shown_and_code_is_not() -> None:
    """Configurations, texts and weights are shown; sources and compiled code are not."""
    files = {
        "config.json": CONFIG,
        "README.md": b"# A model\n",
        "sub/model.safetensors": SAFE,
        "modeling.py": b"import os\n",
        "empty.py": b"",
        "lib.so": b"\x7fELF" + bytes(60),
    }
    assert sorted(choose_files(hold_files(files))) == [
        "README.md",
        "config.json",
        "sub/model.safetensors",
    ]


@pytest.mark.parametrize(
    "name",
    ["pytorch_model.bin", "pytorch_model-00001-of-00002.bin", "adapter_model.bin", "model.fp16.pt"],
)
@pytest.mark.parametrize("data", [PLAIN, LEGACY], ids=["zip", "legacy"])
def test_checkpoints_of_tensors_are_shown(name: str, data: bytes) -> None:
    """A checkpoint of weights is shown where no safetensors files are, folder by folder."""
    files = {
        name: data,
        f"unet/{name}": data,
        "unet/x.safetensors": SAFE,
        "training_args.bin": data,
    }
    assert sorted(choose_files(hold_files(files))) == sorted([name, "unet/x.safetensors"])


@pytest.mark.parametrize("build", [checkpoint, legacy_checkpoint])
def test_checkpoints_with_more_are_refused(build: Callable[..., bytes]) -> None:
    """A checkpoint that would be loaded and holds more than tensors is refused."""
    call = p.call(p.name("builtins", "print"), p.text("x"))
    files = {"pytorch_model.bin": build(call, {}), "config.json": CONFIG}
    with pytest.raises(WeighbridgeError, match="more than tensors"):
        choose_files(hold_files(files))
    assert choose_files(hold_files({**files, "x.safetensors": SAFE})).keys() == {
        "config.json",
        "x.safetensors",
    }


def test_other_pickles_do_not_exist(tmp_path: Path) -> None:
    """Plain pickles are not shown under any name."""
    payload = marking_pickle(tmp_path / "marker")
    names = ["pytorch_model.bin", "vocab.pkl", "config.json", "x.txt"]
    assert choose_files(hold_files(dict.fromkeys(names, payload))) == {}


def test_single_files_are_no_directories() -> None:
    """An artifact of one file is not what these libraries load."""
    with pytest.raises(UsageError, match="single file"):
        choose_files(hold_files({".": SAFE}))


def test_where_weights_are_safetensors() -> None:
    """Safetensors files count in their own folder."""
    shown = choose_files(hold_files({"a/x.safetensors": SAFE, "config.json": CONFIG}))
    assert has_safetensors(shown, folder="a")
    assert not has_safetensors(shown, folder="")
