"""Strict reading of a TOML document: typed keys, no unknown ones, every problem with its line."""

import difflib
import re
import tomllib
from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum
from typing import Final, TypeVar, overload

from weighbridge.core.errors import PolicyError, printable
from weighbridge.core.limits.policy import (
    MAX_POLICY_BYTES,
    MAX_POLICY_LINE_CHARS,
    MAX_POLICY_PROBLEMS,
)
from weighbridge.policy.glob import Glob, glob_problem
from weighbridge.policy.toml_lines import KeyPath, LineMap, locate_keys

_TOML_PLACE: Final = re.compile(r" \(at line (\d+), column \d+\)$")
_BARE_KEY: Final = re.compile(r"[A-Za-z0-9_-]{1,80}")
_QUOTED_CHARS: Final = 80
_PRINTED_NUMBER: Final = 10**9

E = TypeVar("E", bound=StrEnum)


_NUL: Final = "\0"
"""What no name of a file, a program or a variable can have."""


def quote(value: object, /) -> str:
    """Return *value* for a message: escaped, on one line, cut where it is long."""
    text = repr(value) if isinstance(value, str) else str(value)
    text = printable(text).replace("\n", "\\n")
    return text if len(text) <= _QUOTED_CHARS else text[: _QUOTED_CHARS - 1] + "…"


class Problems:
    """Everything that is wrong with one document; raised together."""

    def __init__(self, *, file: str, lines: LineMap) -> None:
        self._file = file
        self._lines = lines
        self._found: set[tuple[int, str]] = set()
        self._count = 0

    @property
    def full(self) -> bool:
        """Whether further problems are only counted."""
        return len(self._found) >= MAX_POLICY_PROBLEMS

    def add(self, message: str, *, at: KeyPath) -> None:
        """Record *message* about the key *at*."""
        self._count += 1
        if not self.full:
            # Keys of the document are in messages; none may start a line of its own.
            text = printable(message).replace("\n", "\\n")
            self._found.add((self._lines.line(at), text))

    def line(self, at: KeyPath) -> int:
        """Return the line of the key *at*."""
        return self._lines.line(at)

    def raise_if_any(self) -> None:
        """
        Raise one error that names every problem, in the order of lines.

        Raises:
            PolicyError: There is at least one problem.
        """
        found = sorted(self._found)
        if not found:
            return
        if len(found) == 1:
            line, message = found[0]
            raise PolicyError(message, where=f"{self._file}:{line}")
        listed = [f"\n  {self._file}:{line}: {message}" for line, message in found]
        if self._count > len(found):
            listed.append(f"\n  and {self._count - len(found)} more")
        raise PolicyError(f"{self._count} problems:{''.join(listed)}\n", where=self._file)


