"""
What in a chat template goes beyond formatting a conversation.

Each concern is a place and a kind; the rule `chat-template` says how grave a kind is. The
judgement knows the ways from a value to Python's internals that Jinja's sandbox guards
(`jinja2/sandbox.py`), those that have been published for templates without it
(CVE-2024-34359, CVE-2026-5760), and how their names are hidden.
"""

import re
from collections.abc import Iterator
from enum import Enum, auto
from typing import Final

from weighbridge.core.limits.documents import MAX_TEMPLATE_REPEATS
from weighbridge.core.values import frozen
from weighbridge.formats.jinja import nodes, walk
from weighbridge.formats.jinja.nodes import Node
from weighbridge.scan.template_strings import StringTable


class Kind(Enum):
    """What a concern is about."""

    INTERNALS = auto()
    PRIVATE = auto()
    COMPUTED_ATTRIBUTE = auto()
    COMPUTED_KEY = auto()
    OBJECT = auto()
    SYSTEM = auto()
    STRING = auto()
    LOAD = auto()
    ENDLESS = auto()
    SPELLED = auto()
    FORMAT = auto()
    RAW = auto()


@frozen
class Concern:
    """One thing that no chat template needs, where it stands, and what it is."""

    kind: Kind
    offset: int
    text: str


DUNDER: Final = re.compile(r"__\w+?__")
_FRAMES: Final = re.compile(
    r"mro|(?:gi|cr|ag|tb)_(?:frame|code|next|running|await|yieldfrom)"
    r"|(?:f|func|co|im)_(?:globals|locals|builtins|back|code|consts|names|func|self|class|closure)"
)
_SPECIAL: Final = re.compile(
    r"__(?:a?enter|a?exit|a?iter|a?next|annotations|base|bases|builtins|cached|call|class"
    r"|class_getitem|closure|code|context|defaults|del|delattr|dict|dir|doc|file|format|func"
    r"|get|getattr|getattribute|getitem|getstate|globals|import|init|init_subclass|kwdefaults"
    r"|loader|main|module|mro|name|new|objclass|path|qualname|reduce|reduce_ex|repr|self"
    r"|set|set_name|setattr|setitem|setstate|slots|spec|str|subclasscheck|subclasses"
    r"|subclasshook|weakref|wrapped)__"
)
"""What Python itself gives such a name; others are words of the template, as `__sentinel__`."""

_OBJECTS: Final = frozenset(
    {"cycler", "get_flashed_messages", "joiner", "lipsum", "request", "self", "url_for"}
)
_BUILTINS: Final = frozenset(
    {
        "__import__", "breakpoint", "compile", "delattr", "eval", "exec", "getattr", "globals",
        "locals", "open", "popen", "setattr", "system", "type", "vars",
    }
)  # fmt: skip
_MODULES: Final = frozenset(
    {
        "builtins", "ctypes", "importlib", "marshal", "nt", "os", "pickle", "posix", "pty",
        "runpy", "shutil", "socket", "subprocess",
    }
)  # fmt: skip
_METHODS: Final = frozenset(
    {
        "check_call", "check_output", "eval", "exec", "exec_module", "execl", "execv", "execve",
        "getoutput", "import_module", "load_module", "popen", "posix_spawn", "spawnl", "spawnv",
        "startfile", "system",
    }
)  # fmt: skip
_SPELLING: Final = frozenset(
    {
        "decode",
        "from_bytes",
        "fromhex",
        "maketrans",
        "striptags",
        "to_bytes",
        "translate",
        "unescape",
    }
)
"""Methods and filters that make letters of numbers, of bytes or of a page's escapes."""

_BY_ATTRIBUTE: Final = frozenset(
    {"groupby", "join", "map", "max", "min", "rejectattr", "selectattr", "sort", "sum", "unique"}
)
"""Filters that take the name of an attribute, or a path of them."""

