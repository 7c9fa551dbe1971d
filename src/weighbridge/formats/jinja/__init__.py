"""Read a Jinja template into a syntax tree; nothing is rendered."""

from weighbridge.formats.jinja.nodes import walk
from weighbridge.formats.jinja.parser import parse_template

__all__ = ["parse_template", "walk"]
