"""transformers with verified bytes: the same objects, and nothing from anywhere else."""

import hashlib
import importlib
import io
import json
import os
import pickle
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import weighbridge as wb
from support.holding import admit, hold_files, make_verdict
from support.hub_models import (
    MARKING,
    HubModels,
    edited,
    files_below,
    library,
    needs_libraries,
    same_state,
    write,
)
from support.markers import marking_pickle
from support.signed_model import SignedModel, make_signed_model
from weighbridge.core.digest import Digest, HashAlgorithm
from weighbridge.core.errors import (
    ArtifactRefusedError,
    OperationError,
    PolicyDeniedError,
    UsageError,
    WeighbridgeError,
)
from weighbridge.integrations import transformers as verified
from weighbridge.load.artifact import VerifiedArtifact
from weighbridge.load.pretrained import libraries

pytestmark = needs_libraries

SAFE = "model.safetensors"
BIN = "pytorch_model.bin"
DATA = ("json", "text", "tokenizer", "torch-zip")


@pytest.fixture
def signed(models: HubModels, tmp_path: Path) -> SignedModel:
    """Return the BERT, signed."""
    return make_signed_model(tmp_path / "signed", models.bert)


def saved(state: object) -> bytes:
    """Return *state* as PyTorch saves it."""
    file = io.BytesIO()
    library("torch").save(state, file)
    return file.getvalue()


def as_checkpoint(models: HubModels) -> dict[str, bytes]:
    """Return the BERT with its weights in a checkpoint of PyTorch."""
    state = library("safetensors.torch").load(models.bert[SAFE])
    rest = {path: data for path, data in models.bert.items() if path != SAFE}
    return {**rest, BIN: saved(state)}


def with_code(models: HubModels, marker: Path, *, repository: str = "") -> dict[str, bytes]:
    """Return the BERT with code of its own, which leaves a mark at *marker*."""
    auto_map = {
        "AutoConfig": f"{repository}modeling_marking.MarkingConfig",
        "AutoModel": f"{repository}modeling_marking.MarkingModel",
    }
    files = edited(models.bert, "config.json", auto_map=auto_map, model_type="marking")
    return {**files, "modeling_marking.py": MARKING.format(marker=os.fspath(marker)).encode()}


def pinned(files: dict[str, bytes]) -> VerifiedArtifact:
    """Return *files*, of which the rule pins the code."""
    pins = frozenset(
        Digest(HashAlgorithm.SHA256, hashlib.sha256(data).digest())
        for path, data in files.items()
        if path.endswith(".py")
    )
    return VerifiedArtifact(make_verdict(*files), hold_files(files), pinned=pins)


# -- the same as a plain load --------------------------------------------------------------------


def test_models_are_the_same(signed: SignedModel) -> None:
    """A model is what a plain load of the same files gives, by each way to ask for it."""
    plain = library("transformers").AutoModel.from_pretrained(signed.root)
    found: list[Any] = [
        wb.load(signed.root, policy=signed.policy, as_="transformers"),
        verified.from_pretrained(signed.root, policy=signed.policy),
        verified.AutoModel.from_pretrained(signed.root, policy=signed.policy),
        verified.BertModel.from_pretrained(os.fspath(signed.root), policy=signed.policy),
    ]
    for each in found:
        assert type(each) is type(plain)
        assert same_state(each, plain)
        assert each.config.to_diff_dict() == plain.config.to_diff_dict()


def test_arguments_reach_the_library(signed: SignedModel) -> None:
    """What a program says to the library holds: the type of numbers, the head, loading info."""
    torch: Any = library("torch")
    half: Any = verified.AutoModel.from_pretrained(
        signed.root, policy=signed.policy, dtype=torch.float16
    )
    assert half.dtype is torch.float16
    loaded: Any = verified.from_pretrained(
        signed.root,
        policy=signed.policy,
        auto="AutoModelForSequenceClassification",
        num_labels=3,
        output_loading_info=True,
    )
    model, info = loaded
    assert model.config.num_labels == 3
    assert "classifier.weight" in info["missing_keys"]


def test_tokenizers_and_configurations_are_the_same(signed: SignedModel) -> None:
    """Tokenizers and configurations are what a plain load gives."""
    transformers = library("transformers")
    tokenizer: Any = verified.AutoTokenizer.from_pretrained(signed.root, policy=signed.policy)
    plain = transformers.AutoTokenizer.from_pretrained(signed.root)
    assert type(tokenizer) is type(plain)
    assert tokenizer("a b z ?") == plain("a b z ?")
    assert tokenizer.get_vocab() == plain.get_vocab()
    config: Any = verified.AutoConfig.from_pretrained(signed.root, policy=signed.policy)
    expected = transformers.AutoConfig.from_pretrained(signed.root)
    assert config.to_diff_dict() == expected.to_diff_dict()


