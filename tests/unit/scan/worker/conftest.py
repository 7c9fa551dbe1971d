"""What the tests of workers share."""

import pytest

from weighbridge.sandbox.launcher import Launcher
from weighbridge.scan.worker import client


@pytest.fixture(autouse=True)
def own_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have each examiner start and end a server of its own, as outside of tests."""
    monkeypatch.setattr(client, "Launcher", Launcher)
