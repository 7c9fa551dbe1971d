"""
What makes a class a value: a frozen dataclass with slots that is cheap to import.

`dataclasses` compiles six functions for each class when its module is imported: for the fifty
values that `weighbridge verify` needs, a quarter of its CPU time. Here only the one that takes the
fields is compiled, when the first value is made, and the five that differ in nothing but the names
of the fields are shared. The rest is the business of `dataclasses`, so that `field`, `fields`,
`replace` and `match` work as for any other.
"""

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import MISSING, Field, FrozenInstanceError
from operator import attrgetter
from typing import Any, NoReturn, TypeVar, dataclass_transform, overload

_T = TypeVar("_T")
_Method = Callable[..., object]


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
    the same hash. No field can be set, added or deleted. Of what `field` can say, `default`,
    `default_factory`, `compare`, `repr` and `kw_only` are heeded. Methods that the class defines
    itself stay.

    Args:
        cls: The class.
        kw_only: Whether the fields can be given by keyword only.

    Raises:
        TypeError: A field asks for something else than the above.
    """
    if cls is None:
        return lambda each: _value(each, kw_only=kw_only)
    return _value(cls, kw_only=kw_only)


def _value(cls: type[_T], *, kw_only: bool) -> type[_T]:
    own = dict(vars(cls))
    made = dataclasses.dataclass(slots=True, kw_only=kw_only, init=False, repr=False, eq=False)(cls)
    fields: tuple[Field[Any], ...] = dataclasses.fields(made)  # type: ignore[arg-type]  # it is one now
    if any(not field.init or field.hash is not None for field in fields):
        raise TypeError(f"{cls.__qualname__}: every field is an argument, and hashed if compared")
    methods: tuple[_Method, ...] = (
        *_comparison(_getter([field.name for field in fields if field.compare])),
        _representation([field.name for field in fields if field.repr]),
        *_PROTECTION,
    )
    if "__init__" not in own:
        setattr(made, "__init__", _Initializer(made, fields))  # noqa: B010  it is no function yet
    for method in methods:
        # A class with an `__eq__` of its own has `__hash__ = None` for no other reason.
        if own.get(method.__name__) is None:
            setattr(made, method.__name__, method)
    return made


class _Initializer:
    """Stands for `__init__` until somebody asks for it, who gets the compiled function."""

    def __init__(self, cls: type, fields: Sequence[Field[Any]]) -> None:
        self._cls = cls
        self._fields = fields

    def __get__(self, instance: object, owner: type | None = None) -> _Method:
        # Two threads may both compile it: each gets a function, and either of them stays.
        made = _initializer(self._cls, self._fields)
        setattr(self._cls, "__init__", made)  # noqa: B010  mypy knows better than to assign it
        return made.__get__(instance, owner)  # type: ignore[no-any-return]


def _initializer(cls: type, fields: Sequence[Field[Any]]) -> _Method:
    """
    Compile the function that takes the fields, since none could be as fast for all classes.

    The names of fields are all that is put into its text, and those are identifiers. It sets the
    slots themselves: `__setattr__` refuses.
    """
    names: dict[str, object] = {"_FACTORY": _FACTORY}
    parameters: list[str] = []
    keywords: list[str] = []
    body: list[str] = []
    for field in fields:
        name = field.name
        names[f"_set_{name}"] = getattr(cls, name).__set__
        parameter, given = name, name
        if field.default is not MISSING:
            names[f"_default_{name}"] = field.default
            parameter = f"{name}=_default_{name}"
        elif field.default_factory is not MISSING:
            names[f"_make_{name}"] = field.default_factory
            parameter = f"{name}=_FACTORY"
            given = f"_make_{name}() if {name} is _FACTORY else {name}"
        (keywords if field.kw_only else parameters).append(parameter)
        body.append(f" _set_{name}(self, {given})")
    if hasattr(cls, "__post_init__"):
        body.append(" self.__post_init__()")
    signature = ", ".join(["self", *parameters, *(["*", *keywords] if keywords else [])])
    text = "\n".join([f"def __init__({signature}):", *(body or [" pass"])])
    exec(text, names)  # noqa: S102  see above
    made: Any = names["__init__"]
    made.__qualname__ = f"{cls.__qualname__}.__init__"
    made.__annotations__ = {field.name: field.type for field in fields} | {"return": None}
    return made  # type: ignore[no-any-return]  # a function


class _Factory:
    """Stands for a default that is made for each value; shown in signatures."""

    def __repr__(self) -> str:
        return "<factory>"


_FACTORY = _Factory()


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


def __setattr__(self: object, name: str, _value: object) -> NoReturn:  # noqa: N807  it becomes this method
    raise FrozenInstanceError(f"cannot assign to field {name!r} of {self.__class__.__qualname__}")


def __delattr__(self: object, name: str) -> NoReturn:  # noqa: N807  it becomes this method
    raise FrozenInstanceError(f"cannot delete field {name!r} of {self.__class__.__qualname__}")


_PROTECTION = (__setattr__, __delattr__)
