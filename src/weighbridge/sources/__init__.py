"""Locate what a reference names, and hand it on as an immutable handle."""
