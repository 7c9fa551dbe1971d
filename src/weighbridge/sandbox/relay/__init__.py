"""Carry connections between a network with nothing in it and the machine's, and nothing else."""

from typing import Final

READY: Final = b"ready\n"
"""What a relay says when it carries connections."""
