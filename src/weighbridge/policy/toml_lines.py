"""
Where in a TOML text each key stands; `tomllib` keeps no line numbers.

The lines serve messages and nothing else: no decision depends on them. The text has been
accepted by `tomllib` before, so this scanner checks no syntax; where it meets something that it
does not understand it stops, and later keys get the line of the nearest key that it knows.
"""

import re
import tomllib
from typing import Final

Key = str | int
KeyPath = tuple[Key, ...]
"""Keys from the document's root; an integer is an index into an array."""

_BARE_KEY: Final = re.compile(r"[A-Za-z0-9_-]+")
_SCALAR: Final = re.compile(r"[^,\]}#\n]+")
_STRINGS: Final = (
    re.compile(r'"""(?:[^"\\]|\\.|"(?!""))*"""+', re.DOTALL),
    re.compile(r"'''(?:[^']|'(?!''))*'''+"),
    re.compile(r'"(?:[^"\\\n]|\\.)*"'),
    re.compile(r"'[^'\n]*'"),
)


class LineMap:
    """Line numbers, from 1, by key path."""

    def __init__(self) -> None:
        self._lines: dict[KeyPath, int] = {}

    def add(self, path: KeyPath, *, line: int) -> None:
        """Record *line* for *path* and for those of its parents that have none yet."""
        for length in range(len(path), 0, -1):
            if path[:length] in self._lines:
                return
            self._lines[path[:length]] = line

    def line(self, path: KeyPath) -> int:
        """Return the line of *path* or of its nearest known parent; 1 for the document."""
        for length in range(len(path), 0, -1):
            if path[:length] in self._lines:
                return self._lines[path[:length]]
        return 1


def locate_keys(text: str) -> LineMap:
    """
    Return the line of every key of *text*, which `tomllib` accepts.

    Raises:
        RecursionError: Arrays nest too deeply; `tomllib` raises it for the same texts.
    """
    scanner = _Scanner(text.replace("\r\n", "\n"))
    scanner.scan_document()
    return scanner.lines


class _NotUnderstoodError(Exception):
    """The scanner is lost; what it has found so far stands."""


class _Scanner:
    def __init__(self, text: str) -> None:
        self.lines = LineMap()
        self._text = text
        self._position = 0
        self._counted = 0
        self._line = 1
        self._array_lengths: dict[KeyPath, int] = {}

    def scan_document(self) -> None:
        """Read expressions to the end."""
        table: KeyPath = ()
        try:
            while self._skip_blank():
                if self._take("[["):
                    table = self._scan_array_header()
                elif self._take("["):
                    table = self._scan_header()
                else:
                    self._scan_pair(table)
        except _NotUnderstoodError:
            return

    def _scan_header(self) -> KeyPath:
        line = self._current_line()
        path = self._resolve(self._scan_key())
        self._expect("]")
        self.lines.add(path, line=line)
        return path

    def _scan_array_header(self) -> KeyPath:
        line = self._current_line()
        *parents, name = self._scan_key()
        self._expect("]]")
        array = (*self._resolve(tuple(parents)), name)
        index = self._array_lengths.get(array, 0)
        self._array_lengths[array] = index + 1
        self.lines.add((*array, index), line=line)
        return (*array, index)

    def _resolve(self, parts: tuple[str, ...]) -> KeyPath:
        """Return the path of a header: a name of an array of tables means its last element."""
        path: KeyPath = ()
        for part in parts:
            path = (*path, part)
            if path in self._array_lengths:
                path = (*path, self._array_lengths[path] - 1)
        return path

    def _scan_pair(self, table: KeyPath) -> None:
        line = self._current_line()
        path = (*table, *self._scan_key())
        self.lines.add(path, line=line)
        self._expect("=")
        self._scan_value(path)

    def _scan_key(self) -> tuple[str, ...]:
        parts = [self._scan_key_part()]
        while self._take("."):
            parts.append(self._scan_key_part())
        return tuple(parts)

    def _scan_key_part(self) -> str:
        self._skip_blank()
        bare = _BARE_KEY.match(self._text, self._position)
        if bare is not None:
            self._position = bare.end()
            return bare.group()
        raw = self._scan_string()
        if raw is None:
            raise _NotUnderstoodError
        try:
            decoded: str = tomllib.loads(f"key = {raw}")["key"]
        except tomllib.TOMLDecodeError as error:
            raise _NotUnderstoodError from error
        return decoded

    def _scan_value(self, path: KeyPath) -> None:
        self._skip_blank()
        if self._take("["):
            self._scan_array(path)
        elif self._take("{"):
            self._scan_inline_table(path)
        elif self._scan_string() is None:
            scalar = _SCALAR.match(self._text, self._position)
            if scalar is None:
                raise _NotUnderstoodError
            self._position = scalar.end()

    def _scan_array(self, path: KeyPath) -> None:
        index = 0
        while not self._take("]"):
            self.lines.add((*path, index), line=self._current_line())
            self._scan_value((*path, index))
            self._take(",")
            index += 1

    def _scan_inline_table(self, path: KeyPath) -> None:
        while not self._take("}"):
            self._scan_pair(path)
            self._take(",")

    def _scan_string(self) -> str | None:
        for pattern in _STRINGS:
            match = pattern.match(self._text, self._position)
            if match is not None:
                self._position = match.end()
                return match.group()
        return None

    def _skip_blank(self) -> bool:
        """Skip space and comments; tell whether anything follows."""
        while self._text.startswith((" ", "\t", "\n", "#"), self._position):
            if self._text[self._position] == "#":
                end = self._text.find("\n", self._position)
                self._position = end if end >= 0 else len(self._text)
            else:
                self._position += 1
        return self._position < len(self._text)

    def _take(self, token: str) -> bool:
        """Skip blanks, and *token* if it comes next; tell whether it did."""
        self._skip_blank()
        if not self._text.startswith(token, self._position):
            return False
        self._position += len(token)
        return True

    def _expect(self, token: str) -> None:
        if not self._take(token):
            raise _NotUnderstoodError

    def _current_line(self) -> int:
        """Return the line of the next token."""
        self._skip_blank()
        self._line += self._text.count("\n", self._counted, self._position)
        self._counted = self._position
        return self._line
