"""
Which library functions a Python module refers to, under whatever name.

Works on the syntax tree alone; nothing is imported or executed. Names are followed through
imports, assignments, `getattr` with a constant, `__dict__`, `vars`, `globals`, `sys.modules`
and `__import__`, without regard to scopes and order: a name that means `os` anywhere in a
module means `os` everywhere. This over-approximates, and it can be deceived: what computes
its names at run time is reported as computing them, not as what it computes.
"""

import ast
import builtins
from collections.abc import Iterator, Mapping
from typing import Final

from weighbridge.core.limits.documents import MAX_PYTHON_ALIASES, MAX_PYTHON_NAME_CHARS
from weighbridge.core.values import frozen
from weighbridge.scan.python_constants import Texts, constant_text

COMPUTED: Final = "?"
"""Stands for a name that is computed at run time."""

_BUILTINS: Final = frozenset(dir(builtins)) | {"execfile", "__builtins__"}
_STAR: Final = "*"
_IMPORTERS: Final = frozenset(
    {"__import__", "builtins.__import__", "importlib.import_module", "importlib.__import__"}
)
_GETTERS: Final = frozenset({"getattr", "builtins.getattr", "inspect.getattr_static"})
_NAMESPACES: Final = frozenset({"globals", "locals", "vars", "builtins.globals", "builtins.vars"})
_ROUNDS: Final = 6
_LOOKED_AT: Final = 6
"""Arguments of a call that are looked into."""

_SECRETS: Final = frozenset({"os.environ", "os.environb", "os.getenv", "os.getenvb"})


@frozen
class Reference:
    """
    A place where a module refers to a name of a library.

    Attributes:
        name: The dotted name, such as `os.system`; builtins stand without a module, and the
            module's own names begin with a dot.
        line: Line number, from 1.
        called: Whether it is called right there.
        arguments: The call's arguments as source; empty where it is not called.
        decodes: Whether an argument comes out of a decoder or decompressor.
        exposes: Whether an argument comes from the environment, where tokens and keys are.
    """

    name: str
    line: int
    called: bool
    arguments: str = ""
    decodes: bool = False
    exposes: bool = False


@frozen
class Scope:
    """
    What the names of a module stand for, without regard to where it binds them.

    Attributes:
        names: Library names, by the module's own.
        texts: Strings that names are set to.
        decoded: Names that are set to what comes out of a decoder.
        secrets: Names that are set to what the environment holds.
    """

    names: Mapping[str, frozenset[str]]
    texts: Texts
    decoded: frozenset[str] = frozenset()
    secrets: frozenset[str] = frozenset()


def references_in(tree: ast.Module) -> Iterator[Reference]:
    """Yield the references of *tree* to names of libraries and builtins, in no set order."""
    scope = _scope_of(tree)
    called: set[int] = set()  # function expressions that their call has reported, by identity
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called.add(id(node.func))
            yield from _calls(node, scope)
            for name in resolve(node, scope):  # what the call returns, where that is a name
                yield Reference(name=name, line=node.lineno, called=False)
        elif isinstance(node, ast.Attribute | ast.Name | ast.Subscript):
            if isinstance(node.ctx, ast.Load) and id(node) not in called:
                for name in resolve(node, scope):
                    yield Reference(name=name, line=node.lineno, called=False)
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                name = f"{'.' * node.level}{_join(node.module or '', alias.name)}"
                yield Reference(name=name, line=node.lineno, called=False)


def resolve(node: ast.expr, scope: Scope, *, depth: int = 16) -> frozenset[str]:
    """
    Return the dotted names that *node* may stand for; empty when it is nothing known.

    Descends at most *depth* levels; a longer chain of attributes is not a library's name.
    """
    if depth == 0:
        return frozenset()
    match node:
        case ast.Name(id=name):
            return _lookup(name, scope)
        case ast.Attribute():
            owners = resolve(node.value, scope, depth=depth - 1) or {COMPUTED}
            return frozenset(_join(owner, node.attr) for owner in owners)
        case ast.Subscript():
            return _resolve_subscript(node, scope, depth)
        case ast.Call():
            return _resolve_call(node, scope, depth)
        case ast.NamedExpr(value=value):
            return resolve(value, scope, depth=depth - 1)
        case ast.IfExp() | ast.BoolOp():
            return _resolve_choice(node, scope, depth)
        case _:
            return frozenset()


