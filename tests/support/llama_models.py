"""A model of llama.cpp that is as small as it takes: one layer, and a token for each byte."""

import struct

import numpy as np

from support.gguf import Tensor, array, build_gguf, pair, text

_WIDTH = 32
_WORDS = ["<unk>", "<s>", "</s>", *(f"<0x{n:02X}>" for n in range(256))]
_KINDS = [2, 3, 3, *[6] * 256]
_U32, _I32, _F32, _TEXT, _ARRAY = 4, 5, 6, 8, 9
_SHAPES = {
    "token_embd.weight": (_WIDTH, len(_WORDS)),
    "output_norm.weight": (_WIDTH,),
    "output.weight": (_WIDTH, len(_WORDS)),
    "blk.0.attn_norm.weight": (_WIDTH,),
    "blk.0.attn_q.weight": (_WIDTH, _WIDTH),
    "blk.0.attn_k.weight": (_WIDTH, _WIDTH),
    "blk.0.attn_v.weight": (_WIDTH, _WIDTH),
    "blk.0.attn_output.weight": (_WIDTH, _WIDTH),
    "blk.0.ffn_norm.weight": (_WIDTH,),
    "blk.0.ffn_gate.weight": (_WIDTH, 2 * _WIDTH),
    "blk.0.ffn_up.weight": (_WIDTH, 2 * _WIDTH),
    "blk.0.ffn_down.weight": (2 * _WIDTH, _WIDTH),
}


def make_llama(number: int = 1, *, template: str | None = None) -> bytes:
    """Return a GGUF file with weights that hang on *number*, and a chat template."""
    numbers = {
        "context_length": 64,
        "embedding_length": _WIDTH,
        "block_count": 1,
        "feed_forward_length": 2 * _WIDTH,
        "attention.head_count": 2,
        "rope.dimension_count": _WIDTH // 2,
    }
    pairs = [
        pair("general.architecture", _TEXT, text("llama")),
        *(pair(f"llama.{key}", _U32, struct.pack("<I", value)) for key, value in numbers.items()),
        pair("llama.attention.layer_norm_rms_epsilon", _F32, struct.pack("<f", 1e-5)),
        pair("tokenizer.ggml.model", _TEXT, text("llama")),
        pair("tokenizer.ggml.tokens", _ARRAY, _array(_TEXT, [text(word) for word in _WORDS])),
        pair("tokenizer.ggml.scores", _ARRAY, _array(_F32, [struct.pack("<f", 0) for _ in _WORDS])),
        pair(
            "tokenizer.ggml.token_type",
            _ARRAY,
            _array(_I32, [struct.pack("<i", kind) for kind in _KINDS]),
        ),
    ]
    if template is not None:
        pairs.append(pair("tokenizer.chat_template", _TEXT, text(template)))
    draw = np.random.default_rng(number)
    data, tensors = b"", []
    for name, shape in _SHAPES.items():
        tensors.append(Tensor(name=name, shape=shape, offset=len(data)))
        values = draw.normal(size=shape).astype("f4").tobytes()
        data += values + bytes(-len(values) % 32)
    return build_gguf(pairs, tensors, data=data)


def _array(kind: int, items: list[bytes]) -> bytes:
    return array(kind, len(items), b"".join(items))
