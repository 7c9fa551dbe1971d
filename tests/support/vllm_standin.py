"""
A small vLLM: the calls that weighbridge's plugin takes hold of, in the order in which vLLM makes them.

The names, the parameters and the order of reading are vLLM's; a test that runs where vLLM is
installed holds them to it (`tests/end_to_end/test_vllm.py`). Models are what is in their files.
"""

import sys
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

_LOADERS = "vllm.model_executor.model_loader"


@dataclass
class LoadConfig:
    """How weights are read."""

    load_format: str = "auto"
    model_loader_extra_config: dict[str, object] = field(default_factory=dict)


@dataclass
class _Arguments:
    """What a server and a model's configuration are told."""

    model: str
    tokenizer: str | None = None
    hf_config_path: str | None = None
    served_model_name: str | None = None
    trust_remote_code: bool = False
    model_weights: str = ""
    generation_config: str = "auto"


def install_standin(monkeypatch: pytest.MonkeyPatch) -> "StandIn":
    """Let `import vllm` find the stand-in, anew for each test."""
    made = StandIn()
    for name, members in made.modules.items():
        module = ModuleType(name)
        module.__dict__.update(members)
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    monkeypatch.setenv("TRANSFORMERS_OFFLINE", "0")
    constants: Any = pytest.importorskip("huggingface_hub.constants")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    return made


class StandIn:
    """The modules, and what the classes in them share."""

    def __init__(self) -> None:
        self.read: list[str] = []
        """Every path that was read from."""
        self.redirect: str | None = None
        """Where a model is redirected to, when its configuration is made."""
        self.while_reading: Callable[[], None] = lambda: None
        """What happens while weights are read."""
        self.loaders: dict[str, type] = {}
        self.modules: dict[str, dict[str, object]] = {
            "vllm": {},
            "vllm.envs": {"VLLM_USE_RUST_FRONTEND": False},
            "vllm.plugins": {"load_general_plugins": lambda: None},
        }
        self._add_configurations()
        self._add_loaders()
        self._add_adapters()

    def load(self, model_config: Any, load_format: str = "auto") -> dict[str, bytes]:
        """Read weights as a worker does."""
        load_config = LoadConfig(load_format=load_format)
        loader: Any = sys.modules[_LOADERS]
        model: dict[str, bytes] = {}
        loader.get_model_loader(load_config).load_weights(model, model_config)
        return model

    def _bytes(self, place: str, name: str) -> bytes:
        path = Path(place) / name
        self.read.append(str(path))
        return path.read_bytes()

    def _add_configurations(self) -> None:
        world = self

        @dataclass
        class ModelConfig(_Arguments):
            def __post_init__(self) -> None:
                self.served_model_name = self.served_model_name or self.model
                self.model = world.redirect or self.model
                self.tokenizer = self.tokenizer or self.model
                world._bytes(self.hf_config_path or self.model, "config.json")

        @dataclass
        class EngineArgs(_Arguments):
            def create_engine_config(
                self, usage_context: object = None, *, headless: bool = False
            ) -> ModelConfig:
                del usage_context, headless
                world._bytes(self.model, "config.json")  # is it a speculator?
                return ModelConfig(**vars(self))

        self.modules["vllm.config.model"] = {"ModelConfig": ModelConfig}
        self.modules["vllm.engine.arg_utils"] = {"EngineArgs": EngineArgs}

    def _add_loaders(self) -> None:
        world = self

        class BaseModelLoader:
            def __init__(self, load_config: LoadConfig) -> None:
                self.load_config = load_config

        class DefaultModelLoader(BaseModelLoader):
            def _prepare_weights(
                self, model_name_or_path: str, subfolder: str | None = None
            ) -> tuple[str, list[Path]]:
                place = Path(model_name_or_path, subfolder or "")
                return str(place), sorted(place.glob("*.safetensors"))

            def load_weights(self, model: dict[str, bytes], model_config: Any) -> None:
                folder, files = self._prepare_weights(model_config.model)
                world.while_reading()
                model.update({path.name: world._bytes(folder, path.name) for path in files})

        class DummyModelLoader(BaseModelLoader):
            def load_weights(self, model: dict[str, bytes], model_config: Any) -> None:
                del model_config
                model["dummy"] = b""

        class ShardedStateLoader(BaseModelLoader):
            def load_weights(self, model: dict[str, bytes], model_config: Any) -> None:
                model["shard"] = world._bytes(model_config.model, "model.safetensors")

        formats = ("auto", "hf", "safetensors", "npcache")
        self.loaders |= dict.fromkeys(formats, DefaultModelLoader)
        self.loaders |= {"dummy": DummyModelLoader, "sharded_state": ShardedStateLoader}

        def register_model_loader(load_format: str) -> Callable[[type], type]:
            def wrapper(loader: type) -> type:
                self.loaders[load_format] = loader
                return loader

            return wrapper

        self.modules[_LOADERS] = {
            "register_model_loader": register_model_loader,
            "get_model_loader": lambda config: self.loaders[config.load_format](config),
        }
        self.modules[f"{_LOADERS}.base_loader"] = {"BaseModelLoader": BaseModelLoader}
        self.modules[f"{_LOADERS}.default_loader"] = {"DefaultModelLoader": DefaultModelLoader}

    def _add_adapters(self) -> None:
        world = self

        @dataclass
        class LoRARequest:
            lora_name: str
            lora_path: str

        class PEFTHelper:
            def __init__(self, config: bytes) -> None:
                self.config = config

            @classmethod
            def from_local_dir(cls, lora_path: str, positions: int | None) -> "PEFTHelper":
                del positions
                return cls(world._bytes(lora_path, "adapter_config.json"))

        class LoRAModel:
            def __init__(self, weights: bytes, helper: PEFTHelper) -> None:
                self.weights, self.config = weights, helper.config

            @classmethod
            def from_local_checkpoint(cls, lora_dir: str, helper: PEFTHelper) -> "LoRAModel":
                return cls(world._bytes(lora_dir, "adapter_model.safetensors"), helper)

        class WorkerLoRAManager:
            def _load_adapter(self, lora_request: LoRARequest) -> LoRAModel:
                helper = PEFTHelper.from_local_dir(lora_request.lora_path, None)
                return LoRAModel.from_local_checkpoint(lora_request.lora_path, helper)

            def add_adapter(self, lora_request: LoRARequest) -> LoRAModel:
                """Load an adapter, as a server does at any time."""
                return self._load_adapter(copy(lora_request))

        self.modules["vllm.lora.worker_manager"] = {
            "LoRAModel": LoRAModel,
            "LoRARequest": LoRARequest,
            "PEFTHelper": PEFTHelper,
            "WorkerLoRAManager": WorkerLoRAManager,
        }