_ATTRIBUTE_FIRST: Final = frozenset({"groupby", "rejectattr", "selectattr", "sum"})
_GENERATORS: Final = frozenset(
    {"batch", "map", "reject", "rejectattr", "select", "selectattr", "slice"}
)
_TEXTUAL: Final = frozenset(
    {
        "capitalize", "center", "e", "escape", "forceescape", "format", "indent", "lower",
        "replace", "reverse", "safe", "string", "striptags", "title", "trim", "truncate",
        "upper", "urlencode", "wordwrap",
    }
)  # fmt: skip
_FUNCTIONS: Final = frozenset({"dict", "namespace", "raise_exception", "range", "strftime_now"})
_UNDERSCORED: Final = frozenset(
    {
        "as_integer_ratio", "bit_count", "bit_length", "format_map", "from_bytes", "is_integer",
        "to_bytes",
    }
)  # fmt: skip
_CHARACTER: Final = re.compile(r"%[-+ #0-9.*]*c|:[^{}]*c\}")
_FIELDS: Final = re.compile(r"\{[^{}]*[.\[][^{}]*\}")
_NUMERIC: Final = re.compile(
    r"\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-7]{1,3}|N\{[^}]*\})"
)
_WIDTH: Final = re.compile(r"[%{:][^%{}\w]*[0-9]{7,}")


def review(body: tuple[Node, ...]) -> Iterator[Concern]:
    """
    Yield what in *body* goes beyond formatting a conversation.

    Raises:
        LimitExceededError: Following its constants takes more than the limit for it.
    """
    reviewer = _Reviewer(body)
    for node in walk(body):
        yield from reviewer.concerns(node)
    yield from _endless(body)


