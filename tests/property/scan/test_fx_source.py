"""
Sources of graph modules that are changed anywhere: no change makes one pass that does more.

With PyTorch, what passes is really executed, as unpickling it would, while Python reports whatever
the program opens, starts or connects to.
"""

import ast
import io
import sys
import tokenize
import warnings
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from support.graphs import ATTACKS, GOOD, IMPORTED_ATTACKS, attack, source
from weighbridge.scan.fx_body import Reached
from weighbridge.scan.fx_names import FUNCTIONS, METHODS
from weighbridge.scan.fx_source import refuse_source

HELD = {
    ("l",): Reached.MODULE,
    ("w",): Reached.PARAMETER,
    ("b",): Reached.BUFFER,
    ("seq",): Reached.MODULE,
    ("seq", "0"): Reached.MODULE,
    ("seq", "0", "weight"): Reached.PARAMETER,
    ("seq", "1", "w/eird-0"): Reached.MODULE,
}

EVIL = (
    *("open", "exec", "eval", "__import__", "os", "compile", "globals", "vars", "breakpoint"),
    *("__builtins__", "__class__", "__dict__", "__globals__", "lambda", "import", "from", "as"),
    *("load", "save", "hub", "jit", "ops", "utils", "serialization", "from_file", "load_library"),
    *("apply_", "map_", "numpy", "tofile", "register_hook", "storage", "backward", "data_ptr"),
    *("apply", "to_folder", "forward", "node", "tracer", "getattr", "setattr", "type", "torch"),
    *(":=", "@", "*", "**", ".", "(", ")", "[", "]", "{", "}", ";", ",", "=", ":", "if", "else"),
    *("self", "x", "device", "slice", "inf", "NoneType", "int", "math_sqrt", "typing_List", "None"),
    *("'a'", "b'a'", "f'{x}'", "1", "10 ** 9", "...", "yield", "await", "not", "is", "in", "del"),
)
"""What tokens are exchanged for."""

LINES = (
    *GOOD,
    *(line.format(mark="m/ark") for lines in ATTACKS.values() for line in lines[1:]),
)


def tokens(text: str) -> list[str]:
    """Return the tokens of *text* with the space in front of each."""
    found: list[str] = []
    row, column = 1, 0
    lines = text.split("\n")
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type in {tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}:
            continue
        before = "" if token.start[0] != row else lines[row - 1][column : token.start[1]]
        if token.start[0] != row:
            before = lines[token.start[0] - 1][: token.start[1]]
        found.append(before + token.string)
        row, column = token.end
        if token.type in {tokenize.NEWLINE, tokenize.NL}:
            row, column = row + 1, 0
    return found


WHOLE = tokens(source(*GOOD))


@st.composite
def changed(draw: st.DrawFn) -> str:
    """Return the source of every form of line, with a few tokens and lines changed."""
    parts = list(WHOLE)
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(parts) - 1))
        end = len(parts[at]) - len(parts[at].lstrip(" "))
        other = draw(st.sampled_from(EVIL) | st.sampled_from(WHOLE))
        kind = draw(st.sampled_from(("exchange", "insert", "remove")))
        if kind == "exchange":
            parts[at] = parts[at][:end] + other
        elif kind == "insert":
            parts.insert(at, other)
        else:
            parts[at] = parts[at][:end]
    return "".join(parts)


@st.composite
def mixed(draw: st.DrawFn) -> str:
    """Return a source of lines that compute and of lines that do more."""
    return source(*draw(st.lists(st.sampled_from(LINES), max_size=6)))


@given(text=st.text() | changed() | mixed())
def test_every_text_gets_an_answer(text: str) -> None:
    """Whatever the text is, it is admitted or refused, and nothing breaks."""
    found = refuse_source(text, HELD.get)
    assert found is None or found.startswith(("line ", "its source cannot be parsed"))


