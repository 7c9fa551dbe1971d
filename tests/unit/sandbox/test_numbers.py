"""The table of system calls: as the kernel has it, and one for everything."""

import json
from collections import Counter
from pathlib import Path
from typing import Final

import pytest

from weighbridge.sandbox import calls
from weighbridge.sandbox.numbers import LATEST, NUMBERS, number, numbers

FIRST_COMMON: Final = 424
"""From this number on the kernel gives a call the same one on every architecture."""

KERNELS: Final = Path(__file__).parents[2] / "vectors" / "system_calls" / "numbers.json"

GROUPS: Final = [name for name in vars(calls) if name.isupper()]


@pytest.fixture(scope="module")
def kernel() -> dict[str, list[int | None]]:
    """Return what headers of the kernel say."""
    found: dict[str, list[int | None]] = json.loads(KERNELS.read_text("utf-8"))["numbers"]
    return found


@pytest.mark.parametrize("name", NUMBERS)
def test_numbers_are_the_kernels(name: str, kernel: dict[str, list[int | None]]) -> None:
    """Each call has the number that the kernel gives it, on both architectures."""
    assert [*NUMBERS[name]] == kernel[name]


@pytest.mark.parametrize(
    "name", [n for n, pair in NUMBERS.items() if (pair[0] or 0) >= FIRST_COMMON]
)
def test_newer_calls_have_one_number(name: str) -> None:
    """A newer call has the same number everywhere."""
    assert NUMBERS[name][0] == NUMBERS[name][1]


@pytest.mark.parametrize("column", [0, 1])
def test_no_number_is_two_calls(column: int) -> None:
    """No number stands for two calls."""
    counts = Counter(pair[column] for pair in NUMBERS.values() if pair[column] is not None)
    assert counts.most_common(1)[0][1] == 1


def test_the_latest_call_is_known() -> None:
    """What is later than the latest is not there: so that has to be the latest of the table."""
    assert max(each for pair in NUMBERS.values() for each in pair if each is not None) == LATEST


@pytest.mark.parametrize("group", GROUPS)
def test_every_listed_call_has_a_number(group: str) -> None:
    """What is listed is known, and listed once."""
    names = getattr(calls, group)
    assert len(numbers(names, "x86_64")) == len(names)
    assert set(numbers(names, "aarch64")) <= {number(n, "aarch64") for n in names}
    assert len(set(names)) == len(names)


def test_what_a_parser_needs_opens_nothing() -> None:
    """No call of a parser is among those that are refused to everybody."""
    refused = {*calls.KERNEL, *calls.SHARED_BY_NUMBER, *calls.ABSENT, *calls.ACCEPTING}
    refused |= {*calls.STARTING, *calls.UNCOUNTED, *calls.MODES_OWNERS_AND_TIMES, *calls.TOLD}
    assert not refused & set(calls.PARSING)
