"""The source of a graph module: what torch.fx prints passes, and what does anything else is named."""

import pytest

from support.graphs import ATTACKS, GOOD, IMPORTED_ATTACKS, IMPORTS, PLAIN, attack, source
from weighbridge.core.limits.pickles import MAX_GRAPH_LITERAL_CHARS
from weighbridge.scan.fx_body import Reached
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


def refused(text: str) -> str | None:
    """Return what is said about *text*, for a module with the names that `GOOD` uses."""
    return refuse_source(text, HELD.get)


def plain(*lines: str, imports: str = IMPORTS) -> str:
    """Return a function of x with *lines* in it."""
    body = "".join(f"    {line}\n" for line in lines)
    return f"{imports}\n\n\n{PLAIN}\n{body}"


def test_everything_that_is_printed_passes() -> None:
    """A source with every form of line that torch.fx prints is admitted."""
    assert refused(source(*GOOD)) is None


@pytest.mark.parametrize("line", GOOD)
def test_each_line_passes_by_itself(line: str) -> None:
    """A line does not need the others, but for the values that it uses."""
    values = ("w", "mul", "seq_0", "gelu", "size", "view", "cat", "abs_1", "neg", "max_1")
    assert refused(source(*(f"{name} = x" for name in values), line)) is None


def test_a_wrapped_function_passes() -> None:
    """What torch.fx writes about functions that were wrapped is admitted for imported functions."""
    wrap = '\ntorch.fx._symbolic_trace.wrap("math_sqrt")\n\n'
    assert refused(source("y = math_sqrt(x)", before=wrap)) is None
    unknown = wrap.replace("math_sqrt", "forward")
    assert "torch.fx prints no such line" in (refused(source(before=unknown)) or "")


@pytest.mark.parametrize("kind", ATTACKS)
def test_an_attack_is_refused(kind: str) -> None:
    """Whatever runs something else is refused, in each place of a function."""
    found = refused(IMPORTS + attack(kind, "m/ark"))
    assert found is not None
    assert found.startswith("line ")


@pytest.mark.parametrize("kind", IMPORTED_ATTACKS)
def test_an_attack_among_the_imports_is_refused(kind: str) -> None:
    """Whatever runs something else is refused among the imports, at their start and end."""
    text = IMPORTED_ATTACKS[kind].format(mark="m/ark")
    for imports in (f"{text}\n{IMPORTS}", f"{IMPORTS}\n{text}"):
        found = refused(plain("return x", imports=imports))
        assert found is not None
        assert found.startswith("line ")


