"""The sentence encoder: equal to the reference implementation, and an encoder in its own right."""

import json
import os

import numpy as np
import pytest
import safetensors.numpy

from support.encoder_model import MAX_TOKENS, encoder_tensors, tokenizer_json
from weighbridge.core.errors import MissingExtraError
from weighbridge.demo.encoder import EncoderShape, SentenceEncoder
from weighbridge.demo.model import locate_model

# The first eight of 384 dimensions, made by sentence-transformers 6.2.0 with torch 2.13.0 (CPU)
# from the same files. The last two rows: nothing but markers, and a text that is cut at 256 tokens.
REFERENCE = {
    "A cat is sleeping on the sofa.": [
        0.159077,
        -0.078513,
        -0.055253,
        0.031273,
        0.008495,
        0.027221,
        -0.04774,
        -0.01464,
    ],
    "A kitten naps on the couch.": [
        0.051274,
        -0.023649,
        -0.04089,
        0.073214,
        0.02201,
        0.030985,
        -0.028059,
        -0.036412,
    ],
    "The central bank raised interest rates.": [
        0.033324,
        -0.03583,
        -0.067212,
        -0.000498,
        0.03779,
        -0.056963,
        -0.081323,
        0.090992,
    ],
    "weighbridge: Wo die Gewichte gewogen werden – crème brûlée 日本語!": [  # noqa: RUF001  a dash is input like any other
        -0.00563,
        0.090709,
        0.093794,
        -0.050915,
        -0.048642,
        0.037644,
        0.07511,
        0.029347,
    ],
    "": [-0.118838, 0.048299, -0.002548, -0.011011, 0.051951, 0.010292, 0.115433, 0.000701],
    "word " * 400: [
        -0.008124,
        -0.095586,
        -0.038673,
        0.049662,
        -0.043794,
        0.02372,
        -0.018142,
        -0.020207,
    ],
}
REFERENCE_SIMILARITIES = [0.73735, -0.031879, -0.05151]  # 0-1, 0-2, 1-2


@pytest.fixture(scope="module")
def real() -> SentenceEncoder:
    """Return the encoder over all-MiniLM-L6-v2."""
    try:
        model = locate_model()
    except MissingExtraError as error:
        if os.environ.get("CI"):
            pytest.fail(f"the model package must be installed where CI is set: {error}")
        pytest.skip(str(error))
    return SentenceEncoder(
        safetensors.numpy.load_file(model.directory / "model.safetensors"),
        shape=EncoderShape.from_json(
            (model.directory / "config.json").read_bytes(), max_tokens=model.max_tokens
        ),
        tokenizer=(model.directory / "tokenizer.json").read_bytes(),
    )


@pytest.fixture
def shape() -> EncoderShape:
    """Return the shape of the tiny encoder."""
    return EncoderShape(layers=2, heads=4, epsilon=1e-12, max_tokens=MAX_TOKENS)


@pytest.fixture
def tiny(shape: EncoderShape) -> SentenceEncoder:
    """Return an encoder of a few kilobytes."""
    return SentenceEncoder(encoder_tensors(), shape=shape, tokenizer=tokenizer_json())


@pytest.mark.parametrize("sentence", REFERENCE, ids=range(len(REFERENCE)))
def test_embeddings_equal_the_reference_implementation(
    real: SentenceEncoder, sentence: str
) -> None:
    """Each of the first eight dimensions is within 1e-4 of the reference implementation's."""
    assert real.encode([sentence])[0, :8] == pytest.approx(REFERENCE[sentence], abs=1e-4)


def test_similarities_equal_the_reference_implementation(real: SentenceEncoder) -> None:
    """Cosine similarities over all dimensions are within 1e-4 of the reference implementation's."""
    rows = real.encode(list(REFERENCE)[:3])
    assert rows.shape == (3, 384)
    found = [float(rows[a] @ rows[b]) for a, b in ((0, 1), (0, 2), (1, 2))]
    assert found == pytest.approx(REFERENCE_SIMILARITIES, abs=1e-4)


def test_rows_have_unit_length(tiny: SentenceEncoder) -> None:
    """Every embedding has length one, also that of an empty sentence."""
    rows = tiny.encode(["a cat", "", "interest rates raised ."])
    assert np.linalg.norm(rows, axis=1) == pytest.approx([1, 1, 1], abs=1e-6)


def test_a_sentence_has_the_same_embedding_in_any_company(tiny: SentenceEncoder) -> None:
    """Encoding is per sentence: neighbours and their lengths have no influence."""
    alone = tiny.encode(["a cat"])[0]
    beside = tiny.encode(["the central bank raised interest rates .", "a cat"])[1]
    assert np.array_equal(alone, beside)


def test_word_order_matters(tiny: SentenceEncoder) -> None:
    """The same words in another order give another embedding, since positions are added."""
    rows = tiny.encode(["the cat is on the couch", "the couch is on the cat"])
    assert not np.allclose(rows[0], rows[1])


def test_words_beyond_the_limit_are_cut(tiny: SentenceEncoder) -> None:
    """Text after the last admitted token has no influence; the token before it has."""
    words = MAX_TOKENS - 2
    rows = tiny.encode(["cat " * words, "cat " * words + "bank", "cat " * (words - 1) + "bank"])
    assert np.array_equal(rows[0], rows[1])
    assert not np.allclose(rows[0], rows[2])


@pytest.mark.parametrize("name", sorted(encoder_tensors()))
def test_every_tensor_has_an_influence(name: str, shape: EncoderShape) -> None:
    """A change of any weight that takes part changes the embedding; a key's bias cannot."""
    tensors = encoder_tensors()
    before = SentenceEncoder(tensors, shape=shape, tokenizer=tokenizer_json()).encode(
        ["a cat naps"]
    )
    noise = np.random.default_rng(1).standard_normal(tensors[name].shape).astype(np.float32)
    changed = tensors | {name: tensors[name] + noise}
    after = SentenceEncoder(changed, shape=shape, tokenizer=tokenizer_json()).encode(["a cat naps"])
    # A constant added to all keys shifts all scores of a query alike, and softmax ignores that.
    assert np.allclose(before, after, atol=1e-6) is name.endswith("key.bias")


def test_the_shape_is_read_from_the_configuration() -> None:
    """Layers, heads and epsilon come from `config.json`; the rest of it is ignored."""
    config = {"num_hidden_layers": 6, "num_attention_heads": 12, "layer_norm_eps": 1e-12, "x": 1}
    assert EncoderShape.from_json(json.dumps(config).encode(), max_tokens=256) == EncoderShape(
        layers=6, heads=12, epsilon=1e-12, max_tokens=256
    )


def test_a_missing_tensor_is_an_error(shape: EncoderShape) -> None:
    """Without one of its tensors the encoder computes nothing."""
    tensors = encoder_tensors()
    del tensors["encoder.layer.1.output.dense.bias"]
    encoder = SentenceEncoder(tensors, shape=shape, tokenizer=tokenizer_json())
    with pytest.raises(KeyError, match=r"encoder\.layer\.1\.output"):
        encoder.encode(["a cat"])
