"""Walking a pickle stream: `walk` chooses between the exact machine and the C unpickler."""

from weighbridge.scan.engine.walk import walk

__all__ = ["walk"]
