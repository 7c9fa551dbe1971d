"""Protobuf messages, read strictly by their schema and without building them."""

from weighbridge.formats.protobuf.message import Document, Field, Message, Oddity, OddityKind
from weighbridge.formats.protobuf.schema import Schema, load_schema

__all__ = ["Document", "Field", "Message", "Oddity", "OddityKind", "Schema", "load_schema"]
