"""Names that evaluate text, or unpickle something else."""

from collections.abc import Iterator

from benchmarks.scan.assemble import Call, Ref
from benchmarks.scan.gadgets.interface import (
    COMPILED,
    NESTED,
    Gadget,
    call,
    gadget,
    ref,
)
from benchmarks.scan.samples import MARKER_NAME, PYTHON, SHELL


def evaluators() -> Iterator[Gadget]:
    """Yield what evaluates text as Python."""
    for name in (
        "builtins:eval",
        "builtins:exec",
        "timeit:timeit",
        "timeit:repeat",
        "cProfile:run",
        "profile:run",
        "numpy.f2py.crackfortran:myeval",
    ):
        ran = {"cProfile:run": "GHSA-49gj-c84q-6qm9", "profile:run": "GHSA-7wx9-6375-f5wh"}
        yield gadget(call(name, PYTHON), *([ran[name]] if name in ran else []))
    empty = Call(Ref("builtins", "dict"))
    for name in ("cProfile:runctx", "profile:runctx"):
        yield gadget(call(name, PYTHON, empty, empty), "GHSA-9w88-8rmg-7g2p")
    yield gadget(call("timeit:main", ["-n1", "-r1", PYTHON]))
    yield gadget(
        call("code:InteractiveInterpreter.runsource", call("code:InteractiveInterpreter"), PYTHON),
        "GHSA-q5qq-mvfm-j35x",
    )
    yield gadget(
        call("code:InteractiveInterpreter.runcode", call("code:InteractiveInterpreter"), COMPILED),
        "GHSA-cj3c-v495-4xqh",
    )
    yield gadget(call("code:InteractiveConsole.push", call("code:InteractiveConsole"), PYTHON))
    yield gadget(call("bdb:Bdb.run", call("bdb:Bdb"), PYTHON))
    yield gadget(call("bdb:Bdb.runctx", call("bdb:Bdb"), PYTHON, empty, empty))
    yield gadget(call("trace:Trace.run", call("trace:Trace"), PYTHON), "GHSA-5qwp-399c-mjwf")
    yield gadget(
        call("trace:Trace.runctx", call("trace:Trace"), PYTHON, empty, empty),
        "GHSA-g344-hcph-8vgg",
    )
    yield gadget(
        call("cProfile:Profile.run", call("cProfile:Profile"), PYTHON), "GHSA-x696-vm39-cp64"
    )
    yield gadget(
        call("cProfile:Profile.runctx", call("cProfile:Profile"), PYTHON, empty, empty),
        "GHSA-6vqj-c2q5-j97w",
    )
    yield gadget(call("profile:Profile.run", call("profile:Profile"), PYTHON))
    yield gadget(call("runpy:_run_code", COMPILED, empty))
    yield gadget(call("runpy:_run_module_code", COMPILED))
    yield gadget(call("runpy:run_module", "this"), "GHSA-wfq2-52f7-7qvj", proven=False)
    yield gadget(call("runpy:run_path", "missing.py"), "GHSA-q5qq-mvfm-j35x", proven=False)
    yield gadget(call("doctest:debug_script", PYTHON, True), "GHSA-fqq6-7vqf-w3fg", proven=False)
    yield gadget(call("pdb:run", PYTHON), "GHSA-46h3-79wf-xr6c", proven=False)
    yield gadget(call("idlelib.calltip:get_entity", PYTHON), "GHSA-9xph-j2h6-g47v", proven=False)
    for name, known in (
        ("idlelib.debugobj:ObjectTreeItem.SetText", "GHSA-3vg9-h568-4w9m"),
        ("idlelib.autocomplete:AutoComplete.get_entity", "GHSA-6w4w-5w54-rjvr"),
        ("idlelib.autocomplete:AutoComplete.fetch_completions", "GHSA-7cq8-mj8x-j263"),
        ("idlelib.calltip:Calltip.fetch_tip", "GHSA-8r4j-24qv-fmq9"),
        ("idlelib.run:Executive.runcode", "GHSA-m869-42cg-3xwr"),
        ("idlelib.pyshell:ModifiedInterpreter.runcommand", "GHSA-j343-8v2j-ff7w"),
        ("idlelib.pyshell:ModifiedInterpreter.runcode", "GHSA-3gf5-cxq9-w223"),
        ("torch._dynamo.guards:GuardBuilder.get", "GHSA-86cj-95qr-2p4f"),
        (
            "torch.fx.experimental.symbolic_shapes:ShapeEnv.evaluate_guards_expression",
            "GHSA-f4x7-rfwp-v3xw",
        ),
    ):
        yield gadget(call(name, empty, PYTHON), known, proven=False)
    yield gadget(
        call("torch.utils.bottleneck.__main__:run_cprofile", PYTHON, empty),
        "GHSA-4r9r-ch6f-vxmx",
        proven=False,
    )
    yield gadget(
        call("torch.utils.bottleneck.__main__:run_autograd_prof", PYTHON, empty),
        "GHSA-4whj-rm5r-c2v8",
        proven=False,
    )
    yield gadget(
        call("torch.jit.unsupported_tensor_ops:execWrapper", PYTHON, empty, empty),
        "GHSA-vr7h-p6mm-wpmh",
    )
    yield gadget(call("torch.fx.graph_module:_exec_with_source", PYTHON, empty))
    yield gadget(call("torch.fx.graph_module:_forward_from_src", f"forward = {PYTHON}", empty))
    yield gadget(
        call("lib2to3.pgen2.pgen:ParserGenerator.make_label", None, empty, '""+' + PYTHON),
        "GHSA-p9w7-82w4-7q8m",
        proven=False,
    )
    yield gadget(call("numpy.f2py.crackfortran:getlincoef", PYTHON, []), "GHSA-r8g5-cgf2-4m4m")
    yield gadget(call("numpy.f2py.crackfortran:_eval_length", PYTHON, empty), "GHSA-r8g5-cgf2-4m4m")
    yield gadget(call("numpy.testing._private.utils:runstring", PYTHON, empty))
    yield gadget(call("numpy.testing:runstring", PYTHON, empty))
    yield gadget(call("collections:namedtuple", "N", ["a"]), proven=False)
    yield gadget(call("dataclasses:make_dataclass", "N", [("a", "int")]), proven=False)
    yield gadget(
        call(
            "typing:ForwardRef._evaluate",
            call("typing:ForwardRef", PYTHON),
            empty,
            empty,
            call("builtins:frozenset"),
        )
    )
    yield gadget(call("annotationlib:ForwardRef", PYTHON), proven=False)
    yield gadget(call("inspect:_signature_fromstr", None, None, PYTHON), proven=False)
    yield gadget(call("pandas:eval", PYTHON), proven=False)
    yield gadget(call("pandas.core.computation.eval:eval", PYTHON), proven=False)
    yield gadget(call("sympy:sympify", PYTHON))
    yield gadget(call("sympy.parsing.sympy_parser:parse_expr", PYTHON))
    yield gadget(call("sympy.core.sympify:sympify", PYTHON))
    yield gadget(call("sympy:lambdify", [], PYTHON), proven=False)
    yield gadget(call("site:execsitecustomize"), proven=False)
    yield gadget(call("site:addpackage", "", "missing.pth", None), proven=False)


