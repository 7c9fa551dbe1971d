"""`core.values`: what a value promises, compared with what `dataclasses` makes of the same class."""

import dataclasses
import inspect
from concurrent.futures import ThreadPoolExecutor
from dataclasses import FrozenInstanceError, dataclass, field, replace
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest

from weighbridge.core.values import frozen


@frozen
class Pair:
    """A value."""

    left: int
    right: str = "r"
    note: str = field(default="", compare=False)
    secret: str = field(default="s", repr=False)


@frozen
class Other:
    """A value with the fields of `Pair`."""

    left: int
    right: str = "r"


@frozen
class One:
    """A value with one field."""

    only: object


@frozen(kw_only=False)
class Place:
    """A value that takes its fields by position."""

    x: int
    y: int


@frozen
class Named:
    """A value with methods of its own."""

    name: str

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Named) and other.name.lower() == self.name.lower()

    def __hash__(self) -> int:
        return hash(self.name.lower())

    def __repr__(self) -> str:
        return f"<{self.name}>"


def test_equal_fields_of_one_class_are_equal_and_hash_alike() -> None:
    """Values are equal by their compared fields, and a difference in one of them shows."""
    assert Pair(left=1) == Pair(left=1, note="other")
    assert hash(Pair(left=1)) == hash(Pair(left=1, note="other"))
    assert Pair(left=1) != Pair(left=2)
    assert Pair(left=1) != Pair(left=1, secret="t")


def test_values_of_two_classes_are_never_equal() -> None:
    """A claimed value cannot pass for a verified one because their fields agree."""
    pair: object = Pair(left=1)
    assert pair != Other(left=1)
    assert pair != (1, "r", "", "s")


def test_one_field_is_compared_as_in_a_tuple() -> None:
    """A value that holds what is not equal to itself is equal to itself, as in `dataclasses`."""
    nothing = float("nan")
    assert One(only=nothing) == One(only=nothing)
    assert One(only=1) != One(only=2)


def test_an_unhashable_field_makes_an_unhashable_value() -> None:
    """A value cannot be a key by the identity of what it holds."""
    with pytest.raises(TypeError, match="unhashable"):
        hash(One(only=[]))


def test_no_field_can_be_set_or_added_or_deleted() -> None:
    """What was checked is what is used."""
    pair = Pair(left=1)
    with pytest.raises(FrozenInstanceError):
        setattr(pair, "left", 2)  # noqa: B010  what a checker refuses is tried at run time
    with pytest.raises(FrozenInstanceError):
        delattr(pair, "left")
    with pytest.raises((FrozenInstanceError, TypeError)):
        setattr(pair, "more", 2)  # noqa: B010  as above
    assert pair == Pair(left=1)
    assert not hasattr(pair, "__dict__")


def test_fields_are_given_by_keyword_unless_said_otherwise() -> None:
    """Positions cannot be mistaken where names are asked for."""
    with pytest.raises(TypeError):
        Pair(1)  # type: ignore[call-arg]
    assert Place(1, 2) == Place(x=1, y=2)


def test_the_representation_is_that_of_dataclasses() -> None:
    """It can be read as a call, and leaves out what `field(repr=False)` hides."""
    assert repr(Pair(left=1)) == "Pair(left=1, right='r', note='')"

    @dataclass(frozen=True)
    class Twin:
        left: int
        right: tuple[int, ...]

    @frozen(kw_only=False)
    class Value:
        left: int
        right: tuple[int, ...]

    assert repr(Value(1, (2,))) == repr(Twin(1, (2,))).replace("Twin", "Value")


def test_methods_of_its_own_stay() -> None:
    """A class may say itself what equality, hash and representation are."""
    assert Named(name="A") == Named(name="a")
    assert hash(Named(name="A")) == hash(Named(name="a"))
    assert repr(Named(name="A")) == "<A>"


