"""Graph modules in pickles: attributes and modules in which torch would find something else."""

import pytest

from support import pickles as p
from support.graphs import (
    ATTACKS,
    IMPORTED_ATTACKS,
    IMPORTS,
    LINEAR,
    PARAMETER,
    REDUCE,
    RELU,
    SEQUENTIAL,
    TENSOR,
    TRACER,
    attack,
    graph,
    module,
)
from support.scanning import examined
from weighbridge.core.artifact import FileFormat
from weighbridge.core.evidence import Finding, Severity
from weighbridge.core.limits.pickles import MAX_GRAPH_ATTRIBUTES, MAX_GRAPH_SOURCE_CHARS
from weighbridge.scan import pickle_graphs


def findings(*parts: bytes) -> list[Finding]:
    """Return what is found in a pickle of *parts*, but for storages, which are those of torch."""
    evidence = examined(p.stream(*parts), format=FileFormat.PICKLE)
    found = [each for each in evidence if isinstance(each, Finding)]
    return [each for each in found if each.rule != "pickle-persistent-id"]


def reasons(*parts: bytes) -> str:
    """Return the messages of the rule about arguments."""
    found = [each for each in findings(*parts) if each.rule == "pickle-argument"]
    assert all(each.severity is Severity.HIGH for each in found)
    return "\n".join(each.message for each in found)


def calls(*lines: str) -> str:
    """Return the source of a function of x with *lines*."""
    body = "".join(f"    {line}\n" for line in (*lines, "return x"))
    return f"\n\n\ndef forward(self, x):\n{body}"


def test_a_graph_module_passes() -> None:
    """A graph module of which every line and every attribute is torch's own is nothing to report."""
    assert findings(graph()) == []


def test_the_line_is_named() -> None:
    """A finding shows the line of the source that was refused, and why."""
    (found,) = findings(graph(calls("y = torch.relu(x)", "z = torch.load('a.pt')")))
    line = IMPORTS.count("\n") + 6
    assert found.rule == "pickle-argument"
    assert f"line {line} of the source that it runs, \"z = torch.load('a.pt')\"" in found.message
    assert "it calls torch.load, which is no listed function" in found.message
    assert found.evidence[-1] == "torch.fx.graph_module.reduce_graph_module"


@pytest.mark.parametrize("kind", ATTACKS)
def test_an_attack_is_found(kind: str) -> None:
    """A function that does something else is found, wherever in it."""
    assert "of the source that it runs" in reasons(graph(attack(kind, "m/ark")))


@pytest.mark.parametrize("kind", IMPORTED_ATTACKS)
def test_an_attack_among_the_imports_is_found(kind: str) -> None:
    """Imports that do something else are found."""
    text = IMPORTED_ATTACKS[kind].format(mark="m/ark")
    assert "of the source that it runs" in reasons(graph(imports=f"{text}\n{IMPORTS}"))


def test_a_graph_module_within_another_passes() -> None:
    """A graph module may hold others, which it calls and of which it reads parameters."""
    code = calls(
        "y = self.inner(x)", 'z = self.inner.l(y);  w = getattr(self.inner.seq, "0").weight'
    )
    assert findings(graph(code, modules=p.text("inner") + graph())) == []
    assert "self.inner.other is no module" in reasons(
        graph(calls("y = self.inner.other(x)"), modules=p.text("inner") + graph())
    )
    evil = graph(attack("call", "m/ark"))
    assert "of the source that it runs" in reasons(graph(modules=p.text("inner") + evil))