def test_pipelines_are_the_same(signed: SignedModel) -> None:
    """A pipeline computes what a plain one does, its tokenizer included."""
    plain = library("transformers").pipeline("feature-extraction", model=os.fspath(signed.root))
    found: Any = verified.pipeline("feature-extraction", signed.root, policy=signed.policy)
    assert found("a b c") == plain("a b c")


def test_a_verified_artifact_is_read_once(signed: SignedModel, tmp_path: Path) -> None:
    """Several objects are made of one artifact, and what happens to its path does not matter."""
    # A plain load maps its file: the model would change, or end the process, with the swap below.
    copy = write(tmp_path / "copy", signed.files)
    plain = library("transformers").AutoModel.from_pretrained(copy)
    with wb.load(signed.root, policy=signed.policy) as artifact:
        for path in signed.files:
            (signed.root / path).write_bytes(b"swapped")
        assert same_state(verified.AutoModel.from_pretrained(artifact), plain)
        tokenizer: Any = verified.AutoTokenizer.from_pretrained(artifact)
        assert tokenizer("a")["input_ids"] == [5]
        with pytest.raises(UsageError, match="verified already"):
            verified.AutoModel.from_pretrained(artifact, policy=signed.policy)


def test_what_is_loaded_outlives_the_artifact(signed: SignedModel) -> None:
    """A model still computes when the artifact is closed, and writing to it changes only it."""
    torch: Any = library("torch")
    first: Any = verified.AutoModel.from_pretrained(signed.root, policy=signed.policy)
    second: Any = verified.AutoModel.from_pretrained(signed.root, policy=signed.policy)
    with torch.no_grad():
        first.embeddings.word_embeddings.weight.add_(1)
    assert not same_state(first, second)
    assert torch.isfinite(second(torch.tensor([[5, 6]])).last_hidden_state).all()


def test_a_reference_needs_a_policy(signed: SignedModel) -> None:
    """Without a policy nothing is read."""
    with pytest.raises(UsageError, match="policy=weighbridge"):
        verified.AutoModel.from_pretrained(signed.root)


def test_large_models_and_shards(models: HubModels, tmp_path: Path) -> None:
    """Sharded weights load as they are, and an index that leads elsewhere is refused."""
    bert: Any = library("transformers").BertModel.from_pretrained(
        write(tmp_path / "b", models.bert)
    )
    bert.save_pretrained(tmp_path / "shards", max_shard_size="4KB")
    files = {
        **{p: d for p, d in models.bert.items() if p != SAFE},
        **{p.name: p.read_bytes() for p in (tmp_path / "shards").iterdir()},
    }
    index = "model.safetensors.index.json"
    assert same_state(admit(files).pretrained("transformers"), bert)
    weights = json.loads(files[index])["weight_map"]
    outside = write(tmp_path / "outside", {"evil.safetensors": models.bert[SAFE]})
    for target in (os.fspath(outside / "evil.safetensors"), "../outside/evil.safetensors", "no"):
        moved = weights | {next(iter(weights)): target}
        with pytest.raises(ArtifactRefusedError, match="a file of weights"):
            admit(edited(files, index, weight_map=moved)).pretrained("transformers")


def test_models_and_tokenizers_can_be_saved(signed: SignedModel, tmp_path: Path) -> None:
    """What was loaded can be saved, and is the same when it is loaded again."""
    model: Any = verified.AutoModel.from_pretrained(signed.root, policy=signed.policy)
    tokenizer: Any = verified.AutoTokenizer.from_pretrained(signed.root, policy=signed.policy)
    model.save_pretrained(tmp_path / "saved")
    tokenizer.save_pretrained(tmp_path / "saved")
    transformers = library("transformers")
    assert same_state(transformers.AutoModel.from_pretrained(tmp_path / "saved"), model)
    again = transformers.AutoTokenizer.from_pretrained(tmp_path / "saved")
    assert again("a b")["input_ids"] == tokenizer("a b")["input_ids"]


