"""
Sources of graph modules of `torch.fx`: what it prints, and what an attacker would write instead.

Payloads are inert: the most that one does is to write the file `{mark}`.
"""

from typing import Final

from support import pickles as p
from support.torch_files import vector

IMPORTS: Final = """NoneType = type(None)
from _operator import abs as _operator_abs
from builtins import getattr as getattr
from builtins import int as int
from math import floor as math_floor
from math import inf
from math import nan
from math import sqrt as math_sqrt
from torch import device
from typing import List as typing_List
from typing import Union as typing_Union
import torch
import torch.fx._pytree as fx_pytree
import torch.utils._pytree as pytree"""

GOOD: Final = (
    "l = self.l(x)",
    "w = self.w;  b = self.b",
    "mul = w * x;  w = None",
    'seq_0 = getattr(self.seq, "0")(mul)',
    'seq_1 = getattr(getattr(self.seq, "1"), "w/eird-0")(seq_0)',
    'seq_weight = getattr(self.seq, "0").weight',
    "relu = torch.nn.functional.relu(x, inplace = False)",
    "gelu = torch._C._nn.gelu(x)",
    "size = x.size(0);  view = gelu.view(size, -1)",
    "cat = torch.cat([view, view], dim = 1)",
    "sqrt = math_sqrt(size);  truediv = cat / sqrt",
    "getitem = x[(slice(None, None, None), slice(0, size, None), None, Ellipsis)]",
    "to = x.to(device = device(type='cuda', index=0), dtype = torch.float32)",
    "to_1 = x.to('cpu');  getattr_1 = x.shape",
    "norm = torch.functional.norm(x, p = 'fro', dim = None, keepdim = False, out = None)",
    "einsum = torch.functional.einsum('bi,bj->bij', x, x)",
    "masked_fill = x.masked_fill(x_1, -inf)",
    "abs_1 = _operator_abs(x);  neg = -abs_1;  invert = ~neg;  pow_1 = 2 ** x",
    "_assert = torch._assert(x, 'Wrong height! Expected {32} but got Proxy(x)!')",
    "eq = x == 0;  max_1 = torch.max(x, dim = 1);  getattr_2 = max_1.values",
    "reshape = x.reshape(torch.Size([1, -1]))",
    "add_ : torch.Tensor = x.add_(1)",
    "buffer = b.to(x)",
    "pad = torch._C._nn.pad(x, (1, 1), 'constant', nan)",
)
"""Lines that torch.fx prints, or that are as it prints them."""

SIGNATURE: Final = (
    "def forward(self, x : torch.Tensor, x_1 : typing_Union[torch.Tensor,NoneType] = None, "
    "k : int = 3, scale = (1, -inf), *args : typing_List[torch.Tensor], **kw) -> torch.Tensor:"
)


def source(
    *lines: str, imports: str = IMPORTS, signature: str = SIGNATURE, before: str = "\n\n\n"
) -> str:
    """Return a source with *lines* in its function, as torch executes it."""
    body = "".join(f"    {line}\n" for line in ("b = self.b", *lines))
    return f"{imports}{before}{signature}\n{body}    return {{'a': x, 'b': (k, [x_1])}}\n    "


PLAIN: Final = "def forward(self, x):"

