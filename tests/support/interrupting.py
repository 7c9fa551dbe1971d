"""Interrupts at the worst moments."""

from pathlib import Path

import pytest

from weighbridge.load import tree


def interrupt_removal(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Have the first removal of a tree interrupted, and return what is removed, as it goes on."""
    removed: list[Path] = []
    real = tree.remove_tree

    def remove(root: Path) -> None:
        removed.append(root)
        if len(removed) == 1:
            raise KeyboardInterrupt
        real(root)

    monkeypatch.setattr(tree, "remove_tree", remove)
    return removed
