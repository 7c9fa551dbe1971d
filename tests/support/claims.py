"""Claims for tests: models on disk, and bundles around any statement by keys of the tests."""

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from support.pki import curve_key, public_pem
from support.policies import builder, keyed
from support.signatures import key_signer
from support.signed_model import safetensors_file
from weighbridge.core.attestation import Artifact, Build
from weighbridge.core.build_types import COMMAND_BUILD_TYPE
from weighbridge.core.verdict import Verdict
from weighbridge.inventory.take import InventoryPlan, take_inventory
from weighbridge.pipeline.check import check
from weighbridge.pipeline.naming import namings_of
from weighbridge.pipeline.signatures import find_signatures
from weighbridge.policy.schema import Policy
from weighbridge.provenance.slsa import PROVENANCE_V1, render_build
from weighbridge.sources.interface import LocalHandle
from weighbridge.sources.local import locate

FILES: Final = MappingProxyType(
    {"config.json": b"{}", "model.safetensors": safetensors_file(weight=[0.5, 1.0])}
)
"""A small model that the scanner has nothing against."""


def write_files(root: Path, files: Mapping[str, bytes]) -> LocalHandle:
    """Write *files* below *root*, and return the handle of that directory."""
    for path, data in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(data)
    return locate(root)


@functools.cache
def bundle(text: str = "statement", *, number: int = 0) -> bytes:
    """Return the one bundle around the JSON of *text* by the test key *number*."""
    return key_signer(number=number).sign(json.dumps(text).encode())


@dataclass(frozen=True, kw_only=True)
class Bench:
    """
    A directory with a policy, the public keys that it names, and models.

    Attributes:
        directory: Holds all of them.
        policy: The policy.
    """

    directory: Path
    policy: Policy

    def model(self, name: str = "model", files: Mapping[str, bytes] = FILES) -> LocalHandle:
        """Make a model, called like its directory."""
        return write_files(self.directory / name, files)

    def check(self, handle: LocalHandle, *, boundary: str = "load") -> Verdict:
        """Hold *handle* against the policy."""
        return check(handle.root, policy=self.policy, boundary=boundary)


SIGNERS: Final = MappingProxyType({"hsm": 1, "runner": 2, "laptop": 3, "alice": 4, "gate": 5})
"""The keys of the trust entries of `TRUST`."""

BUILDERS: Final = MappingProxyType(
    {"runner": "https://ci.example/runner", "laptop": "urn:weighbridge:builder:local"}
)
"""The ids of the builders of `TRUST`."""

TRUST: Final = keyed(*SIGNERS) + "".join(
    builder(name, uri, level=level)
    for (name, uri), level in zip(BUILDERS.items(), (3, 1), strict=True)
)
"""A policy's trust entries and builders."""

UNSIGNED: Final = "signature = { required = false }"
BUILT: Final = 'provenance = { builder = ["runner"] }'


def make_bench(directory: Path, *rules: tuple[str, ...]) -> Bench:
    """Make a policy below *directory* with *rules*, each a pattern and its lines."""
    text = TRUST + "".join(
        "\n".join(("[[rule]]", f'match = ["{match}"]', 'boundary = ["*"]', *lines, ""))
        for match, *lines in rules
    )
    directory.mkdir(parents=True, exist_ok=True)
    for name, number in SIGNERS.items():
        (directory / f"{name}.pub").write_bytes(public_pem(curve_key(number=number)))
    place = directory / "weighbridge.toml"
    place.write_text(text)
    return Bench(directory=directory, policy=Policy.from_file(place))


def artifact_of(handle: LocalHandle) -> Artifact:
    """Return how claims name the model: by all its files."""
    signatures = find_signatures(handle).inside(handle)
    inventory = take_inventory(handle, InventoryPlan(signatures=signatures))
    (naming,) = namings_of(inventory, ())
    return Artifact(name=handle.name, binding=naming.binding)


def build_by(builder: str = "runner", **changes: Any) -> Build:
    """Return a build by one of `BUILDERS`, which a rule without further demands accepts."""
    values: dict[str, Any] = {
        "predicate_type": PROVENANCE_V1,
        "build_type": COMMAND_BUILD_TYPE,
        "builder_id": BUILDERS[builder],
    }
    return Build(**{**values, **changes})


def claim(build: Build, *artifacts: Artifact, trust: str = "runner") -> bytes:
    """Return the claim, signed by *trust*, that *artifacts* were built so."""
    return sign_by(trust, render_build(build, artifacts=artifacts))


def sign_by(trust: str, payload: bytes) -> bytes:
    """Return a bundle around *payload* by one of `SIGNERS`."""
    return key_signer(number=SIGNERS[trust]).sign(payload)