ATTACKS: Final = {
    "default": ("def forward(self, x = open('{mark}', 'w').close()):",),
    "keyword-default": ("def forward(self, x, *, y = open('{mark}', 'w').close()):",),
    "annotation": ("def forward(self, x : open('{mark}', 'w').close()):",),
    "annotation-within": ("def forward(self, x : typing_List[open('{mark}', 'w').close()]):",),
    "annotation-of-all": ("def forward(self, x, *a : open('{mark}', 'w').close()):",),
    "return-annotation": ("def forward(self, x) -> open('{mark}', 'w').close():",),
    "decorator": ("@(lambda f: [open('{mark}', 'w').close(), f][1])\ndef forward(self, x):",),
    "call": (PLAIN, "y = open('{mark}', 'w').close()"),
    "call-as-statement": (PLAIN, "open('{mark}', 'w').close()"),
    "argument": (PLAIN, "y = torch.add(x, [1, (open('{mark}', 'w').close(),)][0])"),
    "keyword": (PLAIN, "y = torch.add(x, 1, alpha = open('{mark}', 'w').close() and 1)"),
    "index": (PLAIN, "y = x[(slice(None, None, open('{mark}', 'w').close()),)]"),
    "operand": (PLAIN, "y = x + (open('{mark}', 'w').close() and 1)"),
    "key": (PLAIN, "y = torch.relu({{open('{mark}', 'w').close(): x}})"),
    "walrus": (PLAIN, "y = torch.add(x, (z := [open('{mark}', 'w').close(), 1])[1])"),
    "lambda": (PLAIN, "y = (lambda: open('{mark}', 'w').close())()"),
    "comprehension": (PLAIN, "y = [open('{mark}', 'w').close() for i in (1,)]"),
    "generator": (PLAIN, "y = list(open('{mark}', 'w').close() for i in (1,))"),
    "f-string": (PLAIN, "y = x.to(f'{{open(\"{mark}\", \"w\").close()}}'[:0] or 'cpu')"),
    "condition": (PLAIN, "y = x if open('{mark}', 'w').close() else x"),
    "assert": (PLAIN, "assert open('{mark}', 'w').close()"),
    "with": (PLAIN, "with open('{mark}', 'w').close(): y = x"),
    "if": (PLAIN, "if open('{mark}', 'w').close(): y = x"),
    "nested-function": (PLAIN, "def f(a = open('{mark}', 'w').close()): return a"),
    "nested-class": (PLAIN, "class A: y = open('{mark}', 'w').close()"),
    "import-within": (PLAIN, "import pathlib", "y = pathlib.Path('{mark}').touch()"),
    "starred": (PLAIN, "y = torch.cat([*[open('{mark}', 'w').close() and x]])"),
    "mapping": (PLAIN, "y = torch.relu(**{{'input': [x, open('{mark}', 'w').close()][0]}})"),
    "subscript": (PLAIN, "z = torch.relu(x)", "z.__dict__[open('{mark}', 'w').close()] = x"),
    "attribute-of-self": (PLAIN, "self.y = open('{mark}', 'w').close()"),
    "unpacking": (PLAIN, "y, z = x, open('{mark}', 'w').close()"),
    "annotated-attribute": (PLAIN, "self.y : open('{mark}', 'w').close() = 1"),
    "annotated-in-brackets": (PLAIN, "(self.y) : open('{mark}', 'w').close()"),
    "unicode": (PLAIN, "y = \uff4f\uff50\uff45\uff4e('{mark}', 'w').close()"),
    "unicode-attribute": (PLAIN, "y = torch.\uff53\uff41\uff56\uff45(1, '{mark}')"),
    "escape": (PLAIN, "y = torch.\\\nsave(1, '{mark}')"),
    "name-by-escape": (PLAIN, "y = getattr(torch, 'sa\\x76e')(1, '{mark}')"),
    "getattr": (PLAIN, "y = getattr(torch, 'save')(1, '{mark}')"),
    "getattr-of-builtins": (
        PLAIN,
        "y = getattr(__builtins__, 'get')('open')('{mark}', 'w').close()",
    ),
    "class": (PLAIN, "y = self.__class__.__init__.__globals__['torch'].save(1, '{mark}')"),
    "dict": (PLAIN, "y = self.__dict__.setdefault('y', open)('{mark}', 'w').close()"),
    "globals": (PLAIN, "y = torch.nn.Module.apply.__globals__['torch'].save(1, '{mark}')"),
    "module-of-torch": (PLAIN, "y = torch.os.open('{mark}', 65)"),
    "save": (PLAIN, "y = torch.save(1, '{mark}')"),
    "save-of-a-value": (PLAIN, "y = torch.save(torch.__version__, '{mark}')"),
    "from-file": (PLAIN, "y = torch.from_file('{mark}', True, 1)"),
    "apply": (PLAIN, "y = self.apply(lambda m: open('{mark}', 'w').close())"),
    "exec": (PLAIN, 'y = exec(\'open("{mark}", "w")\')'),
    "while": (PLAIN, "while open('{mark}', 'w').close(): y = x"),
    "for": (PLAIN, "for i in [open('{mark}', 'w').close()]: y = x"),
    "try": (PLAIN, "try: y = open('{mark}', 'w').close()", "finally: z = x"),
    "delete": (PLAIN, "y = {{}}", "del y[y.setdefault(1, open('{mark}', 'w').close()) and 1]"),
    "return": (PLAIN, "return [x, open('{mark}', 'w').close()][0]"),
    "raise": (PLAIN, "raise ValueError(open('{mark}', 'w').close())"),
    "chained": (PLAIN, "y = (x > 1) is open('{mark}', 'w').close()"),
    "and": (PLAIN, "y = 1 and open('{mark}', 'w').close()"),
    "not": (PLAIN, "y = not open('{mark}', 'w').close()"),
    "format": (PLAIN, "y = '%s' % [open('{mark}', 'w').close()]"),
}
"""By name: the signature and the lines of a function that writes the file `{mark}`."""

