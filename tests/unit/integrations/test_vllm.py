"""The plugin for vLLM, on a stand-in for it: what each process reads was verified."""

import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from support.hub_models import Files, write
from support.signed_model import make_signed_model, safetensors_file
from support.vllm_standin import StandIn, install_standin
from weighbridge.core.codes import Code
from weighbridge.core.errors import (
    ArtifactChangedError,
    OperationError,
    PolicyDeniedError,
    RefusedError,
    UsageError,
    WeighbridgeError,
)
from weighbridge.integrations import vllm
from weighbridge.integrations.vllm import gate as gates
from weighbridge.integrations.vllm.plugin import LOAD_FORMAT
from weighbridge.integrations.vllm.seams import SEAMS
from weighbridge.load import shown
from weighbridge.load.guard.children import ORDER_VARIABLE
from weighbridge.load.guard.entries import vllm_plugins
from weighbridge.pipeline.guard.command import keep_order, make_order
from weighbridge.pipeline.guard.order import reference_to, render_order

WEIGHTS = safetensors_file(w=[1.0, 2.0])
OTHER = safetensors_file(w=[3.0, 4.0])
FILES: Files = {"config.json": b"{}", "model.safetensors": WEIGHTS}
ADAPTER: Files = {"adapter_config.json": b'{"r": 1}', "adapter_model.safetensors": WEIGHTS}


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """A signed model, its policy, and the small vLLM with the plugin in it."""

    place: Path
    vllm: StandIn
    model: Path

    def args(self, **fields: object) -> Any:
        """Return the arguments of a server for the model."""
        made: Any = sys.modules["vllm.engine.arg_utils"]
        return made.EngineArgs(**{"model": str(self.model), **fields})

    def start(self, **fields: object) -> Any:
        """Do what the first process does: make the configuration."""
        return self.args(**fields).create_engine_config()

    def add(self, adapter: Path) -> Any:
        """Do what a worker does with a request for an adapter."""
        made: Any = sys.modules["vllm.lora.worker_manager"]
        return made.WorkerLoRAManager().add_adapter(made.LoRARequest("a", str(adapter)))


Order = Callable[..., None]


@pytest.fixture
def order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Order:
    """Return what gives this process an order, as `weighbridge exec` does."""

    def give(*, audit: bool = False) -> None:
        made = make_order(tmp_path / "weighbridge.toml", audit=audit, log=tmp_path / "log")
        data = render_order(made)
        monkeypatch.setenv(ORDER_VARIABLE, reference_to(data, keep_order(data)))
        monkeypatch.setattr(gates, "_GATES", [])

    return give


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, order: Order) -> World:
    """Return a vLLM with the plugin, and a signed model."""
    monkeypatch.setenv(gates.COPIES_VARIABLE, "")
    signed = make_signed_model(tmp_path, dict(FILES))
    order()
    standin = install_standin(monkeypatch)
    vllm.register()
    return World(place=tmp_path, vllm=standin, model=signed.root)


def decisions(world: World) -> list[tuple[str, str]]:
    """Return what was decided, in order."""
    lines = (world.place / "log").read_text().splitlines()
    return [(event["entry"], event["decision"]) for event in map(json.loads, lines)]


def test_every_process_reads_the_verified_copy(world: World, tmp_path: Path) -> None:
    """Configuration, tokenizer and weights come from a copy in the store; the name stays."""
    config = world.start()
    store = str(tmp_path / "store")
    assert {config.model, config.tokenizer} == {config.model}
    assert config.model.startswith(store)
    assert config.served_model_name == str(world.model)
    assert world.vllm.load(config) == {"model.safetensors": WEIGHTS}
    assert all(path.startswith(store) for path in world.vllm.read)
    assert set(decisions(world)) == {("vllm.model", "allow"), ("vllm.weights", "allow")}


@pytest.mark.parametrize("place", ["tokenizer", "hf_config_path", "generation_config"])
def test_every_place_to_read_from_is_verified(world: World, tmp_path: Path, place: str) -> None:
    """A tokenizer or a configuration elsewhere needs a rule and a signature of its own."""
    write(tmp_path / "elsewhere", FILES)
    with pytest.raises(PolicyDeniedError):
        world.start(**{place: str(tmp_path / "elsewhere")})
    assert world.vllm.read == []
    config = world.start(**{place: str(world.model)})
    assert getattr(config, place).startswith(str(tmp_path / "store"))


