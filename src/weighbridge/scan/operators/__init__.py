"""
Operators of torch: which compute, and which reach out of the computation.

A TorchScript program and an exported program can call nothing but operators. Those that torch
itself brings along are listed in `torch.txt`, made from its schemas by `tools/operators/make.py`
and without those that are harmful. What is in neither list is not known: a gap.
"""

from weighbridge.scan.operators.catalogue import Standing, find_standing

__all__ = ["Standing", "find_standing"]
