"""Conversions: in this process, or by workers that misbehave."""

from pathlib import Path

import pytest

from weighbridge.convert.worker import client
from weighbridge.sandbox import launcher as launching

TESTS = str(Path(__file__).parents[1])


def convert_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have conversions done in this process, as on systems without confined ones."""
    monkeypatch.setattr(client, "is_supported", lambda: False)


def convert_by(monkeypatch: pytest.MonkeyPatch, target: str) -> None:
    """Have conversions done by workers that run *target* of `support.bad_converters`."""
    found = launching.search_path()
    monkeypatch.setattr(launching, "search_path", lambda: [*found, TESTS])
    monkeypatch.setattr(launching, "MAX_WORKER_START_SECONDS", 600)
    monkeypatch.setattr(client, "TARGET", f"support.bad_converters:{target}")
