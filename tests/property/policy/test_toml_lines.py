"""The locator against documents whose lines are known by construction."""

import tomllib

from hypothesis import given
from hypothesis import strategies as st

from weighbridge.policy.toml_lines import locate_keys

VALUES = st.sampled_from(
    [
        "1",
        "true",
        '"a # \\" ]"',
        "'}'",
        '"""one\ntwo\\\n"""',
        "'''\n[x]\n'''",
        "[1, [2,\n 3], # c\n]",
        "{ k = [{ z = 1 }], 'q q' = 2 }",
        "2031-01-01",
        "2031-01-01 10:00:00Z",
        "-0.5e-3",
        "[]",
        "{}",
    ]
)
HEADERS = st.sampled_from(["", "# note", "[t{0}]", "[ t{0} . 'u v' ]", "[[many]]"])


@given(st.lists(st.tuples(HEADERS, VALUES), max_size=12))
def test_key_is_on_its_line(parts: list[tuple[str, str]]) -> None:
    """Whatever precedes it, a key is found on the line where it was written."""
    text = ""
    expected: dict[tuple[str | int, ...], int] = {}
    table: tuple[str | int, ...] = ()
    many = 0
    for number, (header, value) in enumerate(parts):
        text += header.format(number) + "\n"
        if header == "[[many]]":
            table = ("many", many)
            many += 1
        elif header.startswith("["):
            table = (f"t{number}", "u v") if "u v" in header else (f"t{number}",)
        expected[(*table, f"key{number}")] = text.count("\n") + 1
        text += f"key{number} = {value}\n"
    tomllib.loads(text)
    lines = locate_keys(text)
    assert {path: lines.line(path) for path in expected} == expected


@given(st.text(alphabet="a=.[]{}\"'#,\n 1\\", max_size=40))
def test_any_text_is_survived(text: str) -> None:
    """No text, TOML or not, makes the locator fail or fail to end."""
    assert locate_keys(text).line(("a",)) >= 1
