"""Libraries that run a model's code, under `weighbridge exec`: where the rule pins it, and no other."""

import hashlib
import importlib
import importlib.util
import json
import os
import warnings
from pathlib import Path
from typing import Any

import pytest

from support.guarding import Outcome, Workplace, run_guarded
from support.signed_model import make_signed_model

torch: Any = importlib.import_module("torch") if importlib.util.find_spec("torch") else None
transformers: Any = (
    importlib.import_module("transformers") if importlib.util.find_spec("transformers") else None
)
pytestmark = [
    pytest.mark.torch,
    pytest.mark.skipif(transformers is None, reason="needs transformers: make test-torch"),
]

FORMATS = ("safetensors", "json", "text", "python-source", "torch-package")
CODE = """
from pathlib import Path
from {module} import {base}
Path({mark!r}).touch()
class Own({base}):
    answer = 42
"""
INIT = """
    def __init__(self):
        super().__init__()
"""

LOADS = """
import warnings
warnings.simplefilter("ignore")
import torch
from diffusers import DiffusionPipeline
from diffusers.utils.dynamic_modules_utils import get_class_from_dynamic_module
from transformers import AutoModel

for kind, place in (("good", MODEL), ("bad", BAD)):
    attempt(f"{kind} transformers", lambda: AutoModel.from_pretrained(
        place / "encoder", trust_remote_code=True).answer)
    attempt(f"{kind} hub", lambda: torch.hub.load(str(place / "hub"), "answer", source="local"))
    attempt(f"{kind} diffusers", lambda: get_class_from_dynamic_module(
        str(place / "pipe"), module_file="pipeline.py", trust_remote_code=True).answer)
    attempt(f"{kind} custom_pipeline", lambda: DiffusionPipeline.from_pretrained(
        str(place / "pipe"), custom_pipeline=str(place / "pipe"), trust_remote_code=True).answer)
"""

PACKAGES = """
import warnings
warnings.simplefilter("ignore")
from torch.package import PackageImporter
for kind, place in (("good", MODEL), ("bad", BAD)):
    attempt(f"{kind} module", lambda: PackageImporter(
        str(place / "package.pt")).import_module("brought").ANSWER)
    attempt(f"{kind} pickle", lambda: PackageImporter(
        str(place / "package.pt")).load_pickle("kept", "value.pkl")["w"].tolist())
"""


def make_models(place: Path, mark: Path) -> dict[str, bytes]:
    """Return an encoder, a repository and a pipeline with code that leaves *mark*, by path."""
    made = place / "made"
    sizes = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2}
    configuration = transformers.BertConfig(vocab_size=4, intermediate_size=8, **sizes)
    transformers.BertModel(configuration).save_pretrained(made / "encoder")
    described = made / "encoder" / "config.json"
    described.write_text(
        json.dumps(json.loads(described.read_text()) | {"auto_map": {"AutoModel": "own.Own"}})
    )
    (made / "encoder" / "own.py").write_text(
        CODE.format(module="transformers", base="BertModel", mark=str(mark))
    )
    (made / "hub").mkdir()
    (made / "hub" / "hubconf.py").write_text(
        f"from pathlib import Path\nPath({str(mark)!r}).touch()\nimport beside\n"
        "def answer():\n    return beside.ANSWER\n"
    )
    (made / "hub" / "beside.py").write_text("ANSWER = 42\n")
    (made / "pipe").mkdir()
    (made / "pipe" / "pipeline.py").write_text(
        CODE.format(module="diffusers", base="DiffusionPipeline", mark=str(mark)) + INIT
    )
    (made / "pipe" / "model_index.json").write_text(
        '{"_class_name": "Own", "_diffusers_version": "0.42.0"}'
    )
    return {
        path.relative_to(made).as_posix(): path.read_bytes()
        for path in made.rglob("*")
        if path.is_file()
    }


def workplace(place: Path, files: dict[str, bytes], **rule: str) -> Workplace:
    """Return a workplace with *files* signed under a rule with the keys *rule*, and once unsigned."""
    keys = {name.replace("_", "-"): value for name, value in rule.items()}
    signed = make_signed_model(place, files, formats=FORMATS, rule=keys)
    for path, data in files.items():
        target = place / "bad" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    return Workplace(place=place, signed=signed)


def run(place: Workplace, script: str) -> Outcome:
    """Run *script* with the libraries' caches in *place*, and nothing of the network."""
    return run_guarded(
        place,
        script,
        environment={"HF_HUB_OFFLINE": "1", "HF_HOME": os.fspath(place.place / "home")},
    )


def said(outcome: Outcome) -> dict[str, str]:
    """Return what became of the attempts, `loaded` with what was."""
    assert outcome.results, outcome.err
    return {
        name: told if told.startswith("loaded") else told.partition(":")[0]
        for name, told in outcome.results.items()
    }


def test_pinned_code_runs_and_no_other(tmp_path: Path) -> None:
    """Code that the rule pins by its digest is run by each library, and an unsigned twin's is not."""
    files = make_models(tmp_path, tmp_path / "ran")
    pins = [
        hashlib.sha256(data).hexdigest()
        for path, data in files.items()
        if path.endswith((".py", "config.json", "model_index.json"))
    ]
    place = workplace(
        tmp_path,
        files,
        scan='{ fail-on = "critical", on-gap = "deny" }',
        remote_code='"pinned"',
        remote_code_digests=json.dumps(pins),
    )
    outcome = run(place, LOADS)
    found = said(outcome)
    assert {name for name, told in found.items() if name.startswith("good")} == {
        name for name, told in found.items() if told.startswith("loaded: 42")
    }, (outcome.results, outcome.err)
    assert {told for name, told in found.items() if name.startswith("bad")} == {"denied"}


def test_code_that_no_rule_admits_runs_nowhere(tmp_path: Path) -> None:
    """A signature alone makes no library run the code of a model."""
    files = make_models(tmp_path, tmp_path / "ran")
    place = workplace(tmp_path, files)
    assert set(said(run(place, LOADS)).values()) == {"denied"}
    assert not (tmp_path / "ran").exists()


def test_signed_packages_load(tmp_path: Path) -> None:
    """Code and tensors of a signed package come out of it where the rule admits code."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the format is on its way out
        from torch.package import PackageExporter  # noqa: PLC0415

        with PackageExporter(str(tmp_path / "package.pt")) as exporter:
            exporter.save_source_string(
                "brought", f"open({str(tmp_path / 'ran')!r}, 'a').close()\nANSWER = 42\n"
            )
            exporter.save_pickle("kept", "value.pkl", {"w": torch.arange(3.0)})
    files = {"package.pt": (tmp_path / "package.pt").read_bytes()}
    place = workplace(tmp_path, files, scan='{ fail-on = "critical" }', remote_code='"allow"')
    outcome = run(place, PACKAGES)
    assert said(outcome) == {
        "good module": "loaded: 42",
        "good pickle": "loaded: [0.0, 1.0, 2.0]",
        "bad module": "denied",
        "bad pickle": "denied",
    }, (outcome.results, outcome.err)
