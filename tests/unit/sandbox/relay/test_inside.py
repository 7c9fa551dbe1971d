"""Whose network a relay enters."""

import os

import pytest

from weighbridge.sandbox.relay.inside import enter


def test_the_own_network_is_not_entered() -> None:
    """Where a process has ended its number may be another's: addresses are added to no other."""
    with pytest.raises(OSError, match="the network inside is gone"):
        enter(os.getpid())
