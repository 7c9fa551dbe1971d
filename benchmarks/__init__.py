"""Benchmarks against the reference implementation and the limits of the machine."""