def _lookup(name: str, scope: Scope) -> frozenset[str]:
    """Return what a plain name may stand for; a name that nothing binds is the module's own."""
    if name in scope.names:
        return scope.names[name]
    if name in _BUILTINS:
        return frozenset({name})
    starred = (_join(module, name) for module in scope.names.get(_STAR, ()))
    return frozenset({f".{name}", *starred})


def _resolve_subscript(node: ast.Subscript, scope: Scope, depth: int) -> frozenset[str]:
    """Resolve `owner.__dict__["name"]`, `globals()["name"]` and `sys.modules["name"]`."""
    key = constant_text(node.slice, scope.texts)
    found: set[str] = set()
    for owner in resolve(node.value, scope, depth=depth - 1):
        if owner == "sys.modules":
            found.add(key or COMPUTED)
        elif owner.endswith(".__dict__"):
            found.add(_join(owner.removesuffix(".__dict__"), key or COMPUTED))
        elif owner == "globals()" and key:
            found |= _lookup(key, scope)
        elif owner == "__builtins__" and key:
            found.add(key)
    return frozenset(found)


def _resolve_call(node: ast.Call, scope: Scope, depth: int) -> frozenset[str]:
    """Resolve `getattr(owner, "name")`, `import_module("name")` and `vars(owner)`."""
    functions = resolve(node.func, scope, depth=depth - 1)
    found: set[str] = set()
    if node.args and not functions.isdisjoint(_IMPORTERS):
        module = constant_text(node.args[0], scope.texts) or COMPUTED
        # `__import__("a.b")` gives `a`, `import_module("a.b")` gives `a.b`: either is possible.
        found |= {module, module.partition(".")[0]}
    if len(node.args) > 1 and not functions.isdisjoint(_GETTERS):
        name = constant_text(node.args[1], scope.texts) or COMPUTED
        owners = resolve(node.args[0], scope, depth=depth - 1) or {COMPUTED}
        found |= {_join(owner, name) for owner in owners}
    if not functions.isdisjoint(_NAMESPACES):
        owners = resolve(node.args[0], scope, depth=depth - 1) if node.args else frozenset()
        found |= {f"{owner}.__dict__" for owner in owners} or {"globals()"}
    return frozenset(found)


def _resolve_choice(node: ast.IfExp | ast.BoolOp, scope: Scope, depth: int) -> frozenset[str]:
    """Resolve every branch of `a if x else b` and `a or b`."""
    branches = node.values if isinstance(node, ast.BoolOp) else [node.body, node.orelse]
    return frozenset().union(*(resolve(each, scope, depth=depth - 1) for each in branches))


def _join(owner: str, name: str) -> str:
    """Return `owner.name`; a builtin stands without its module."""
    if owner in {"builtins", "__builtins__", "__builtin__"}:
        return name
    if len(owner) + len(name) > MAX_PYTHON_NAME_CHARS:
        return COMPUTED
    return f"{owner}.{name}"


def _calls(node: ast.Call, scope: Scope) -> Iterator[Reference]:
    """Yield what *node* calls."""
    names = resolve(node.func, scope)
    if names:
        arguments = [*node.args, *(keyword.value for keyword in node.keywords)]
        text = ", ".join(_source(argument) for argument in arguments[:4])
        passed = arguments[:_LOOKED_AT]
        decodes = any(_holds(each, scope, _DECODERS, scope.decoded) for each in passed)
        exposes = any(_holds(each, scope, _SECRETS, scope.secrets) for each in passed)
        for name in names:
            yield Reference(
                name=name,
                line=node.lineno,
                called=True,
                arguments=text,
                decodes=decodes,
                exposes=exposes,
            )


def _source(node: ast.expr) -> str:
    """Return a short form of an argument; only names and strings are spelled out."""
    match node:
        case ast.Constant(value=str() | bytes() as value):
            return repr(value[:100])
        case ast.Constant(value=float() | None as value):
            return repr(value)
        case ast.Name(id=name):
            return name
        case _:
            return "..."


