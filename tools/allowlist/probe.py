"""
Says of each class of installed packages what unpickling an instance of it would run.

Runs inside an environment that has the packages, with any Python from 3.6 on, and needs
nothing else: `python probe.py OUT.json PACKAGE...`. Nothing is unpickled.
"""

import ast
import hashlib
import importlib
import inspect
import json
import os
import pkgutil
import signal
import sys
import textwrap
import warnings

HOOKS = (
    "__new__",
    "__setstate__",
    "__getattr__",
    "__getattribute__",
    "__setattr__",
    "__del__",
    "__hash__",
    "__eq__",
    "__setitem__",
    "append",
    "extend",
    "add",
    "_missing_",
)
"""What an unpickler, or the program's memory management after it, calls without being told."""

CONTAINERS = ("__setitem__", "append", "extend", "add")
RUNNERS = {
    "eval",
    "exec",
    "execfile",
    "__import__",
    "import_module",
    "system",
    "popen",
    "Popen",
    "check_output",
    "check_call",
    "getoutput",
    "spawn",
    "execv",
    "execve",
    "fork",
    "run_path",
    "run_module",
    "exec_module",
    "urlopen",
    "urlretrieve",
    "create_connection",
    "unpickle",
    "load_module",
}
"""Functions that run, import or fetch what they are told, by the last part of their name."""

OPENERS = {
    "open",
    "load",
    "loads",
    "fromfile",
    "memmap",
    "loadtxt",
    "genfromtxt",
    "read_csv",
    "read_pickle",
    "remove",
    "unlink",
    "rmtree",
    "makedirs",
    "mkdir",
    "rename",
    "Load",
    "LoadFromFile",
    "load_from_file",
    "load_model",
    "from_pretrained",
    "hf_hub_download",
    "cached_download",
    "load_state_dict_from_url",
    "save",
    "dump",
    "tofile",
}
"""Functions that open what they are told; they matter where that is an attribute of the object."""

SKIPPED = ("tests", "test", "testing", "conftest", "__main__", "setup", "_test", "benchmarks")
SECONDS = 20
"""How long importing one module may take."""


class TooSlow(Exception):
    """An import that does not end."""


def walk(name):
    """Yield every module of the package *name* that can be imported here."""
    package = bring(name)
    if package is None:
        return
    yield package
    if not hasattr(package, "__path__"):
        return
    for found in pkgutil.walk_packages(package.__path__, name + ".", onerror=lambda _: None):
        parts = found.name.split(".")
        if any(part in SKIPPED or part.startswith("test_") for part in parts):
            continue
        module = bring(found.name)
        if module is not None:
            yield module


def bring(name):
    """Import *name*, or return None."""

    def stop(*_):
        raise TooSlow(name)

    signal.signal(signal.SIGALRM, stop)
    signal.alarm(SECONDS)
    try:
        return importlib.import_module(name)
    except BaseException:  # a module may do anything when it is imported, exiting included
        return None
    finally:
        signal.alarm(0)


def label(kind):
    """Return `module:qualname`."""
    return "{}:{}".format(kind.__module__, kind.__qualname__)


def digest(function):
    """Return a digest of the source of *function*, or `compiled`."""
    function = getattr(function, "__func__", function)
    function = inspect.unwrap(function) if callable(function) else function
    try:
        source = textwrap.dedent(inspect.getsource(function)).strip()
    except (OSError, TypeError, IndexError, SyntaxError):
        return "compiled", ""
    return hashlib.sha256(source.encode()).hexdigest()[:12], source


def called_name(node):
    """Return the last part of the name that a call's function has."""
    if isinstance(node.func, ast.Attribute):
        return node.func.attr
    return getattr(node.func, "id", "")


def of_object(node):
    """Tell whether an argument mentions the object itself."""
    return any(isinstance(part, ast.Name) and part.id == "self" for part in ast.walk(node))


