"""Filters for system calls, run as the kernel runs them."""

from struct import iter_unpack

ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
ALLOW, REFUSE, UNKNOWN, ASK, KILL = 0x7FFF0000, 0x00050001, 0x00050026, 0x7FC00000, 0x80000000
COLUMN = {name: index for index, name in enumerate(ARCHITECTURES)}


def decide(
    code: bytes,
    architecture: str,
    pair: tuple[int | None, int | None],
    *arguments: int,
    audit: int | None = None,
) -> int | None:
    """Return what *code* decides about a call; None for one that the architecture lacks."""
    number = pair[COLUMN[architecture]]
    if number is None:
        return None
    values = (*arguments, 0, 0, 0, 0, 0, 0)[:6]
    words = {0: number, 4: ARCHITECTURES[architecture] if audit is None else audit}
    words |= {16 + 8 * n: value & 0xFFFFFFFF for n, value in enumerate(values)}
    words |= {20 + 8 * n: value >> 32 for n, value in enumerate(values)}
    lines = list(iter_unpack("=HBBI", code))
    at, accumulator = 0, 0
    while True:
        operation, then, other, value = lines[at]
        at += 1
        match operation:
            case 0x20:
                accumulator = words[value]
            case 0x54:
                accumulator &= value
            case 0x06:
                return int(value)
            case _:
                holds = {
                    0x15: accumulator == value,
                    0x35: accumulator >= value,
                    0x45: bool(accumulator & value),
                }[operation]
                at += then if holds else other