def test_generation_is_the_same(models: HubModels, tmp_path: Path) -> None:
    """A language model in a folder generates what a plain one does, by its own settings."""
    transformers, torch = library("transformers"), library("torch")
    config = transformers.GPT2Config(
        vocab_size=40,
        n_embd=16,
        n_layer=2,
        n_head=2,
        n_positions=32,
        bos_token_id=1,
        eos_token_id=2,
    )
    model = transformers.GPT2LMHeadModel(config)
    model.generation_config.max_new_tokens = 5
    model.save_pretrained(tmp_path / "gpt" / "inner")
    files = files_below(tmp_path / "gpt")
    plain = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "gpt" / "inner")
    found: Any = admit(files).pretrained("transformers", "AutoModelForCausalLM", subfolder="inner")
    start = torch.tensor([[5, 6, 7]])
    assert found.generation_config.max_new_tokens == 5
    assert found.generate(start).tolist() == plain.generate(start).tolist()
    with pytest.raises(OperationError):
        admit(files).pretrained("transformers", "AutoModelForCausalLM")


def test_feature_extractors_and_processors(models: HubModels, tmp_path: Path) -> None:
    """Feature extractors, and processors made of several parts, load as well."""
    transformers = library("transformers")
    root = write(tmp_path / "speech", models.bert)
    extractor = transformers.Wav2Vec2FeatureExtractor(feature_size=1, sampling_rate=16)
    extractor.save_pretrained(root)
    artifact = admit(files_below(root))
    found: Any = artifact.pretrained("transformers", "AutoFeatureExtractor")
    assert found.to_dict() == extractor.to_dict()
    tokens: Any = artifact.pretrained("transformers", "AutoProcessor")
    assert type(tokens) is type(transformers.AutoProcessor.from_pretrained(root))


def test_threads_load_one_after_another(signed: SignedModel) -> None:
    """Several threads may load at once; each gets the model."""
    plain = library("transformers").AutoModel.from_pretrained(signed.root)
    with wb.load(signed.root, policy=signed.policy) as artifact, ThreadPoolExecutor(4) as pool:
        found = list(pool.map(verified.AutoModel.from_pretrained, [artifact] * 8))
    assert all(same_state(each, plain) for each in found)


# -- checkpoints of PyTorch ----------------------------------------------------------------------


def test_checkpoints_of_tensors_load(models: HubModels, tmp_path: Path) -> None:
    """A checkpoint of tensors loads where the policy names its format, and else is denied."""
    files = as_checkpoint(models)
    signed = make_signed_model(tmp_path / "a", files, formats=DATA)
    plain = library("transformers").AutoModel.from_pretrained(signed.root)
    found = verified.AutoModel.from_pretrained(signed.root, policy=signed.policy)
    assert same_state(found, plain)
    strict = make_signed_model(tmp_path / "b", files)
    with pytest.raises(PolicyDeniedError):
        verified.AutoModel.from_pretrained(strict.root, policy=strict.policy)


def test_a_checkpoint_with_a_payload_is_denied(models: HubModels, tmp_path: Path) -> None:
    """A payload in a checkpoint does not run, whatever the policy accepts."""
    marker = tmp_path / "marker"
    payload = marking_pickle(marker)
    for name, data in (("pickle", payload), ("zip", _with_call(marker))):
        files = as_checkpoint(models) | {BIN: data}
        signed = make_signed_model(tmp_path / name, files, formats=(*DATA, "pickle"))
        with pytest.raises(PolicyDeniedError):
            verified.AutoModel.from_pretrained(signed.root, policy=signed.policy)
        with pytest.raises(WeighbridgeError):
            admit(files).pretrained("transformers")
    assert not marker.exists()
    pickle.loads(payload)
    assert marker.exists()


def _with_call(marker: Path) -> bytes:
    """Return a checkpoint of PyTorch whose pickle leaves a mark."""

    class Mark:
        def __reduce__(self) -> tuple[Any, ...]:
            return Path.touch, (marker,)

    return saved({"weight": Mark()})


def test_a_checkpoint_beside_safetensors_does_not_exist(models: HubModels, tmp_path: Path) -> None:
    """With safetensors files there, a checkpoint is not read, and cannot be asked for."""
    marker = tmp_path / "marker"
    artifact = admit(models.bert | {BIN: _with_call(marker)})
    assert artifact.pretrained("transformers") is not None
    with pytest.raises(UsageError, match="use_safetensors"):
        artifact.pretrained("transformers", None, use_safetensors=False)
    assert not marker.exists()


# -- code ----------------------------------------------------------------------------------------


