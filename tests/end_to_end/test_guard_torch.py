"""PyTorch and the libraries on it under `weighbridge exec`: what is signed loads, nothing else."""

import importlib
import importlib.util
import json
import os
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest

from support.guarding import Outcome, Workplace, run_guarded
from support.markers import Call, leave_mark
from support.signed_model import make_signed_model

torch: Any = importlib.import_module("torch") if importlib.util.find_spec("torch") else None
pytestmark = [
    pytest.mark.torch,
    pytest.mark.skipif(torch is None, reason="needs PyTorch: make test-torch"),
]

FORMATS = ("torch-zip", "torch-legacy", "torchscript", "exported-program", "safetensors", "json")

LOADS = """
import io
import torch
from torch.utils.data import DataLoader

def listed(found):
    return found["w"].tolist()

for where, prefix in ((MODEL, ""), (BAD, "unsigned-")):
    kind = "good" if where is MODEL else "unsigned"
    path = where / f"{prefix}w.pt"
    attempt(f"{kind} torch.load", lambda: listed(torch.load(path)))
    attempt(f"{kind} torch.load mapped", lambda: listed(torch.load(path, mmap=True)))
    attempt(f"{kind} torch.load unrestricted",
            lambda: listed(torch.load(str(path), weights_only=False)))
    attempt(f"{kind} torch.load file", lambda: listed(torch.load(open(path, "rb"))))
    attempt(f"{kind} torch.load legacy",
            lambda: listed(torch.load(where / f"{prefix}legacy.pth")))
    attempt(f"{kind} torch.jit.load",
            lambda: torch.jit.load(where / f"{prefix}script.pt")(torch.ones(1)).tolist())
    attempt(f"{kind} torch.jit.load file",
            lambda: torch.jit.load(open(where / f"{prefix}script.pt", "rb"))(torch.ones(1)).tolist())
    attempt(f"{kind} torch.export.load",
            lambda: torch.export.load(where / f"{prefix}program.pt2").module()(torch.ones(2)).tolist())
    attempt(f"{kind} torch.from_file",
            lambda: torch.from_file(str(path), size=2, dtype=torch.uint8).tolist())
    attempt(f"{kind} UntypedStorage.from_file",
            lambda: torch.UntypedStorage.from_file(str(path), False, 2).tolist())
    attempt(f"{kind} PyTorchFileReader",
            lambda: sorted(torch._C.PyTorchFileReader(str(path)).get_all_records())[:1])
if __name__ == "__main__":
    attempt("good workers", lambda: [
        batch.tolist() for batch in DataLoader([1.0, 2.0], num_workers=1)])
buffer = io.BytesIO()
torch.save({"w": torch.arange(3.0)}, buffer)
attempt("good in memory", lambda: listed(torch.load(io.BytesIO(buffer.getvalue()))))
for name in sorted(os.listdir(BAD)):
    if name.startswith("evil"):
        path = BAD / name
        data = bytes.fromhex((PLACE / f"{name}.hex").read_text())
        attempt(f"{name} torch.load", lambda: torch.load(path, weights_only=False))
        attempt(f"{name} torch.load mapped",
                lambda: torch.load(path, weights_only=False, mmap=True))
        attempt(f"{name} in memory", lambda: torch.load(io.BytesIO(data), weights_only=False))
        attempt(f"{name} package", lambda: torch.package.PackageImporter(str(path))
                .load_pickle("archive", "data.pkl"))
        attempt(f"{name} jit", lambda: torch.jit.load(path))
        attempt(f"{name} storages", lambda: torch.storage._load_from_bytes(data))
"""


class _Plus(torch.nn.Module if torch else object):  # type: ignore[misc]  # no types here
    def forward(self, x: Any) -> Any:
        """Return one more."""
        return x + 1


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    """Return signed checkpoints, their unsigned twins, and checkpoints that would leave a mark."""
    place = tmp_path_factory.mktemp("guard_torch")
    made = place / "made"
    made.mkdir()
    torch.save({"w": torch.arange(4.0)}, made / "w.pt")
    torch.save({"w": torch.arange(4.0)}, made / "legacy.pth", _use_new_zipfile_serialization=False)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # TorchScript is on its way out, and files of it are not
        torch.jit.trace(_Plus(), torch.ones(1)).save(os.fspath(made / "script.pt"))
    torch.export.save(torch.export.export(_Plus(), (torch.ones(2),)), made / "program.pt2")
    files = {path.name: path.read_bytes() for path in made.iterdir()}
    signed = make_signed_model(place, files, formats=FORMATS)
    bad = place / "bad"
    bad.mkdir()
    for name, data in files.items():
        (bad / f"unsigned-{name}").write_bytes(data)
    evil = {"w": torch.ones(1), "x": Call(leave_mark, place / "marker")}
    torch.save(evil, bad / "evil.pt")
    torch.save(evil, bad / "evil.ckpt", _use_new_zipfile_serialization=False)
    for path in bad.glob("evil*"):
        (place / f"{path.name}.hex").write_text(path.read_bytes().hex())
    return Workplace(place=place, signed=signed)