def test_a_configuration_that_is_made_by_itself(world: World) -> None:
    """The configuration of a draft model, which no arguments are made for, is verified as well."""
    made: Any = sys.modules["vllm.config.model"]
    assert made.ModelConfig(model=str(world.model)).model != str(world.model)
    (world.model / "config.json").write_bytes(b'{"a": 1}')
    world.vllm.read.clear()
    with pytest.raises(PolicyDeniedError):
        made.ModelConfig(model=str(world.model))
    assert world.vllm.read == []


def test_a_denied_model_is_not_read(world: World) -> None:
    """One other byte, and vLLM reads nothing of it; the denial is recorded."""
    (world.model / "model.safetensors").write_bytes(OTHER)
    with pytest.raises(PolicyDeniedError):
        world.start()
    assert world.vllm.read == []
    assert decisions(world) == [("vllm.model", "deny")]


@pytest.mark.parametrize("model", ["acme/on-a-hub", "s3://bucket/model"])
def test_what_is_not_on_this_machine_is_refused(world: World, model: str) -> None:
    """A name on a hub and an object store's address are no references to verified bytes."""
    with pytest.raises(UsageError):
        world.start(model=model)


def test_what_happens_to_the_model_later_does_not_matter(world: World) -> None:
    """Once it was verified, the worker reads the copy, whatever lies at the model's place."""
    config = world.start()
    (world.model / "model.safetensors").write_bytes(OTHER)
    assert world.vllm.load(config) == {"model.safetensors": WEIGHTS}


def test_the_copy_is_hashed_by_the_process_that_reads_it(world: World) -> None:
    """A copy with another byte is refused by the worker, before it reads weights."""
    config = world.start()
    world.vllm.read.clear()
    path = Path(config.model, "model.safetensors")
    path.chmod(0o600)
    path.write_bytes(OTHER)
    path.chmod(0o444)
    with pytest.raises(ArtifactChangedError):
        world.vllm.load(config)
    assert world.vllm.read == []


@pytest.mark.parametrize("how", ["write", "exchange", "add", "link"])
def test_the_copy_is_looked_at_again_after_reading(world: World, how: str) -> None:
    """What happens to the copy between hash and use is noticed, and the load refused."""
    config = world.start()
    root = Path(config.model)
    path = root / "model.safetensors"

    def tamper() -> None:
        root.chmod(0o700)
        match how:
            case "write":
                path.chmod(0o600)
                path.write_bytes(OTHER)
                path.chmod(0o444)
            case "exchange":
                path.rename(root.parent / "away")
                path.write_bytes(WEIGHTS)
                path.chmod(0o444)
            case "add":
                (root / "other.safetensors").write_bytes(OTHER)
            case _:
                (root.parent / "link").hardlink_to(path)
        root.chmod(0o555)

    world.vllm.while_reading = tamper
    with pytest.raises(ArtifactChangedError):
        world.vllm.load(config)


def test_a_worker_verifies_what_no_other_process_did(world: World) -> None:
    """Weights that lie elsewhere than the configured model are checked where they are read."""
    config = world.start()
    config.model = str(world.model)
    assert world.vllm.load(config) == {"model.safetensors": WEIGHTS}
    (world.model / "model.safetensors").write_bytes(OTHER)
    with pytest.raises(PolicyDeniedError):
        world.vllm.load(config)


def test_a_copy_is_no_reference(world: World, order: Order) -> None:
    """Who starts a server with the path of a copy needs a rule for that, like for any path."""
    copy = world.start().model
    (world.place / "weighbridge.toml").write_text(
        (world.place / "weighbridge.toml").read_text().replace('["**"]', '["model"]')
    )
    order()
    with pytest.raises(PolicyDeniedError):
        world.start(model=copy)


def test_another_policys_copy(world: World, order: Order) -> None:
    """A worker reads no copy that its own policy did not allow, whoever gives it the path."""
    config = world.start()
    policy = world.place / "weighbridge.toml"
    policy.write_text(policy.read_text() + "# another one\n")
    order()
    with pytest.raises(RefusedError, match="another policy"):
        world.vllm.load(config)


