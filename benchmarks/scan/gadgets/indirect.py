"""Names that lead to others: by attributes, calls, iterators and items."""

from collections.abc import Iterator

from benchmarks.scan.assemble import Call, Node, Ref
from benchmarks.scan.gadgets.interface import (
    OS,
    Gadget,
    call,
    ref,
)
from benchmarks.scan.samples import MARKER_NAME, PYTHON, SHELL


def indirect() -> Iterator[Gadget]:
    """Yield what leads to a harmful name without naming it, or calls what it is given."""
    system = ref("os:system")
    for label, function in (
        ("import_module-getattr", call("builtins:getattr", OS, "system")),
        (
            "__import__-getattr",
            call("builtins:getattr", call("builtins:__import__", "os"), "system"),
        ),
        ("resolve_name", call("pkgutil:resolve_name", "os:system")),
        ("resolve_name-dotted", call("pkgutil:resolve_name", "os.system")),
        ("pydoc.locate", call("pydoc:locate", "os.system")),
        ("attrgetter", Call(call("operator:attrgetter", "system"), (OS,))),
        ("_attrgetter", Call(call("_operator:attrgetter", "system"), (OS,))),
        (
            "itemgetter",
            Call(call("operator:itemgetter", "system"), (call("builtins:vars", OS),)),
        ),
        (
            "sys.modules",
            call("builtins:getattr", call("operator:getitem", ref("sys:modules"), "os"), "system"),
        ),
        ("dict.get", call("builtins:dict.get", ref("os:__dict__"), "system")),
        ("object.__getattribute__", call("builtins:object.__getattribute__", OS, "system")),
        ("module-getattribute", call("types:ModuleType.__getattribute__", OS, "system")),
        (
            "unittest._importer",
            call("builtins:getattr", call("unittest.mock:_importer", "os"), "system"),
        ),
        (
            "logging.config.resolve",
            call(
                "logging.config:BaseConfigurator.resolve",
                call("logging.config:BaseConfigurator", Call(Ref("builtins", "dict"))),
                "os.system",
            ),
        ),
        ("logging.config._resolve", call("logging.config:_resolve", "os.system")),
        ("pickle.whichmodule", call("pickle:_getattribute", OS, "system")),
        ("copyreg.dispatch", call("operator:attrgetter", "system")),
        ("numpy-builtins", call("builtins:dict.get", ref("numpy:__builtins__"), "exec")),
        ("importlib-builtins", call("builtins:dict.get", ref("importlib:__builtins__"), "exec")),
        ("test-resolve", call("pkgutil:resolve_name", "subprocess:getoutput")),
        (
            "multiprocessing-rebuild",
            call(
                "builtins:getattr",
                call("multiprocessing.util:_import_main_module", "os"),
                "system",
            ),
        ),
        (
            "doctest-normalize",
            call("builtins:getattr", call("doctest:_normalize_module", "os"), "system"),
        ),
        ("inspect.getattr_static", call("inspect:getattr_static", OS, "system")),
        (
            "joblib.func",
            call(
                "builtins:getattr",
                call("joblib.externals.cloudpickle.cloudpickle:subimport", "os"),
                "system",
            ),
        ),
        (
            "dill._getattr",
            call("builtins:getattr", call("dill._dill:_import_module", "os"), "system"),
        ),
        ("dill._get_attr", call("dill._dill:_get_attr", OS, "system")),
        ("dill._import", call("dill._dill:_import_module", "os.system")),
        (
            "pandas.import_optional",
            call(
                "builtins:getattr",
                call("pandas.compat._optional:import_optional_dependency", "os"),
                "system",
            ),
        ),
        (
            "torch.package.sys",
            call(
                "builtins:getattr",
                call(
                    "torch.package.importer:_SysImporter.import_module",
                    call("torch.package.importer:_SysImporter"),
                    "os",
                ),
                "system",
            ),
        ),
    ):
        command = PYTHON if label.endswith("builtins") else SHELL
        known = {
            "resolve_name": ("GHSA-vvpj-8cmc-gx39",),
            "pydoc.locate": ("GHSA-5hvc-6wx8-mvv4",),
            "attrgetter": ("GHSA-955r-x9j8-7rhh",),
            "__import__-getattr": ("GHSA-h4rm-mm56-xf63",),
        }
        yield Gadget(
            id=f"chain-{label}",
            node=Call(function, (command,)),
            references=known.get(label, ()),
            proven=label
            not in {"copyreg.dispatch", "unittest._importer", "multiprocessing-rebuild"},
        )
    yield Gadget(
        id="chain-methodcaller",
        node=Call(call("operator:methodcaller", "system", SHELL), (OS,)),
        references=("GHSA-955r-x9j8-7rhh",),
    )
    yield Gadget(
        id="chain-_methodcaller",
        node=Call(call("_operator:methodcaller", "system", SHELL), (OS,)),
    )
    yield Gadget(
        id="chain-methodcaller-locate",
        references=("GHSA-84r2-jw7c-4r5q",),
        node=Call(call("operator:methodcaller", "system", SHELL), (call("pydoc:locate", "os"),)),
    )
    yield Gadget(id="chain-partial", node=Call(call("functools:partial", system, SHELL)))
    yield Gadget(id="partial-stored", node=call("functools:partial", system, SHELL), proven=False)
    yield Gadget(
        id="chain-partialmethod", node=call("functools:partialmethod", system, SHELL), proven=False
    )
    yield Gadget(id="chain-map", node=call("builtins:list", call("builtins:map", system, [SHELL])))
    yield Gadget(
        id="chain-map-tuple", node=call("builtins:tuple", call("builtins:map", system, [SHELL]))
    )
    yield Gadget(
        id="chain-map-set", node=call("builtins:set", call("builtins:map", system, [SHELL]))
    )
    yield Gadget(
        id="chain-map-bytes", node=call("builtins:bytes", call("builtins:map", system, [SHELL]))
    )
    yield Gadget(
        id="chain-map-next", node=call("builtins:next", call("builtins:map", system, [SHELL]))
    )
    yield Gadget(id="chain-map-extend", node=_extended(system))
    yield Gadget(
        id="chain-map-deque",
        node=call("collections:deque", call("builtins:map", system, [SHELL])),
    )
    yield Gadget(
        id="chain-map-counter",
        node=call("collections:Counter", call("builtins:map", system, [SHELL])),
    )
    yield Gadget(
        id="chain-map-ordereddict",
        node=call("collections:OrderedDict", call("builtins:map", system, [SHELL])),
    )
    yield Gadget(
        id="chain-filter", node=call("builtins:list", call("builtins:filter", system, [SHELL]))
    )
    yield Gadget(
        id="chain-starmap",
        node=call("builtins:list", call("itertools:starmap", system, [(SHELL,)])),
    )
    yield Gadget(
        id="chain-takewhile",
        node=call("builtins:list", call("itertools:takewhile", system, [SHELL])),
    )
    yield Gadget(
        id="chain-accumulate",
        node=call("builtins:list", call("itertools:accumulate", [SHELL, SHELL], ref("os:execlp"))),
        proven=False,
    )
    yield Gadget(
        id="chain-iter-sentinel",
        node=call(
            "builtins:list", call("builtins:iter", call("functools:partial", system, SHELL), 0)
        ),
    )
    yield Gadget(
        id="chain-reduce",
        node=call("functools:reduce", ref("os:execlp"), ["touch", MARKER_NAME]),
        proven=False,
    )
    yield Gadget(
        id="chain-defaultdict",
        node=call(
            "operator:getitem",
            call("collections:defaultdict", call("functools:partial", system, SHELL)),
            "x",
        ),
    )
    yield Gadget(
        id="chain-defaultdict-stored",
        node=call("collections:defaultdict", ref("os:getcwd")),
        proven=False,
    )
    yield Gadget(
        id="chain-weakref-finalize",
        node=call("weakref:finalize", ref("os:system"), system, SHELL),
    )
    yield Gadget(id="chain-atexit", node=call("atexit:register", system, SHELL), proven=False)
    yield Gadget(
        id="chain-thread", node=call("_thread:start_new_thread", system, (SHELL,)), proven=False
    )
    yield Gadget(id="chain-signal", node=call("signal:signal", 10, system), proven=False)
    yield Gadget(
        id="chain-property",
        node=call("builtins:property.__get__", call("builtins:property", system), SHELL),
    )
    yield Gadget(id="chain-lru_cache", node=Call(call("functools:lru_cache", system), (SHELL,)))
    yield Gadget(id="chain-vectorize", node=Call(call("numpy:vectorize", system), ([SHELL],)))
    yield Gadget(
        id="chain-frompyfunc", node=Call(call("numpy:frompyfunc", system, 1, 1), ([SHELL],))
    )
    yield Gadget(
        id="chain-apply_along_axis",
        node=call("numpy:apply_along_axis", ref("builtins:print"), 0, [1]),
        proven=False,
    )
    yield Gadget(
        id="chain-fromiter",
        node=call("numpy:fromiter", call("builtins:map", system, [SHELL]), "int64"),
    )
    yield Gadget(
        id="chain-logger", node=call("logging:Handler.handleError", None, None), proven=False
    )
    yield Gadget(id="chain-codecs", node=call("codecs:encode", b"x", "zlib"), proven=False)
    yield Gadget(id="chain-codecs-register", node=call("codecs:register", system), proven=False)
    yield Gadget(
        id="chain-copyreg-pickle",
        node=call("copyreg:add_extension", "os", "system", 77),
        proven=False,
    )
    yield Gadget(id="chain-sys.settrace", node=call("sys:settrace", system), proven=False)
    yield Gadget(id="chain-setattr", node=call("builtins:setattr", OS, "x", 1), proven=False)
    yield Gadget(
        id="chain-type",
        node=call("builtins:type", "T", (), Call(Ref("builtins", "dict"))),
        proven=False,
    )
    yield Gadget(
        id="chain-submit",
        node=call(
            "concurrent.futures:ThreadPoolExecutor.submit",
            call("concurrent.futures:ThreadPoolExecutor", 1),
            system,
            SHELL,
        ),
    )
    yield Gadget(id="chain-timer", node=call("threading:Timer", 0, system, [SHELL]), proven=False)
    yield Gadget(
        id="chain-contextlib",
        node=call("contextlib:ExitStack.callback", call("contextlib:ExitStack"), system, SHELL),
        proven=False,
    )
    yield Gadget(
        id="chain-exitstack-close", node=call("unittest.mock:_patch_stopall"), proven=False
    )
    yield Gadget(id="chain-sched", node=call("sched:scheduler"), proven=False)
    yield Gadget(
        id="chain-rebuild-parameter-hook",
        node=call(
            "torch._utils:_rebuild_parameter_with_state",
            [1],
            False,
            Call(Ref("collections", "OrderedDict")),
            OS,
        ),
        proven=False,
    )
    yield Gadget(
        id="chain-rebuild-from-type",
        node=call(
            "torch._tensor:_rebuild_from_type_v2", system, ref("builtins:str"), (SHELL,), None
        ),
    )
    yield Gadget(
        id="chain-reconstructor",
        node=call("copyreg:_reconstructor", ref("subprocess:Popen"), ref("builtins:object"), None),
        proven=False,
    )
    yield Gadget(
        id="chain-newobj-popen",
        node=call("copyreg:__newobj__", ref("io:FileIO"), MARKER_NAME, "w"),
        proven=False,
    )
    yield Gadget(
        id="chain-sklearn-funct",
        node=call("sklearn.preprocessing:FunctionTransformer", system),
        proven=False,
    )
    yield Gadget(
        id="chain-sklearn-transform",
        node=call(
            "sklearn.preprocessing:FunctionTransformer.transform",
            call("sklearn.preprocessing:FunctionTransformer", system),
            SHELL,
        ),
    )
    yield Gadget(
        id="chain-joblib-delayed",
        node=call(
            "joblib.parallel:BatchedCalls.__call__",
            call(
                "joblib.parallel:BatchedCalls",
                [(system, (SHELL,), Call(Ref("builtins", "dict")))],
                None,
            ),
        ),
        proven=False,
    )
    yield Gadget(
        id="chain-pandas-apply",
        node=call("pandas:Series.apply", call("pandas:Series", [SHELL]), system),
    )
    yield Gadget(
        id="chain-pandas-map",
        node=call("pandas:Series.map", call("pandas:Series", [SHELL]), system),
    )
    yield Gadget(id="chain-pandas-pipe", node=call("pandas.core.common:pipe", SHELL, system))
    yield Gadget(
        id="chain-pandas-apply_if_callable",
        node=call("pandas.core.common:apply_if_callable", system, SHELL),
    )
    yield Gadget(
        id="chain-scipy-quad", node=call("scipy.integrate:quad", system, 0, 1), proven=False
    )
    yield Gadget(
        id="chain-scipy-optimize",
        node=call("scipy.optimize:brute", system, ((0, 1),)),
        proven=False,
    )


def _extended(function: Ref) -> Node:
    """Return a list that is extended by an object with the method `extend`."""
    return Call(
        Ref("builtins", "list.extend"), ([], Call(Ref("builtins", "map"), (function, [SHELL])))
    )
