"""Reading of `isolation`: what the process that gets a model may do."""

from collections.abc import Callable
from typing import Final, TypeVar

from weighbridge.core.endpoints import LAST_PORT, Destination, Listening
from weighbridge.core.limits.policy import (
    MAX_ISOLATION_ENDPOINTS,
    MAX_ISOLATION_MEMORY_MIB,
    MAX_ISOLATION_OPEN_FILES,
    MAX_ISOLATION_PROCESSES,
    MAX_ISOLATION_SECONDS,
)
from weighbridge.policy.rule import IsolationControl, LimitsControl, Network, Unpickle
from weighbridge.policy.table import Table, quote

_T = TypeVar("_T", Destination, Listening)
ENGINES: Final = ("bubblewrap", "direct", "gvisor")
"""What can isolate a program; the sandbox has them."""
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1"})


def read_isolation(rule: Table) -> IsolationControl | None:
    """Read `isolation` of *rule*; None where there is none."""
    table = rule.table("isolation")
    if table is None:
        return None
    network = table.choice("network", Network, default=Network.NONE)
    connect = _read_connect(table, network)
    control = IsolationControl(
        network=network,
        read=table.texts("read", required=False, may_be_empty=True),
        write=table.texts("write", required=False, may_be_empty=True),
        env=_read_env(table),
        listen=_read_listen(table, connect),
        connect=connect,
        unpickle=table.choice("unpickle", Unpickle, default=Unpickle.JUDGED),
        interfaces=table.flag("interfaces", default=False),
        gpus=table.flag("gpus", default=False),
        engines=_read_engines(table),
        limits=_read_limits(table),
    )
    table.finish()
    return control


def _read_env(table: Table) -> tuple[str, ...]:
    names = table.texts("env", required=False, may_be_empty=True)
    for place, name in enumerate(names):
        if "=" in name:
            table.problem(
                f"'env': {quote(name)} has a value: list the name, and set it for weighbridge",
                key="env",
                index=place,
            )
    return names


def _read_engines(table: Table) -> tuple[str, ...]:
    names = table.texts("engines", required=False)
    for place, name in enumerate(names):
        if name not in ENGINES:
            expected = ", ".join(map(quote, ENGINES))
            table.problem(
                f"'engines': {quote(name)} is none of {expected}", key="engines", index=place
            )
    return names


def _read_connect(table: Table, network: Network) -> tuple[Destination, ...]:
    texts = table.texts("connect", required=False, may_be_empty=True)
    if texts and network is not Network.NONE:
        table.problem(
            "'connect' lists exceptions to network = \"none\", and here is none", key="connect"
        )
    return _parsed(table, "connect", texts, Destination.parse)


def _read_listen(table: Table, connect: tuple[Destination, ...]) -> tuple[Listening, ...]:
    entries = table.numbers_or_texts("listen", least=1, most=LAST_PORT)
    found = _parsed(table, "listen", entries, Listening.parse)
    # Inside, an address that is connected to is one of the program's own network.
    own = {(each.host, each.port) for each in connect if each.host in _LOOPBACK}
    for each in found:
        if any((address, each.port) in own for address in _LOOPBACK):
            table.problem(f"'listen': {each.port} is in 'connect' too", key="listen")
    return found


def _parsed(
    table: Table, key: str, texts: tuple[str, ...], parse: Callable[[str], _T]
) -> tuple[_T, ...]:
    found: dict[_T, None] = {}
    for place, text in enumerate(texts):
        try:
            value = parse(text)
        except ValueError as error:
            table.problem(f"'{key}': {quote(text)} {error}", key=key, index=place)
            continue
        if value in found:
            table.problem(f"'{key}' has {quote(str(value))} twice", key=key, index=place)
        found[value] = None
    if len(texts) > MAX_ISOLATION_ENDPOINTS:
        table.problem(f"'{key}': more than {MAX_ISOLATION_ENDPOINTS} entries", key=key)
    return tuple(found)


def _read_limits(table: Table) -> LimitsControl:
    return LimitsControl(
        memory_mib=_limit(table, "memory-mib", most=MAX_ISOLATION_MEMORY_MIB),
        processes=_limit(table, "processes", most=MAX_ISOLATION_PROCESSES),
        cpu_seconds=_limit(table, "cpu-seconds", most=MAX_ISOLATION_SECONDS),
        seconds=_limit(table, "seconds", most=MAX_ISOLATION_SECONDS),
        file_mib=_limit(table, "file-mib", most=MAX_ISOLATION_MEMORY_MIB),
        tmp_mib=_limit(table, "tmp-mib", most=MAX_ISOLATION_MEMORY_MIB),
        open_files=_limit(table, "open-files", most=MAX_ISOLATION_OPEN_FILES),
        together=table.flag("together", default=False),
    )


def _limit(table: Table, key: str, *, most: int) -> int | None:
    return table.integer(key, default=0, least=1, most=most) or None