@pytest.mark.parametrize("load_format", ["npcache", "sharded_state"])
def test_other_ways_to_load_are_refused(world: World, load_format: str) -> None:
    """Loaders that read by themselves, and one that writes beside the model, are not run."""
    config = world.start()
    world.vllm.read.clear()
    with pytest.raises(OperationError) as caught:
        world.vllm.load(config, load_format)
    assert caught.value.code is Code.GUARD_DENIED
    assert world.vllm.read == []


@pytest.mark.parametrize("load_format", ["auto", "safetensors", LOAD_FORMAT])
def test_formats_that_are_verified(world: World, load_format: str) -> None:
    """vLLM's own formats of files and ours read the copy."""
    assert world.vllm.load(world.start(), load_format) == {"model.safetensors": WEIGHTS}


def test_no_weights_need_no_check(world: World) -> None:
    """The format that makes weights up reads nothing."""
    assert world.vllm.load(world.start(), "dummy") == {"dummy": b""}


def test_weights_that_are_read_in_an_unknown_way(world: World) -> None:
    """A loader that comes to weights past the call that is verified is refused afterwards."""
    config = world.start()
    default: Any = world.vllm.loaders["auto"]

    class Other:
        def _prepare_weights(self, place: str) -> tuple[str, list[Path]]:
            return place, []

    with pytest.raises(OperationError, match="not known"):
        default.load_weights(Other(), {}, config)


def test_elsewhere_and_otherwise(world: World) -> None:
    """Weights apart from the model, redirected models and the frontend in Rust are refused."""
    with pytest.raises(OperationError, match="elsewhere"):
        world.start(model_weights="s3://bucket/model")
    world.vllm.redirect = str(world.model)
    with pytest.raises(OperationError, match="led"):
        world.start()
    envs: Any = sys.modules["vllm.envs"]
    envs.VLLM_USE_RUST_FRONTEND = True
    with pytest.raises(OperationError, match="Rust"):
        world.start()


@pytest.mark.parametrize(
    ("mode", "config", "allowed"),
    [
        ("deny", {}, False),
        ("allow", {}, True),
        ("allow", {"auto_map": {"AutoConfig": "code.Config"}}, True),
        ("allow", {"auto_map": {"AutoConfig": "acme/other--code.Config"}}, False),
    ],
)
def test_trusted_code(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    order: Order,
    mode: str,
    config: object,
    *,
    allowed: bool,
) -> None:
    """`trust_remote_code` needs the rule's word, and never reaches another repository."""
    files = {**FILES, "config.json": json.dumps(config).encode()}
    rule = {"remote-code": json.dumps(mode)}
    signed = make_signed_model(tmp_path, files, rule=rule)
    order()
    made = World(place=tmp_path, vllm=install_standin(monkeypatch), model=signed.root)
    vllm.register()
    if allowed:
        assert made.start(trust_remote_code=True).trust_remote_code
    else:
        with pytest.raises(WeighbridgeError, match="trust_remote_code"):
            made.start(trust_remote_code=True)


def test_adapters_are_verified_whenever_they_are_loaded(world: World, tmp_path: Path) -> None:
    """A signed adapter is read from sealed memory; a changed one is not read at all."""
    place = tmp_path / "adapters"
    place.mkdir()
    signed = make_signed_model(place, dict(ADAPTER))
    (tmp_path / "publisher.pub").write_bytes((place / "publisher.pub").read_bytes())
    lora = world.add(signed.root)
    assert (lora.weights, lora.config) == (WEIGHTS, ADAPTER["adapter_config.json"])
    assert not any(path.startswith(str(place)) for path in world.vllm.read)
    world.vllm.read.clear()
    (signed.root / "adapter_model.safetensors").write_bytes(OTHER)
    with pytest.raises(PolicyDeniedError):
        world.add(signed.root)
    assert world.vllm.read == []
    assert decisions(world) == [("vllm.adapter", "allow"), ("vllm.adapter", "deny")]


@pytest.mark.parametrize("part", ["PEFTHelper", "LoRAModel"])
def test_parts_of_adapters_are_verified(world: World, tmp_path: Path, part: str) -> None:
    """Who reads an adapter's configuration or weights by themselves gets verified ones."""
    place = write(tmp_path / "adapter", ADAPTER)
    made: Any = sys.modules["vllm.lora.worker_manager"]
    read = {"PEFTHelper": "from_local_dir", "LoRAModel": "from_local_checkpoint"}[part]
    with pytest.raises(PolicyDeniedError):
        getattr(getattr(made, part), read)(str(place), None)
    assert world.vllm.read == []


