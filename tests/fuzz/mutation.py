"""
Changes pickle streams so that they stay nearly valid: opcode by opcode, not byte by byte.

A program is a list of tokens, each an opcode with its argument. Nearly valid streams go deep
into unpicklers and into the machine, where byte noise ends at the first opcode.
"""

import pickletools
from random import Random
from struct import pack
from typing import Final

TRIPWIRE: Final = "weighbridge_tripwire"
"""A module that exists in victims only; whatever is imported from it says so."""

Program = list[bytes]

_MEMO: Final = 6
"""Few indices, so that mutants use each other's entries."""


def _text(value: str) -> bytes:
    data = value.encode("utf-8", "surrogatepass")
    return b"\x8c" + bytes([len(data)]) + data


def _name(module: str, name: str) -> bytes:
    return f"c{module}\n{name}\n".encode()


WORDS: Final = tuple(
    "os system posix mkdir builtins eval getattr dict list set object str bytes collections OrderedDict "
    "Counter defaultdict functools partial copyreg _reconstructor __newobj__ numpy ndarray dtype "
    "numpy.core.multiarray numpy._core.multiarray _reconstruct scalar _codecs encode latin1 touch Trip "
    f"Trip.method __dict__ __class__ __setstate__ __reduce__ {TRIPWIRE} a b decimal Decimal datetime "
    "random _os.system f8 O O8".split()
)

_CALLABLES: Final = (
    (TRIPWIRE, "touch"), (TRIPWIRE, "Trip"), (TRIPWIRE, "Trip.method"), ("posix", "mkdir"), ("os", "system"),
    ("builtins", "eval"), ("__builtin__", "eval"), ("builtins", "getattr"), ("builtins", "list"), ("builtins", "dict"),
    ("builtins", "set"), ("__builtin__", "set"), ("builtins", "bytearray"), ("builtins", "str"), ("builtins", "object"),
    ("builtins", "map"), ("builtins", "slice"), ("builtins", "complex"), ("collections", "OrderedDict"),
    ("collections", "Counter"), ("collections", "defaultdict"), ("collections", "deque"), ("functools", "partial"),
    ("copyreg", "_reconstructor"), ("copy_reg", "_reconstructor"), ("copyreg", "__newobj__"), ("_codecs", "encode"),
    ("datetime", "datetime"), ("datetime", "date"), ("decimal", "Decimal"), ("fractions", "Fraction"), ("uuid", "UUID"),
    ("pathlib", "PosixPath"), ("array", "_array_reconstructor"), ("operator", "attrgetter"), ("types", "SimpleNamespace"),
    ("numpy", "dtype"), ("numpy", "ndarray"), ("numpy._core.multiarray", "_reconstruct"), ("numpy._core.multiarray", "scalar"),
    ("numpy.core.multiarray", "_reconstruct"), ("numpy._core.numeric", "_frombuffer"), ("numpy", "float64"),
    ("numpy.random._pickle", "__randomstate_ctor"), ("scipy.sparse._csr", "csr_matrix"), ("sklearn.linear_model._base", "LinearRegression"),
    ("joblib.numpy_pickle", "NumpyArrayWrapper"), ("torch._utils", "_rebuild_tensor_v2"), ("torch", "FloatStorage"), ("torch", "Size"),
)  # fmt: skip

_SIMPLE: Final = tuple(
    bytes([b]) for b in b"N()]}ltuaedsbRo0122\x81\x85\x86\x87\x88\x89\x8f\x90\x91\x92\x93\x94Q."
)
_EXTRA: Final = (
    b"\x80\x02", b"\x80\x04", b"\x80\x05", b"\x80\x00", b"I1\n", b"I01\n", b"I0x10\n", b"L5L\n", b"L0b1L\n", b"F1.5\n", b"K\x01", b"M\x01\x00",
    b"J\xff\xff\xff\xff", b"\x8a\x01\x05", b"\x8a\x00", b"\x8b\x01\x00\x00\x00\x07", b"G\x00\x00\x00\x00\x00\x00\x00\x00",
    b"S'os'\n", b'S"system"\n', b"S'\\x6fs'\n", b"U\x02os", b"T\x06\x00\x00\x00system", b"Vos\n", b"V\\u0073ystem\n", b"X\x02\x00\x00\x00os",
    b"\x8d\x02\x00\x00\x00\x00\x00\x00\x00os", b"C\x02os", b"B\x02\x00\x00\x00os", b"\x8e\x02\x00\x00\x00\x00\x00\x00\x00os",
    b"\x96\x02\x00\x00\x00\x00\x00\x00\x00os", b"Ppid\n", b"\x82\x01", b"\x83\x01\x00", b"\x84\x01\x00\x00\x00", b"\x97", b"\x98",
)  # fmt: skip


