"""What the tests of keyless signatures share: an instance and a model."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.keyless import Case, write_model
from weighbridge.demo.instance.loopback import LoopbackSigstore, loopback_sigstore


@pytest.fixture(scope="package")
def instance() -> Iterator[LoopbackSigstore]:
    """A running instance, shared: tests leave it as they found it."""
    with loopback_sigstore() as running:
        yield running


@pytest.fixture
def case(tmp_path: Path, instance: LoopbackSigstore) -> Case:
    """A small model to be signed and verified."""
    return Case(write_model(tmp_path / "model"), instance)
