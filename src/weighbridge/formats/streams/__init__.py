"""
Files that are one compressed content: gzip, bzip2, xz, lzma, zlib, LZ4 and Zstandard.

Readers of such files hand out what they have inflated before they see what follows. So whatever
comes out before a stream breaks, and before a bound is met, is there to be examined.
"""

from weighbridge.formats.streams.content import Inflated, Span, inflate

__all__ = ["Inflated", "Span", "inflate"]
