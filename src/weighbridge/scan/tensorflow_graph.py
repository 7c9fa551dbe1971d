"""
What the operators of a TensorFlow graph are given: the texts that reach them, and from where.

Most graphs save and restore their variables and read their vocabularies, so that the operators
alone say little. Each operator that is not allowed outright is recorded with what its inputs
come from: constants, arguments of its function, placeholders. Where they come from an argument,
the calls of the function are followed to what is passed.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

from weighbridge.core.errors import LimitExceededError, MalformedContentError
from weighbridge.core.limits.weights import MAX_GRAPH_NAMES
from weighbridge.core.values import frozen
from weighbridge.formats.tensorflow import Body, GraphNode, base_name
from weighbridge.scan.graph_operators import tensorflow_operators

_PLACEHOLDERS: Final = frozenset({"Placeholder", "PlaceholderV2", "PlaceholderWithDefault", "_Arg"})
_SHIFTED: Final = frozenset({"If", "StatelessIf", "Case", "StatelessCase", "_If"})
"""Calls whose first input chooses the function and is not passed on."""
_VARIABLES: Final = frozenset({"VarHandleOp", "Variable", "VariableV2"})
_ASSIGNMENTS: Final = frozenset({"AssignVariableOp", "Assign"})
_WHERE: Final = "TensorFlow graph"
_MAX_INPUTS: Final = 2
"""File names, patterns and addresses are among the first two inputs of every operator."""
_MAX_UPSTREAM: Final = 10_000
_MAX_VISITS: Final = 2_000_000
_CHECK_EVERY: Final = 4096
_MAX_USES: Final = 10_000
_MODULE_BYTES: Final = 64 * 1024 * 1024
_CALLBACKS: Final = (b"python_cpu_callback", b"python_gpu_callback", b"python_callback")
"""Targets of custom calls through which jax calls Python, by an address in memory."""
_TEXTS: Final = (
    "output_stream", "descriptor_source", "token", "debug_urls", "func_name", "memory_region_name",
    "file_pattern", "filename", "vocabulary", "address", "target",
)  # fmt: skip


@frozen
class Origin:
    """
    Where an input comes from.

    Attributes:
        constants: Nodes and texts of the constants that it is made of.
        arguments: Arguments of the function that it is made of.
        fed: Whether a placeholder is among what it is made of: the caller's own value.
        operators: What it passes through on the way.
    """

    constants: tuple[tuple[str, str], ...] = ()
    arguments: frozenset[str] = frozenset()
    fed: bool = False
    operators: frozenset[str] = frozenset()


@frozen
class OperatorUse:
    """
    An operator that is not allowed outright, where it stands.

    Attributes:
        op: The operator.
        node: The node's name.
        body: The function that it is in; empty for the graph.
        offset: Where it lies in the file.
        origins: Where its first inputs come from: all that name something.
        texts: Names and values of its attributes that say what it reaches.
        served: Whether a signature computes it.
    """

    op: str
    node: str
    body: str
    offset: int
    origins: tuple[Origin, ...]
    texts: tuple[tuple[str, str], ...]
    served: bool = False


@frozen
class PassedValue:
    """
    What a call passes to an operator's input, through one function or several.

    Attributes:
        use: The operator.
        index: Its input.
        body: The function that the call is in; empty for the graph.
        offset: Where the call lies in the file.
        origin: Where the value comes from.
    """

    use: OperatorUse
    index: int
    body: str
    offset: int
    origin: Origin


@dataclass(slots=True, kw_only=True)
class _Scope:
    """A body, and what was noticed while its nodes were counted."""

    body: Body
    count: int = 0
    noticed: list[GraphNode] = field(default_factory=list)
    calls: list[tuple[GraphNode, tuple[str, ...]]] = field(default_factory=list)


class _Wanted:
    """Arguments of functions whose values are to be found out, each once."""

    def __init__(self, bodies: Iterable[Body]) -> None:
        self._positions = {
            body.name: {name: i for i, name in enumerate(body.arguments)} for body in bodies
        }
        self._done: set[tuple[str, int, int, int]] = set()
        self._queue: deque[tuple[str, int, OperatorUse, int]] = deque()

    def add(self, body: str, name: str, use: OperatorUse, index: int) -> None:
        """Want the argument *name* of *body*, which reaches the input *index* of *use*."""
        position = self._positions[body].get(name, -1)
        key = (body, position, id(use), index)
        if position >= 0 and key not in self._done:
            self._done.add(key)
            self._queue.append((body, position, use, index))

    def __iter__(self) -> Iterator[tuple[str, int, OperatorUse, int]]:
        while self._queue:
            yield self._queue.popleft()


class GraphUses:
    """
    Gathers the uses of one graph and its library.

    Args:
        check: Called now and then; raises when the time is used up.
        captures: Functions, and the graph's nodes that their last arguments are bound to.

    Attributes:
        uses: What is not allowed outright; complete after `close`.
        passed: What calls pass to such operators.
        unknown: Operators that are in no list and no function of the library.
    """

    def __init__(
        self,
        *,
        check: Callable[[], None],
        captures: tuple[tuple[str, tuple[str, ...]], ...] = (),
    ) -> None:
        self._check = check
        self._captures = dict(captures)
        self._scopes: dict[str, list[_Scope]] = {}
        self._first: dict[str, tuple[str, str, int]] = {}
        self._count = 0
        self._visits = 0
        self._cached: tuple[_Scope | None, dict[str, GraphNode]] = (None, {})
        self._assigned_in: tuple[_Scope | None, dict[tuple[str, str], list[str]]] = (None, {})
        self.uses: list[OperatorUse] = []
        self.passed: list[PassedValue] = []
        self.unknown: list[tuple[str, str, str, int]] = []

    def add(self, body: Body) -> None:
        """
        Read the nodes of *body*.

        Raises:
            MalformedContentError: No protobuf reader would take them.
            LimitExceededError: Too many nodes that matter.
        """
        known = tensorflow_operators()
        scope = _Scope(body=body)
        self._scopes.setdefault(body.name, []).append(scope)
        for node in body.nodes():
            scope.count += 1
            if node.op in known.allowed:
                if node.op in known.calls:
                    scope.calls.append((node, node.called()))
                continue
            self._first.setdefault(node.op, (body.name, node.name, node.offset))
            self._count += 1
            if self._count > MAX_GRAPH_NAMES:
                raise LimitExceededError("too many nodes", where=_WHERE)
            if node.op in known.effects or node.op in known.conditions:
                scope.noticed.append(node)
            else:
                # A function of the library, or unknown.
                scope.calls.append((node, (node.op, *node.called())))

    def close(self, outputs: tuple[str, ...]) -> None:
        """
        Follow what was noticed; *outputs* are the nodes that signatures ask for.

        Raises:
            LimitExceededError: Too much to follow.
        """
        known = tensorflow_operators()
        for op, first in self._first.items():
            listed = op in known.effects or op in known.conditions
            if not listed and op not in self._scopes:
                body, name, offset = first
                self.unknown.append((op, name, body, offset))
        served_bodies, served_nodes = self._served(outputs)
        for scope in self._all_scopes():
            for node in scope.noticed:
                served = scope.body.name in served_bodies or (
                    not scope.body.name and node.name in served_nodes
                )
                self.uses.append(self._use(scope, node, served=served))
                if len(self.uses) > _MAX_USES:
                    raise LimitExceededError("too many operators", where=_WHERE)
        self._follow_calls()

    def _all_scopes(self) -> Iterator[_Scope]:
        for scopes in self._scopes.values():
            yield from scopes

    def _nodes(self, scope: _Scope) -> dict[str, GraphNode]:
        """
        Return the nodes of *scope* by name; kept for the last one asked for.

        Raises:
            MalformedContentError: Two have one name, which TensorFlow refuses.
        """
        if self._cached[0] is not scope:
            table: dict[str, GraphNode] = {}
            # As many as were read before: what lies behind them may be no message.
            for node in islice(scope.body.nodes(), scope.count):
                if table.setdefault(node.name, node) is not node:
                    raise MalformedContentError(
                        "two nodes have one name", where=_WHERE, found=node.name
                    )
            self._cached = (scope, table)
        return self._cached[1]

    def _use(self, scope: _Scope, node: GraphNode, *, served: bool) -> OperatorUse:
        return OperatorUse(
            op=node.op,
            node=node.name,
            body=scope.body.name,
            offset=node.offset,
            origins=tuple(self._origin(scope, each) for each in node.sources[:_MAX_INPUTS]),
            texts=tuple((name, text) for name in _TEXTS if (text := node.text(name)))
            + _module_texts(node),
            served=served,
        )

    def _origin(self, scope: _Scope, source: str) -> Origin:
        """Follow the tensor of *source* upstream within its body."""
        nodes = self._nodes(scope)
        constants: list[tuple[str, str]] = []
        arguments: set[str] = set()
        operators: set[str] = set()
        fed = False
        seen, rest = {source}, [source]
        while rest:
            name = rest.pop()
            node = nodes.get(name)
            if node is None:
                arguments.add(name)
                continue
            if node.op == "Const":
                constants.extend((name, text) for text in node.strings())
            elif node.op in _PLACEHOLDERS:
                fed = True
            operators.add(node.op)
            self._visit()
            sources = node.sources
            if node.op in _VARIABLES:
                sources = (*sources, *self._assigned(scope, node))
            fresh = [each for each in sources if each not in seen]
            seen.update(fresh)
            rest.extend(fresh)
            if len(seen) > _MAX_UPSTREAM:
                operators.add("(more than is followed)")
                break
        return Origin(
            constants=tuple(constants),
            arguments=frozenset(arguments),
            fed=fed,
            operators=frozenset(operators),
        )

    def _assigned(self, scope: _Scope, variable: GraphNode) -> Iterator[str]:
        """Yield what a body assigns to *variable*, or to one of the same name."""
        shared = variable.text("shared_name")
        table = self._assignments(scope)
        yield from table.get(("node", variable.name), ())
        if shared:
            yield from table.get(("shared", shared), ())

    def _assignments(self, scope: _Scope) -> dict[tuple[str, str], list[str]]:
        """Return what a body assigns to variables, by their nodes and by their shared names."""
        if self._assigned_in[0] is not scope:
            nodes = self._nodes(scope)
            table: dict[tuple[str, str], list[str]] = {}
            for node in nodes.values():
                if node.op in _ASSIGNMENTS and len(node.sources) > 1:
                    target = nodes.get(node.sources[0])
                    if target is not None and target.op in _VARIABLES:
                        value = node.sources[1]
                        table.setdefault(("node", target.name), []).append(value)
                        shared = target.text("shared_name")
                        table.setdefault(("shared", shared), []).append(value)
            self._assigned_in = (scope, table)
        return self._assigned_in[1]

    def _visit(self) -> None:
        """Count a step of following, all of them together."""
        self._visits += 1
        if self._visits % _CHECK_EVERY == 0:
            self._check()
        if self._visits > _MAX_VISITS:
            raise LimitExceededError("too much to follow", where=_WHERE)

    def _follow_calls(self) -> None:
        """Follow arguments that reach what was noticed to the calls that pass them."""
        wanted = _Wanted(scope.body for scope in self._all_scopes())
        for use in self.uses:
            for index, origin in enumerate(use.origins):
                for name in origin.arguments:
                    self._visit()
                    wanted.add(use.body, name, use, index)
        callers = self._callers()
        for called, position, use, index in wanted:
            self._pass_captured(called, position, use, index)
            for scope, node in callers.get(called, ()):
                at = position + (node.op in _SHIFTED)
                if at < len(node.sources):
                    origin = self._origin(scope, node.sources[at])
                    self._pass(scope, node, use, index, origin)
                    for name in origin.arguments:
                        wanted.add(scope.body.name, name, use, index)

    def _pass_captured(self, called: str, position: int, use: OperatorUse, index: int) -> None:
        """Keep what Python passes when it calls the function: constants that it is bound to."""
        bound = self._captures.get(called, ())
        for function in self._scopes[called]:
            at = position - len(function.body.arguments) + len(bound)
            for graph in self._scopes.get("", ()) if 0 <= at < len(bound) and bound[at] else ():
                node = self._nodes(graph).get(bound[at])
                if node is not None:
                    origin = self._origin(graph, node.name)
                    self._pass(graph, node, use, index, origin)

    def _pass(
        self, scope: _Scope, node: GraphNode, use: OperatorUse, index: int, origin: Origin
    ) -> None:
        """Keep what the call *node* passes to *use*."""
        if len(self.passed) >= _MAX_USES:
            raise LimitExceededError("too many calls to follow", where=_WHERE)
        self.passed.append(
            PassedValue(
                use=use, index=index, body=scope.body.name, offset=node.offset, origin=origin
            )
        )

    def _callers(self) -> dict[str, list[tuple[_Scope, GraphNode]]]:
        """Return who calls each function."""
        found: dict[str, list[tuple[_Scope, GraphNode]]] = {}
        for scope in self._all_scopes():
            for node, names in scope.calls:
                for name in names:
                    found.setdefault(name, []).append((scope, node))
        return found

    def _served(self, outputs: tuple[str, ...]) -> tuple[set[str], set[str]]:
        """Return the functions and the graph's nodes that the nodes *outputs* need."""
        nodes: set[str] = set()
        called: dict[str, list[str]] = {}
        names: list[str] = []
        if not any(scope.noticed for scope in self._all_scopes()):
            return set(), set()
        for scope in self._scopes.get("", []):
            table = self._nodes(scope)
            rest = [name for name in outputs if name in table]
            nodes.update(rest)
            while rest:
                fresh = {base_name(each) for each in table[rest.pop()].inputs}
                fresh = {each for each in fresh if each in table} - nodes
                nodes |= fresh
                rest.extend(fresh)
            names.extend(
                name for node, targets in scope.calls if node.name in nodes for name in targets
            )
        for scope in self._all_scopes():
            targets = (name for _, group in scope.calls for name in group)
            called.setdefault(scope.body.name, []).extend(targets)
        functions: set[str] = set()
        while names:
            name = names.pop()
            if name not in functions:
                functions.add(name)
                names.extend(called.get(name, ()))
        return functions, nodes


def _module_texts(node: GraphNode) -> tuple[tuple[str, str], ...]:
    """Return the callbacks into Python that a compiled module names."""
    value = node.attribute("module") if node.op == "XlaCallModule" else None
    if value is None:
        return ()
    data = value.document.source.read_at(value.start, min(value.end - value.start, _MODULE_BYTES))
    return tuple(("module", mark.decode()) for mark in _CALLBACKS if mark in data)