@pytest.mark.parametrize("name", ["_modules", "_parameters", "_buffers"])
def test_tables_in_ordered_dicts_pass(name: str) -> None:
    """Old releases of torch keep tables in ordered dicts: filled, or made of pairs."""
    held = {"_modules": SEQUENTIAL, "_parameters": PARAMETER, "_buffers": TENSOR}[name]
    kind = p.name("collections", "OrderedDict")
    filled = p.call(kind) + p.text("0") + held + p.SETITEM
    listed = p.call(kind, p.list_of(p.list_of(p.text("0"), held)))
    for table in (filled, listed, p.NONE):
        state = p.dict_of(*(p.text("_modules"), table)) if name == "_modules" else None
        more = state or p.dict_of(*(p.text(name), table), *(p.text("_modules"), p.EMPTY_DICT))
        made = p.new(p.name("torch.nn.modules.module", "Module")) + more + p.BUILD
        assert findings(graph(modules=p.text("other") + made)) == []
    again = filled + p.text("0") + held + p.SETITEM
    made = p.new(p.name("torch.nn.modules.module", "Module"))
    made += p.dict_of(p.text(name), again) + p.BUILD
    assert f"its {name} are no dict of their own" in reasons(graph(modules=p.text("o") + made))


OPEN = "\n\nimport pathlib\npathlib.Path('m').touch()\n\ndef f(self, x):\n    y = "
NAMES = [
    '")' + OPEN,
    'a"b',
    "a\\b",
    "a b",
    "a.b",
    "a#b",
    "a{b}",
    "a\nb",
    "",
    "__class__",
    "__a",
    "_a",
    "_graph",
    "_tensor_constant",
    "forward",
    "apply",
    "named_modules",
    "to_folder",
    "graph",
    "\xe9",
    "a" * 257,
]


@pytest.mark.parametrize("name", NAMES)
def test_names_that_would_be_printed_as_code_are_found(name: str) -> None:
    """Names of modules and tensors are plain words: torch.fx prints them without escapes."""
    key = p.text(name)
    within = module("torch.nn.modules.module", "Module", modules=key + RELU)
    expected = "which is no plain name of a module or tensor"
    for made in (
        graph(modules=key + RELU),
        graph(parameters=key + PARAMETER),
        graph(buffers=key + TENSOR),
        graph(modules=p.text("other") + within),
        graph(
            modules=p.text("a")
            + module("torch.nn.modules.linear", "Linear", tensors=key + PARAMETER)
        ),
    ):
        found = reasons(made)
        assert expected in found or "which is a name of torch's own" in found
    if name not in {"_a", "_graph", "_tensor_constant"}:
        assert "takes the place of a method, or has no plain name" in reasons(
            graph(
                modules=p.text("a") + module("torch.nn.modules.linear", "Linear", more=key + TENSOR)
            )
        )


@pytest.mark.parametrize(
    "name", ["a", "0", "a/b-c:d", "functional_29_1/dense_18_1/MatMul", "a" * 256]
)
def test_plain_names_pass(name: str) -> None:
    """Names of modules may be numbers, and paths as ONNX has them."""
    assert findings(graph(modules=p.text(name) + RELU)) == []
    assert findings(graph(parameters=p.text("_param_constant0") + PARAMETER)) == []
    assert findings(graph(buffers=p.text("_tensor_constant12") + TENSOR)) == []


