"""sentence-transformers with verified bytes: the same vectors, and only its own classes."""

import json
from pathlib import Path
from typing import Any

import pytest

import weighbridge as wb
from support.holding import admit
from support.hub_models import HubModels, edited, library, needs_libraries, write
from support.signed_model import make_signed_model
from weighbridge.core.errors import (
    ArtifactRefusedError,
    OperationError,
    PolicyDeniedError,
    UsageError,
)
from weighbridge.integrations import sentence_transformers as verified

pytestmark = needs_libraries

KIND = "sentence-transformers"
TEXTS = ["a b c", "z", ""]


def with_modules(models: HubModels, index: int, **members: object) -> dict[str, bytes]:
    """Return the model with *members* set in one entry of its list of modules."""
    modules = json.loads(models.sentences["modules.json"])
    modules[index] |= members
    return {**models.sentences, "modules.json": json.dumps(modules).encode()}


def test_vectors_are_the_same(models: HubModels, tmp_path: Path) -> None:
    """A model gives the vectors that a plain load of the same files gives."""
    signed = make_signed_model(tmp_path, models.sentences)
    plain = library("sentence_transformers").SentenceTransformer(
        str(signed.root), device="cpu", local_files_only=True
    )
    made: Any = wb.load(signed.root, policy=signed.policy, as_="sentence-transformers")
    again: Any = verified.SentenceTransformer(signed.root, policy=signed.policy, device="cpu")
    for each in (made, again):
        assert type(each) is type(plain)
        assert [type(part) for part in each] == [type(part) for part in plain]
        assert (each.encode(TEXTS) == plain.encode(TEXTS)).all()


def test_changed_vectors_are_denied(models: HubModels, tmp_path: Path) -> None:
    """The same model with one byte changed is denied."""
    signed = make_signed_model(tmp_path, models.sentences)
    dense = signed.root / "2_Dense" / "model.safetensors"
    data = bytearray(dense.read_bytes())
    data[-1] ^= 1
    dense.write_bytes(data)
    with pytest.raises(PolicyDeniedError):
        verified.SentenceTransformer(signed.root, policy=signed.policy)


@pytest.mark.parametrize(
    "name",
    [
        "subprocess.Popen",
        "os.system",
        "modeling_mine.Module",
        "sentence_transformersx.Module",
        "sentence_transformers.util.import_from_string",
        "sentence_transformers.util.misc.Callable",
        "sentence_transformers.base.modules.Missing",
        "sentence_transformers.__main__.Main",
        "sentence_transformers",
        "",
    ],
)
def test_classes_of_others_are_refused(models: HubModels, name: str) -> None:
    """Only module classes of the package itself may be named; nothing else is imported."""
    with pytest.raises(ArtifactRefusedError, match="not verified"):
        admit(with_modules(models, 1, type=name)).pretrained(KIND)


def test_older_names_of_classes_are_accepted(models: HubModels) -> None:
    """Names that earlier releases wrote are those of the library as well."""
    older = with_modules(models, 1, type="sentence_transformers.models.Pooling")
    made: Any = admit(older).pretrained(KIND, None, device="cpu")
    assert type(made[1]).__name__ == "Pooling"


@pytest.mark.parametrize("path", ["../outside", "/etc", "1_Pooling/../../outside", "a//b"])
def test_folders_outside_are_refused(models: HubModels, tmp_path: Path, path: str) -> None:
    """The folder of a module lies in the artifact."""
    write(tmp_path / "outside", {"config.json": b"{}"})
    with pytest.raises(ArtifactRefusedError, match="the folder"):
        admit(with_modules(models, 1, path=path)).pretrained(KIND)


@pytest.mark.parametrize(
    "name",
    ["torch.utils.collect_env.main", "torch.hub.load", "os.getcwd", "torch.nn.functional.relu"],
)
def test_activations_are_modules_of_torch(models: HubModels, name: str) -> None:
    """The activation that a layer names is a class of torch.nn, which is not called by others."""
    files = edited(models.sentences, "2_Dense/config.json", activation_function=name)
    with pytest.raises(ArtifactRefusedError, match="activation_function"):
        admit(files).pretrained(KIND)
    torch = "torch.nn.modules.activation.ReLU"
    fine = edited(models.sentences, "2_Dense/config.json", activation_function=torch)
    made: Any = admit(fine).pretrained(KIND, None, device="cpu")
    assert type(made[2].activation_function).__name__ == "ReLU"


