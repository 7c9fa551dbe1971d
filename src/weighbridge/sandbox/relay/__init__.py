"""Carry connections between a network with nothing in it and the machine's, and nothing else."""