ATTRIBUTES = {
    "its tracer is not": p.text("_tracer_cls") + p.name("torch.nn.modules.module", "Module"),
    "its tracer is not torch.fx": p.text("_tracer_cls") + p.text("Tracer"),
    "the name of its class is none": p.text("_graphmodule_cls_name") + p.text("a b"),
    "_forward_pre_hooks is not empty": p.text("_forward_pre_hooks")
    + p.dict_of(p.integer(0), p.name("torch.nn.functional", "relu")),
    "_forward_hooks_always_called is not empty": p.text("_forward_hooks_always_called")
    + p.call(p.name("collections", "OrderedDict"))
    + p.integer(0)
    + p.TRUE
    + p.SETITEM,
    "_backward_hooks is not empty": p.text("_backward_hooks")
    + p.call(p.name("collections", "OrderedDict"), p.list_of(p.list_of(p.integer(0), p.TRUE))),
    "_erase_node_hooks is not empty": p.text("_erase_node_hooks") + p.list_of(p.TRUE),
    "_state_dict_hooks is not empty": p.text("_state_dict_hooks") + p.text("a"),
    "its attribute 'fn' is not": p.text("fn") + p.name("torch.nn.functional", "relu"),
    "its attribute 'layer' is not": p.text("layer") + RELU,
    "its attribute 'tensor' is not": p.text("tensor") + TENSOR,
    "its attribute '_wrapped_call' is not": p.text("_wrapped_call") + p.name("builtins", "list"),
    "it sets _graph": p.text("_graph") + p.TRUE,
    "it sets code": p.text("code") + p.text("x"),
    "it sets _in_spec": p.text("_in_spec") + p.TRUE,
    "it sets _graphmodule_graph_node_meta_stack_trace": p.text(
        "_graphmodule_graph_node_meta_stack_trace"
    )
    + p.EMPTY_DICT,
    "'named_modules' takes the place of a method": p.text("named_modules") + p.TRUE,
    "'named_parameters' takes the place": p.text("named_parameters") + p.text("a"),
    "'__class__' takes the place": p.text("__class__") + p.TRUE,
    "'__setstate__' takes the place": p.text("__setstate__") + p.TRUE,
    "'b' twice": p.text("b") + p.TRUE,
    "no name is twice": p.text("_code") + p.text("x"),
    "no name is twice, and": p.integer(1) + p.text("x"),
    "no name is twice, and the": p.text("a") + p.TRUE + p.text("a") + p.TRUE,
    "_non_persistent_buffers_set' is not": p.text("__") + p.TRUE,
}


@pytest.mark.parametrize("why", ATTRIBUTES)
def test_an_attribute_that_is_none_of_torchs_is_found(why: str) -> None:
    """Attributes of a graph module are constants, or empty, or torch's own."""
    expected = "'__' takes the place" if why.startswith("_non") else why
    # The dict of the helper has these already: without them, so that they are there once.
    given = graph(more=ATTRIBUTES[why])
    if why.startswith("its tracer"):
        given = graph(tracer=ATTRIBUTES[why].removeprefix(p.text("_tracer_cls")))
    assert expected in reasons(given)


@pytest.mark.parametrize(
    "more",
    [
        p.text("_graphmodule_cls_name") + p.text("GraphModuleImpl"),
        p.text("_is_full_backward_hook") + p.NONE,
        p.text("_forward_pre_hooks") + p.EMPTY_DICT,
        p.text("_lineno_map") + p.dict_of(p.integer(1), p.NONE),
        p.text("labels") + p.list_of(p.text("a"), p.integer(1)),
        p.text("_in_spec") + p.NONE,
    ],
)
def test_constants_pass(more: bytes) -> None:
    """Attributes that are constants or empty are admitted."""
    assert findings(graph(more=more)) == []
    assert findings(graph(tracer=p.NONE)) == []


@pytest.mark.parametrize(
    ("held", "why"),
    [
        (p.text("a"), "its module 'other' is none"),
        (TRACER, "its module 'other' is none"),
        (p.new(TRACER), "it holds torch.fx._symbolic_trace.Tracer, which is no listed module"),
        (TENSOR, "it holds torch._utils._rebuild_tensor_v2, which is no listed module"),
        (p.call(p.name("builtins", "list")), "it holds builtins.list, which is no listed module"),
        (p.new(p.name("acme", "Layer")), "it holds acme.Layer, which is no listed module"),
        (
            p.new(p.name("torch.optim.sgd", "SGD")) + p.EMPTY_DICT + p.BUILD,
            "it holds torch.optim.sgd.SGD, which is no listed module",
        ),
        (
            p.call(p.name("functools", "partial"), p.name("builtins", "list")),
            "it holds functools.partial, which is no listed module",
        ),
        (LINEAR + p.EMPTY_DICT + p.BUILD, "it holds torch.nn.modules.linear.Linear"),
        (LINEAR + p.text("a") + p.TRUE + p.SETITEM, "it holds torch.nn.modules.linear.Linear"),
        (
            p.new(p.name("torch.nn.modules.linear", "Linear")) + p.text("a") + p.BUILD,
            "it holds torch.nn.modules.linear.Linear",
        ),
        (
            p.call(p.name("builtins", "getattr"), RELU, p.text("forward")),
            "it holds builtins.getattr, which is no listed module",
        ),
        (
            p.call(RELU),
            "it holds the result of a computed call, which is no listed module",
        ),
    ],
)
def test_a_module_that_is_none_is_found(held: bytes, why: str) -> None:
    """What a graph module holds as a module is one, with attributes and nothing else."""
    assert why in reasons(graph(modules=p.text("other") + held))