class Table:
    """
    One table of the document, read key by key.

    Each reader returns a usable value even where it records a problem, so that one pass finds
    all of them; the caller has to call `finish` and, at the end, `Problems.raise_if_any`.
    """

    def __init__(
        self, data: Mapping[str, object], /, *, at: KeyPath, name: str, problems: Problems
    ) -> None:
        self._data = data
        self._at = at
        self._name = name
        self._problems = problems
        self._known: list[str] = []

    @property
    def name(self) -> str:
        """What messages call the table."""
        return self._name

    @property
    def key(self) -> str:
        """The last key of the table's path, as it is."""
        return str(self._at[-1])

    @property
    def line(self) -> int:
        """The line on which the table starts."""
        return self._problems.line(self._at)

    @property
    def keys(self) -> tuple[str, ...]:
        """All keys that the document gives the table."""
        return tuple(self._data)

    def has(self, key: str) -> bool:
        """Tell whether the document gives *key*."""
        return key in self._data

    def problem(
        self,
        message: str,
        *,
        section: str | None = None,
        key: str | None = None,
        index: int | None = None,
    ) -> None:
        """Record a problem of the table, or of its *section*'s *key*'s element *index*."""
        place = tuple(part for part in (section, key, index) if part is not None)
        self._problems.add(f"{self._name}: {message}", at=(*self._at, *place))

    def text(self, key: str, *, required: bool = True) -> str | None:
        """Read a string that is not empty; None where it is missing or wrong."""
        value = self._read(key, required=required)
        if value is None:
            return None
        if not isinstance(value, str):
            self._wrong_type(key, "a string", value)
            return None
        if not value.strip():
            self.problem(f"'{key}' is empty", key=key)
            return None
        if _NUL in value:
            self.problem(f"'{key}' has a null character", key=key)
            return None
        return value

    def texts(
        self, key: str, *, required: bool = True, may_be_empty: bool = False
    ) -> tuple[str, ...]:
        """Read a list of different strings, none empty; () where it is missing or wrong."""
        value = self._read(key, required=required)
        if value is None:
            return ()
        if not isinstance(value, list):
            self._wrong_type(key, "a list of strings", value)
            return ()
        if not value and not may_be_empty:
            self.problem(f"'{key}' lists nothing", key=key)
        texts: dict[str, None] = {}
        for index, item in enumerate(value):
            if not isinstance(item, str):
                self._wrong_type(key, "a list of strings", item, index=index)
            elif not item.strip():
                self.problem(f"'{key}' has an empty string", key=key, index=index)
            elif _NUL in item:
                self.problem(f"'{key}' has a null character", key=key, index=index)
            elif item in texts:
                self.problem(f"'{key}' has {quote(item)} twice", key=key, index=index)
            else:
                texts[item] = None
        return tuple(texts)

    def is_list(self, key: str) -> bool:
        """Tell whether the document gives *key* a list."""
        return isinstance(self._data.get(key), list)

    def text_or_texts(self, key: str) -> tuple[str, ...]:
        """Read a string, or a list of different ones; () where it is missing or wrong."""
        if self.is_list(key):
            return self.texts(key)
        text = self.text(key)
        return () if text is None else (text,)

    def words(self, key: str) -> tuple[str, ...]:
        """Read a command: a list of strings in order, none empty; () where missing or wrong."""
        value = self._read(key, required=True)
        if value is None:
            return ()
        if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
            self._wrong_type(key, "a list of strings", value)
            return ()
        if not value or not all(value):
            self.problem(f"'{key}' is empty, or has an empty string", key=key)
            return ()
        if any(_NUL in word for word in value):
            self.problem(f"'{key}' has a null character", key=key)
            return ()
        return tuple(value)

    def integers(
        self, key: str, *, default: tuple[int, ...], least: int, most: int
    ) -> tuple[int, ...]:
        """Read a list of integers from *least* to *most*, at least one."""
        value = self._read(key, required=False)
        if value is None:
            return default
        if not isinstance(value, list):
            self._wrong_type(key, "a list of integers", value)
            return default
        good = [v for v in value if isinstance(v, int) and not isinstance(v, bool)]
        if not good or len(good) < len(value) or not least <= min(good) <= max(good) <= most:
            self.problem(f"'{key}': expected integers from {least} to {most}", key=key)
            return default
        return tuple(sorted(set(good)))

    def numbers_or_texts(self, key: str, *, least: int, most: int) -> tuple[str, ...]:
        """Read a list of integers from *least* to *most* and strings, as strings; () if missing."""
        value = self._read(key, required=False)
        if value is None:
            return ()
        if not isinstance(value, list):
            self._wrong_type(key, "a list of integers and strings", value)
            return ()
        if not value:
            self.problem(f"'{key}' lists nothing", key=key)
        found: list[str] = []
        for index, item in enumerate(value):
            if isinstance(item, str):
                found.append(item)
            elif isinstance(item, bool) or not isinstance(item, int) or not least <= item <= most:
                message = f"'{key}': expected strings, or integers from {least} to {most}"
                self.problem(message, key=key, index=index)
            else:
                found.append(str(item))
        return tuple(found)

    def globs(self, key: str) -> tuple[Glob, ...]:
        """Read a list of globs; () where it is missing or wrong."""
        globs: list[Glob] = []
        for text in self.texts(key):
            problem = glob_problem(text)
            if problem is None:
                globs.append(Glob(text))
            else:
                self.problem(f"'{key}': {quote(text)} {problem}", key=key)
        return tuple(globs)

    def glob(self, key: str, *, required: bool = True) -> Glob | None:
        """Read one glob; None where it is missing or wrong."""
        text = self.text(key, required=required)
        if text is None:
            return None
        problem = glob_problem(text)
        if problem is not None:
            self.problem(f"'{key}': {quote(text)} {problem}", key=key)
            return None
        return Glob(text)

    def flag(self, key: str, *, default: bool) -> bool:
        """Read a boolean."""
        value = self._read(key, required=False)
        if value is None:
            return default
        if not isinstance(value, bool):
            self._wrong_type(key, "true or false", value)
            return default
        return value

    def integer(self, key: str, *, default: int | None, least: int, most: int) -> int:
        """Read an integer from *least* to *most*; it is required where there is no default."""
        fallback = least if default is None else default
        value = self._read(key, required=default is None)
        if value is None:
            return fallback
        if not isinstance(value, int) or isinstance(value, bool):
            self._wrong_type(key, "an integer", value)
            return fallback
        if not least <= value <= most:
            wanted = f"{least}" if least == most else f"{least} to {most}"
            # Hexadecimal literals can be longer than Python agrees to print in decimal.
            found = str(value) if abs(value) < _PRINTED_NUMBER else "a number far outside"
            self.problem(f"'{key}': expected {wanted}, found {found}", key=key)
            return fallback
        return value

    @overload
    def choice(self, key: str, kind: type[E], *, default: E) -> E: ...

    @overload
    def choice(self, key: str, kind: type[E], *, default: None) -> E | None: ...

    def choice(self, key: str, kind: type[E], *, default: E | None) -> E | None:
        """Read one of the values of *kind*; it is required where there is no default."""
        text = self.text(key, required=default is None)
        if text is None:
            return default
        if text not in set(kind):
            valid = ", ".join(kind)
            self.problem(f"'{key}': expected one of {valid}; found {quote(text)}", key=key)
            return default
        return kind(text)

    def day(self, key: str, *, required: bool = True) -> date | None:
        """Read a date without a time, such as `2031-12-31`; None where missing or wrong."""
        value = self._read(key, required=required)
        if value is None:
            return None
        if not isinstance(value, date) or isinstance(value, datetime):
            self._wrong_type(key, "a date such as 2031-12-31, without quotes", value)
            return None
        return value

    def table(self, key: str, *, required: bool = False) -> "Table | None":
        """Read a table; None where it is missing or wrong."""
        value = self._read(key, required=required)
        if value is None:
            return None
        if not isinstance(value, dict):
            self._wrong_type(key, "a table", value)
            return None
        label = key if _BARE_KEY.fullmatch(key) else quote(key)
        name = f"{self._name}.{label}" if self._at else label
        return self._child(value, at=(*self._at, key), name=name)

    def tables(self, key: str, *, noun: str) -> tuple["Table", ...]:
        """Read a list of tables, called *noun* 1, 2, ... in messages; () where missing."""
        value = self._read(key, required=False)
        if value is None:
            return ()
        if not isinstance(value, list):
            self._wrong_type(key, "a list of tables", value)
            return ()
        if not value:
            self.problem(f"'{key}' lists nothing", key=key)
        tables: list[Table] = []
        for index, item in enumerate(value):
            if isinstance(item, dict):
                at = (*self._at, key, index)
                tables.append(self._child(item, at=at, name=f"{noun} {index + 1}"))
            else:
                self._wrong_type(key, "a list of tables", item, index=index)
        return tuple(tables)

    def refuse_others(self, *keys: str, why: str) -> None:
        """Record every key of the document that is not one of *keys*."""
        for key in self._data:
            if key not in keys:
                self.problem(f"{quote(key)} {why}", key=key)

    def finish(self) -> None:
        """Record every key that nobody read."""
        for key in self._data:
            if key in self._known:
                continue
            if self._problems.full:
                self.problem("unknown key", key=key)
                continue
            close = difflib.get_close_matches(key[:_QUOTED_CHARS], self._known, n=1)
            hint = f"; did you mean '{close[0]}'?" if close else ""
            known = ", ".join(self._known)
            self.problem(f"unknown key {quote(key)}{hint} (known: {known})", key=key)

    def _read(self, key: str, *, required: bool) -> object:
        self._known.append(key)
        if key not in self._data and required:
            self.problem(f"'{key}' is missing")
        return self._data.get(key)

    def _child(self, data: Mapping[str, object], *, at: KeyPath, name: str) -> "Table":
        return Table(data, at=at, name=name, problems=self._problems)

    def _wrong_type(
        self, key: str, expected: str, value: object, *, index: int | None = None
    ) -> None:
        kind = _toml_type(value)
        self.problem(f"'{key}': expected {expected}, found {kind}", key=key, index=index)


