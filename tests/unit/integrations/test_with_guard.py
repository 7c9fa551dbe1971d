"""Verified loads of libraries in a process that has a guard."""

import io
import subprocess
import sys
from pathlib import Path

import pytest

from support.hub_models import HubModels, library, needs_libraries
from support.signed_model import make_signed_model

pytestmark = needs_libraries

PROGRAM = """
import sys
from pathlib import Path

import weighbridge as wb
from weighbridge.integrations.transformers import AutoModel, AutoTokenizer

policy = wb.Policy.from_file(sys.argv[1])
wb.guard(policy)
model = AutoModel.from_pretrained(sys.argv[2], policy=policy)
tokenizer = AutoTokenizer.from_pretrained(sys.argv[2], policy=policy)
print(type(model).__name__, tokenizer("a")["input_ids"])

import safetensors.torch

try:
    safetensors.torch.load_file(sys.argv[3])
except wb.WeighbridgeError as error:
    print(error.code)
"""


@pytest.mark.parametrize("kind", ["safetensors", "checkpoint"])
def test_the_guard_lets_verified_loads_pass(models: HubModels, tmp_path: Path, kind: str) -> None:
    """What a verified load shows to its library passes the guard; an unsigned file does not."""
    files = dict(models.bert)
    if kind == "checkpoint":
        file = io.BytesIO()
        state = library("safetensors.torch").load(files.pop("model.safetensors"))
        library("torch").save(state, file)
        files["pytorch_model.bin"] = file.getvalue()
    formats = ("json", "text", "tokenizer", "safetensors", "torch-zip")
    signed = make_signed_model(tmp_path, files, formats=formats)
    unsigned = tmp_path / "unsigned.safetensors"
    unsigned.write_bytes(models.bert["model.safetensors"])
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, tmp_path / "weighbridge.toml", signed.root, unsigned],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.splitlines() == ["BertModel [5]", "guard-denied"], done.stderr