@pytest.mark.parametrize(
    "held", [RELU, p.text("a"), p.name("torch", "Tensor"), p.call(p.name("torch", "Size")), p.TRUE]
)
def test_a_tensor_that_is_none_is_found(held: bytes) -> None:
    """Parameters and buffers are tensors that the stream makes."""
    expected = "its tensor 'other' is not one that the stream makes"
    assert expected in reasons(graph(parameters=p.text("other") + held))
    assert expected in reasons(graph(buffers=p.text("other") + held))


def test_missing_tensors_and_modules_pass_and_are_not_used() -> None:
    """None is no value that a source may use."""
    none = p.text("other") + p.NONE
    assert findings(graph(parameters=none)) == []
    assert findings(graph(modules=none)) == []
    assert "self.other is no parameter or buffer" in reasons(
        graph(calls("y = self.other"), parameters=none)
    )
    assert "self.other is no module" in reasons(graph(calls("y = self.other(x)"), modules=none))


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("y = self.l.weight", None),
        ("y = self.l.bias", "self.l.bias is no parameter or buffer"),
        ("y = self.l.forward(x)", "self.l.forward is no module"),
        ("y = self.l.state_dict", "self.l.state_dict is no parameter or buffer"),
        ("y = self.l.training", "self.l.training is no parameter or buffer"),
        ("y = self.training", "self.training is no parameter or buffer"),
        ("y = self._code", "self._code is no parameter or buffer"),
        ("y = self.w.weight", "self.w.weight is no parameter or buffer"),
        ("y = self.w(x)", "self.w is no module"),
        ("y = self.seq(x)", None),
        ("y = self.l.inner(x)", "self.l.inner is no module"),
        ("y = self.quantized.weight", "self.quantized.weight is no parameter or buffer"),
        ("y = self.quantized(x)", None),
    ],
)
def test_only_what_modules_hold_is_used(line: str, why: str | None) -> None:
    """Names lead through containers, and to the own tensors of torch's layers."""
    own = p.text("weight") + PARAMETER
    more = p.text("quantized") + module("torch.ao.nn.qat.modules.linear", "Linear", tensors=own)
    found = reasons(graph(calls(line), modules=more))
    assert (found == "") is (why is None)
    assert (why or "") in found


def test_a_tensor_among_the_parameters_is_no_stand_in() -> None:
    """Torch computes with a tensor at once that is no parameter, wherever it is kept."""
    code = calls("y = self.t", "z = y.repeat(9)")
    assert reasons(graph(code, parameters=p.text("t") + PARAMETER)) == ""
    found = reasons(graph(code, parameters=p.text("t") + TENSOR))
    assert "it computes with constants only" in found


def test_a_module_in_a_layer_is_not_used() -> None:
    """A layer's own modules are its own business: its class may have methods of their names."""
    layer = module("torch.nn.modules.linear", "Linear", modules=p.text("inner") + RELU)
    given = graph(calls("y = self.layer.inner(x)"), modules=p.text("layer") + layer)
    assert "self.layer.inner is no module" in reasons(given)