@given(text=changed())
@settings(max_examples=300)
def test_what_passes_calls_only_what_is_listed(text: str) -> None:
    """Each call in an admitted source is one of a module, of a listed function or method."""
    if refuse_source(text, HELD.get) is not None:
        return
    tree = ast.parse(text)
    for node in ast.walk(tree):
        assert not isinstance(node, ast.Lambda | ast.JoinedStr | ast.NamedExpr | ast.Starred)
        if isinstance(node, ast.Name | ast.Attribute | ast.arg | ast.alias):
            assert "__" not in str(getattr(node, "id", getattr(node, "attr", "")))
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            assert (
                called in {"getattr", "device", "slice", "type", "torch.Size"}
                or called in FUNCTIONS
                or called.startswith(("self.", "getattr(", "math_", "_operator_abs"))
                or called.rpartition(".")[2] in METHODS
            )


@given(
    lines=st.lists(st.sampled_from(GOOD), max_size=4),
    kind=st.sampled_from(sorted(ATTACKS)),
    at=st.integers(0, 4),
)
def test_an_attack_among_other_lines_is_refused(lines: list[str], kind: str, at: int) -> None:
    """Lines that compute, in front of an attack or behind it, do not hide it."""
    evil = [line.format(mark="m/ark") for line in ATTACKS[kind][1:]]
    assume(evil)
    assert refuse_source(source(*lines[:at], *evil, *lines[at:]), HELD.get) is not None


@given(kind=st.sampled_from(sorted(IMPORTED_ATTACKS)), at=st.integers(0, 13))
def test_an_attack_among_the_imports_is_refused(kind: str, at: int) -> None:
    """Imports that do something else are refused in front of each other import."""
    imports, _, rest = source(*GOOD).partition("\n\n\n")
    lines = imports.split("\n")
    lines.insert(at, IMPORTED_ATTACKS[kind].format(mark="m/ark"))
    assert refuse_source("\n".join(lines) + "\n\n\n" + rest, HELD.get) is not None


WATCHED = ("os.", "subprocess.", "socket.", "shutil.", "ctypes.", "urllib.", "pty.", "tempfile.")
_SEEN: list[str] = []
_STATE = {"watching": False, "hooked": False}


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    """Note what a program does beyond computing; torch's own reading of its sources is none."""
    if not _STATE["watching"]:
        return
    if event == "open" and arguments[1] not in {"r", "rb", None}:
        _SEEN.append(f"open {arguments!r}")
    elif event.startswith(WATCHED) and event not in {"os.listdir", "os.scandir"}:
        _SEEN.append(event)


@pytest.mark.torch
@given(text=changed() | mixed() | st.sampled_from([source(line) for line in GOOD]))
@settings(max_examples=150, deadline=None)
@pytest.mark.filterwarnings("ignore")
def test_what_passes_does_nothing_when_torch_executes_it(text: str) -> None:
    """A source that is admitted opens, starts and connects to nothing when torch loads it."""
    torch: Any = pytest.importorskip("torch")
    reduce: Any = pytest.importorskip("torch.fx.graph_module").reduce_graph_module
    if refuse_source(text, HELD.get) is not None:
        return
    nn = torch.nn
    root = nn.Module()
    root.l = nn.Linear(4, 4)
    root.w = nn.Parameter(torch.ones(4))
    root.register_buffer("b", torch.ones(4))
    root.seq = nn.Sequential(nn.Linear(4, 4), nn.Module())
    root.seq[1].add_module("w/eird-0", nn.ReLU())
    if not _STATE["hooked"]:
        sys.addaudithook(_watch)
        _STATE["hooked"] = True
    _SEEN.clear()
    _STATE["watching"] = True
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            reduce({**vars(root), "_code": text}, "")
    except Exception:  # noqa: BLE001  what does not load does no harm
        pass
    finally:
        _STATE["watching"] = False
    assert _SEEN == []


def test_the_attack_of_each_kind_is_python() -> None:
    """The attacks are valid sources, so that they are not refused for their spelling."""
    for kind in ATTACKS:
        if kind not in {"name-by-escape", "escape"}:
            assert ast.parse(attack(kind, "m/ark")).body
