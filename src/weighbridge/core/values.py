"""
What makes a class a value: a frozen dataclass with slots that is cheap to import.

`dataclasses` compiles six methods for each class when its module is imported: for the forty values
that `weighbridge verify` needs, a quarter of its CPU time. The three that differ between classes
only in the names of the fields are shared here. All else is `dataclasses`, so that `field`,
`fields`, `replace` and `match` work as for any other.
"""

import dataclasses
from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import TypeVar, dataclass_transform, overload

_T = TypeVar("_T")


@overload
def frozen(cls: type[_T], /) -> type[_T]: ...
@overload
def frozen(*, kw_only: bool) -> Callable[[type[_T]], type[_T]]: ...
@dataclass_transform(
    frozen_default=True, kw_only_default=True, field_specifiers=(dataclasses.field,)
)
def frozen(
    cls: type[_T] | None = None, /, *, kw_only: bool = True
) -> type[_T] | Callable[[type[_T]], type[_T]]:
    """
    Make *cls* a frozen dataclass with slots, whose fields are given by keyword.

    Two values are equal if they are of the same class and their fields are equal, and then have
    the same hash; `field(compare=False)` and `field(repr=False)` are heeded. Methods that the
    class defines itself stay.

    Args:
        cls: The class.
        kw_only: Whether the fields can be given by keyword only.
    """
    if cls is None:
        return lambda each: _value(each, kw_only=kw_only)
    return _value(cls, kw_only=kw_only)


def _value(cls: type[_T], *, kw_only: bool) -> type[_T]:
    make = dataclasses.dataclass(frozen=True, slots=True, kw_only=kw_only, repr=False, eq=False)
    made = make(cls)
    own = vars(cls)
    fields = dataclasses.fields(made)  # type: ignore[arg-type]  # `make` made it a dataclass
    compared = _getter([each.name for each in fields if each.compare])
    for method in (*_comparison(compared), _representation([f.name for f in fields if f.repr])):
        # A class with an `__eq__` of its own has `__hash__ = None` for no other reason.
        if own.get(method.__name__) is None:
            method.__qualname__ = f"{made.__qualname__}.{method.__name__}"
            setattr(made, method.__name__, method)
    return made


def _getter(names: Sequence[str]) -> Callable[[object], tuple[object, ...]]:
    if len(names) > 1:
        return attrgetter(*names)
    return lambda value: tuple(getattr(value, name) for name in names)


def _comparison(
    compared: Callable[[object], tuple[object, ...]],
) -> tuple[Callable[[object, object], bool], Callable[[object], int]]:
    def __eq__(self: object, other: object) -> bool:  # noqa: N807  it becomes this method
        if other.__class__ is not self.__class__:
            return NotImplemented
        return compared(self) == compared(other)

    def __hash__(self: object) -> int:  # noqa: N807  it becomes this method
        return hash(compared(self))

    return __eq__, __hash__


def _representation(names: Sequence[str]) -> Callable[[object], str]:
    def __repr__(self: object) -> str:  # noqa: N807  it becomes this method
        inside = ", ".join(f"{name}={getattr(self, name)!r}" for name in names)
        return f"{self.__class__.__qualname__}({inside})"

    return __repr__