class _Reviewer:
    """What is known of the whole template while one node after the other is judged."""

    def __init__(self, body: tuple[Node, ...]) -> None:
        self._table = StringTable(body)
        self._bound = frozenset(_bound_names(body))
        self._macros = frozenset(n.name for n in walk(body) if isinstance(n, nodes.Macro))

    def concerns(self, node: Node) -> Iterator[Concern]:
        """Yield what speaks against *node* itself, without what is in it."""
        match node:
            case nodes.Attribute(name=name):
                yield from _name(node, name)
            case nodes.Name(name=name):
                yield from self._variable(node, name)
            case nodes.Literal(value=str()):
                yield from _literal(node)
            case nodes.Item(index=index):
                yield from self._key(node, index)
            case nodes.Call():
                yield from self._call(node)
            case nodes.Filter():
                yield from self._filter(node)
            case nodes.Binary():
                yield from self._binary(node)
            case _:
                yield from self._rest(node)

    def _rest(self, node: Node) -> Iterator[Concern]:
        """Judge what has a name or a text of its own, and is no expression."""
        match node:
            case nodes.Arguments(positional=positional, keywords=keywords):
                for name, _ in keywords:
                    yield from _special(node, name)
                for value in (*positional, *(value for _, value in keywords)):
                    if _number(value) > MAX_TEMPLATE_REPEATS:
                        yield _concern(Kind.ENDLESS, node, f"an argument of {_text(value)}")
            case nodes.Load(statement=statement):
                yield _concern(Kind.LOAD, node, statement)
            case nodes.Raw(text=text) if DUNDER.search(text):
                yield _concern(Kind.RAW, node, text)
            case _:
                return

    def _variable(self, node: Node, name: str) -> Iterator[Concern]:
        if DUNDER.fullmatch(name):
            yield _concern(Kind.INTERNALS, node, name)
        elif name in _OBJECTS and name not in self._bound:
            yield _concern(Kind.OBJECT, node, name)

    def _key(self, node: Node, index: Node) -> Iterator[Concern]:
        keys = self._table.strings(index)
        for key in sorted(keys):
            yield from _key_name(node, key)
        # Also where some of what it may be is known: the rest may be something else.
        if self._table.is_built(index) and self._table.holds_mark(index):
            yield _concern(Kind.COMPUTED_KEY, node, _text(index))

    def _call(self, node: nodes.Call) -> Iterator[Concern]:
        match node.function:
            case nodes.Name(name=name) if name in _BUILTINS - self._bound:
                yield _concern(Kind.SYSTEM, node, name)
            case nodes.Attribute(name="format" | "format_map", owner=owner):
                yield from self._format(node, owner)
                yield from self._conversion(node, owner, *node.arguments.positional)
            case nodes.Attribute(name=name) if name in _METHODS:
                yield _concern(Kind.SYSTEM, node, name)
            case nodes.Attribute(name=name) if name in _SPELLING:
                yield _concern(Kind.SPELLED, node, name)
            case nodes.Attribute(name=name, owner=nodes.Name(name=module)) if (
                module in _MODULES - self._bound
            ):
                yield _concern(Kind.SYSTEM, node, f"{module}.{name}")
            case _:
                pass
        yield from self._made_strings(node)

    def _format(self, node: Node, owner: Node) -> Iterator[Concern]:
        """`str.format` looks up attributes by what stands in the text (CVE-2016-10745)."""
        texts = self._table.strings(owner)
        for text in sorted(texts):
            if _FIELDS.search(text):
                yield _concern(Kind.FORMAT, node, text)
        if not texts and self._table.is_built(owner):
            yield _concern(Kind.FORMAT, node, _text(owner))

    def _conversion(self, node: Node, text: Node | None, *values: Node) -> Iterator[Concern]:
        """Judge what formatting makes a string of: characters of numbers, objects."""
        written = (
            each.value
            for each in walk(() if text is None else (text,))
            if isinstance(each, nodes.Literal)
        )
        if any(_CHARACTER.search(str(each)) for each in (*self._table.strings(text), *written)):
            yield _concern(Kind.SPELLED, node, "characters by their numbers")
        if any(self._is_object(value) for value in values):
            yield _concern(Kind.SPELLED, node, "the text of an object")

    def _filter(self, node: nodes.Filter) -> Iterator[Concern]:
        arguments = node.arguments
        if node.name == "attr":
            yield _concern(Kind.COMPUTED_ATTRIBUTE, node, "attr")
        elif node.name == "map" and arguments.positional:
            names = self._table.strings(arguments.positional[0])
            if not names or "attr" in names:
                yield _concern(Kind.COMPUTED_ATTRIBUTE, node, "map")
        if node.name in _BY_ATTRIBUTE:
            yield from self._attribute_path(node)
        if node.name in _SPELLING:
            yield _concern(Kind.SPELLED, node, node.name)
        if node.name in _TEXTUAL and self._is_object(node.value):
            yield _concern(Kind.SPELLED, node, "the text of an object")
        if node.name == "format":
            yield from self._conversion(node, node.value, *arguments.positional)
        yield from self._made_strings(node)

    def _attribute_path(self, node: nodes.Filter) -> Iterator[Concern]:
        """Judge the attributes that a filter takes from every item."""
        arguments = node.arguments
        named = [value for name, value in arguments.keywords if name == "attribute"]
        first = arguments.positional[:1] if node.name in _ATTRIBUTE_FIRST else ()
        for argument in (*named, *first):
            paths = self._table.strings(argument)
            for path in sorted(paths):
                for part in path.split("."):
                    yield from _name(node, part)
            known = paths and not (
                self._table.is_built(argument) and self._table.holds_mark(argument)
            )
            if not known and not _is_number(argument):
                yield _concern(Kind.COMPUTED_ATTRIBUTE, node, f"{node.name}: {_text(argument)}")
        if arguments.spread and node.name in _BY_ATTRIBUTE - {"max", "min"}:
            yield _concern(Kind.COMPUTED_ATTRIBUTE, node, node.name)

    def _is_object(self, node: Node | None, *, depth: int = 8) -> bool:
        """
        Tell whether *node* is something whose text is none of the conversation's.

        The text of a generator, of a macro or of a method has the underscores, and the letters,
        of which names of internals can be made.
        """
        match node:
            case nodes.Filter(name=name):
                return name in _GENERATORS
            case nodes.Name(name=name):
                return name in _FUNCTIONS or name in self._macros
            case nodes.Attribute(name=name):
                return name in _UNDERSCORED
            case nodes.Sequence(items=items) | nodes.Table(items=items) if depth:
                return any(self._is_object(item, depth=depth - 1) for item in items)
            case _:
                return False

    def _binary(self, node: nodes.Binary) -> Iterator[Concern]:
        if node.operator in {"+", "~", "%"}:
            yield from self._made_strings(node)
        if node.operator == "%":
            yield from self._conversion(node, node.left, node.right)
        if node.operator == "~":
            yield from self._conversion(node, None, node.left, node.right)
        if node.operator in {"*", "**"}:
            numbers = [_number(side) for side in (node.left, node.right)]
            bound = MAX_TEMPLATE_REPEATS if node.operator == "*" else 1000
            if any(number > bound for number in numbers):
                yield _concern(Kind.ENDLESS, node, f"{_text(node.left)} {node.operator} ...")

    def _made_strings(self, node: Node) -> Iterator[Concern]:
        """Judge the constants that an expression comes to, where its parts hide them."""
        for text in sorted(self._table.strings(node)):
            if _SPECIAL.search(text):
                yield _concern(Kind.STRING, node, text)