LINES = {
    "y = torch.load('a')": "it calls torch.load, which is no listed function",
    "y = torch.load(x)": "it calls torch.load, which is no listed function",
    "y = torch.hub.load(x, 'a')": "it calls torch.hub.load, which is no listed function",
    "y = torch.jit.load(x)": "it calls torch.jit.load, which is no listed function",
    "y = torch.ops.load_library(x)": "it calls torch.ops.load_library",
    "y = torch.ops.aten.relu(x)": "it calls torch.ops.aten.relu",
    "y = torch.classes.load_library(x)": "it calls torch.classes.load_library",
    "y = torch.utils.cpp_extension.load(x)": "it calls torch.utils.cpp_extension.load",
    "y = torch.from_file(x)": "it calls torch.from_file",
    "y = torch.compile(x)": "it calls torch.compile",
    "y = torch.nn.functional.boolean_dispatch(x)": "it calls torch.nn.functional.boolean_dispatch",
    "y = torch.nn.Linear(x, 1)": "it calls torch.nn.Linear",
    "y = torch.fx.wrap(x)": "it calls torch.fx.wrap",
    "y = torch(x)": "it calls torch, which",
    "y = fx_pytree.tree_flatten_spec(x)": "it calls fx_pytree.tree_flatten_spec",
    "y = pytree.tree_map(x)": "it calls pytree.tree_map",
    "y = int(x)": "it calls int, which",
    "y = typing_List(x)": "it calls typing_List, which",
    "y = print(x)": "it calls print, which",
    "y = forward(self, x)": "it calls forward, which",
    "y = x(x)": "it calls x, which",
    "y = x.relu.relu(x)": "it calls x.relu.relu, which",
    "y = x.relu().relu()": "it calls (...).relu, which",
    "y = x[0](1)": "it calls (...), which",
    "y = x.numpy()": "numpy is no listed method",
    "y = x.apply_(print)": "apply_ is no listed method",
    "y = x.map_(x, print)": "map_ is no listed method",
    "y = x.register_hook(x)": "register_hook is no listed method",
    "y = x.backward()": "backward is no listed method",
    "y = x.data_ptr()": "data_ptr is no listed method",
    "y = x.storage()": "storage is no listed method",
    "y = x.as_strided(x)": "as_strided is no listed method",
    "y = x.__reduce_ex__(2)": "__reduce_ex__ is no listed method",
    "y = x.tracer": "x.tracer is no listed attribute",
    "y = x.__class__": "x.__class__ is no listed attribute",
    "y = x.shape.real": "x.shape.real is no listed attribute",
    "y = torch.float32": "torch.float32 is no listed attribute",
    "y = self": "self. is no parameter or buffer",
    "y = self(x)": "self. is no module",
    "y = self.l": "self.l is no parameter or buffer",
    "y = self.w(x)": "self.w is no module",
    "y = self.forward(x)": "self.forward is no module",
    "y = self.other": "self.other is no parameter or buffer",
    "y = self.other(x)": "self.other is no module",
    "y = self.__dict__": "self.__dict__ is no parameter or buffer",
    "y = getattr(self, 'a' 'pply')(x)": "self.apply is no module",
    "y = getattr(self, 'l', x)(x)": "it calls (...), which",
    "y = getattr(x, 'node')": "it calls getattr, which",
    "y = torch.zeros(4)": "it computes with constants only",
    "y = math_sqrt(2)": "it computes with constants only",
    "y = b.repeat(9)": "it calls b.repeat, which is no listed function",
    "y = z;  y = None;  w = y.relu()": "it calls y.relu, which is no listed function",
    "y = z = None;  w = torch.relu(y)": "y is no plain value",
    "y = self.b;  z = y.repeat(9)": "it computes with constants only",
    "y = self.b;  z = y[0]": "it computes with constants only",
    "y = self.b;  z = y.shape": "it computes with constants only",
    "y = self.b;  z = -y": "it computes with constants only",
    "y = 2 ** 10": "it computes with constants only",
    "y = 'a' * 9": "it formats a text",
    "y = 1 < 2": "it computes with constants only",
    "y = 3": "it is no computation",
    "y = [x]": "it is no computation",
    "y = 'a' in x": "it is no computation",
    "y = x is x": "it is no computation",
    "y = 1 < x < 2": "it is no computation",
    "y = -torch.relu(x)": "it is no computation",
    "y = not x": "it is no computation",
    "y = x and x": "it is no computation",
    "y = await x": "it is no computation",
    "y = yield x": "it is no computation",
    "y = torch.add(torch.relu(x), 1)": "(...) is no plain value",
    "y = torch.add(x, y)": "y is no plain value",
    "y = torch.add(x, open)": "open is no plain value",
    "y = torch.add(x, torch.relu)": "torch.relu is no listed constant",
    "y = torch.add(x, torch.os)": "torch.os is no listed constant",
    "y = torch.add(x, self.w)": "self.w is no listed constant",
    "y = torch.add(x, b'a')": "b'a' is no plain value",
    "y = torch.add(x, 1j)": "1j is no plain value",
    "y = torch.add(x, 9223372036854775808)": "9223372036854775808 is no plain value",
    "y = torch.add(x, - -1)": "(...) is no plain value",
    'y = torch.add(x, "\'")': "is no plain value",
    "y = '%999999999s' % x": "it formats a text",
    "y = 'a' + x": "it formats a text",
    "y = torch.add(x, -True)": "(...) is no plain value",
    "y = torch.add(x, 1 + 1)": "(...) is no plain value",
    "y = torch.add(x, x[0])": "(...) is no plain value",
    "y = torch.add(x, slice(1))": "(...) is no plain value",
    "y = torch.add(x, slice(1, 2, stop = 3))": "(...) is no plain value",
    "y = torch.add(x, device('cpu'))": "(...) is no plain value",
    "y = torch.add(x, device(type = 'CPU'))": "it is no device",
    "y = torch.add(x, device(type = x))": "it is no device",
    "y = torch.add(x, device(index = x))": "it is no device",
    "y = torch.add(x, torch.Size([x]))": "x is no plain value",
    "y = torch.add(x, torch.Size(x))": "(...) is no plain value",
    "y = torch.add(x, {**x})": "the key of a dict is no constant",
    "y = torch.add(x, {x: 1})": "the key of a dict is no constant",
    "y = torch.add(x, x, out = x)": "it writes its result into another value",
    "y = torch.add(x, **x)": "its keyword arguments are not written out",
    "y = torch.add(x, __a__ = x)": "its keyword arguments are not written out",
    "y = x[1:2]": "(...) is no plain value",
    "y = z = x": "it is no assignment of one value",
    "y += x": "it is no assignment of one value",
    "y : torch.Tensor": "it is no assignment of one value",
    "pass": "it is no assignment of one value",
    "'a'": "it is no assignment of one value",
    "global y": "it is no assignment of one value",
    "x[0] = x": "it assigns to something other than a name",
    "x.data = x": "it assigns to something other than a name",
    "y, z = x": "it assigns to something other than a name",
    "x.data = None": "it assigns to something other than a name",
    "self = x": "it gives the name self another meaning",
    "torch = x": "it gives the name torch another meaning",
    "getattr = x": "it gives the name getattr another meaning",
    "math_sqrt = None": "it gives the name math_sqrt another meaning",
    "__y = x": "it gives the name __y another meaning",
    "return x": "it is no assignment of one value",
}