def reach_of_node(tree):
    """Return what the methods of the class *tree* run, and what they open that the object names."""
    found = set()
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = called_name(node)
        root = node.func
        while isinstance(root, ast.Attribute):
            root = root.value
        owner = getattr(root, "id", "")
        if name in RUNNERS or owner == "subprocess":
            # model.eval() switches a layer's mode; only the builtin of that name takes text.
            if name in ("eval", "exec") and isinstance(node.func, ast.Attribute):
                if not node.args or owner in ("self", "model"):
                    continue
            found.add("run:" + name)
        elif name in OPENERS and owner != "self" and node.args and of_object(node.args[0]):
            found.add("open:" + name)
    return sorted(found)


TREES = {}
REACHES = {}


def class_nodes(module):
    """Return the class definitions of *module* by their names."""
    if module not in TREES:
        nodes = TREES[module] = {}
        path = getattr(sys.modules.get(module), "__file__", None) or ""
        if path.endswith(".py"):
            with open(path, "rb") as stream:
                for node in ast.walk(ast.parse(stream.read())):
                    if isinstance(node, ast.ClassDef):
                        nodes.setdefault(node.name, node)
    return TREES[module]


def reach_of(kind):
    """Return what the methods of *kind* and of its bases run or open."""
    found = set()
    for base in kind.__mro__:
        if is_foreign(base) or base is object:
            continue
        if base not in REACHES:
            node = class_nodes(base.__module__).get(base.__name__)
            REACHES[base] = reach_of_node(node) if node is not None else []
        found.update("{} {}".format(label(base), what) for what in REACHES[base])
    return sorted(found)


def is_foreign(kind):
    """Tell whether *kind* is Python's own, whose hooks are known."""
    return kind.__module__ in (
        "builtins",
        "abc",
        "typing",
        "collections",
        "enum",
        "_collections_abc",
    )


def hooks_of(kind, sources):
    """Return the hooks of *kind*: which class defines each, and the digest of its source."""
    found = {}
    for hook in HOOKS:
        for base in kind.__mro__:
            if hook in vars(base):
                break
        else:
            continue
        if is_foreign(base):
            continue
        value = vars(base)[hook]
        if value is None:
            continue
        key, source = digest(value)
        where = "{}.{}".format(label(base), hook)
        sources.setdefault(where, {})[key] = source
        found[hook] = [where, key]
    return found


def describe(kind, sources):
    """Return what is known of *kind*."""
    containers = [b.__name__ for b in (dict, list, set, tuple) if issubclass(kind, b)]
    return {
        "mro": [label(base) for base in kind.__mro__[1:] if base is not object],
        "hooks": hooks_of(kind, sources),
        "reach": reach_of(kind),
        "container": containers[:1],
        "enum": any(b.__name__ == "Enum" and b.__module__ == "enum" for b in kind.__mro__),
        "exception": issubclass(kind, BaseException),
        "type": issubclass(kind, type),
    }


def main():
    """Write what was found as JSON."""
    warnings.simplefilter("ignore")
    target, packages = sys.argv[1], sys.argv[2:]
    sys.argv = sys.argv[:1]
    os.environ.setdefault("MPLBACKEND", "Agg")
    classes, sources, versions = {}, {}, {}
    for name in packages:
        package = bring(name)
        if package is None:
            print("cannot import", name)
            continue
        versions[name] = str(getattr(package, "__version__", "0"))
        for module in walk(name):
            for value in list(vars(module).values()):
                try:
                    good = isinstance(value, type) and value.__module__ == module.__name__
                except BaseException:  # lazy attributes import what is not there
                    continue
                if good and getattr(module, value.__qualname__.split(".")[0], None) is not None:
                    try:
                        classes[label(value)] = describe(value, sources)
                    except BaseException as error:
                        print("cannot describe", value, error)
        print(name, versions[name], len(classes), flush=True)
    with open(target, "w") as stream:
        json.dump({"versions": versions, "classes": classes, "sources": sources}, stream)


if __name__ == "__main__":
    main()