IMPORTED_ATTACKS: Final = {
    "path": "from pathlib import Path\nPath('{mark}').touch()",
    "one-line": "import torch; torch.save(1, '{mark}')",
    "as-type": "NoneType = type(open('{mark}', 'w').close())",
    "as-none": "NoneType = [type(None), open('{mark}', 'w').close()][0]",
    "class": "class A:\n    a = open('{mark}', 'w').close()",
    "function": "def f(a = open('{mark}', 'w').close()):\n    return a",
    "wrap": "import torch\ntorch.fx._symbolic_trace.wrap([open('{mark}', 'w').close(), 'len'][1])",
    "semicolon": "from math import inf; open('{mark}', 'w').close()",
    "alias": "from _io import open as math_sqrt\nmath_sqrt('{mark}', 'w').close()",
    "star": "from pathlib import *\nPath('{mark}').touch()",
    "string": "'{mark}'\nopen('{mark}', 'w').close()",
    "annotation": "y : open('{mark}', 'w').close() = 1",
    "walrus": "(y := open('{mark}', 'w').close())",
}
"""Imports that write the file `{mark}`."""


def attack(kind: str, mark: str) -> str:
    """Return the function of the attack *kind*, which writes *mark*."""
    signature, *lines = ATTACKS[kind]
    body = "".join(f"    {line}\n" for line in (*lines, "return x"))
    return f"\n\n\n{signature}\n{body}".format(mark=mark)


TENSOR: Final = vector("0", 4)
PARAMETER: Final = p.call(
    p.name("torch._utils", "_rebuild_parameter"),
    TENSOR,
    p.TRUE,
    p.call(p.name("collections", "OrderedDict")),
)


def module(
    kind: str, attribute: str, *, modules: bytes = b"", tensors: bytes = b"", more: bytes = b""
) -> bytes:
    """Return a module of torch, with what its tables hold."""
    return (
        p.new(p.name(kind, attribute))
        + p.dict_of(
            *(p.text("training"), p.TRUE),
            *(p.text("_parameters"), p.dict_of(tensors)),
            *(p.text("_buffers"), p.EMPTY_DICT),
            *(p.text("_modules"), p.dict_of(modules)),
            more,
        )
        + p.BUILD
    )


LINEAR: Final = module("torch.nn.modules.linear", "Linear", tensors=p.text("weight") + PARAMETER)
RELU: Final = module("torch.nn.modules.activation", "ReLU")
SEQUENTIAL: Final = module(
    "torch.nn.modules.container",
    "Sequential",
    modules=p.text("0")
    + LINEAR
    + p.text("1")
    + module("torch.nn.modules.module", "Module", modules=p.text("w/eird-0") + RELU),
)
REDUCE: Final = p.name("torch.fx.graph_module", "reduce_graph_module")
TRACER: Final = p.name("torch.fx._symbolic_trace", "Tracer")


def graph(
    code: str | None = None,
    *,
    imports: str = IMPORTS,
    modules: bytes = b"",
    parameters: bytes = b"",
    buffers: bytes = b"",
    tracer: bytes = TRACER,
    more: bytes = b"",
) -> bytes:
    """Return a graph module: by default one in which every name of `GOOD` is there."""
    function = source(*GOOD, imports="") if code is None else code
    return p.call(
        REDUCE,
        p.dict_of(
            *(p.text("training"), p.TRUE),
            *(p.text("_parameters"), p.dict_of(p.text("w"), PARAMETER, parameters)),
            *(p.text("_buffers"), p.dict_of(p.text("b"), TENSOR, buffers)),
            *(
                p.text("_non_persistent_buffers_set"),
                p.call(p.name("builtins", "set"), p.list_of()),
            ),
            *(p.text("_forward_hooks"), p.call(p.name("collections", "OrderedDict"))),
            *(
                p.text("_modules"),
                p.dict_of(p.text("l"), LINEAR, p.text("seq"), SEQUENTIAL, modules),
            ),
            *(p.text("_code"), p.text(function)),
            *(p.text("_tracer_cls"), tracer),
            *(p.text("_tracer_extras"), p.EMPTY_DICT),
            *(p.text("_replace_hooks"), p.EMPTY_LIST),
            *(p.text("meta"), p.EMPTY_DICT),
            *(p.text("shape_env"), p.NONE),
            more,
        ),
        p.text(imports),
    )


def bare(code: str = "\n\n\ndef forward(self, x):\n    return x\n    ") -> bytes:
    """Return a graph module that holds nothing but its source."""
    return p.call(REDUCE, p.dict_of(p.text("_code"), p.text(code)), p.text(IMPORTS))