@pytest.mark.parametrize(
    "made",
    [
        p.call(REDUCE),
        p.call(REDUCE, p.EMPTY_DICT),
        p.call(REDUCE, p.EMPTY_DICT, p.text("a")),
        p.call(REDUCE, p.dict_of(p.text("_code"), p.text("")), p.text("a")),
        p.call(REDUCE, p.dict_of(p.text("code"), p.text("a")), p.text("a")),
        p.call(REDUCE, p.dict_of(p.text("_code"), p.raw(b"a")), p.text("a")),
        p.call(REDUCE, p.dict_of(p.text("_code"), p.text("a")), p.NONE),
        p.call(REDUCE, p.dict_of(p.text("_code"), p.text("a")), p.text("a"), p.NONE),
        p.call(REDUCE, p.call(p.name("collections", "OrderedDict")), p.text("a")),
        p.new(REDUCE, p.dict_of(p.text("_code"), p.text("a")), p.text("a")),
        graph() + p.EMPTY_DICT + p.BUILD,
        graph() + p.text("a") + p.TRUE + p.SETITEM,
        REDUCE,
        p.list_of(REDUCE),
        p.call(p.name("functools", "partial"), REDUCE, p.EMPTY_DICT),
        p.call(p.name("torch._utils", "_rebuild_parameter"), graph(), p.TRUE, p.NONE),
        p.call(
            p.name("torch._tensor", "_rebuild_from_type_v2"),
            REDUCE,
            p.name("torch", "Tensor"),
            p.tuple_of(p.EMPTY_DICT, p.text("")),
            p.NONE,
        ),
    ],
)
def test_the_function_is_only_called_as_torch_calls_it(made: bytes) -> None:
    """Other arguments, states, and references that are kept for later are found."""
    assert reasons(made) != ""


@pytest.mark.parametrize("name", ["reduce_package_graph_module", "reduce_deploy_graph_module"])
def test_its_siblings_stay_unknown(name: str) -> None:
    """The functions that run the source of a package are on no list."""
    made = p.call(p.name("torch.fx.graph_module", name), p.NONE, p.EMPTY_DICT, p.text("a"))
    assert [each.rule for each in findings(made)] == ["pickle-unknown-global"]


def test_much_source_is_refused() -> None:
    """All sources of a pickle together have a bounded length, also one that is used often."""
    line = "    y = torch.relu(x)\n"
    code = "\n\n\ndef forward(self, x):\n" + line * (MAX_GRAPH_SOURCE_CHARS // len(line) // 2)
    half = graph(code + "    return y\n", imports="import torch")
    assert reasons(half) == ""
    whole = p.tuple_of(half, half, half)
    assert f"the sources have more than {MAX_GRAPH_SOURCE_CHARS} characters" in reasons(whole)


def test_many_attributes_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """All attributes that are looked at for a pickle's graph modules have a bounded number."""
    monkeypatch.setattr(pickle_graphs, "MAX_GRAPH_ATTRIBUTES", 200)
    assert MAX_GRAPH_ATTRIBUTES > 200
    assert reasons(graph()) == ""
    assert "graph modules have more than 200 attributes" in reasons(p.tuple_of(*[graph()] * 5))


def test_many_ways_to_a_module_are_refused() -> None:
    """A few modules that hold each other are many: torch follows each way to each of them."""
    module_of = ("torch.nn.modules.module", "Module")
    inner = p.text("m") + RELU + p.text("n") + RELU
    for depth in (3, 40):
        held = inner
        for _ in range(depth):
            first = module(*module_of, modules=held) + p.put(1)
            held = p.text("m") + first + p.text("n") + p.get(1)
        found = reasons(graph(modules=held))
        assert (found == "") is (depth == 3)
        assert "graph modules have more than" in found or depth == 3
    # A module that holds itself.
    cyclic = p.new(p.name(*module_of)) + p.put(1)
    cyclic += p.dict_of(p.text("_modules"), p.dict_of(p.text("a"), p.get(1))) + p.BUILD
    assert "graph modules have more than" in reasons(graph(modules=p.text("c") + cyclic))