def test_code_beside_the_weights_does_not_run(models: HubModels, tmp_path: Path) -> None:
    """Code of a model is denied by the policy, and where it would allow it, still not run."""
    marker = tmp_path / "marker"
    files = with_code(models, marker)
    signed = make_signed_model(tmp_path / "signed", files)
    with pytest.raises(PolicyDeniedError):
        verified.AutoModel.from_pretrained(signed.root, policy=signed.policy)
    with pytest.raises((ArtifactRefusedError, OperationError)):
        admit(files).pretrained("transformers")
    with pytest.raises(UsageError, match="pins it by its digest"):
        admit(files).pretrained("transformers", None, trust_remote_code=True)
    assert not marker.exists()


def test_pinned_code_runs(models: HubModels, tmp_path: Path) -> None:
    """Code whose digest the rule lists runs when the program asks for it, and not before."""
    marker = tmp_path / "marker"
    files = with_code(models, marker)
    pins = [
        hashlib.sha256(files[path]).hexdigest() for path in ("modeling_marking.py", "config.json")
    ]
    signed = make_signed_model(
        tmp_path / "signed",
        files,
        formats=(*DATA, "safetensors", "python-source"),
        rule={"remote-code": '"pinned"', "remote-code-digests": json.dumps(pins)},
    )
    with pytest.raises(OperationError):
        verified.AutoModel.from_pretrained(signed.root, policy=signed.policy)
    assert not marker.exists()
    found: Any = verified.AutoModel.from_pretrained(
        signed.root, policy=signed.policy, trust_remote_code=True
    )
    assert marker.exists()
    assert type(found).__name__ == "MarkingModel"
    plain = library("transformers").AutoModel.from_pretrained(signed.root, trust_remote_code=True)
    assert same_state(found, plain)
    other = make_signed_model(
        tmp_path / "other",
        files | {"modeling_marking.py": files["modeling_marking.py"] + b"\n"},
        formats=(*DATA, "safetensors", "python-source"),
        rule={"remote-code": '"pinned"', "remote-code-digests": json.dumps(pins)},
    )
    with pytest.raises(PolicyDeniedError):
        verified.AutoModel.from_pretrained(other.root, policy=other.policy, trust_remote_code=True)


def test_pinned_code_imports_its_own_files_only(models: HubModels, tmp_path: Path) -> None:
    """Relative imports of pinned code find pinned files, and no others."""
    files = with_code(models, tmp_path / "marker")
    source = files["modeling_marking.py"] + b"\nfrom .part import VALUE\n"
    whole = files | {"modeling_marking.py": source, "part.py": b"VALUE = 1\n"}
    found = pinned(whole).pretrained("transformers", None, trust_remote_code=True)
    assert type(found).__name__ == "MarkingModel"
    broken = files | {"modeling_marking.py": source}
    with pytest.raises(OperationError, match="No pinned file"):
        pinned(broken).pretrained("transformers", None, trust_remote_code=True)


def test_code_of_another_repository_does_not_run(models: HubModels, tmp_path: Path) -> None:
    """A configuration that names code elsewhere is refused, also where the program trusts code."""
    files = with_code(models, tmp_path / "marker", repository="other/repo--")
    with pytest.raises(ArtifactRefusedError, match="not verified"):
        pinned(files).pretrained("transformers", None, trust_remote_code=True)
    with pytest.raises(WeighbridgeError):
        admit(files).pretrained("transformers")


def test_pinned_code_gets_no_connection(models: HubModels, tmp_path: Path) -> None:
    """While a model is loaded its thread reaches no network, not even this machine's."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        call = f"\nimport socket\nsocket.create_connection(('127.0.0.1', {port}))\n"
        files = with_code(models, tmp_path / "marker")
        dialing = files | {"modeling_marking.py": files["modeling_marking.py"] + call.encode()}
        with pytest.raises(ArtifactRefusedError, match="asked for the network"):
            pinned(dialing).pretrained("transformers", None, trust_remote_code=True)
        server.setblocking(False)
        with pytest.raises(BlockingIOError):
            server.accept()
        with socket.create_connection(("127.0.0.1", port)) as mine:
            assert mine.getpeername()[1] == port


# -- other places --------------------------------------------------------------------------------


@pytest.fixture
def cached(models: HubModels, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Put a model into the hub's cache as `other/repo`, and return that name."""
    commit = "1" * 40
    cache = tmp_path / "cache"
    repository = cache / "models--other--repo"
    write(repository / "snapshots" / commit, models.bert)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(commit)
    monkeypatch.setattr(library("huggingface_hub.constants"), "HF_HUB_CACHE", str(cache))
    return "other/repo"


