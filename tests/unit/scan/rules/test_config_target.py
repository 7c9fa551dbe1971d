"""Rule `config-target`."""

import json

import pytest

from support.rule_vectors import assert_vector_holds, findings_of
from support.scanning import examined
from weighbridge.core.artifact import FileFormat
from weighbridge.core.evidence import Finding, Severity

RULE = "config-target"


def test_vector() -> None:
    """A target that runs a command is found, a misspelt key is not."""
    assert_vector_holds(RULE)


def _found(document: object, *, path: str = "config.json") -> list[Finding]:
    data = json.dumps(document).encode()
    return findings_of(RULE, examined(data, format=FileFormat.JSON, path=path))


@pytest.mark.parametrize(
    ("target", "severity"),
    [
        ("os.system", Severity.CRITICAL),
        ("builtins.eval", Severity.CRITICAL),
        ("eval", Severity.CRITICAL),
        ("subprocess.Popen", Severity.CRITICAL),
        ("mypackage.Model", Severity.HIGH),
        ("nemo.utils.run_command", Severity.HIGH),
        ("torch.load", Severity.CRITICAL),
        ("os", Severity.HIGH),
        ("torch.hub.get_dir", Severity.HIGH),
        ("src.models.Net", Severity.HIGH),
        ("nemo.collections.asr.models.EncDecCTCModel", Severity.LOW),
        ("torch.optim.AdamW", Severity.LOW),
        ("torch.nn.Linear", Severity.LOW),
        ("lightning.pytorch.callbacks.ModelCheckpoint", Severity.LOW),
    ],
)
def test_severity(target: str, severity: Severity) -> None:
    """A target is as grave as what it names: modules of the system, anything, a framework's class."""
    (finding,) = _found({"a": {"_target_": target}})
    assert finding.severity is severity


def test_target_that_is_no_string() -> None:
    """A target of another type is found: who reads it may accept it."""
    (finding,) = _found({"_target_": ["os.system"]})
    assert finding.severity is Severity.HIGH


def test_loader_module() -> None:
    """MLflow's loader module is found unless it is one of MLflow's own."""
    assert _found({"loader_module": "evil"})
    assert not _found({"loader_module": "mlflow.sklearn"})


@pytest.mark.parametrize(
    "text",
    [
        "a:\n  _target_: os.system\n",
        "a: {_target_: 'os.system'}\n",
        '"\\x5ftarget_": os.system\n',
        '"_tar\\\n   get_": os.system\n',
        "_target_:\n  os.system\n",
    ],
)
def test_yaml(text: str) -> None:
    """In YAML the target is found in every way to write the key."""
    (finding,) = findings_of(RULE, examined(text.encode(), format=FileFormat.YAML))
    assert finding.severity is Severity.CRITICAL
    assert "line" in finding.evidence[0]


@pytest.mark.parametrize(
    ("document", "severity"),
    [
        ({"class_path": "os.system"}, Severity.CRITICAL),
        ({"class_path": "package.Model", "init_args": {}}, Severity.LOW),
        ({"class_path": "package.run"}, Severity.MEDIUM),
        ({"_class_path": "subprocess.Popen"}, Severity.CRITICAL),
        ({"_component_": "torchtune.models.lora_llama"}, Severity.LOW),
        ({"_component_": "evil.models.lora_llama"}, Severity.MEDIUM),
        ({"target": "os.system", "params": {}}, Severity.CRITICAL),
        ({"target": "ldm.models.diffusion.ddpm.LatentDiffusion", "params": {}}, Severity.LOW),
        ({"implementation": "evil.Model", "parameters": {}}, Severity.HIGH),
        ({"implementation": "mlserver_sklearn.SKLearnModel", "parameters": {}}, Severity.LOW),
        ({"activation_function": "os.system"}, Severity.CRITICAL),
        ({"activation_fn": "evil.Act"}, Severity.HIGH),
        ({"type": "os.system", "init_parameters": {}}, Severity.CRITICAL),
        ({"lc": 1, "type": "constructor", "id": ["os", "system"]}, Severity.CRITICAL),
        ({"lc": 1, "type": "constructor", "id": ["langchain", "llms", "OpenAI"]}, Severity.LOW),
        ({"parent_library": "evil"}, Severity.HIGH),
        ({"auto_mapping": {"parent_library": "transformers_modules.x"}}, Severity.HIGH),
        ({"_instantiator": "evil.instantiate_module"}, Severity.HIGH),
    ],
)
def test_keys_of_other_frameworks(document: object, severity: Severity) -> None:
    """Keys by which other frameworks name objects count where the value is the path of one."""
    assert [f.severity for f in _found(document)] == [severity]


@pytest.mark.parametrize(
    "document",
    [
        {"target": "os.system"},
        {"target": "label", "params": {}},
        {"type": "os.system", "params": {}},
        {"lc": 1, "type": "secret", "id": ["os", "system"]},
        {"class_path": "name"},
        {"class_path": ["a.b"]},
        {"activation_function": "gelu"},
        {"activation_function": "torch.nn.modules.activation.Tanh"},
        {"sbert_ce_default_activation_function": "torch.nn.modules.linear.Identity"},
        {"auto_mapping": {"parent_library": "transformers.models.bert.modeling_bert"}},
        {"_instantiator": "pytorch_lightning.cli.instantiate_module"},
        {"implementation": "flash", "parameters": {}},
    ],
)
def test_words_and_expected_values(document: object) -> None:
    """Words, and what the frameworks themselves write, are not found."""
    assert _found(document) == []


@pytest.mark.parametrize(
    ("text", "severity"),
    [
        ("a: !apply:os.system [x]\n", Severity.CRITICAL),
        ("a: !new:subprocess.Popen\n  args: x\n", Severity.CRITICAL),
        ("a: !name:evil.run\n", Severity.HIGH),
        ("a: !new:speechbrain.nnet.linear.Linear\n  n: 1\n", Severity.LOW),
        ("a: !apply:torch.manual_seed [1]\n", Severity.LOW),
        ("target: evil.run\nparams: {}\n", Severity.MEDIUM),
        ("class_path: package.Model\n", Severity.LOW),
        ("type: evil.run\ninit_parameters: {}\n", Severity.MEDIUM),
    ],
)
def test_objects_in_yaml(text: str, severity: Severity) -> None:
    """Tags of HyperPyYAML and keys of other frameworks name objects in YAML too."""
    found = findings_of(RULE, examined(text.encode(), format=FileFormat.YAML))
    assert [f.severity for f in found] == [severity]


@pytest.mark.parametrize("text", ["a: !ref <b>\n", "target: x.y\n", "class_path: name\n"])
def test_other_yaml(text: str) -> None:
    """References, words, and targets without arguments are not found."""
    assert not findings_of(RULE, examined(text.encode(), format=FileFormat.YAML))


def test_yaml_without_target() -> None:
    """A key that only contains the word is not found."""
    assert not findings_of(RULE, examined(b"my_target_: x\n", format=FileFormat.YAML))
