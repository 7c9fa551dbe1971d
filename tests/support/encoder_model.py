"""A sentence encoder of a few kilobytes, in the files and names of a real one."""

import hashlib
import json
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import safetensors.numpy

from weighbridge.demo.encoder import EncoderShape, SentenceEncoder
from weighbridge.demo.model import SENTENCES, DemoModel

WIDTH: Final = 16
INNER: Final = 32
LAYERS: Final = 2
MAX_TOKENS: Final = 16

_WORDS: Final = (
    *("[PAD]", "[UNK]", "[CLS]", "[SEP]"),
    *("a", "the", "cat", "kitten", "is", "sleeping", "naps", "on", "sofa", "couch"),
    *("central", "bank", "raised", "interest", "rates", "."),
)

_CONFIG: Final = {
    "model_type": "bert",
    "num_hidden_layers": LAYERS,
    "num_attention_heads": 4,
    "layer_norm_eps": 1e-12,
}


def write_encoder_model(directory: Path) -> DemoModel:
    """Write the model below *directory* and return it; the weights are always the same."""
    (directory / "1_Pooling").mkdir(parents=True)
    (directory / "config.json").write_text(json.dumps(_CONFIG))
    (directory / "1_Pooling" / "config.json").write_text('{"pooling_mode_mean_tokens": true}')
    (directory / "vocab.txt").write_text("\n".join(_WORDS))
    (directory / "tokenizer.json").write_bytes(tokenizer_json())
    weights = directory / "model.safetensors"
    weights.write_bytes(safetensors.numpy.save(encoder_tensors()))
    encoder = SentenceEncoder(
        encoder_tensors(),
        shape=EncoderShape.from_json(json.dumps(_CONFIG).encode(), max_tokens=MAX_TOKENS),
        tokenizer=tokenizer_json(),
    )
    rows = encoder.encode(SENTENCES)
    return DemoModel(
        name="tiny-encoder",
        directory=directory,
        weights_sha256=hashlib.sha256(weights.read_bytes()).hexdigest(),
        max_tokens=MAX_TOKENS,
        similarity=float(rows[0] @ rows[1]),
    )


def tokenizer_json() -> bytes:
    """Return a `tokenizer.json` that knows the demonstration's words."""
    return json.dumps(
        {
            "version": "1.0",
            "truncation": None,
            "padding": None,
            "added_tokens": [
                {
                    "id": index,
                    "content": _WORDS[index],
                    "special": True,
                    "single_word": False,
                    "lstrip": False,
                    "rstrip": False,
                    "normalized": False,
                }
                for index in range(4)
            ],
            "normalizer": {
                "type": "BertNormalizer",
                "clean_text": True,
                "handle_chinese_chars": True,
                "strip_accents": None,
                "lowercase": True,
            },
            "pre_tokenizer": {"type": "BertPreTokenizer"},
            "post_processor": {
                "type": "BertProcessing",
                "sep": ["[SEP]", 3],
                "cls": ["[CLS]", 2],
            },
            "decoder": None,
            "model": {
                "type": "WordPiece",
                "unk_token": "[UNK]",
                "continuing_subword_prefix": "##",
                "max_input_chars_per_word": 100,
                "vocab": {word: index for index, word in enumerate(_WORDS)},
            },
        }
    ).encode()


def encoder_tensors() -> dict[str, npt.NDArray[np.float32]]:
    """Return the weights: words far apart, blocks that change little."""
    random = np.random.default_rng(7)

    def matrix(*shape: int, scale: float = 0.05) -> npt.NDArray[np.float32]:
        return (random.standard_normal(shape) * scale).astype(np.float32)

    tensors = {
        "embeddings.word_embeddings.weight": matrix(len(_WORDS), WIDTH, scale=1.0),
        "embeddings.position_embeddings.weight": matrix(MAX_TOKENS, WIDTH),
        "embeddings.token_type_embeddings.weight": matrix(2, WIDTH),
    }
    norms = ["embeddings.LayerNorm"]
    for layer in range(LAYERS):
        prefix = f"encoder.layer.{layer}"
        norms += [f"{prefix}.attention.output.LayerNorm", f"{prefix}.output.LayerNorm"]
        linear = {
            **{f"attention.self.{part}": (WIDTH, WIDTH) for part in ("query", "key", "value")},
            "attention.output.dense": (WIDTH, WIDTH),
            "intermediate.dense": (INNER, WIDTH),
            "output.dense": (WIDTH, INNER),
        }
        for name, shape in linear.items():
            tensors[f"{prefix}.{name}.weight"] = matrix(*shape)
            tensors[f"{prefix}.{name}.bias"] = matrix(shape[0])
    for name in norms:
        tensors[f"{name}.weight"] = np.ones(WIDTH, dtype=np.float32)
        tensors[f"{name}.bias"] = np.zeros(WIDTH, dtype=np.float32)
    return tensors
