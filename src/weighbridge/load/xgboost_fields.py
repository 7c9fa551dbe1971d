"""The parts of a model of XGBoost: what they may hold, and how errors call them."""

import re
from array import array
from collections.abc import Collection, Sequence
from typing import Final

from weighbridge.core.codes import Code
from weighbridge.core.errors import MalformedContentError
from weighbridge.formats.ubjson_values import UbjsonValue

INT32_MAX: Final = (1 << 31) - 1
_NUMBER: Final = re.compile(r"[0-9]{1,10}", re.ASCII)
_WHOLE: Final = "bBhiq"
_FRACTIONS: Final = "fd"


class Part:
    """
    One object of the file, with names only that are known.

    Raises:
        MalformedContentError: From each method, where the object is not as that expects.
    """

    def __init__(self, value: UbjsonValue, *, at: str, where: str) -> None:
        self._at = at
        self._where = where
        if not isinstance(value, dict):
            raise self.broken("something other than an object")
        self._members = value

    def __contains__(self, name: object) -> bool:
        return name in self._members

    def broken(self, found: str, *, expected: str | None = None) -> MalformedContentError:
        """Return the error for a part that has *found*."""
        return MalformedContentError(
            "the model is not one that XGBoost writes",
            code=Code.LOAD_MALFORMED,
            where=self._where,
            expected=expected or "nodes, features, groups and sizes that hold",
            found=f"{self._at}: {found}"[:300],
        )

    def hold(self, needed: Collection[str], *, optional: Collection[str] = ()) -> None:
        """Have all of the names in *needed*, and besides them at most those in *optional*."""
        for name in needed:
            if name not in self._members:
                raise self.broken(f"no {name}")
        for name in self._members:
            if name not in needed and name not in optional:
                raise self.broken(f"the unknown {name!r}", expected="names that XGBoost writes")

    def names(self) -> list[str]:
        """Return the names."""
        return list(self._members)

    def part(self, name: str) -> "Part":
        """Return the object of that name."""
        return Part(self._members.get(name), at=f"{self._at}.{name}", where=self._where)

    def parts(self, name: str) -> "list[Part]":
        """Return the objects in the array of that name."""
        return [
            Part(value, at=f"{self._at}.{name}[{number}]", where=self._where)
            for number, value in enumerate(self._list(name))
        ]

    def text(self, name: str) -> str:
        """Return the string of that name."""
        value = self._members.get(name)
        if not isinstance(value, str):
            raise self.broken(f"{name} is no string")
        return value

    def texts(self, name: str) -> list[str]:
        """Return the strings in the array of that name."""
        found = [value for value in self._list(name) if isinstance(value, str)]
        if len(found) != len(self._list(name)):
            raise self.broken(f"{name} has something other than strings")
        return found

    def number(self, name: str, *, default: int | None = None, least: int = 0) -> int:
        """Return the parameter of that name: a number from *least* on, written as a string."""
        if default is not None and name not in self._members:
            return default
        value = self.text(name)
        if _NUMBER.fullmatch(value) is None or not least <= int(value) < INT32_MAX:
            raise self.broken(f"{name} is {value[:80]!r}", expected=f"a number from {least} on")
        return int(value)

    def integer(self, name: str) -> int:
        """Return the integer of that name."""
        value = self._members.get(name)
        if type(value) is not int:
            raise self.broken(f"{name} is no integer")
        return value

    def integers(
        self, name: str, *, least: int, most: int, count: int | None = None
    ) -> Sequence[int]:
        """Return *count* integers, none below *least* and none above *most*."""
        value = self._members.get(name)
        if isinstance(value, array) and value.typecode in _WHOLE:
            found: Sequence[int] = value  # type: ignore[assignment]  # its type code tells
        else:
            # Earlier releases write the directions of what is missing as booleans.
            found = [int(each) for each in self._list(name) if isinstance(each, int)]
            if len(found) != len(self._list(name)):
                raise self.broken(f"{name} has something other than integers")
        if count is not None and len(found) != count:
            raise self.broken(f"{len(found)} of {name} instead of {count}")
        if found and not (least <= min(found) and max(found) <= most):
            outside = next(each for each in found if not least <= each <= most)
            expected = f"numbers from {least} to {most}"
            raise self.broken(f"{outside} among {name}", expected=expected)
        return found

    def length(self, name: str, *, count: int | None = None) -> int:
        """Return how many numbers the array of that name has: *count*, if that is given."""
        value = self._members.get(name)
        if not (isinstance(value, array) and value.typecode in _FRACTIONS):
            value = self._list(name)
            if not all(type(each) in {int, float} for each in value):
                raise self.broken(f"{name} has something other than numbers")
        if count is not None and len(value) != count:
            raise self.broken(f"{len(value)} of {name} instead of {count}")
        return len(value)

    def _list(self, name: str) -> list[UbjsonValue]:
        value = self._members.get(name)
        if not isinstance(value, list):
            raise self.broken(f"{name} is no array of its kind")
        return value