def _name(node: Node, name: str) -> Iterator[Concern]:
    """Judge a name that is taken as an attribute."""
    if DUNDER.search(name) or _FRAMES.fullmatch(name):
        yield _concern(Kind.INTERNALS, node, name)
    elif name.startswith("_"):
        yield _concern(Kind.PRIVATE, node, name)


def _key_name(node: Node, key: str) -> Iterator[Concern]:
    """Judge a name that is taken as an item, which Jinja takes as an attribute too."""
    if DUNDER.search(key) or (_FRAMES.fullmatch(key) and key != "mro"):
        yield _concern(Kind.INTERNALS, node, key)


def _special(node: Node, name: str) -> Iterator[Concern]:
    """Judge the name of an argument, which `dict` makes a string of."""
    if _SPECIAL.search(name):
        yield _concern(Kind.STRING, node, name)
    elif not name.strip("_"):
        yield _concern(Kind.SPELLED, node, name)


def _literal(node: nodes.Literal) -> Iterator[Concern]:
    """Judge a string for itself."""
    text = str(node.value)
    # Turned around or in other letters it is no word of anybody's either.
    if _SPECIAL.search(text.lower()) or _SPECIAL.search(text[::-1].lower()):
        yield _concern(Kind.STRING, node, text)
    elif any(_is_plain(match.group()) for match in _NUMERIC.finditer(node.source)):
        yield _concern(Kind.SPELLED, node, node.source)
    if _WIDTH.search(text):
        yield _concern(Kind.ENDLESS, node, text)


def _is_plain(escape: str) -> bool:
    """Tell whether *escape* stands for a letter, a digit or an underscore of ASCII."""
    try:
        character = escape.encode("ascii").decode("unicode_escape")
    except UnicodeError:
        return False
    return character.isascii() and (character.isalnum() or character == "_")


def _bound_names(body: tuple[Node, ...]) -> Iterator[str]:
    """Yield the names that the template itself gives a meaning."""
    for node in walk(body):
        match node:
            case nodes.Macro(name=name, parameters=parameters):
                yield name
                yield from parameters
            case nodes.Assignment(target=target) | nodes.For(target=target):
                yield from (each.name for each in walk((target,)) if isinstance(each, nodes.Name))
            case _:
                continue


