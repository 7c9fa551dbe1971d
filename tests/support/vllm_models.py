"""A tiny Llama with a tokenizer, and adapters for it, as vLLM takes them; made without vLLM."""

import json
import struct
from collections.abc import Mapping

import numpy as np

from support.hub_models import Files

WIDTH = 64
"""The least that vLLM's attention on a CPU takes: two heads of 32."""

_WORDS = ["<unk>", "<s>", "</s>", *(f"w{number}" for number in range(61))]
_CONFIG = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "vocab_size": len(_WORDS),
    "hidden_size": WIDTH,
    "intermediate_size": 2 * WIDTH,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "num_key_value_heads": 2,
    "max_position_embeddings": 128,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "dtype": "float32",
    "tie_word_embeddings": False,
}
_LAYER = "model.layers.0"
_SHAPES = {
    "model.embed_tokens.weight": (len(_WORDS), WIDTH),
    "lm_head.weight": (len(_WORDS), WIDTH),
    **{f"{_LAYER}.self_attn.{name}_proj.weight": (WIDTH, WIDTH) for name in "qkvo"},
    f"{_LAYER}.mlp.gate_proj.weight": (2 * WIDTH, WIDTH),
    f"{_LAYER}.mlp.up_proj.weight": (2 * WIDTH, WIDTH),
    f"{_LAYER}.mlp.down_proj.weight": (WIDTH, 2 * WIDTH),
}
_ONES = ("model.norm", f"{_LAYER}.input_layernorm", f"{_LAYER}.post_attention_layernorm")
_RANK = 8


def make_vllm_model(number: int = 1) -> Files:
    """Return the files of a Llama with weights that hang on *number*."""
    draw = np.random.default_rng(number)
    tensors = {name: draw.normal(scale=0.3, size=shape) for name, shape in _SHAPES.items()}
    tensors |= {f"{name}.weight": np.ones(WIDTH) for name in _ONES}
    return {
        "config.json": json.dumps(_CONFIG).encode(),
        "model.safetensors": _safetensors(tensors),
        "tokenizer.json": json.dumps(_tokenizer()).encode(),
        "tokenizer_config.json": json.dumps(
            {
                "tokenizer_class": "PreTrainedTokenizerFast",
                "bos_token": "<s>",
                "eos_token": "</s>",
                "unk_token": "<unk>",
            }
        ).encode(),
    }


def make_vllm_adapter(number: int = 2) -> Files:
    """Return the files of a LoRA adapter with weights that hang on *number*."""
    draw = np.random.default_rng(number)
    place = f"base_model.model.{_LAYER}.self_attn.q_proj"
    config = {
        "peft_type": "LORA",
        "r": _RANK,
        "lora_alpha": 64,
        "target_modules": ["q_proj"],
        "bias": "none",
        "base_model_name_or_path": "acme/model",
    }
    tensors = {
        f"{place}.lora_A.weight": draw.normal(size=(_RANK, WIDTH)),
        f"{place}.lora_B.weight": draw.normal(size=(WIDTH, _RANK)),
    }
    return {
        "adapter_config.json": json.dumps(config).encode(),
        "adapter_model.safetensors": _safetensors(tensors),
    }


def _safetensors(tensors: Mapping[str, np.typing.NDArray[np.float64]]) -> bytes:
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    data = b""
    for name, values in tensors.items():
        raw = values.astype("<f4").tobytes()
        offsets = [len(data), len(data) + len(raw)]
        header[name] = {"dtype": "F32", "shape": list(values.shape), "data_offsets": offsets}
        data += raw
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + data


def _tokenizer() -> dict[str, object]:
    words = {word: number for number, word in enumerate(_WORDS)}
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [
            {
                "id": words[word],
                "content": word,
                "single_word": False,
                "lstrip": False,
                "rstrip": False,
                "normalized": False,
                "special": True,
            }
            for word in _WORDS[:3]
        ],
        "normalizer": None,
        "pre_tokenizer": {"type": "Whitespace"},
        "post_processor": None,
        "decoder": None,
        "model": {"type": "WordLevel", "vocab": words, "unk_token": "<unk>"},
    }