@pytest.mark.parametrize(
    ("key", "arguments"),
    [
        ("model_args", {"trust_remote_code": True}),
        ("model_args", {"subfolder": "../x", "cache_dir": "elsewhere"}),
        ("model_kwargs", {"weights_only": False}),
        ("tokenizer_args", {"revision": "main"}),
        ("config_args", {"local_files_only": False}),
    ],
)
def test_arguments_of_the_model_are_looked_at(
    models: HubModels, key: str, arguments: dict[str, object]
) -> None:
    """Arguments that a model brings along may not loosen its load either."""
    files = edited(models.sentences, "sentence_bert_config.json", **{key: arguments})
    with pytest.raises(ArtifactRefusedError, match=key):
        admit(files).pretrained(KIND)


@pytest.mark.parametrize(
    "arguments",
    [
        {"trust_remote_code": True},
        {"cache_folder": "elsewhere"},
        {"revision": "main"},
        {"token": "secret"},
        {"local_files_only": False},
        {"backend": "onnx"},
        {"model_kwargs": {"trust_remote_code": True}},
        {"tokenizer_kwargs": {"cache_dir": "elsewhere"}},
    ],
    ids=str,
)
def test_arguments_that_loosen_are_refused(models: HubModels, arguments: dict[str, object]) -> None:
    """An argument by which other bytes or code would be used is refused by its name."""
    with pytest.raises(UsageError, match=next(iter(arguments))):
        admit(models.sentences).pretrained(KIND, None, **arguments)


def test_code_beside_the_weights_does_not_run(models: HubModels, tmp_path: Path) -> None:
    """A module in a file of the model is denied, and is not imported where a policy allows it."""
    marker = tmp_path / "marker"
    code = f"import pathlib\npathlib.Path({str(marker)!r}).touch()\n".encode()
    files = with_modules(models, 1, type="modeling_mine.Module") | {"modeling_mine.py": code}
    signed = make_signed_model(tmp_path, files)
    with pytest.raises(PolicyDeniedError):
        verified.SentenceTransformer(signed.root, policy=signed.policy)
    with pytest.raises(ArtifactRefusedError):
        admit(files).pretrained(KIND)
    assert not marker.exists()


def test_a_base_elsewhere_is_refused(models: HubModels) -> None:
    """An adapter among the modules, which names its base, is refused."""
    files = edited(models.sentences, "adapter_config.json", base_model_name_or_path="other/repo")
    with pytest.raises(ArtifactRefusedError, match="names a base model"):
        admit(files).pretrained(KIND)


def test_other_classes(models: HubModels, tmp_path: Path) -> None:
    """Cross-encoders load the same way, and what is no model's class does not."""
    transformers = library("transformers")
    root = write(tmp_path / "cross", models.bert)
    head = transformers.AutoModelForSequenceClassification.from_pretrained(root, num_labels=1)
    head.save_pretrained(root)
    files = {p.name: p.read_bytes() for p in root.iterdir()}
    made: Any = admit(files).pretrained(KIND, "CrossEncoder", device="cpu")
    plain = library("sentence_transformers").CrossEncoder(
        str(root), device="cpu", local_files_only=True
    )
    assert made.predict([("a", "b")]) == plain.predict([("a", "b")])
    for target in ("util", "LoggingHandler", "Missing"):
        with pytest.raises(UsageError, match="no such class"):
            admit(files).pretrained(KIND, target)


def test_a_broken_model_is_an_error(models: HubModels) -> None:
    """A model that lacks its weights does not load."""
    files = {p: d for p, d in models.sentences.items() if p != "model.safetensors"}
    with pytest.raises(OperationError, match="does not take"):
        admit(files).pretrained(KIND)
