"""
A sentence encoder in NumPy: the forward pass of BERT, mean pooling, unit length.

It shows that the bytes which the loader hands out are the model: real embeddings come out of
them, without a framework. Architecture: Devlin et al., arXiv 1810.04805; pooling: Reimers and
Gurevych, arXiv 1908.10084. A test compares it with values of the reference implementation.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Final, Self

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

from weighbridge.core.values import frozen

Matrix = npt.NDArray[np.float32]

_ERF_P: Final = 0.3275911
_ERF_A: Final = (0.254829592, -0.284496736, 1.421413741, -1.453152027, 1.061405429)


@frozen
class EncoderShape:
    """
    The numbers of a BERT encoder that its tensors do not tell.

    Attributes:
        layers: Transformer blocks.
        heads: Attention heads in each.
        epsilon: Added to the variance in layer normalisation.
        max_tokens: Longer input is cut; includes the two markers around a sentence.
    """

    layers: int
    heads: int
    epsilon: float
    max_tokens: int

    @classmethod
    def from_json(cls, config: bytes, *, max_tokens: int) -> Self:
        """Read the shape from the bytes of a verified `config.json`."""
        values = json.loads(config)
        return cls(
            layers=int(values["num_hidden_layers"]),
            heads=int(values["num_attention_heads"]),
            epsilon=float(values["layer_norm_eps"]),
            max_tokens=max_tokens,
        )


class SentenceEncoder:
    """
    Turns sentences into vectors of unit length.

    Args:
        tensors: The weights, by the names that BERT checkpoints use.
        shape: What the tensors do not tell.
        tokenizer: The bytes of `tokenizer.json`.
    """

    def __init__(
        self,
        tensors: Mapping[str, npt.NDArray[np.generic]],
        *,
        shape: EncoderShape,
        tokenizer: bytes,
    ) -> None:
        self._tensors = {name: _narrow(tensor) for name, tensor in tensors.items()}
        self._shape = shape
        self._tokenizer = Tokenizer.from_str(tokenizer.decode("utf-8"))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(shape.max_tokens)

    def encode(self, sentences: Sequence[str]) -> Matrix:
        """Return one row of unit length per sentence; row products are cosine similarities."""
        return np.stack([self._encode_one(sentence) for sentence in sentences])

    def _encode_one(self, sentence: str) -> Matrix:
        tokens = self._tokenizer.encode(sentence).ids
        states = self._embed(tokens)
        for layer in range(self._shape.layers):
            states = self._block(states, prefix=f"encoder.layer.{layer}")
        pooled = states.mean(axis=0)
        return _narrow(pooled / np.linalg.norm(pooled))

    def _embed(self, tokens: Sequence[int]) -> Matrix:
        states = (
            self._tensors["embeddings.word_embeddings.weight"][tokens]
            + self._tensors["embeddings.position_embeddings.weight"][: len(tokens)]
            + self._tensors["embeddings.token_type_embeddings.weight"][0]
        )
        return self._normalise(states, prefix="embeddings.LayerNorm")

    def _block(self, states: Matrix, *, prefix: str) -> Matrix:
        attended = self._attend(states, prefix=f"{prefix}.attention.self")
        projected = self._linear(attended, prefix=f"{prefix}.attention.output.dense")
        states = self._normalise(projected + states, prefix=f"{prefix}.attention.output.LayerNorm")
        inner = _gelu(self._linear(states, prefix=f"{prefix}.intermediate.dense"))
        outer = self._linear(inner, prefix=f"{prefix}.output.dense")
        return self._normalise(outer + states, prefix=f"{prefix}.output.LayerNorm")

    def _attend(self, states: Matrix, *, prefix: str) -> Matrix:
        count, width = states.shape
        query, key, value = (
            self._linear(states, prefix=f"{prefix}.{part}")
            .reshape(count, self._shape.heads, -1)
            .transpose(1, 0, 2)
            for part in ("query", "key", "value")
        )
        scores = query @ key.transpose(0, 2, 1) / np.sqrt(np.float32(width // self._shape.heads))
        mixed = _softmax(scores) @ value
        return _narrow(mixed.transpose(1, 0, 2).reshape(count, width))

    def _linear(self, states: Matrix, *, prefix: str) -> Matrix:
        return states @ self._tensors[f"{prefix}.weight"].T + self._tensors[f"{prefix}.bias"]

    def _normalise(self, states: Matrix, *, prefix: str) -> Matrix:
        centred = states - states.mean(axis=-1, keepdims=True)
        variance = np.square(centred).mean(axis=-1, keepdims=True)
        scaled = centred / np.sqrt(variance + np.float32(self._shape.epsilon))
        return _narrow(scaled * self._tensors[f"{prefix}.weight"] + self._tensors[f"{prefix}.bias"])


def _softmax(scores: Matrix) -> Matrix:
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return _narrow(powers / powers.sum(axis=-1, keepdims=True))


def _gelu(values: Matrix) -> Matrix:
    """
    Return `x * Phi(x)`, the exact form of GELU.

    NumPy has no error function; Abramowitz and Stegun 7.1.26 is within 1.5e-7 of it, which is
    what single precision can tell apart.
    """
    scaled = np.abs(values) / np.sqrt(np.float32(2))
    t = 1 / (1 + np.float32(_ERF_P) * scaled)
    series = np.zeros_like(t)
    for coefficient in reversed(_ERF_A):
        series = t * (np.float32(coefficient) + series)
    erf = np.copysign(1 - series * np.exp(-np.square(scaled)), values)
    return _narrow(values * (1 + erf) / 2)


def _narrow(values: npt.NDArray[np.generic]) -> Matrix:
    """Return *values* in single precision, not copied where they are already."""
    return values.astype(np.float32, copy=False)