_DECODERS: Final = frozenset(
    {
        "base64.b64decode", "base64.b32decode", "base64.b85decode", "base64.a85decode",
        "base64.b16decode", "base64.urlsafe_b64decode", "base64.standard_b64decode",
        "base64.decodebytes", "binascii.unhexlify", "binascii.a2b_base64", "bytes.fromhex",
        "bytearray.fromhex", "codecs.decode", "zlib.decompress", "gzip.decompress",
        "bz2.decompress", "lzma.decompress",
    }
)  # fmt: skip


def _scope_of(tree: ast.Module) -> Scope:
    """Return what the names that *tree* binds may stand for."""
    names: dict[str, frozenset[str]] = {}
    assignments: list[tuple[str, ast.expr]] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            for name, target in _imported(node):
                names[name] = names.get(name, frozenset()) | {target}
        else:
            assignments.extend(_assigned(node))
    texts: dict[str, str] = {}
    scope = Scope(names=names, texts=texts)
    for _ in range(_ROUNDS):
        if not any([_learn(name, value, scope, names, texts) for name, value in assignments]):  # noqa: C419  each is learned
            break
    words = {
        node.attr if isinstance(node, ast.Attribute) else node.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute | ast.Name)
    }
    decoded = _tainted(assignments, scope, _DECODERS, words)
    secrets = _tainted(assignments, scope, _SECRETS, words)
    return Scope(names=names, texts=texts, decoded=decoded, secrets=secrets)


def _learn(
    name: str,
    value: ast.expr,
    scope: Scope,
    names: dict[str, frozenset[str]],
    texts: dict[str, str],
) -> bool:
    """Take what one assignment says of *name*; tell whether it was new."""
    known = names.get(name, frozenset())
    targets = resolve(value, scope) - known - {f".{name}"}
    new = bool(targets) and len(known) + len(targets) <= MAX_PYTHON_ALIASES
    if new:
        names[name] = known | targets
    if name not in texts and (text := constant_text(value, texts)) is not None:
        texts[name] = text
        new = True
    return new


def _tainted(
    assignments: list[tuple[str, ast.expr]],
    scope: Scope,
    sources: frozenset[str],
    words: set[str],
) -> frozenset[str]:
    """
    Return the names that are set to something in which one of *sources* occurs.

    *words* are those of the whole module: most have none of the sources.
    """
    found: set[str] = set()
    if words.isdisjoint(source.rpartition(".")[2] for source in sources):
        return frozenset()
    for _ in range(_ROUNDS):
        before = len(found)
        found.update(
            name
            for name, value in assignments
            if name not in found and _holds(value, scope, sources, frozenset(found))
        )
        if len(found) == before:
            break
    return frozenset(found)


def _holds(node: ast.expr, scope: Scope, sources: frozenset[str], names: frozenset[str]) -> bool:
    """Tell whether one of *sources*, or of *names*, occurs in *node*."""
    for inner in ast.walk(node):
        if isinstance(inner, ast.Name) and inner.id in names:
            return True
        if isinstance(inner, ast.Name | ast.Attribute) and not sources.isdisjoint(
            resolve(inner, scope)
        ):
            return True
    return False


def _imported(node: ast.Import | ast.ImportFrom) -> Iterator[tuple[str, str]]:
    """Yield the names that an import binds, with what they stand for."""
    for alias in node.names:
        if isinstance(node, ast.Import):
            yield (
                alias.asname or alias.name.partition(".")[0],
                (alias.name if alias.asname else alias.name.partition(".")[0]),
            )
        elif not node.level and node.module:
            target = node.module if alias.name == _STAR else _join(node.module, alias.name)
            yield alias.asname or alias.name, target


def _assigned(node: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    """Yield the names that an assignment binds, with the expressions."""
    match node:
        case ast.Assign(targets=targets, value=value):
            for target in targets:
                yield from _unpacked(target, value)
        case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
            yield name, value
        case ast.NamedExpr(target=ast.Name(id=name), value=value):
            yield name, value
        case ast.withitem(context_expr=value, optional_vars=ast.Name(id=name)):
            yield name, value
        case _:
            return


def _unpacked(target: ast.expr, value: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    """Yield the names of one target, pair by pair where both sides are tuples."""
    if isinstance(target, ast.Name):
        yield target.id, value
    elif isinstance(target, ast.Tuple | ast.List) and isinstance(value, ast.Tuple | ast.List):
        for inner, part in zip(target.elts, value.elts, strict=False):
            if isinstance(inner, ast.Name):
                yield inner.id, part
