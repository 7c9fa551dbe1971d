"""Bounds of the test instance of Sigstore."""

from typing import Final

from weighbridge.core.limits.units import MIB

MAX_INSTANCE_REQUEST_BYTES: Final = 1 * MIB
"""Bytes of a request to the loopback test instance: its clients send digests, keys and
signatures, a few kilobytes."""

MAX_INSTANCE_IDLE_SECONDS: Final = 5
"""Seconds for which a connection to it may say nothing."""
