"""
Names whose effect is known to be harmful, by what they do.

This list denies nothing that the allow-list does not deny already: it only adds severity and
says what would happen. Sources: the advisories named in `docs/threat-model.md`, and the
standard library's own documentation.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Effect(StrEnum):
    """What a harmful name does, as the end of the sentence "this name ..."."""

    COMMANDS = "runs commands"
    CODE = "runs Python code"
    IMPORTS = "finds or imports any function by its name"
    NATIVE = "loads native code or writes to memory"
    UNPICKLES = "unpickles data that was not examined"
    FILES = "opens, changes or deletes files"
    NETWORK = "makes network connections"
    INTERPRETER = "reaches into the running interpreter"


_MODULES: Final[Mapping[Effect, str]] = {
    Effect.COMMANDS: "os posix nt subprocess commands popen2 pty asyncio _posixsubprocess "
    "multiprocessing platform webbrowser antigravity pexpect distutils setuptools pip "
    "ensurepip venv idlelib turtledemo xmlrpc _osx_support _aix_support concurrent",
    Effect.CODE: "code codeop runpy bdb pdb cProfile profile trace timeit doctest unittest "
    "lib2to3 IPython numba torch.jit test ast dis compileall py_compile site",
    Effect.IMPORTS: "importlib imp pkgutil operator functools zipimport modulefinder pydoc "
    "inspect types _frozen_importlib _frozen_importlib_external _operator _functools",
    Effect.NATIVE: "ctypes _ctypes cffi mmap cython",
    Effect.UNPICKLES: "pickle _pickle cPickle dill cloudpickle shelve marshal jsonpickle "
    "pickletools _compat_pickle copyreg copy_reg",
    Effect.FILES: "shutil io _io _pyio tempfile fileinput pathlib glob zipfile tarfile gzip bz2 "
    "lzma codecs dbm sqlite3 _sqlite3 logging csv",
    Effect.NETWORK: "socket _socket ssl http httplib urllib urllib2 requests aiohttp httpx "
    "ftplib smtplib poplib imaplib telnetlib nntplib socketserver asyncore paramiko",
    Effect.INTERPRETER: "sys gc builtins __builtin__ __builtins__ signal threading _thread thread "
    "faulthandler atexit weakref traceback tracemalloc",
}

_NAMES: Final[Mapping[Effect, str]] = {
    Effect.CODE: "builtins.eval builtins.exec builtins.execfile builtins.compile "
    "builtins.breakpoint builtins.map builtins.filter builtins.help "
    "__builtin__.eval __builtin__.exec __builtin__.execfile __builtin__.compile "
    "numpy.testing._private.utils.runstring numpy.testing._private.utils.exec_command "
    "torch.utils._config_module.ConfigModule.load_config torch.hub.load "
    "torch._dynamo.guards.GuardBuilder.get torch.fx.experimental.symbolic_shapes.eval "
    "torch.utils.collect_env.run torch.distributed.rpc.rpc_async",
    Effect.IMPORTS: "builtins.__import__ builtins.getattr builtins.setattr builtins.delattr "
    "builtins.globals builtins.locals builtins.vars __builtin__.__import__ __builtin__.getattr "
    "__builtin__.apply __builtin__.reload",
    Effect.FILES: "builtins.open __builtin__.open __builtin__.file builtins.input numpy.fromfile "
    "numpy.memmap numpy.savetxt numpy.save numpy.DataSource numpy.f2py.compile "
    "scipy.io.FortranFile scipy.io._fortran.FortranFile pandas.read_csv torch.save "
    "catboost.core.Pool catboost.Pool lightgbm.basic.Dataset lightgbm.Dataset "
    "xgboost.core.DMatrix xgboost.DMatrix",
    Effect.UNPICKLES: "numpy.load numpy.lib.npyio.load pandas.read_pickle joblib.load "
    "pandas.io.pickle.read_pickle joblib.numpy_pickle.load joblib.numpy_pickle.ZNDArrayWrapper "
    "joblib.numpy_pickle_compat.ZNDArrayWrapper torch.load torch.serialization.load "
    "torch.jit.unsupported_tensor_ops.execWrapper",
    Effect.COMMANDS: "builtins.exit builtins.quit",
}


def _index(table: Mapping[Effect, str]) -> Mapping[str, Effect]:
    """Return *table* by name."""
    return MappingProxyType(
        {name: effect for effect, names in table.items() for name in names.split()}
    )


_BY_MODULE: Final = _index(_MODULES)
_BY_NAME: Final = _index(_NAMES)


def find_effect(module: str, name: str) -> Effect | None:
    """
    Return what `module.name` does where that is known to be harmful.

    A dotted *name* is judged by every module on its way as well: `random` and `_os.system`
    reach `os` without naming it.
    """
    exact = _BY_NAME.get(f"{module}.{name}")
    if exact is not None:
        return exact
    whole = module.split(".")
    for length in range(len(whole), 0, -1):
        effect = _BY_MODULE.get(".".join(whole[:length]))
        if effect is not None:
            return effect
    for part in name.split(".")[:-1]:
        effect = _BY_MODULE.get(part) or _BY_MODULE.get(part.lstrip("_"))
        if effect is not None:
            return effect
    return None
