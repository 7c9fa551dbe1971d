"""Stands for the reference implementation where a script or program names `model_signing`."""

from weighbridge.compat.model_signing import hashing, signing, verifying

__version__ = "1.1.1"
"""The reference's version whose interface this is."""

__all__ = ["hashing", "signing", "verifying"]
