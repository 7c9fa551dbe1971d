"""A running test instance for the tests of the keyless method."""

from collections.abc import Iterator

import pytest

from weighbridge.demo.instance.loopback import LoopbackSigstore, loopback_sigstore


@pytest.fixture(scope="package")
def instance() -> Iterator[LoopbackSigstore]:
    """A running instance, shared: tests leave it as they found it."""
    with loopback_sigstore() as running:
        yield running