def test_the_cache_does_not_exist(models: HubModels, cached: str, tmp_path: Path) -> None:
    """What a cache has is found by a plain load, and by no verified one."""
    transformers = library("transformers")
    assert transformers.AutoConfig.from_pretrained(cached, local_files_only=True)
    adapter = {"base_model_name_or_path": cached, "peft_type": "LORA"}
    files = {"adapter_config.json": json.dumps(adapter).encode(), SAFE: models.bert[SAFE]}
    with pytest.raises(ArtifactRefusedError, match="names a base model"):
        admit(files).pretrained("transformers")
    code = (
        f"\nfrom transformers import AutoConfig\nAutoConfig.from_pretrained({cached!r})\n".encode()
    )
    marked = with_code(models, tmp_path / "marker")
    asking = marked | {"modeling_marking.py": marked["modeling_marking.py"] + code}
    with pytest.raises(ArtifactRefusedError, match="files that were not verified"):
        pinned(asking).pretrained("transformers", None, trust_remote_code=True)


def test_switches_are_switched_back(signed: SignedModel, cached: str) -> None:
    """After a load, one that failed too, the hub's client is as it was before."""
    constants = library("huggingface_hub.constants")
    before = (constants.HF_HUB_OFFLINE, constants.HF_HUB_CACHE, dict(os.environ))
    verified.AutoModel.from_pretrained(signed.root, policy=signed.policy)
    with pytest.raises(OperationError):
        verified.AutoModel.from_pretrained(signed.root, policy=signed.policy, subfolder="none")
    assert before == (constants.HF_HUB_OFFLINE, constants.HF_HUB_CACHE, dict(os.environ))
    assert library("transformers").AutoConfig.from_pretrained(cached, local_files_only=True)


@pytest.mark.parametrize(
    ("path", "members"),
    [
        ("config.json", {"attn_implementation": "evil/kernel"}),
        ("config.json", {"text_config": {"_attn_implementation": {"": "evil/kernel@main:f"}}}),
        ("config.json", {"transformers_weights": "../other.safetensors"}),
        ("config.json", {"transformers_weights": "missing.safetensors"}),
        ("tokenizer_config.json", {"vocab_file": "/etc/passwd"}),
        ("adapter_config.json", {"base_model_name_or_path": "other/repo"}),
        ("sub/adapter_config.json", {"base_model_name_or_path": "other/repo"}),
    ],
)
def test_configurations_that_lead_elsewhere(
    models: HubModels, path: str, members: dict[str, object]
) -> None:
    """What a configuration says of other places is refused, and named."""
    with pytest.raises((ArtifactRefusedError, WeighbridgeError), match=r"verified|weights"):
        admit(edited(models.bert, path, **members)).pretrained("transformers")


@pytest.mark.parametrize(
    ("path", "members"),
    [
        ("config.json", {"_name_or_path": "/home/other/model", "name_or_path": "other/repo"}),
        ("config.json", {"attn_implementation": "eager"}),
        ("config.json", {"auto_map": {"AutoModel": "other/repo--modeling.Model"}}),
        ("tokenizer_config.json", {"tokenizer_file": "/home/other/tokenizer.json"}),
        ("tokenizer_config.json", {"name_or_path": "other/repo"}),
    ],
)
def test_claims_that_lead_nowhere(
    models: HubModels, path: str, members: dict[str, object], tmp_path: Path
) -> None:
    """Names that publishers leave in configurations are not followed, and do no harm."""
    plain = library("transformers").AutoModel.from_pretrained(write(tmp_path / "m", models.bert))
    artifact = admit(edited(models.bert, path, **members))
    assert same_state(artifact.pretrained("transformers"), plain)
    tokenizer: Any = artifact.pretrained("transformers", "AutoTokenizer")
    assert tokenizer("a")["input_ids"] == [5]


# -- files ---------------------------------------------------------------------------------------


def test_uncovered_files_do_not_exist(models: HubModels, tmp_path: Path) -> None:
    """A file that the verdict does not cover is not there for the library."""
    extra = {"generation_config.json": b"{", "adapter_config.json": b"{}"}
    verdict = make_verdict(*models.bert, uncovered=tuple(extra))
    artifact = VerifiedArtifact(verdict, hold_files(models.bert | extra))
    assert artifact.pretrained("transformers") is not None
    signed = make_signed_model(tmp_path, models.bert)
    (signed.root / "adapter_config.json").write_bytes(b"{}")
    with pytest.raises(PolicyDeniedError):
        verified.AutoModel.from_pretrained(signed.root, policy=signed.policy)