@pytest.mark.parametrize("line", LINES)
def test_a_line_is_refused_for_its_reason(line: str) -> None:
    """A line that torch.fx would not print, or that does more, is shown with what is wrong."""
    found = refused(plain("z = torch.relu(x)", line, "return x"))
    number = plain("return x").count("\n") + 1
    shown = line.partition(";  ")[0]
    assert found is not None
    assert found.startswith(f"line {number} of the source that it runs, ")
    assert shown in found.replace("\\'", "'")
    assert LINES[line] in found


SIGNATURES = {
    "def forward(x):": "its first argument is not self",
    "def forward():": "its first argument is not self",
    "def forward(self : int, x):": "its first argument is not self",
    "def forward(self, x, /):": "it has arguments that torch.fx does not print",
    "def forward(self, *, x):": "it has arguments that torch.fx does not print",
    "def forward(self, x, torch):": "it gives the name torch another meaning",
    "def forward(self, x, *self):": "it gives the name self another meaning",
    "def forward(self, x, **getattr):": "it gives the name getattr another meaning",
    "def forward(self, x, math_sqrt):": "it gives the name math_sqrt another meaning",
    "def forward(self, x, __y):": "it gives the name __y another meaning",
    "def forward(self, x = []):": "(...) is no plain value",
    "def forward(self, x = ([],)):": "(...) is no plain value",
    "def forward(self, x = torch.float32):": "torch.float32 is no plain value",
    "def forward(self, x : 'torch.Tensor'):": "'torch.Tensor' is no listed type",
    "def forward(self, x : math_sqrt):": "math_sqrt is no listed type",
    "def forward(self, x : torch.nn.Module):": "torch.nn.Module is no listed type",
    "def forward(self, x : torch.Tensor[int]):": "(...) is no listed type",
    "def forward(self, x : int[x]):": "x is no listed type",
    "def forward(self, x : int | open):": "open is no listed type",
    "def forward(self, x : int & int):": "(...) is no listed type",
    "def forward(self, x) -> (yield):": "(...) is no listed type",
    "def other(self, x):": "the function is not called forward",
    "async def forward(self, x):": "the last statement is not the function forward",
    "class forward:": "the last statement is not the function forward",
}


@pytest.mark.parametrize("signature", SIGNATURES)
def test_a_signature_is_refused_for_its_reason(signature: str) -> None:
    """Arguments, defaults and annotations are those of torch.fx, and constants."""
    found = refused(f"{IMPORTS}\n{signature}\n    return x\n")
    assert found is not None
    assert SIGNATURES[signature] in found


@pytest.mark.parametrize(
    "annotation",
    [
        "torch.Tensor",
        "torch.nn.parameter.Parameter",
        "None",
        "NoneType",
        "int",
        "device",
        "typing_List[torch.Tensor]",
        "typing_Union[int,NoneType]",
        "typing_List[typing_List[int], ...]",
        "int | torch.Tensor | None",
    ],
)
def test_an_annotation_passes(annotation: str) -> None:
    """Types of torch and of typing are admitted, for arguments and for what is returned."""
    head = f"def forward(self, x : {annotation}) -> {annotation}:"
    assert refused(f"{IMPORTS}\n{head}\n    return x\n") is None


