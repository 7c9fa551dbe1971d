"""TorchScript source is cut into names as torch's lexer would cut it."""

import pytest

from weighbridge.core.errors import LimitExceededError, MalformedContentError
from weighbridge.formats import torchscript
from weighbridge.formats.torchscript import read_names


@pytest.mark.parametrize(
    ("code", "chains"),
    [
        ("torch.add(x, 1.)", ["torch.add", "x"]),
        ("(a).b.c", ["a", ".b.c"]),
        ("a . b # c\n .d", ["a.b.d"]),
        ("a b.c", ["a", "b.c"]),
        ("a..b", ["a", ".b"]),
        ("f'x.y'", ["f"]),
        ('"""a.b""" c', ["c"]),
        ("x = 1.5e-3", ["x"]),
        ("a.b", ["a.b"]),
        ("", []),
    ],
)
def test_chains(code: str, chains: list[str]) -> None:
    """Names with dots between them form one chain; strings, numbers and comments form none."""
    found = read_names(code.encode())
    assert [("." if c.attribute else "") + ".".join(c.names) for c in found] == chains


def test_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Source that is too large or no UTF-8 is refused."""
    with pytest.raises(MalformedContentError):
        read_names(b"\xff")
    monkeypatch.setattr(torchscript, "MAX_CODE_BYTES", 3)
    with pytest.raises(LimitExceededError):
        read_names(b"a.bc")
