"""What PyTables 1 wrote into attributes is known, and nothing else is taken for it."""

import pytest

from weighbridge.scan.pytables import is_old_filters

_FIRST = (
    b"(itables.Leaf\nFilters\np1\n(dp2\nS'shuffle'\np3\nI0\nsS'complevel'\np4\nI1\n"
    b"sS'fletcher32'\np5\nI0\nsS'complib'\np6\nS'lzo'\np7\nsb."
)
_SECOND = (
    b"ccopy_reg\n_reconstructor\np1\n(ctables.Leaf\nFilters\np2\nc__builtin__\nobject\np3\nNtRp4\n"
    b"(dp5\nS'shuffle'\np6\nI00\nsS'complevel'\np7\nI0\nsS'fletcher32'\np8\nI00\n"
    b"sS'complib'\np9\nS'zlib'\np10\nsb."
)


@pytest.mark.parametrize("value", [_FIRST, _SECOND])
def test_known(value: bytes) -> None:
    """Both forms that files of PyTables 1 have are known."""
    assert is_old_filters(value)


@pytest.mark.parametrize(
    "value",
    [
        _FIRST.replace(b"Filters", b"Leaf"),
        _FIRST.replace(b"itables.Leaf", b"ios"),
        _FIRST[:-1] + b"cos\nsystem\n.",
        _FIRST + b"\n",
        b"0" + _SECOND,
        _SECOND.replace(b"I00", b"cos\nsystem", 1),
        _SECOND.replace(b"S'zlib'", b"S'zlib'\n0cos\nsystem\nS'x'"),
    ],
)
def test_unknown(value: bytes) -> None:
    """Another class, another value or one more instruction is not."""
    assert not is_old_filters(value)
