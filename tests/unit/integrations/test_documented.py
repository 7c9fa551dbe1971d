"""The examples of the page about these libraries, which the tests of the documents cannot run."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from support.documents import ROOT, blocks
from support.hub_models import HubModels, edited, needs_libraries, write
from support.pki import public_pem
from support.signed_model import POLICY
from weighbridge.pipeline.sign import sign
from weighbridge.signing.key import KeySigner

pytestmark = needs_libraries

PAGE = ROOT / "docs" / "libraries.md"


def test_the_examples_run(
    models: HubModels, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every example of the page runs, one after another, on signed models of those names."""
    key = ec.generate_private_key(ec.SECP256R1())
    adapter = edited(models.adapter, "adapter_config.json", base_model_name_or_path="acme/bert")
    for name, files in (
        ("bert", models.bert),
        ("minilm", models.sentences),
        ("ddpm", models.pipeline),
        ("lora", adapter),
    ):
        sign(write(tmp_path / "models" / "acme" / name, files), signer=KeySigner(key))
    (tmp_path / "publisher.pub").write_bytes(public_pem(key))
    (tmp_path / "weighbridge.toml").write_text(POLICY)
    monkeypatch.chdir(tmp_path)
    examples = [each for each in blocks(PAGE.read_text("utf-8")) if each.language == "python"]
    names: dict[str, object] = {}
    for example in examples:
        exec(example.text, names)
    assert len(examples) == 3
    assert {"model", "tokenizer", "extract", "encoder", "images", "adapted"} <= names.keys()
