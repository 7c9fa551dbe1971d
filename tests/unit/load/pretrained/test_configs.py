"""What the JSON files of a model say of where to read and what to import."""

import json

import pytest

from support.holding import hold, hold_files
from weighbridge.core.errors import ArtifactRefusedError, LimitExceededError, MalformedContentError
from weighbridge.load.held import HeldFile
from weighbridge.load.pretrained import configs
from weighbridge.load.pretrained.configs import is_inside, read_configs, require_contained


def shown(**documents: object) -> dict[str, HeldFile]:
    """Return JSON files; of their names, two underscores stand for a slash."""
    files = {
        f"{name.replace('__', '/')}.json": json.dumps(document).encode()
        for name, document in documents.items()
    }
    held = hold_files(files)
    return {path: held[path] for path in held.paths}


def require(files: dict[str, HeldFile], *, adapter: bool = False) -> None:
    """Look at *files*."""
    require_contained(read_configs(files), files, adapter=adapter)


@pytest.mark.parametrize(
    "data", [b"{", b"\xff\xfe{\x00}\x00", b"", b"[" * 100_000, b"\xef\xbb\xbf{}"]
)
def test_what_is_no_json_is_refused(data: bytes) -> None:
    """A configuration that cannot be read as the library reads it is refused."""
    with pytest.raises(MalformedContentError, match="cannot be read"):
        read_configs({"sub/config.json": hold(data)})
    assert read_configs({"sub/vocab.json": hold(data), "config.txt": hold(data)}) == {}


def test_large_configurations_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A configuration above the bound is refused, and one at it is read."""
    monkeypatch.setattr(configs, "MAX_CONFIG_BYTES", 2)
    assert read_configs({"a.json": hold(b"{}")}) == {"a.json": {}}
    with pytest.raises(LimitExceededError, match="too large"):
        read_configs({"a.json": hold(b"{} ")})


@pytest.mark.parametrize("value", ["org/kernel", "a/b@main:f", {"": "a/b"}])
@pytest.mark.parametrize("key", ["attn_implementation", "_experts_implementation"])
def test_kernels_on_a_hub_are_refused(key: str, value: object) -> None:
    """Compiled code that a configuration names, however deep, is refused."""
    with pytest.raises(ArtifactRefusedError, match="compiled code"):
        require(shown(config={"parts": [{"text": {key: value}}]}))
    require(shown(config={"parts": [{"text": {key: "sdpa"}}]}))


@pytest.mark.parametrize(
    "name",
    [
        "torch.nn.ReLU",
        "torch.nn.modules.activation.Tanh",
        "torch.nn.modules.linear.Identity",
        "gelu_new",
    ],
)
def test_activations(name: str) -> None:
    """Activations are words of the library, or classes of torch.nn."""
    require(shown(config={"activation_function": name}))
    for other in (f"{name}.x", f"os.{name}", "torch.nn.functional.relu", "torch.hub.load"):
        with pytest.raises(ArtifactRefusedError, match="import"):
            require(shown(config={"activation_fn": other}))


@pytest.mark.parametrize("scheme", ["hf-hub", "hf_hub", "local-dir"])
def test_backbones_elsewhere_are_refused(scheme: str) -> None:
    """A backbone that timm would load from another place is refused; its own names are not."""
    require(shown(config={"backbone": "resnet50.a1_in1k", "x": [f"{scheme}:a"], "y": scheme}))
    with pytest.raises(ArtifactRefusedError, match="elsewhere"):
        require(shown(config={"vision": {"backbone": f"{scheme}:other/repo"}}))


def test_shards_are_shown_files() -> None:
    """An index names files beside it; other names are refused."""
    index = {"model.safetensors.index": {"weight_map": {"a": "x.json", "b": "x.json"}}}
    require(shown(x={}, **index))
    require(shown(sub__x={}, **{f"sub__{name}": value for name, value in index.items()}))
    with pytest.raises(ArtifactRefusedError, match=r"a file of weights: x\.json"):
        require(shown(sub__x={}, **index))
    for name in ("../x.json", "/x.json", "./x.json", "sub/../x.json", "x\\y", ""):
        with pytest.raises(ArtifactRefusedError, match="a file of weights"):
            require(shown(x={}, **{"pytorch_model.bin.index": {"weight_map": {"a": name}}}))


def test_indexes_of_checkpoints_that_are_hidden() -> None:
    """An index of checkpoints may name files that are not shown, since they are not read."""
    require(shown(**{"pytorch_model.bin.index": {"weight_map": {"a": "pytorch_model-1.bin"}}}))


def test_files_of_tokenizers() -> None:
    """A publisher's own path is followed to the file of that name only, and has to have one."""
    named = {"tokenizer_file": "/home/other/.cache/tokenizer.json", "name_or_path": "/home/other"}
    require(shown(tokenizer_config=named, tokenizer={}))
    require(shown(a__tokenizer_config=named, a__tokenizer={}))
    with pytest.raises(ArtifactRefusedError, match="tokenizer_file"):
        require(shown(tokenizer_config=named, a__tokenizer={}))
    require(shown(tokenizer_config={"vocab_file": "vocab.txt", "merges_file": None}))
    with pytest.raises(ArtifactRefusedError, match="vocab_file"):
        require(shown(tokenizer_config={"vocab_file": "..\\vocab.txt"}))


def test_adapters_are_loaded_as_adapters() -> None:
    """The configuration of an adapter is refused anywhere else, since it names a base."""
    files = shown(sub__adapter_config={"base_model_name_or_path": "x"})
    require(files, adapter=True)
    with pytest.raises(ArtifactRefusedError, match="'peft'"):
        require(files)


def test_arguments_in_configurations() -> None:
    """Arguments that a configuration has for the library's calls may not loosen them."""
    require(shown(sentence_bert_config={"model_args": {"dtype": "float16"}, "revision": "x"}))
    with pytest.raises(ArtifactRefusedError, match=r"tokenizer_kwargs\.revision"):
        require(shown(sentence_bert_config={"x": {"tokenizer_kwargs": {"revision": "x"}}}))


@pytest.mark.parametrize("name", ["a", "a/b", ".a", "a..b"])
def test_paths_inside(name: str) -> None:
    """Relative paths without empty or dotted parts are inside."""
    assert is_inside(name)
    for other in (f"/{name}", f"{name}/", f"../{name}", f"{name}/..", f"{name}\0", f"{name}\\"):
        assert not is_inside(other)
