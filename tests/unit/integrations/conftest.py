"""Tiny models, made once for all tests of the drop-ins."""

from pathlib import Path

import pytest

from support.hub_models import HubModels, make_hub_models


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> HubModels:
    """Return the files of tiny models."""
    return make_hub_models(tmp_path_factory.mktemp("hub"))


@pytest.fixture(autouse=True)
def _own_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEIGHBRIDGE_STORE", str(tmp_path / "store"))