def _endless(body: tuple[Node, ...]) -> Iterator[Concern]:
    """Yield loops that run, or strings that grow, without a sensible bound."""
    # Bodies with how often constants alone have them run; a stack, since `elif` nests deeply.
    rest = [(body, 1)]
    while rest:
        nodes_of_body, repeats = rest.pop()
        for node in nodes_of_body:
            inner = repeats * _rounds(node.iterable) if isinstance(node, nodes.For) else repeats
            if repeats < inner > MAX_TEMPLATE_REPEATS:
                yield _concern(Kind.ENDLESS, node, f"{inner} rounds")
                continue
            yield from _growing(node)
            rest.append((getattr(node, "orelse", None) or (), repeats))
            rest.append((getattr(node, "body", None) or (), inner))


def _growing(node: Node) -> Iterator[Concern]:
    """Yield values that a loop doubles, and macros that call themselves whatever happens."""
    match node:
        case nodes.For():
            for each in walk(node.body):
                if isinstance(each, nodes.Assignment) and _doubles(each):
                    yield _concern(Kind.ENDLESS, each, "a value is doubled in a loop")
        case nodes.Macro(name=name) if any(_calls(each, name) for each in node.body):
            yield _concern(Kind.ENDLESS, node, f"macro {name} always calls itself")
        case _:
            return


def _rounds(iterable: Node) -> int:
    """Return how often a loop over *iterable* runs where a constant says so; 1 otherwise."""
    match iterable:
        case nodes.Call(function=nodes.Name(name="range"), arguments=arguments):
            return max([1, *(_number(each) for each in arguments.positional)])
        case _:
            return 1


def _doubles(node: nodes.Assignment) -> bool:
    """Tell whether a value is set to itself and itself again."""
    match node.value:
        case nodes.Binary(operator="+" | "~" as operator):
            parts = [_text(part) for part in _operands(node.value, operator)]
            return parts.count(_text(node.target)) > 1
        case nodes.Binary(operator="*", left=left, right=right):
            return max(_number(left), _number(right)) > 1 and _text(node.target) in (
                _text(left),
                _text(right),
            )
        case _:
            return False


def _operands(node: Node, operator: str) -> Iterator[Node]:
    """Yield the operands of a chain of one operator."""
    while isinstance(node, nodes.Binary) and node.operator == operator:
        yield node.right
        node = node.left
    yield node


def _calls(node: Node, name: str) -> bool:
    """Tell whether a statement that always runs calls the macro *name*."""
    values = node.values if isinstance(node, nodes.Output) else ()
    if isinstance(node, nodes.Assignment) and node.value is not None:
        values = (node.value,)
    return any(isinstance(value, nodes.Call) and _text(value.function) == name for value in values)


def _number(node: Node, *, depth: int = 20) -> int:
    """Return a constant number, products and powers within reason; 0 where it is none."""
    match node:
        case nodes.Literal(value=bool()):
            return 0
        case nodes.Literal(value=int() as value):
            return min(value, 10**18)
        case nodes.Binary(operator="*" | "**" as operator, left=left, right=right) if depth:
            first, second = (_number(each, depth=depth - 1) for each in (left, right))
            if operator == "*":
                return min(first * second, 10**18)
            return min(first ** min(second, 60), 10**18) if first > 0 else 0
        case _:
            return 0


def _is_number(node: Node) -> bool:
    return isinstance(node, nodes.Literal) and isinstance(node.value, int)


def _text(node: Node) -> str:
    """Return a short form of an expression, for people and for comparing simple ones."""
    match node:
        case nodes.Name(name=name):
            return name
        case nodes.Attribute(owner=nodes.Name(name=owner), name=name):
            return f"{owner}.{name}"
        case nodes.Literal(source=source):
            return source
        case nodes.Binary(operator=operator, left=nodes.Literal() | nodes.Name() as left):
            return f"{_text(left)} {operator} ..."
        case _:
            return "..."


def _concern(kind: Kind, node: Node, text: str) -> Concern:
    return Concern(kind=kind, offset=node.offset, text=text)
