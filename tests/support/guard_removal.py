"""
Ways to get rid of the guard, each tried in a process of its own, and what became of it.

The table in docs/guard.md is made of this: `stopped` is an error in the program's own call, `not
covered` means that the payload ran.
"""

import json
from dataclasses import dataclass

from support.guarding import Workplace, run_guarded


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """
    A way to get rid of the guard.

    Attributes:
        what: For the table.
        code: Lines of a function that leaves the mark by it, if it can.
    """

    what: str
    code: str


WAYS = (
    Way(
        what="call the original that a replaced function keeps (`__wrapped__`)",
        code="pickle.loads.__wrapped__(EVIL)",
    ),
    Way(
        what="likewise in a child of `multiprocessing`, by spawn or forkserver",
        code="IN_CHILD('pickle.loads.__wrapped__(given)', EVIL)",
    ),
    Way(
        what="instantiate the C unpickler below the guarded class",
        code="pickle.Unpickler.__mro__[1](io.BytesIO(EVIL)).load()",
    ),
    Way(
        what="patch `pickle.loads` back",
        code="pickle.loads = pickle.loads.__wrapped__; pickle.loads(EVIL)",
    ),
    Way(
        what="a subclass of `pickle.Unpickler` that overrides `find_class`",
        code="type('Own', (pickle.Unpickler,), {'find_class': FIND})(io.BytesIO(EVIL)).load()",
    ),
    Way(
        what="a subclass of the C unpickler below the guarded class that overrides `find_class`",
        code=(
            "type('Own', (pickle.Unpickler.__mro__[1],), {'find_class': FIND})"
            "(io.BytesIO(EVIL)).load()"
        ),
    ),
    Way(
        what="an unpickler of the program's own, without `pickle`",
        code="FIND(None, 'pathlib', 'Path').touch(FIND(None, 'pathlib', 'Path')(MARK))",
    ),
    Way(
        what="open a model by `os.open` or `io.FileIO` instead of `open`",
        code="io.FileIO(BAD / 'evil.pkl').read(); Path(MARK).touch()",
    ),
    Way(
        what="read a model by `os.open` with `dir_fd`, or by `open` with an `opener`",
        code=(
            "os.open('evil.pkl', os.O_RDONLY, dir_fd=os.open(BAD, os.O_RDONLY)); Path(MARK).touch()"
        ),
    ),
    Way(
        what="call the original of a native reader (`safe_open.__wrapped__`)",
        code=(
            "import safetensors._safetensors_rust as rust;"
            " rust.safe_open.__wrapped__(BAD / 'unsigned-m.safetensors', 'np').keys();"
            " Path(MARK).touch()"
        ),
    ),
    Way(
        what="load a model by a link with another suffix",
        code="pickle.load(open(BAD / 'link.txt', 'rb'))",
    ),
    Way(
        what="send bytes to a `multiprocessing` pipe of the program's own, and receive an object",
        code=(
            "import multiprocessing; ends = multiprocessing.Pipe();"
            " ends[0].send_bytes(EVIL); ends[1].recv()"
        ),
    ),
    Way(
        what="pickle an object of the program's own whose class calls something, and read it back",
        code="pickle.loads(pickle.dumps(CALLING))",
    ),
    Way(
        what="run Python of a model's directory: `import`, `runpy`, `zipimport`",
        code="import runpy; runpy.run_path(str(BAD / 'hf' / 'x.py'))",
    ),
    Way(
        what="`exec` of the text of a file in a model's directory",
        code="exec(open(BAD / 'hf' / 'x.py').read())",
    ),
    Way(
        what="run Python of a directory without a sign of a model, which no rule names",
        code="import runpy; runpy.run_path(str(PLACE / 'elsewhere' / 'x.py'))",
    ),
    Way(
        what="load a shared library of a model's directory: `ctypes`, `torch.ops.load_library`",
        code="ctypes.CDLL(str(BAD / 'hf' / 'x.so')); Path(MARK).touch()",
    ),
    Way(
        what="run code that was marshalled",
        code="exec(marshal.loads(marshal.dumps(compile('Path(MARK).touch()', 'm', 'exec'))))",
    ),
    Way(
        what="run code that was marshalled into a file (`marshal.load`)",
        code=(
            "exec(marshal.load(io.BytesIO("
            "marshal.dumps(compile('Path(MARK).touch()', 'm', 'exec')))))"
        ),
    ),
    Way(
        what="set the guard's own switch",
        code=(
            "from weighbridge.load.guard import watch; watch.local.working = 1; pickle.loads(EVIL)"
        ),
    ),
    Way(
        what="find the audit hook with `gc` and exchange its code, then use the original",
        code=(
            "hook = next(f for f in gc.get_objects() if callable(f)"
            " and getattr(f, '__name__', '') == '_hook');"
            " hook.__code__ = (lambda event, args: None).__code__;"
            " pickle.loads.__wrapped__(EVIL)"
        ),
    ),
    Way(
        what="`ctypes`: call the C library",
        code="ctypes.CDLL(None).system(b'touch ' + os.fsencode(MARK))",
    ),
    Way(what="`os.execv` of `python -S`", code="os.execv(sys.executable, [PY, '-S', '-c', RUN])"),
    Way(
        what="`os.execve` with a cleaned environment",
        code="os.execve(sys.executable, [PY, '-c', RUN], {})",
    ),
    Way(
        what="`os.execve` of a descriptor of Python, under another name",
        code=(
            "os.execve(os.open(sys.executable, os.O_RDONLY), ['x', '-S', '-c', RUN],"
            " dict(os.environ))"
        ),
    ),
    Way(what="`subprocess` of `python -S`", code="subprocess.run([PY, '-S', '-c', RUN])"),
    Way(what="`subprocess` of `python -I`", code="subprocess.run([PY, '-I', '-c', RUN])"),
    Way(
        what="`subprocess` of `python` with a cleaned environment",
        code="subprocess.run([PY, '-c', RUN], env={})",
    ),
    Way(
        what="`subprocess` of `python` with another `sitecustomize` in front of the hook",
        code=(
            "own = PLACE / 'front'; own.mkdir(); (own / 'sitecustomize.py').touch();"
            " subprocess.run([PY, '-c', RUN], env=os.environ | {'PYTHONPATH':"
            " f\"{own}:{os.environ['PYTHONPATH']}\"})"
        ),
    ),
    Way(
        what="`os.posix_spawn` of `python -S`",
        code="os.waitpid(os.posix_spawn(PY, [PY, '-S', '-c', RUN], os.environ), 0)",
    ),
    Way(
        what="a script whose first line says `python -I`",
        code=(
            "tool = PLACE / 'tool'; tool.write_text(f'#!{PY} -I\\n{RUN}'); tool.chmod(0o700);"
            " subprocess.run([tool])"
        ),
    ),
    Way(
        what="`multiprocessing` by spawn, after the environment of the process was cleaned",
        code="os.environ.pop('PYTHONPATH'); SPAWN([PY, '-c', RUN])",
    ),
    Way(
        what="`os.unsetenv`, which `os.environ` does not know of, then `python`",
        code="os.unsetenv('PYTHONPATH'); subprocess.run([PY, '-c', RUN])",
    ),
    Way(
        what="`env -i python`, or a shell that starts `python -S`",
        code="subprocess.run(['env', '-i', PY, '-S', '-c', RUN])",
    ),
    Way(
        what="`_posixsubprocess.fork_exec` called directly",
        code="SPAWN([PY, '-S', '-c', RUN])",
    ),
)

