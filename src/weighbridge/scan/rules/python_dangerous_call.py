"""Rule `python-dangerous-call`: Python source beside the weights runs, fetches or unpickles."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import ClassVar, Final, NamedTuple

from weighbridge.core.evidence import Confidence, Severity
from weighbridge.scan.analyzers.python_source import PythonReferencesFacts
from weighbridge.scan.interface import Facts, Match, Rule
from weighbridge.scan.python_names import COMPUTED, Reference


class Danger(NamedTuple):
    """What a name is good for, and how grave its use is."""

    purpose: str
    severity: Severity
    confidence: Confidence = Confidence.HIGH


_RUN: Final = Danger("runs a command", Severity.HIGH)
_CODE: Final = Danger("runs code that it makes", Severity.HIGH)
_NATIVE: Final = Danger("calls machine code", Severity.HIGH)
_NETWORK: Final = Danger("uses the network", Severity.MEDIUM)
_UNPICKLE: Final = Danger("deserializes with a loader that executes", Severity.MEDIUM)
_DELETE: Final = Danger("removes or replaces files", Severity.MEDIUM)
_INTERNAL: Final = Danger("reaches for Python internals", Severity.MEDIUM, Confidence.MEDIUM)
_IMPORT: Final = Danger("imports modules by name", Severity.LOW, Confidence.MEDIUM)
_DECODE: Final = Danger("decodes hidden data", Severity.LOW, Confidence.LOW)
_WRITE: Final = Danger("writes files", Severity.LOW)
_HIDDEN: Final = Danger("takes a name that it computes", Severity.MEDIUM, Confidence.LOW)

MODULES: Final[Mapping[str, Danger]] = MappingProxyType(
    {
        **dict.fromkeys(("subprocess", "pty", "commands", "popen2", "sh", "pexpect"), _RUN),
        **dict.fromkeys(("code", "codeop", "marshal", "runpy", "zipimport"), _CODE),
        **dict.fromkeys(("ctypes", "_ctypes", "cffi"), _NATIVE),
        **dict.fromkeys(
            (
                "socket", "_socket", "ssl", "socketserver", "http", "urllib", "urllib2", "urllib3",
                "requests", "httpx", "aiohttp", "ftplib", "smtplib", "poplib", "imaplib",
                "telnetlib", "xmlrpc", "paramiko", "websocket", "websockets", "webbrowser",
                "pycurl",
            ),
            _NETWORK,
        ),
        **dict.fromkeys(("dill", "cloudpickle", "jsonpickle", "shelve"), _UNPICKLE),
    }
)  # fmt: skip
"""Modules of which any function counts."""

NAMES: Final[Mapping[str, Danger]] = MappingProxyType(
    {
        **dict.fromkeys(
            (
                "os.system", "os.popen", "os.startfile", "os.fork", "os.forkpty", "os.execl",
                "os.execle", "os.execlp", "os.execlpe", "os.execv", "os.execve", "os.execvp",
                "os.execvpe", "os.posix_spawn", "os.posix_spawnp", "os.spawnl", "os.spawnle",
                "os.spawnlp", "os.spawnlpe", "os.spawnv", "os.spawnve", "os.spawnvp",
                "os.spawnvpe", "posix.system", "posix.popen", "nt.system", "platform.popen",
                "asyncio.create_subprocess_exec", "asyncio.create_subprocess_shell",
                "multiprocessing.Process", "timeit.timeit", "timeit.Timer", "pip.main",
                "pip._internal.main", "_posixsubprocess.fork_exec", "distutils.spawn.spawn",
                "asyncio.subprocess.create_subprocess_exec", "torch.utils.collect_env.run",
                "multiprocessing.util.spawnv_passfds", "os.execvpe", "os.spawnl", "pdb.run",
            ),
            _RUN,
        ),
        **dict.fromkeys(
            (
                "eval", "exec", "execfile", "types.CodeType", "types.FunctionType",
                "builtins.eval", "builtins.exec", "cProfile.run", "profile.run", "trace.Trace",
                "sys.settrace", "sys.setprofile", "importlib.util.spec_from_file_location",
                "importlib.machinery.SourceFileLoader",
                "importlib.machinery.SourcelessFileLoader",
                "importlib.machinery.ExtensionFileLoader", "imp.load_source",
                "imp.load_dynamic",
            ),
            _CODE,
        ),
        **dict.fromkeys(
            ("torch.ops.load_library", "torch.classes.load_library", "numpy.ctypeslib.load_library",
             "torch.utils.cpp_extension.load", "torch.utils.cpp_extension.load_inline"),
            _NATIVE,
        ),
        **dict.fromkeys(
            ("torch.hub.load", "torch.hub.load_state_dict_from_url",
             "torch.hub.download_url_to_file", "asyncio.open_connection",
             "asyncio.start_server", "numpy.DataSource"),
            _NETWORK,
        ),
        **dict.fromkeys(
            (
                "pickle.load", "pickle.loads", "pickle.Unpickler", "_pickle.load", "_pickle.loads",
                "cPickle.load", "cPickle.loads", "joblib.load", "torch.load", "pandas.read_pickle",
                "yaml.load", "yaml.load_all", "yaml.unsafe_load", "yaml.full_load",
                "torch.jit.load", "torch.package.PackageImporter", "numpy.lib.npyio.load",
                "sklearn.externals.joblib.load", "torch.serialization.load",
                "keras.models.load_model", "tensorflow.keras.models.load_model",
                "tensorflow.saved_model.load",
            ),
            _UNPICKLE,
        ),
        **dict.fromkeys(
            (
                "os.remove", "os.unlink", "os.rmdir", "os.removedirs", "os.rename", "os.replace",
                "os.chmod", "os.chown", "os.symlink", "os.link", "os.truncate", "os.kill",
                "os.setuid", "shutil.rmtree", "shutil.move",
            ),
            _DELETE,
        ),
        **dict.fromkeys(
            ("__builtins__", "sys._getframe", "inspect.currentframe", "gc.get_objects",
             "gc.get_referrers", "sys.meta_path", "sys.path_hooks"),
            _INTERNAL,
        ),
        **dict.fromkeys(
            ("__import__", "importlib.import_module", "importlib.__import__", "compile",
             "pkgutil.resolve_name"),
            _IMPORT,
        ),
        **dict.fromkeys(
            ("base64.b64decode", "base64.b85decode", "base64.b32decode", "base64.a85decode",
             "binascii.unhexlify", "codecs.decode"),
            _DECODE,
        ),
        **dict.fromkeys(("os.write", "shutil.copy", "shutil.copyfile", "shutil.copytree"), _WRITE),
    }
)  # fmt: skip
"""Single names that count."""

_INTERNALS: Final = frozenset(
    {
        "__subclasses__", "__globals__", "__builtins__", "__code__", "__closure__", "__bases__",
        "__mro__", "__reduce__", "__reduce_ex__", "f_globals", "f_builtins", "gi_frame",
        "tb_frame", "cr_frame",
    }
)  # fmt: skip
_DANGEROUS_OWNERS: Final = frozenset({"os", "posix", "nt", "builtins", "sys", *MODULES})
_HARMLESS: Final = (
    "http.HTTPStatus.",
    "subprocess.DEVNULL.",
    "subprocess.PIPE.",
    "subprocess.STDOUT.",
    "urllib.parse.",
)
_WRITING: Final = frozenset("wax+")
_OPENERS: Final = frozenset({"open", "io.open", "codecs.open", "os.fdopen"})


class PythonDangerousCall(Rule[PythonReferencesFacts]):
    """Python source beside the weights runs, fetches or unpickles something."""

    id: ClassVar[str] = "python-dangerous-call"
    severity: ClassVar[Severity] = Severity.HIGH
    consumes: ClassVar[type[Facts]] = PythonReferencesFacts

    def check(self, facts: PythonReferencesFacts, /) -> Iterator[Match]:
        """Yield one match for each name and line."""
        seen: set[tuple[str, int]] = set()
        for reference in facts.references:
            danger = judge(reference)
            if danger is None or (reference.name, reference.line) in seen:
                continue
            seen.add((reference.name, reference.line))
            arguments = f"({reference.arguments})" if reference.called else ""
            yield Match(
                message=f"the source {danger.purpose}: {reference.name}",
                severity=danger.severity,
                confidence=danger.confidence,
                line=reference.line,
                evidence=(f"line {reference.line}: {reference.name}{arguments}",),
            )


def judge(reference: Reference) -> Danger | None:
    """Return what is dangerous about *reference*, or None."""
    name = reference.name
    danger = NAMES.get(name)
    if danger is _CODE and reference.decodes:
        return Danger("runs code that it decodes first", Severity.CRITICAL)
    package = MODULES.get(name.partition(".")[0])
    if reference.exposes and _NETWORK in (danger, package):
        return Danger("sends what the environment holds", Severity.HIGH, Confidence.MEDIUM)
    if danger is not None:
        return danger
    if name in _OPENERS:
        return _WRITE if _writes(reference) else None
    if f"{name}.".startswith(_HARMLESS) or name.endswith(("Error", "Exception", "Expired")):
        return None
    owner, _, attribute = name.rpartition(".")
    if attribute in _INTERNALS:
        return _INTERNAL
    if attribute == COMPUTED:
        return _HIDDEN if owner in _DANGEROUS_OWNERS else None
    # A module by itself does nothing; what is taken from it counts. `from . import code` is
    # the repository's own module: such names begin with a dot.
    return package if owner else None


def _writes(reference: Reference) -> bool:
    """Tell whether a call of `open` asks for writing, by any string among its arguments."""
    modes = (argument.strip() for argument in reference.arguments.split(", ")[1:])
    return any(
        mode[:1] in "'\"" and len(mode) <= 5 and not _WRITING.isdisjoint(mode)  # noqa: PLR2004  a quoted mode such as 'wb+'
        for mode in modes
    )