def unpicklers() -> Iterator[Gadget]:
    """Yield what unpickles, unmarshals or makes code of its argument."""
    for name in (
        "pickle:loads",
        "_pickle:loads",
        "pickle:_loads",
        "dill:loads",
        "cloudpickle:loads",
        "joblib.externals.cloudpickle:loads",
        "torch.storage:_load_from_bytes",
        "multiprocessing.reduction:_ForkingPickler.loads",
        "multiprocessing.reduction:ForkingPickler.loads",
    ):
        yield gadget(call(name, NESTED), "GHSA-84r2-jw7c-4r5q")
    stream_of = call("io:BytesIO", NESTED)
    for name in (
        "pickle:load",
        "_pickle:load",
        "pickle:_load",
        "joblib:load",
        "pandas:read_pickle",
        "joblib.numpy_pickle:load",
        "dill:load",
    ):
        yield gadget(call(name, stream_of))
    yield gadget(call("numpy:load", stream_of, None, True))
    yield gadget(call("numpy.lib.format:read_array", call("io:BytesIO", _npy_of(NESTED)), True))
    yield gadget(call("torch:load", stream_of, None, ref("pickle:__name__")), proven=False)
    yield gadget(call("torch.serialization:load", "missing.pt"), proven=False)
    yield gadget(call("torch.jit:load", "missing.pt"), proven=False)
    yield gadget(call("torch.hub:load", "owner/repository", "model"), proven=False)
    yield gadget(call("torch.package:PackageImporter", "missing.pt"), proven=False)
    yield gadget(
        call("torch.utils.data.datapipes.utils.decoder:basichandlers", "pickle", NESTED),
        "GHSA-h3qp-7fh3-f8h4",
    )
    yield gadget(
        call("torch.utils._config_module:ConfigModule.load_config", None, NESTED),
        "GHSA-vv6j-3g6g-2pvj",
    )
    yield gadget(
        call("lib2to3.pgen2.grammar:Grammar.loads", call("lib2to3.pgen2.grammar:Grammar"), NESTED),
        "GHSA-f54q-57x4-jg88",
    )
    yield gadget(call("logging.config:_clearExistingHandlers"), proven=False)
    yield gadget(call("marshal:loads", b"N"), "GHSA-565g-hwwr-4pp3")
    yield gadget(
        call("types:FunctionType", COMPILED, Call(Ref("builtins", "dict"))),
        "GHSA-565g-hwwr-4pp3",
        proven=False,
    )
    yield Gadget(
        id="types.FunctionType-called",
        references=("GHSA-565g-hwwr-4pp3",),
        node=Call(call("types:FunctionType", COMPILED, Call(Ref("builtins", "dict")))),
    )
    yield gadget(call("types:CodeType"), proven=False)
    yield gadget(call("cloudpickle.cloudpickle:subimport", "antigravity"))
    yield gadget(call("dill._dill:_import_module", "antigravity"))
    yield gadget(call("dill._dill:_create_function", COMPILED), proven=False)
    yield gadget(call("dill._dill:_eval_repr", PYTHON), proven=False)
    yield gadget(call("jsonpickle:decode", '{"py/object": "os.system"}'), proven=False)
    yield gadget(call("yaml:unsafe_load", f"!!python/object/apply:os.system ['{SHELL}']"))
    yield gadget(call("shelve:open", MARKER_NAME))
    yield gadget(call("joblib.numpy_pickle:NDArrayWrapper", "missing.npy", None), proven=False)
    yield gadget(call("joblib.numpy_pickle:ZNDArrayWrapper", "missing.z", None, None), proven=False)
    yield gadget(call("pickle:Unpickler.load", call("pickle:_Unpickler", stream_of)), proven=False)
    yield gadget(call("pickle:_Unpickler.load", call("pickle:_Unpickler", stream_of)))
    yield gadget(call("torch._weights_only_unpickler:load", stream_of), proven=False)
    yield gadget(
        call(
            "torch.fx.graph_module:reduce_graph_module", Call(Ref("builtins", "dict")), "import os"
        ),
        proven=False,
    )


def _npy_of(pickled: bytes) -> bytes:
    """Return a .npy of objects with *pickled* in it."""
    header = b"{'descr': '|O', 'fortran_order': False, 'shape': (), }"
    padding = b" " * (-(len(header) + 11) % 64)
    whole = header + padding + b"\n"
    return b"\x93NUMPY\x01\x00" + len(whole).to_bytes(2, "little") + whole + pickled
