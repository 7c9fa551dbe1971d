"""Tell a file's format from its bytes; its suffix is a promise to be held against them."""

from weighbridge.formats.sniff.engine import Sniffed, sniff
from weighbridge.formats.sniff.suffixes import suffix_format

__all__ = ["Sniffed", "sniff", "suffix_format"]
