"""Models whose bytes are left in their files, and claims with the digests of parts of them."""

from pathlib import Path

from support.signed_model import SignedModel, make_signed_model, safetensors_file
from weighbridge.pipeline.recording.attest_parts import AttestedParts, attest_parts

COUNT = 20_000
"""Numbers of a tensor: more bytes than a part has at the least."""

_WORDS = {5: "first", 8: "second", 10: "third"}
NAMES = tuple(_WORDS.get(number, f"t{number}") for number in range(16))
"""
Tensors in the order of their bytes.

Of those that are called by words nothing is read to tell formats, nor by the scan.
"""

TENSORS = {name: [float(number)] * COUNT for number, name in enumerate(NAMES)}
WEIGHTS = safetensors_file(**TENSORS)
FILES = {"a.safetensors": WEIGHTS, "config.json": b"{}\n"}
START = len(WEIGHTS) - len(NAMES) * 4 * COUNT
"""Where the first tensor's bytes start."""

PARTS_RULE = '{ from = "publisher" }'


def place_of(tensor: str) -> int:
    """Return where a byte of *tensor* lies."""
    return START + NAMES.index(tensor) * 4 * COUNT + COUNT


def flip(path: Path, at: int) -> None:
    """Change one byte of the file in place."""
    with path.open("r+b") as file:
        file.seek(at)
        byte = file.read(1)
        file.seek(at)
        file.write(bytes([byte[0] ^ 1]))


def claimed_model(
    place: Path, files: dict[str, bytes] | None = None, **rule: str
) -> tuple[SignedModel, AttestedParts]:
    """Return a model whose publisher signed digests of parts, and whose rule takes them."""
    model = make_signed_model(place, dict(files or FILES), rule={"parts": PARTS_RULE, **rule})
    return model, attest_parts(str(model.root), signer=model.signer)
