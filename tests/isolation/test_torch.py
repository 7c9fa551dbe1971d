"""Unmodified programs of PyTorch and transformers, with workers and a model's code: the same behind walls."""

import importlib
import importlib.util
import json
import os
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.hub_models import files_below, make_bert, needs_libraries
from support.users import users
from support.walled_programs import Workplace, assert_same, workplace

torch: Any = importlib.import_module("torch") if importlib.util.find_spec("torch") else None
pytestmark = needs_libraries

_DIGEST = """
import hashlib, os, sys
import torch
model = sys.argv[1]
def said(name, *tensors):
    data = b"".join(each.detach().contiguous().numpy().tobytes() for each in tensors)
    print(name, hashlib.sha256(data).hexdigest(), flush=True)
"""

PROGRAMS = {
    "loaders": """
from safetensors import safe_open
from safetensors.torch import load_file
weights = torch.load(f"{model}/w.pt")
said("load", *weights.values())
said("mapped", *torch.load(f"{model}/w.pt", mmap=True).values())
said("legacy", *torch.load(f"{model}/legacy.pth").values())
said("jit", torch.jit.load(f"{model}/script.pt")(torch.ones(3)))
said("export", torch.export.load(f"{model}/program.pt2").module()(torch.ones(2)))
said("safetensors", *load_file(f"{model}/bert/model.safetensors").values())
with safe_open(f"{model}/bert/model.safetensors", "pt") as file:
    said("slices", *(file.get_slice(name)[:1] for name in file.keys()))
torch.manual_seed(3)
torch.set_num_threads(2)
wide = torch.randn(300, 300)
said("threads", wide @ wide.T)
layer = torch.nn.Linear(64, 8)
optimizer = torch.optim.SGD(layer.parameters(), 0.1)
for _ in range(5):
    optimizer.zero_grad()
    layer(weights["w"]).pow(2).mean().backward()
    optimizer.step()
said("trained", *layer.parameters())
""",
    "workers": """
import torch.multiprocessing as processes
from torch.utils.data import DataLoader, Dataset
class Rows(Dataset):
    def __init__(self, path):
        self.rows = torch.load(path, mmap=True)["w"]
    def __len__(self):
        return len(self.rows)
    def __getitem__(self, index):
        return self.rows[index] * 2
def add(queue, shared):
    queue.put(shared.sum().item())
    shared += 1
if __name__ == "__main__":
    for start in ("fork", "spawn", "forkserver"):
        loader = DataLoader(
            Rows(f"{model}/w.pt"), 16, num_workers=2, multiprocessing_context=start)
        said(start, *loader)
    for strategy in ("file_descriptor", "file_system"):
        processes.set_sharing_strategy(strategy)
        context = processes.get_context("spawn")
        queue, shared = context.SimpleQueue(), torch.ones(5).share_memory_()
        process = context.Process(target=add, args=(queue, shared))
        process.start()
        print(strategy, queue.get(), process.join(), shared.sum().item(), process.exitcode)
""",
    "transformers": """
from sentence_transformers import SentenceTransformer
from transformers import AutoModel, AutoTokenizer, pipeline
for name, options in (("bert", {}), ("code", {"trust_remote_code": True})):
    loaded = AutoModel.from_pretrained(f"{model}/{name}", **options)
    tokens = AutoTokenizer.from_pretrained(f"{model}/{name}")("a b c", return_tensors="pt")
    print(type(loaded).__name__)
    said(name, loaded(**tokens).last_hidden_state)
print(pipeline("feature-extraction", model=f"{model}/bert")("a b"))
said("sentences", torch.from_numpy(SentenceTransformer(f"{model}/bert").encode(["a b", "c"])))
""",
}


class _Plus(torch.nn.Module if torch else object):  # type: ignore[misc]  # no types here
    def forward(self, x: Any) -> Any:
        """Return one more."""
        return x + 1


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workplace]:
    """Return a model of many formats, one with code of its own among them."""
    made = tmp_path_factory.mktemp("made")
    torch.manual_seed(1)
    torch.save({"w": torch.randn(64, 64), "b": torch.randn(64)}, made / "w.pt")
    legacy = {"w": torch.randn(64)}
    torch.save(legacy, made / "legacy.pth", _use_new_zipfile_serialization=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # TorchScript is on its way out, and files of it are not
        torch.jit.trace(_Plus(), torch.ones(1)).save(os.fspath(made / "script.pt"))
    torch.export.save(torch.export.export(_Plus(), (torch.ones(2),)), made / "program.pt2")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
        for name in ("bert", "code"):
            make_bert(made / name)
    _add_code(made / "code")
    with workplace(files_below(made), HF_HUB_OFFLINE="1") as found:
        yield found


def _add_code(place: Path) -> None:
    """Give the model at *place* a class of its own."""
    config = json.loads((place / "config.json").read_text("utf-8"))
    config["auto_map"] = {"AutoModel": "own.OwnModel"}
    (place / "config.json").write_text(json.dumps(config), "utf-8")
    code = "from transformers import BertModel\nclass OwnModel(BertModel):\n    pass\n"
    (place / "own.py").write_text(code, "utf-8")


@pytest.mark.parametrize("user", users("cryptography", "blake3", "safetensors"), ids=str)
@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_says_the_same(
    place: Workplace, serving_engine: str, user: str | None, name: str
) -> None:
    """What is loaded and computed behind walls is what it is without, to the last bit."""
    assert_same(place, _DIGEST + PROGRAMS[name], user, serving_engine)