def test_without_a_policy_nothing_is_loaded(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that finds no order refuses, at whichever call comes first."""
    monkeypatch.delenv(ORDER_VARIABLE)
    monkeypatch.setattr(gates, "_GATES", [])
    for call in (
        world.start,
        lambda: world.vllm.load(world.args()),
        lambda: world.add(write(tmp_path / "adapter", ADAPTER)),
    ):
        with pytest.raises(OperationError, match="no policy"):
            call()
    assert world.vllm.read == []


def test_an_order_that_was_changed_is_none(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever changes the file of the order stops the server, and decides nothing."""
    data = render_order(make_order(world.place / "weighbridge.toml"))
    monkeypatch.setenv(ORDER_VARIABLE, reference_to(data + b" ", keep_order(data)))
    monkeypatch.setattr(gates, "_GATES", [])
    with pytest.raises(OperationError, match="cannot be used"):
        world.start()


def test_an_audit_records_and_changes_nothing(world: World, order: Order) -> None:
    """With `--audit` the unverified model is loaded from its own place, and the denials told."""
    order(audit=True)
    (world.model / "model.safetensors").write_bytes(OTHER)
    config = world.start()
    assert config.model == str(world.model)
    assert world.vllm.load(config) == {"model.safetensors": OTHER}
    world.add(write(world.place / "adapter", ADAPTER))
    assert {how for _, how in decisions(world)} == {"deny"}


def test_registering_again_changes_nothing(world: World) -> None:
    """vLLM calls plugins several times; the checks are put in once."""
    loader: Any = world.vllm.loaders["auto"]
    before = loader.load_weights
    vllm.register()
    assert loader.load_weights is before


@pytest.mark.parametrize("seam", SEAMS, ids=lambda seam: f"{seam.owner}.{seam.method}")
def test_another_vllm_is_refused(monkeypatch: pytest.MonkeyPatch, seam: Any) -> None:
    """A vLLM that lacks a call, or has other parameters, is not served without checks."""
    install_standin(monkeypatch)
    owner = getattr(sys.modules[seam.module], seam.owner)
    monkeypatch.delattr(owner, seam.method)
    with pytest.raises(OperationError, match="not known"):
        vllm.register()
    monkeypatch.setattr(owner, seam.method, lambda other: other, raising=False)
    if seam.parameters:
        with pytest.raises(OperationError, match="not known"):
            vllm.register()


def test_a_guard_lets_copies_pass(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A guarded child knows the copies that its parent made, once it has hashed them itself."""
    config = world.start()
    path = Path(config.model, "model.safetensors")
    monkeypatch.setattr(shown, "_FILES", {})
    gates.recognise_copies()
    assert not shown.is_shown(path)  # without a guard nobody asks
    monkeypatch.setattr(gates, "is_active", lambda: True)
    gates.recognise_copies()
    assert shown.is_shown(path)
    path.chmod(0o600)
    path.write_bytes(OTHER)
    path.chmod(0o444)
    with pytest.raises(ArtifactChangedError):
        gates.recognise_copies()


def test_a_guard_calls_the_plugin_whatever_is_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Under a guard vLLM's own way to its plugins begins with ours; a failure ends the process."""
    install_standin(monkeypatch)
    plugins: Any = sys.modules["vllm.plugins"]
    vllm_plugins.install(plugins)
    loader: Any = sys.modules["vllm.model_executor.model_loader.base_loader"]
    assert not hasattr(loader.BaseModelLoader, "_weighbridge")
    plugins.load_general_plugins()
    assert loader.BaseModelLoader._weighbridge
    monkeypatch.delitem(sys.modules, "vllm.lora.worker_manager")
    monkeypatch.delattr(loader.BaseModelLoader, "_weighbridge")
    with pytest.raises(ImportError):
        plugins.load_general_plugins()


@pytest.mark.usefixtures("world")
def test_nobody_asks_a_hub() -> None:
    """The hub's client is offline in the process, and in those that it starts."""
    constants: Any = pytest.importorskip("huggingface_hub.constants")
    assert constants.HF_HUB_OFFLINE is True
    assert (os.environ["HF_HUB_OFFLINE"], os.environ["TRANSFORMERS_OFFLINE"]) == ("1", "1")