def test_links_are_denied(signed: SignedModel, tmp_path: Path) -> None:
    """A model one of whose files is a link is denied, as by every check."""
    (signed.root / SAFE).rename(tmp_path / SAFE)
    (signed.root / SAFE).symlink_to(tmp_path / SAFE)
    with pytest.raises(WeighbridgeError):
        verified.AutoModel.from_pretrained(signed.root, policy=signed.policy)


def test_a_model_swapped_during_the_load(
    signed: SignedModel, models: HubModels, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Files that are exchanged once they were read and before the library opens them are not used."""
    original = libraries.load_pretrained
    copy = write(tmp_path / "copy", signed.files)
    plain = library("transformers").AutoModel.from_pretrained(copy)

    def swap(*arguments: Any, **named: Any) -> object:
        for path in models.bert:
            (signed.root / path).write_bytes(b"swapped")
        return original(*arguments, **named)

    home = importlib.import_module("weighbridge.load.artifact")
    monkeypatch.setattr(home, "load_pretrained", swap)
    found = verified.AutoModel.from_pretrained(signed.root, policy=signed.policy)
    assert (signed.root / SAFE).read_bytes() == b"swapped"
    assert same_state(found, plain)


def test_a_single_file_is_no_model(models: HubModels) -> None:
    """An artifact of one file is not what the library loads."""
    with pytest.raises(UsageError, match="single file"):
        admit({".": models.bert[SAFE]}, name=SAFE).pretrained("transformers")


# -- arguments -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [
        {"trust_remote_code": True},
        {"use_safetensors": False},
        {"weights_only": False},
        {"local_files_only": False},
        {"force_download": True},
        {"cache_dir": "elsewhere"},
        {"revision": "main"},
        {"code_revision": "main"},
        {"proxies": {"https": "http://127.0.0.1:1"}},
        {"token": "secret"},
        {"state_dict": {"a": 1}},
        {"subfolder": "../other"},
        {"subfolder": "/etc"},
        {"config": "other/repo"},
        {"gguf_file": "model.gguf"},
        {"attn_implementation": "evil/kernel"},
        {"device_map": {"": "disk"}},
        {"adapter_kwargs": {"_adapter_model_path": "/x"}},
        {"variant": "../x"},
        {"use_kernels": True},
    ],
    ids=lambda value: next(iter(value)),
)
def test_arguments_that_loosen_are_refused(models: HubModels, arguments: dict[str, object]) -> None:
    """An argument by which other bytes or code would be used is refused by its name."""
    with pytest.raises(UsageError, match=next(iter(arguments))):
        admit(models.bert).pretrained("transformers", None, **arguments)


@pytest.mark.parametrize(
    "arguments",
    [
        {"trust_remote_code": False},
        {"use_safetensors": True},
        {"weights_only": True},
        {"local_files_only": True},
        {"cache_dir": None, "revision": None, "token": None},
        {"attn_implementation": "eager"},
        {"subfolder": ""},
    ],
    ids=lambda value: next(iter(value)),
)
def test_arguments_that_say_the_same_are_accepted(
    models: HubModels, arguments: dict[str, object]
) -> None:
    """The strict values, which are set anyway, may be said."""
    assert admit(models.bert).pretrained("transformers", None, **arguments) is not None


def test_a_pipeline_takes_parts_as_objects_only(models: HubModels) -> None:
    """A tokenizer for a pipeline is an object, and no name; nested arguments are looked at too."""
    artifact = admit(models.bert)
    tokenizer = artifact.pretrained("transformers", "AutoTokenizer")
    task = "feature-extraction"
    assert artifact.pretrained("transformers", "pipeline", task, tokenizer=tokenizer)
    with pytest.raises(UsageError, match="tokenizer"):
        artifact.pretrained("transformers", "pipeline", task, tokenizer="other/repo")
    with pytest.raises(UsageError, match=r"model_kwargs\.cache_dir"):
        artifact.pretrained("transformers", "pipeline", task, model_kwargs={"cache_dir": "x"})


@pytest.mark.parametrize("target", ["NoSuchModel", "Trainer", "os", "_LazyModule", "__name__"])
def test_what_is_no_class_to_load_is_refused(models: HubModels, target: str) -> None:
    """Only classes with from_pretrained, and pipeline, can be asked for."""
    with pytest.raises(UsageError, match="no such class"):
        admit(models.bert).pretrained("transformers", target)
