"""Names of models: whether what one model calls another means a reference."""

import pytest

from weighbridge.core.references import is_called


@pytest.mark.parametrize(
    ("reference", "claim"),
    [
        ("acme/bert", "acme/bert"),
        ("models/acme/bert", "acme/bert"),
        ("models/acme/bert/", "bert"),
        ("/srv/models/bert", "bert"),
        ("C:\\models\\bert", "bert"),
        ("hf://acme/bert", "acme/bert"),
        ("hf://acme/bert@1a2b", "acme/bert"),
        ("hf://acme/bert@1a2b", "hf://acme/bert@1a2b"),
        ("models/bert@2", "bert@2"),
    ],
)
def test_is_called(reference: str, claim: str) -> None:
    """A name means a reference that it is, or whose end it is by whole segments."""
    assert is_called(reference, claim)


@pytest.mark.parametrize(
    ("reference", "claim"),
    [
        ("acme/bert", ""),
        ("acme/bert", "models/acme/bert"),
        ("acme/bert", "ert"),
        ("acme/bert", "/bert"),
        ("acme/bert", "acme//bert"),
        ("acme/bert", "acme"),
        ("acme/bert", "Acme/bert"),
        ("hf://acme/bert@a/b", "acme/bert"),
        ("models/bert@2", "bert"),
        ("", "bert"),
        ("", "."),
    ],
)
def test_is_not_called(reference: str, claim: str) -> None:
    """Any other name means another model."""
    assert not is_called(reference, claim)