def test_dataclasses_know_it() -> None:
    """`replace`, `fields` and class patterns work as for any dataclass."""
    assert replace(Pair(left=1), right="x") == Pair(left=1, right="x")
    names = [each.name for each in dataclasses.fields(Pair)]
    assert names == ["left", "right", "note", "secret"]
    match Place(1, 2):
        case Place(x=1, y=y):
            assert y == 2
        case _:
            pytest.fail("the pattern does not match")


@frozen
class Counted:
    """A value that makes one of its fields, and checks another."""

    most: int = 3
    seen: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.most < 0:
            raise ValueError("negative")


def test_a_default_is_made_for_each_value() -> None:
    """Two values do not share what was made for one of them, and what is given is kept."""
    first, second = Counted(), Counted()
    first.seen.append(1)
    assert (second.seen, Counted(seen=[2]).seen) == ([], [2])
    assert Counted().most == 3


def test_a_value_checks_itself() -> None:
    """No value comes to be that its class refuses."""
    with pytest.raises(ValueError, match="negative"):
        Counted(most=-1)
    with pytest.raises(ValueError, match="negative"):
        replace(Counted(), most=-1)


def test_unknown_and_missing_fields_are_refused() -> None:
    """A misspelt or forgotten field is an error that names it."""
    with pytest.raises(TypeError, match="lift"):
        Pair(left=1, lift=2)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="left"):
        Pair()  # type: ignore[call-arg]


def test_a_subclass_has_all_fields() -> None:
    """Fields of a base come first, and are compared and protected like its own."""

    @frozen
    class More(Pair):
        extra: int = 0

    more = More(left=1, extra=5)
    assert repr(more).endswith("More(left=1, right='r', note='', extra=5)")
    assert more != More(left=1)
    assert more != Pair(left=1)
    with pytest.raises(FrozenInstanceError):
        setattr(more, "left", 2)  # noqa: B010  as above


def test_signatures_can_be_read() -> None:
    """What help shows is what the class takes."""
    assert str(inspect.signature(Place)) == "(x: int, y: int) -> None"
    assert str(inspect.signature(Counted)) == (
        "(*, most: int = 3, seen: list[int] = <factory>) -> None"
    )


def test_first_values_can_be_made_by_several_threads() -> None:
    """Whoever asks first has `__init__` compiled; the others meanwhile get one as good."""
    count = 8
    for _ in range(20):

        @frozen
        class Fresh:
            number: int
            names: list[str] = field(default_factory=list)

        together = Barrier(count)

        def make(number: int, kind: Any = Fresh, together: Barrier = together) -> object:
            together.wait()
            return kind(number=number)

        with ThreadPoolExecutor(count) as threads:
            made = list(threads.map(make, range(count)))
        assert made == [Fresh(number=number, names=[]) for number in range(count)]


def test_the_base_can_be_called_first() -> None:
    """A class that adds a check of its own has `__init__` compiled by `super()` as well."""

    @frozen
    class Base:
        number: int

    class Checked(Base):
        def __init__(self, *, number: int) -> None:
            super().__init__(number=abs(number))

    assert Checked(number=-3).number == 3
    assert Base(number=-3).number == -3


def test_what_is_not_heeded_is_refused() -> None:
    """A field that is no argument would never be set; one with a hash of its own would lie."""
    with pytest.raises(TypeError, match="every field"):

        @frozen
        class _Unset:
            made: int = field(init=False)

    with pytest.raises(TypeError, match="every field"):

        @frozen
        class _Hashed:
            made: int = field(hash=False)


def test_every_value_is_made_so() -> None:
    """
    No module makes a frozen dataclass in another way, unless it needs an order.

    The two kinds cannot inherit from each other.
    """
    source = Path(__file__).parents[3] / "src"
    lines = [line for path in source.rglob("*.py") for line in path.read_text("utf-8").splitlines()]
    others = [line for line in lines if line.startswith("@dataclass(frozen")]
    assert [line for line in others if "order=True" not in line] == []
    assert lines.count("@frozen") > 200