_SCRIPT = """
import ctypes, gc, importlib.util, io, marshal, pickle, shutil, subprocess

EVIL = bytes.fromhex((BAD / "evil.hex").read_text())
MARK = str(PLACE / "marker")
PY = sys.executable
RUN_MARK = f"open({MARK!r}, 'w').close()"
RUN = "import pickle; pickle.loads(bytes.fromhex(" + repr(EVIL.hex()) + "))"

class Calling:
    def __reduce__(self):
        return Path.touch, (Path(MARK),)

CALLING = Calling()
for folder in (BAD / "hf", PLACE / "elsewhere"):
    folder.mkdir()
    (folder / "x.py").write_text(RUN_MARK)
(BAD / "hf" / "model.safetensors").touch()
shutil.copyfile(importlib.util.find_spec("_queue").origin, BAD / "hf" / "x.so")

def FIND(self, module, name):
    __import__(module)
    found = sys.modules[module]
    for part in name.split("."):
        found = getattr(found, part)
    return found

def IN_CHILD(code, given):
    import multiprocessing
    lines = ["import pickle", "def run(given):", "    try:", "        " + code]
    lines += ["    except PermissionError:", "        raise SystemExit(9)", ""]
    (PLACE / "child.py").write_text(os.linesep.join(lines))
    from child import run
    globals().pop("__file__")  # so that the child does not run all of this
    for method in ("spawn", "forkserver"):
        process = multiprocessing.get_context(method).Process(target=run, args=(given,))
        process.start()
        process.join()
        if process.exitcode != 9:
            raise ValueError(process.exitcode)
    raise PermissionError

def SPAWN(arguments):
    import _posixsubprocess
    from multiprocessing.util import spawnv_passfds
    os.waitpid(spawnv_passfds(os.fsencode(PY), arguments, []), 0)

for number, code in enumerate(json.loads(WAYS)):
    read, write = os.pipe()
    child = os.fork()
    if not child:
        try:
            exec(code)
            said = "ran"
        except PermissionError:
            said = "stopped"
        except BaseException as error:
            said = f"failed: {type(error).__name__}: {error}"
        os.write(write, said.encode())
        os._exit(0)
    os.waitpid(child, 0)
    os.close(write)
    with os.fdopen(read, "rb") as file:
        said = file.read().decode()
    if os.path.exists(MARK):
        os.unlink(MARK)
        said = "not covered"
    OUT[str(number)] = said
"""


def try_all(workplace: Workplace) -> dict[str, str]:
    """Return what became of each way, by what it is called."""
    codes = json.dumps([way.code for way in WAYS])
    outcome = run_guarded(workplace, f"WAYS = {codes!r}\n{_SCRIPT}")
    assert outcome.results, outcome.err
    return {way.what: outcome.results[str(number)] for number, way in enumerate(WAYS)}


def render_table(outcomes: dict[str, str]) -> str:
    """Return the table of docs/guard.md."""
    rows = [f"| {what} | {outcome} |" for what, outcome in outcomes.items()]
    return "\n".join(["| what is tried | outcome |", "|---|---|", *rows])
