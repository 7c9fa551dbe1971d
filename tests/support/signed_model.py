"""A small signed model on disk, with the policy that allows it and nothing else."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from struct import pack

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from weighbridge.core.digest import HashLayout
from weighbridge.pipeline.sign import sign
from weighbridge.policy.schema import Policy
from weighbridge.signing.key import KeySigner

POLICY = """
version = 1

[trust.publisher]
method = "key"
public-key = "publisher.pub"

[[rule]]
match = ["**"]
boundary = ["load"]
scan = { fail-on = "medium", on-gap = "deny" }
signature = { required = true, any-of = ["publisher"], uncovered = "deny" }
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedModel:
    """
    A model that was signed.

    Attributes:
        root: Its directory.
        policy: Allows it.
        files: What was signed, by path.
        signer: Who signed it.
    """

    root: Path
    policy: Policy
    files: dict[str, bytes]
    signer: KeySigner


def safetensors_file(**tensors: list[float]) -> bytes:
    """Return a safetensors file of vectors of float32."""
    header: dict[str, object] = {}
    data = b""
    for name, values in tensors.items():
        start = len(data)
        data += pack(f"<{len(values)}f", *values)
        header[name] = {
            "dtype": "F32",
            "shape": [len(values)],
            "data_offsets": [start, len(data)],
        }
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + data


def make_signed_model(
    place: Path,
    files: dict[str, bytes],
    *,
    formats: tuple[str, ...] = (),
    layout: HashLayout | None = None,
    rule: Mapping[str, str] | None = None,
) -> SignedModel:
    """
    Write *files* to `model` below *place*, sign them with a fresh key, and trust that key.

    The policy allows *formats* alone; without any, those that carry no code. *rule* has the
    values of keys of its rule that are to be others, as TOML.
    """
    root = place / "model"
    for path, data in files.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    key = ec.generate_private_key(ec.SECP256R1())
    signer = KeySigner(key)
    sign(root, signer=signer, layout=layout)
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (place / "publisher.pub").write_bytes(public)
    allowed = f"formats = {{ allow = {json.dumps(formats)} }}\n" if formats else ""
    text = POLICY + allowed
    for name, value in (rule or {}).items():
        kept = [line for line in text.splitlines() if not line.startswith(f"{name} ")]
        text = "\n".join([*kept, f"{name} = {value}", ""])
    (place / "weighbridge.toml").write_text(text)
    policy = Policy.from_file(place / "weighbridge.toml")
    return SignedModel(root=root, policy=policy, files=files, signer=signer)