@pytest.fixture(scope="module")
def loads(workplace: Workplace) -> Outcome:
    """Return what became of every way to load."""
    support = os.pathsep.join([os.fspath(Path(__file__).parents[1]), *sys.path])
    outcome = run_guarded(workplace, LOADS, environment={"PYTHONPATH": support})
    assert outcome.results, outcome.err
    return outcome


def those(outcome: Outcome, kind: str) -> dict[str, str]:
    """Return the attempts of one kind."""
    found = {name: said for name, said in outcome.results.items() if name.startswith(kind)}
    assert found
    return found


def test_signed_checkpoints_load(loads: Outcome) -> None:
    """Every way to load a signed checkpoint gives what is in it, mapped and with workers too."""
    found = those(loads, "good ")
    assert {name: said for name, said in found.items() if not said.startswith("loaded: ")} == {}
    assert found["good torch.load mapped"] == "loaded: [0.0, 1.0, 2.0, 3.0]"
    assert found["good torch.export.load"] == "loaded: [2.0, 2.0]"


def test_unsigned_twins_are_denied(loads: Outcome) -> None:
    """The same bytes without a signature load in no way."""
    found = those(loads, "unsigned ")
    assert {name: said for name, said in found.items() if not said.startswith("denied: ")} == {}


def test_nothing_of_evil_runs(loads: Outcome, workplace: Workplace) -> None:
    """No way to load a checkpoint that calls something makes the call."""
    found = those(loads, "evil")
    assert [name for name, said in found.items() if said.startswith("loaded: ")] == []
    assert not workplace.marker.exists()


ENCODER = """
import warnings
warnings.simplefilter("ignore")
import torch
from transformers import AutoModel, AutoTokenizer
from sentence_transformers import SentenceTransformer

def encode(path, **options):
    model = AutoModel.from_pretrained(path, **options)
    tokens = AutoTokenizer.from_pretrained(path, **options)("hello", return_tensors="pt")
    return model(input_ids=tokens["input_ids"]).last_hidden_state.flatten().tolist()[:2]

attempt("good transformers", encode, MODEL)
attempt("good sentence_transformers",
        lambda: SentenceTransformer(str(MODEL)).encode("hello").tolist()[:2])
attempt("unsigned transformers", encode, BAD / "unsigned")
attempt("unsigned sentence_transformers", lambda: SentenceTransformer(str(BAD / "unsigned")))
attempt("code trust_remote_code", lambda: encode(BAD / "code", trust_remote_code=True))
"""


def test_transformers(tmp_path: Path) -> None:
    """Unmodified transformers scripts load a signed encoder, no unsigned one and no code."""
    transformers = pytest.importorskip("transformers")
    tokenizers = pytest.importorskip("tokenizers")
    made = tmp_path / "made"
    sizes = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2}
    configuration = transformers.BertConfig(vocab_size=4, intermediate_size=8, **sizes)
    transformers.BertModel(configuration).save_pretrained(made)
    words = tokenizers.models.WordLevel({"[UNK]": 0, "[PAD]": 1, "hello": 2}, unk_token="[UNK]")
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizers.Tokenizer(words), unk_token="[UNK]", pad_token="[PAD]"
    ).save_pretrained(made)
    files = {path.name: path.read_bytes() for path in made.iterdir()}
    signed = make_signed_model(
        tmp_path, files, formats=("safetensors", "json", "text", "tokenizer")
    )
    code = json.loads(files["config.json"]) | {"auto_map": {"AutoModel": "evil.Model"}}
    for name, extra in {
        "unsigned": {},
        "code": {
            "config.json": json.dumps(code).encode(),
            "evil.py": b"import pathlib; pathlib.Path('%s').touch()"
            % os.fsencode(tmp_path / "marker"),
        },
    }.items():
        (tmp_path / "bad" / name).mkdir(parents=True)
        for path, data in (files | extra).items():
            (tmp_path / "bad" / name / path).write_bytes(data)
    workplace = Workplace(place=tmp_path, signed=signed)
    outcome = run_guarded(workplace, ENCODER, environment={"HF_HUB_OFFLINE": "1"})
    said = {name: told.partition(":")[0] for name, told in outcome.results.items()}
    assert said == {
        "good transformers": "loaded",
        "good sentence_transformers": "loaded",
        "unsigned transformers": "denied",
        "unsigned sentence_transformers": "denied",
        "code trust_remote_code": "denied",
    }, (outcome.results, outcome.err)
    assert not workplace.marker.exists()
