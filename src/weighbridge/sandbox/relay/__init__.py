"""Carry connections between a network with nothing in it and the machine's, and nothing else."""

READY = b"ready\n"
"""What a relay says when it carries connections."""