IMPORT_LINES = {
    "import os": "torch.fx prints no such line",
    "import torch as os": "torch.fx prints no such line",
    "import torch, os": "torch.fx prints no such line",
    "import torch.hub": "torch.fx prints no such line",
    "import torch.fx._pytree": "torch.fx prints no such line",
    "import torch.fx._pytree as torch": "torch.fx prints no such line",
    "from math import sqrt": "it imports math.sqrt, which is not listed",
    "from math import sqrt as torch": "it imports math.sqrt under another name",
    "from math import sqrt as math_sqrt_": "it imports math.sqrt under another name",
    "from math import inf as torch": "it imports math.inf, which is not listed",
    "from os import system as os_system": "it imports os.system, which is not listed",
    "from torch import load as load": "it imports torch.load, which is not listed",
    "from torch import *": "it imports torch.*, which is not listed",
    "from builtins import open as open": "it imports builtins.open, which is not listed",
    "from builtins import eval as int": "it imports builtins.eval, which is not listed",
    "from builtins import getattr as int": "it imports builtins.getattr, which is not listed",
    "from _operator import methodcaller as _operator_methodcaller": "_operator.methodcaller",
    "from . import a as a": "torch.fx prints no such line",
    "from .math import sqrt as math_sqrt": "torch.fx prints no such line",
    "from __future__ import annotations": "it imports __future__.annotations",
    "from math import sqrt as math_sqrt, sin as math_sin": "torch.fx prints no such line",
    "NoneType = type(1)": "torch.fx prints no such line",
    "NoneType = None": "torch.fx prints no such line",
    "torch = type(None)": "torch.fx prints no such line",
    "x = 1": "torch.fx prints no such line",
    "torch.fx._symbolic_trace.wrap('typing_List')": "torch.fx prints no such line",
    "torch.fx._symbolic_trace.wrap(math_sqrt)": "torch.fx prints no such line",
    "torch.load('math_sqrt')": "torch.fx prints no such line",
    "def forward(self):\n    return 1": "torch.fx prints no such line",
}


@pytest.mark.parametrize("line", IMPORT_LINES)
def test_an_import_is_refused_for_its_reason(line: str) -> None:
    """An import that torch.fx would not print is shown with what is wrong."""
    found = refused(plain("return x", imports=f"{IMPORTS}\n{line}"))
    number = IMPORTS.count("\n") + 2
    assert found is not None
    assert found.startswith(f"line {number} of the source that it runs, ")
    assert IMPORT_LINES[line] in found


def test_a_second_import_of_the_same_function_passes() -> None:
    """A function that is imported under its name with a number, as torch.fx numbers names."""
    imports = f"{IMPORTS}\nfrom math import floor as math_floor_1"
    assert refused(plain("y = math_floor_1(x)", "return y", imports=imports)) is None
    assert refused(plain("y = math_ceil_1(x)", "return y", imports=imports)) is not None


@pytest.mark.parametrize(
    "text", ["\t", "\r", "\f", "\0", "\\", "#", "\xe9", "\uff58", "\u2028", "\x7f"]
)
def test_characters_that_are_never_printed_are_refused(text: str) -> None:
    """Whatever could spell a name in a second way is refused, wherever it stands."""
    found = refused(plain("y = torch.relu(x)", f"z = x.to('{text}')", "return x"))
    assert found is not None
    assert f"it has the character {text!a}" in found
    assert f"line {IMPORTS.count(chr(10)) + 6} " in found


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "it does not parse"),
        ("\n\n", "it does not parse"),
        (IMPORTS, "the last statement is not the function forward"),
        ("def forward(self, x)", "it does not parse"),
        ("def forward(self, x):\n    return", "does not return a value"),
        ("def forward(self, x):\n    y = x", "does not return a value"),
        ("def forward(self, x):\n    return x\nforward = 1", "torch.fx prints no such line"),
        ("def forward(self, x):\n    return " + "(" * 300 + "x" + ")" * 300, "does not parse"),
        ("def forward(self, x):\n    return x" + "[0]" * 100_000, "line 2 of|cannot be parsed"),
        ("def forward(self, x):\n    y = " + "-" * 50_000 + "x", "line 2 of|cannot be parsed"),
        ("def forward(self, x):\n    return " + "1" * 5000, "it does not parse|cannot be parsed"),
    ],
)
def test_no_function_at_all_is_refused(text: str, why: str) -> None:
    """What does not parse, returns nothing or is too deep is refused and breaks nothing."""
    found = refused(text) or ""
    assert any(each in found for each in why.split("|"))


def test_a_long_text_is_refused() -> None:
    """A text in the source has a bounded length, since torch.fx prints it again."""
    most = "a" * MAX_GRAPH_LITERAL_CHARS
    assert refused(plain(f"y = x.to('{most}')", "return y")) is None
    assert "is no plain value" in (refused(plain(f"y = x.to('{most}a')", "return y")) or "")


def test_a_long_line_is_cut() -> None:
    """What is shown of a line does not fill the report."""
    found = refused(plain("y = torch.load(" + "1, " * 5000 + ")", "return x"))
    assert found is not None
    assert len(found) < 400
