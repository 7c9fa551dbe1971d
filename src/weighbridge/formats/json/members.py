"""Reading untrusted JSON objects member by member, with the type that the format demands."""

import base64
import binascii
from collections.abc import Collection
from typing import Generic, TypeVar

from weighbridge.core.codes import Code
from weighbridge.core.errors import RefusedError
from weighbridge.formats.json.document import JsonValue

_SHOWN_CHARS = 60

_E = TypeVar("_E", bound=RefusedError)


class Members(Generic[_E]):
    """
    The members of one JSON object of a signature or of another document from outside.

    Every method raises `raises` with the object's code and place when the member is missing or
    is of another type.

    Args:
        value: Anything that the parser returned.
        at: The object's place in the document, such as `dsseEnvelope`.
        where: The file.
        raises: Class of the errors, which takes the arguments of `RefusedError`.
        code: Code of the errors.
    """

    def __init__(
        self, value: JsonValue, *, at: str, where: str, raises: type[_E], code: Code
    ) -> None:
        self.at = at
        self.where = where
        self.raises = raises
        self.code = code
        if not isinstance(value, dict):
            raise self.error("wrong type", expected="an object", found=kind(value))
        self._members = value

    def __contains__(self, name: str) -> bool:
        return name in self._members

    def error(self, message: str, *, expected: str, found: str, code: Code | None = None) -> _E:
        """Build the error for something wrong in this object."""
        return self.raises(
            f"{self.at}: {message}",
            code=code or self.code,
            where=self.where,
            expected=expected,
            found=found,
        )

    def allow(self, names: Collection[str]) -> None:
        """Refuse every member that is not one of *names*."""
        unknown = [name for name in self._members if name not in names]
        if unknown:
            raise self.error(
                "unknown member",
                expected="only " + ", ".join(sorted(names)),
                found=repr(unknown[0][:_SHOWN_CHARS]),
            )

    def value(self, name: str) -> JsonValue:
        """Return the member *name*, whatever its type."""
        if name not in self._members:
            raise self.error("a member is missing", expected=repr(name), found="none")
        return self._members[name]

    def text(self, name: str) -> str:
        """Return the string *name*."""
        value = self.value(name)
        if not isinstance(value, str):
            raise self._wrong(name, "a string", value)
        return value

    def constant(self, name: str, wanted: str, *, code: Code | None = None) -> None:
        """Refuse anything but the string *wanted* as *name*."""
        text = self.text(name)
        if text != wanted:
            raise self.error(
                f"{name} is another one",
                expected=repr(wanted),
                found=repr(text[: 2 * _SHOWN_CHARS]),
                code=code,
            )

    def flag(self, name: str) -> bool:
        """Return the boolean *name*."""
        value = self.value(name)
        if not isinstance(value, bool):
            raise self._wrong(name, "true or false", value)
        return value

    def items(self, name: str) -> list[JsonValue]:
        """Return the array *name*."""
        value = self.value(name)
        if not isinstance(value, list):
            raise self._wrong(name, "an array", value)
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        """Return the array of strings *name*."""
        texts: list[str] = []
        for item in self.items(name):
            if not isinstance(item, str):
                raise self._wrong(name, "only strings", item)
            texts.append(item)
        return tuple(texts)

    def binary(self, name: str, *, limit: int) -> bytes:
        """
        Return what the base64 string *name* stands for; never empty.

        Only the standard alphabet with padding is taken, and only the one canonical spelling of
        the bytes (RFC 4648 section 3.5): otherwise a changed character could mean the same.
        """
        text = self.text(name)
        if len(text) > 4 * (limit // 3 + 1):
            raise self.error(f"{name} is too long", expected=f"at most {limit} bytes", found="more")
        try:
            data = base64.b64decode(text.encode("ascii"), validate=True)
        except (UnicodeEncodeError, binascii.Error):
            data = b""
        if not data or base64.b64encode(data).decode("ascii") != text:
            shown = text if len(text) <= _SHOWN_CHARS else text[:_SHOWN_CHARS] + "..."
            raise self.error(
                f"{name} is not canonical base64",
                expected="the standard alphabet with padding, not empty",
                found=repr(shown),
            )
        return data

    def object(self, name: str) -> "Members[_E]":
        """Return the object *name*."""
        return self._inner(self.value(name), at=name)

    def objects(self, name: str, *, limit: int) -> list["Members[_E]"]:
        """Return the array of at most *limit* objects *name*."""
        items = self.items(name)
        if len(items) > limit:
            raise self.error(
                f"{name} is too long", expected=f"at most {limit}", found=str(len(items))
            )
        return [self._inner(item, at=f"{name}[{i}]") for i, item in enumerate(items)]

    def _inner(self, value: JsonValue, *, at: str) -> "Members[_E]":
        return Members(
            value, at=f"{self.at}.{at}", where=self.where, raises=self.raises, code=self.code
        )

    def _wrong(self, name: str, expected: str, value: JsonValue) -> _E:
        return self.error(f"{name} has the wrong type", expected=expected, found=kind(value))


def kind(value: JsonValue) -> str:
    """Name the JSON type of *value*."""
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return "a string"
        case list():
            return "an array"
        case dict():
            return "an object"
