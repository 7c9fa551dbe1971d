"""
The names that TorchScript source refers to (torch/csrc/jit/frontend/lexer.cpp, import_source.cpp).

A TorchScript archive's code is a program for torch's own interpreter, written like Python. What
it can reach are torch's operators, by names that have to stand in the source: `torch.add`,
`ops.prim.NumToTensor`, and as methods of a tensor. There are no strings that turn into names,
apart from `getattr` with a literal, for which the namespace has to be handed on. So the source
is not parsed but cut into tokens, and every chain of names is reported.
"""

import re
from collections.abc import Iterator
from typing import Final

from weighbridge.core.errors import LimitExceededError, MalformedContentError
from weighbridge.core.limits.documents import MAX_CODE_BYTES
from weighbridge.core.values import frozen

_TOKEN: Final = re.compile(
    r"""
      (?P<skip>   [ \t\r\n\f\\]+ | \#[^\n]* )
    | (?P<string> \"\"\" .*? \"\"\" | ''' .*? ''' | "(?:[^"\\\n]|\\.)*" | '(?:[^'\\\n]|\\.)*' )
    | (?P<number> (?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?j? )
    | (?P<name>   [A-Za-z_]\w* )
    | (?P<other>  . )
    """,
    re.VERBOSE | re.DOTALL,
)


@frozen
class NameChain:
    """
    Names with dots between them, as they stand in the source.

    Attributes:
        names: At least one.
        offset: In characters, of the first name.
        attribute: Whether a dot stands before the first: an attribute of some expression.
    """

    names: tuple[str, ...]
    offset: int
    attribute: bool


def read_names(data: bytes) -> tuple[NameChain, ...]:
    """
    Return every chain of names in the TorchScript source *data*, in order.

    Raises:
        MalformedContentError: Not UTF-8, or a string does not end.
        LimitExceededError: Larger than `MAX_CODE_BYTES`.
    """
    if len(data) > MAX_CODE_BYTES:
        raise LimitExceededError(
            "the TorchScript source is too large",
            expected=f"at most {MAX_CODE_BYTES} bytes",
            found=str(len(data)),
        )
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise MalformedContentError(
            "the TorchScript source cannot be read", found=f"byte {error.start} is not UTF-8"
        ) from error
    return tuple(_chains(text))


def _chains(text: str) -> Iterator[NameChain]:
    """Yield the chains of *text*."""
    names: list[str] = []
    offset = 0
    attribute = dot = False
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup
        if kind == "skip":
            continue
        if kind == "name":
            if names and not dot:
                yield NameChain(names=tuple(names), offset=offset, attribute=attribute)
                names = []
            if not names:
                offset, attribute = match.start(), dot
            names.append(match.group())
            dot = False
            continue
        dotted = match.group() == "."
        if names and (dot or not dotted):
            yield NameChain(names=tuple(names), offset=offset, attribute=attribute)
            names = []
        dot = dotted
        if match.group() in {'"', "'"}:
            raise MalformedContentError(
                "a string in the TorchScript source does not end",
                found=f"character {match.start()}",
            )
    if names:
        yield NameChain(names=tuple(names), offset=offset, attribute=attribute)