def read_document(data: bytes, *, file: str) -> tuple[Table, Problems]:
    """
    Parse the TOML document *data*, called *file* in messages, into its root table.

    Raises:
        PolicyError: The document is too large, not UTF-8 or not TOML.
    """
    if len(data) > MAX_POLICY_BYTES:
        raise PolicyError(
            "the file is too large",
            where=file,
            expected=f"at most {MAX_POLICY_BYTES} bytes",
            found=f"{len(data)}",
        )
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise PolicyError("the file is not UTF-8", where=f"{file}:{line}") from error
    for number, content in enumerate(text.split("\n"), start=1):
        if len(content) > MAX_POLICY_LINE_CHARS:
            raise PolicyError(
                "the line is too long",
                where=f"{file}:{number}",
                expected=f"at most {MAX_POLICY_LINE_CHARS} characters",
                found=f"{len(content)}",
            )
    try:
        document = tomllib.loads(text)
        lines = locate_keys(text)
    except RecursionError as error:
        raise PolicyError("the file nests too deeply", where=file) from error
    except ValueError as error:
        # tomllib's own TOMLDecodeError, or an integer with too many digits.
        raise _syntax_error(str(error), file=file, lines=text.count("\n") + 1) from error
    problems = Problems(file=file, lines=lines)
    return Table(document, at=(), name="top level", problems=problems), problems


def _syntax_error(message: str, *, file: str, lines: int) -> PolicyError:
    place = _TOML_PLACE.search(message)
    if place is not None:
        where = f"{file}:{place.group(1)}"
        message = message[: place.start()]
    elif message.endswith(" (at end of document)"):
        where = f"{file}:{lines}"
    else:
        where = file
    return PolicyError(f"not valid TOML: {quote(message)[1:-1]}", where=where)


def _toml_type(value: object) -> str:
    """Return what TOML calls the type of *value*."""
    names: tuple[tuple[type | tuple[type, ...], str], ...] = (
        (bool, "a boolean"),
        (str, "a string"),
        (int, "an integer"),
        (float, "a float"),
        (list, "a list"),
        (dict, "a table"),
    )
    return next((name for kind, name in names if isinstance(value, kind)), "a date or time")