def random_token(rng: Random) -> bytes:  # noqa: PLR0911  one for each kind of token
    """Return one opcode with an argument."""
    kind = rng.randrange(10)
    if kind < 3:
        return rng.choice(_SIMPLE)
    if kind == 3:
        return _text(rng.choice(WORDS))
    if kind == 4:
        return _name(*rng.choice(_CALLABLES))
    if kind == 5:
        return rng.choice(_EXTRA)
    index = rng.randrange(_MEMO)
    if kind == 6:
        return rng.choice((b"q" + bytes([index]), b"r" + pack("<I", index), b"p%d\n" % index))
    if kind == 7:
        return rng.choice((b"h" + bytes([index]), b"j" + pack("<I", index), b"g%d\n" % index))
    if kind == 8:
        return rng.choice((b"(", b"0", b"1", b"2", b"\x94", b"R", b"b", b"o", b"\x81"))
    module, name = rng.choice(_CALLABLES)
    if rng.random() < 0.5:
        return f"i{module}\n{name}\n".encode()
    return b"\x95" + pack("<Q", rng.choice((0, 1, 3, 8, 20, 60, 1 << 40)))


def random_value(rng: Random, depth: int = 0) -> Program:  # noqa: PLR0911, C901  a grammar
    """Return tokens that leave one value."""
    kind = rng.randrange(13 if depth < 4 else 4)
    if kind == 0:
        return [rng.choice((b"N", b"K\x01", b"\x88", b"]", b"}", b")", b"C\x01a", b"\x8f"))]
    if kind <= 2:
        return [_text(rng.choice(WORDS))]
    if kind == 3:
        return (
            [rng.choice((b"h", b"h", b"g")) + bytes([rng.randrange(_MEMO)])]
            if rng.random() < 0.3
            else [_name(*rng.choice(_CALLABLES))]
        )
    if kind == 4:
        return [_text(rng.choice(WORDS)), _text(rng.choice(WORDS)), b"\x93"]
    if kind == 5:
        module, name = rng.choice(_CALLABLES)
        return [_text(module), _text(name), b"\x93"]
    inner = [random_value(rng, depth + 1) for _ in range(rng.randrange(3))]
    flat = [token for value in inner for token in value]
    called = [_name(*rng.choice(_CALLABLES))]
    if kind <= 7:
        return [*called, b"(", *flat, b"t", b"R"]
    if kind == 8:
        return [b"(", *called, *flat, b"o"]
    if kind == 9:
        return [*called, b"(", *flat, b"t", rng.choice((b"\x81", b"}\x92"))]
    if kind == 10:
        return [*random_value(rng, depth + 1), *random_value(rng, depth + 1), b"b"]
    if kind == 11:
        return [
            *random_value(rng, depth + 1),
            b"(",
            *flat,
            *(flat if len(inner) % 2 else []),
            rng.choice((b"u", b"e", b"\x90")),
        ]
    return [*random_value(rng, depth + 1), rng.choice((b"q", b"q")) + bytes([rng.randrange(_MEMO)])]


def random_program(rng: Random) -> Program:
    """Return a whole stream that does something."""
    head = [b"\x80" + bytes([rng.choice((0, 2, 3, 4, 4, 5))])] if rng.random() < 0.85 else []
    body: Program = []
    for _ in range(rng.randrange(1, 5)):
        body += random_value(rng)
        if rng.random() < 0.4:
            body.append(b"0")
    return [*head, *body, b"."]


def tokens_of(data: bytes) -> Program:
    """Return the tokens of a valid stream, with what follows it as a last token."""
    starts = [position for _, _, position in pickletools.genops(data) if position is not None]
    program = [data[a:b] for a, b in zip(starts, [*starts[1:], starts[-1] + 1], strict=True)]
    rest = data[starts[-1] + 1 :]
    return [*program, rest] if rest else program


def mutate(program: Program, rng: Random, other: Program) -> bytes:
    """Return the bytes of *program* after some changes; *other* gives tokens to splice in."""
    tokens = list(program)
    for _ in range(rng.choice((0, 1, 1, 2, 2, 3, 5, 8))):
        _change(tokens, rng, other)
    data = b"".join(tokens)
    if rng.random() < 0.15 and data:
        changed = bytearray(data)
        for _ in range(rng.randrange(1, 4)):
            changed[rng.randrange(len(changed))] = rng.choice((rng.randrange(256), 0, 255, 10))
        data = bytes(changed)
    if rng.random() < 0.03:
        data = data[: rng.randrange(len(data) + 1)]
    if rng.random() < 0.06:
        data += rng.choice((b"", b"\0\0", b"\n", b"junk")) + b"".join(other)
    return data


def _change(tokens: Program, rng: Random, other: Program) -> None:
    """Make one change in place."""
    at = rng.randrange(len(tokens) + 1)
    kind = rng.randrange(9)
    if kind <= 2 or not tokens:
        tokens.insert(at, random_token(rng))
    elif kind == 3:
        del tokens[min(at, len(tokens) - 1)]
    elif kind == 4:
        tokens[min(at, len(tokens) - 1)] = random_token(rng)
    elif kind == 5:
        a, b = rng.randrange(len(tokens)), rng.randrange(len(tokens))
        tokens[a], tokens[b] = tokens[b], tokens[a]
    elif kind == 6:
        tokens[at:at] = random_value(rng)
    elif kind == 7:
        start = rng.randrange(len(other))
        tokens[at:at] = other[start : start + rng.randrange(1, 12)]
    else:
        end = min(len(tokens), at + rng.randrange(1, 6))
        tokens[at:at] = tokens[at:end]
