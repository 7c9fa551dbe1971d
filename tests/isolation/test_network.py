"""`isolation.connect` and `isolation.listen`: whom a program reaches, and who reaches it."""

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from isolation.conftest import working
from support.containers import within
from support.publisher import weighbridge
from support.walled import line, write_policy
from weighbridge.core.limits.policy import MAX_ISOLATION_ENDPOINTS
from weighbridge.sandbox.walls.starting import PACKAGE

_ASK = """
import socket, sys
for place in sys.argv[1:]:
    host, _, port = place.rpartition(":")
    try:
        with socket.create_connection((host, int(port))) as asked:
            asked.sendall(b"question")
            said = asked.recv(100).decode() or "nothing"
    except OSError as error:
        said = type(error).__name__
    print(place, said)
"""


@pytest.fixture
def own_network() -> None:
    """Skip where no engine gives a program a network of its own."""
    working("bubblewrap")


@contextmanager
def answering(server: socket.socket, answer: bytes) -> Iterator[list[bytes]]:
    """Give *answer* to each who asks at *server*, and return what was asked."""
    asked: list[bytes] = []

    def serve() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            with connection:
                asked.append(connection.recv(100))
                connection.sendall(answer)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield asked
    finally:
        server.shutdown(socket.SHUT_RDWR)
        thread.join()


def ask(place: Path, *places: str) -> tuple[dict[str, str], str]:
    """Return what a program behind walls is answered at *places*, and what was said of it."""
    (place / "ask.py").write_text(_ASK, "utf-8")
    result = weighbridge(place, *line("bubblewrap", sys.executable, "-I", "-S", "ask.py", *places))
    assert result.code == 0, result.err
    lines = (each.rpartition(" ") for each in result.out.splitlines())
    return {where: said for where, _, said in lines}, result.err


def port_of(server: socket.socket) -> int:
    """Return where *server* listens."""
    port: int = server.getsockname()[1]
    return port


@pytest.mark.usefixtures("own_network")
def test_what_is_listed_is_reached_and_nothing_beside_it(place: Path) -> None:
    """A listed port answers; another port of that address, and another address, do not."""
    with (
        socket.create_server(("127.0.0.1", 0)) as listed,
        socket.create_server(("127.0.0.1", 0)) as other,
        answering(listed, b"listed") as asked,
        answering(other, b"other") as unasked,
    ):
        write_policy(place, f'connect = ["127.0.0.1:{port_of(listed)}"]')
        said, _ = ask(
            place,
            f"127.0.0.1:{port_of(listed)}",
            f"127.0.0.1:{port_of(other)}",
            f"127.0.0.2:{port_of(listed)}",
            "169.254.169.254:80",
            "db.example.com:80",
        )
    assert list(said.values()) == [
        *("listed", "ConnectionRefusedError", "ConnectionRefusedError", "OSError", "gaierror")
    ]
    assert (asked, unasked) == ([b"question"], [])


@pytest.mark.usefixtures("own_network")
def test_as_many_places_as_a_rule_can_list_are_reached(place: Path) -> None:
    """Names and addresses of either version of IP, all at once; the last one answers."""
    others = [
        each
        for number in range(MAX_ISOLATION_ENDPOINTS // 3)
        for each in (f"{number}.example.com:80", f"192.0.2.{number}:80", f"[2001:db8::{number}]:80")
    ]
    with socket.create_server(("127.0.0.1", 0)) as listed, answering(listed, b"listed"):
        last = f"127.0.0.1:{port_of(listed)}"
        listing = json.dumps([*others, last])
        assert len(others) + 1 == MAX_ISOLATION_ENDPOINTS
        write_policy(place, f"connect = {listing}")
        said, _ = ask(place, last, "192.0.2.7:81", "2001:db8::7:81")
    assert list(said.values()) == ["listed", "ConnectionRefusedError", "ConnectionRefusedError"]


@pytest.mark.usefixtures("own_network")
def test_addresses_of_others_exist_inside_where_they_are_listed(place: Path) -> None:
    """A literal address is dialled as it is, of either version of IP, and no other is there."""
    write_policy(place, 'connect = ["192.0.2.1:9", "[2001:db8::1]:9"]')
    said, _ = ask(place, "192.0.2.2:9", "192.0.2.1:10", "2001:db8::2:9", "2001:db8::1:10")
    # At the address that is there nobody listens at another port; the other is nowhere.
    assert list(said.values()) == [
        *("OSError", "ConnectionRefusedError", "OSError", "ConnectionRefusedError")
    ]


@pytest.mark.usefixtures("own_network")
def test_a_listed_name_is_known_and_no_other(place: Path) -> None:
    """It is resolved outside, which is said where it fails; a name inside it is not known."""
    write_policy(place, 'connect = ["no-such-host.invalid:443"]')
    said, err = ask(place, "no-such-host.invalid:443", "other.no-such-host.invalid:443")
    assert said["no-such-host.invalid:443"] in {"nothing", "ConnectionResetError"}
    assert said["other.no-such-host.invalid:443"] == "gaierror"
    assert "no-such-host.invalid is not known" in err


def test_without_a_network_of_its_own_nothing_is_run(place: Path) -> None:
    """The engine that has no namespaces refuses a rule that lists whom to connect to."""
    write_policy(place, 'connect = ["192.0.2.1:9"]')
    result = weighbridge(place, *line("direct", "/bin/echo", "it ran"))
    assert result.code == 1
    assert "it ran" not in result.out
    assert "isolation-unavailable" in result.err


def has_ipv6() -> bool:
    """Tell whether this machine has a loopback of IPv6."""
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


_SERVE = """
import socket, sys
with socket.create_server(("", int(sys.argv[1]))) as server:
    server.listen(7)  # as frameworks do that are given a socket
    print("ready", flush=True)
    while True:
        with server.accept()[0] as asked:
            asked.sendall(asked.recv(100))
"""


@pytest.mark.parametrize(
    ("entry", "reached", "missed"),
    [
        ("{}", "127.0.0.1", "127.0.0.2"),
        ('"127.0.0.2:{}"', "127.0.0.2", "127.0.0.1"),
        ('"0.0.0.0:{}"', "127.0.0.2", "::1"),
    ],
    ids=["loopback", "one address", "every address"],
)
@pytest.mark.parametrize(
    ("name", "around"), [("bubblewrap", ()), ("direct", ()), ("direct", ("docker",))], ids=str
)
def test_a_server_is_asked_where_the_rule_says(
    place: Path, name: str, around: tuple[str, ...], entry: str, reached: str, missed: str
) -> None:
    """One that would listen everywhere does so on loopback, or where it is listed."""
    engine = working(name)
    with serving(place, engine, entry, around) as port:
        with socket.create_connection((reached, port)) as client:
            client.sendall(b"question")
            assert client.recv(100) == b"question"
        with pytest.raises(OSError, match=r"refused|Cannot assign|not supported"):
            socket.create_connection((missed, port))


@pytest.mark.usefixtures("own_network")
def test_a_port_can_be_asked_at_and_connected_to(place: Path) -> None:
    """A server that listens everywhere has its port, though another place has the same one."""
    with (
        serving(place, "bubblewrap", '{0}], connect = ["192.0.2.1:{0}"') as port,
        socket.create_connection(("127.0.0.1", port)) as client,
    ):
        client.sendall(b"question")
        assert client.recv(100) == b"question"


@pytest.mark.usefixtures("own_network")
@pytest.mark.skipif(not has_ipv6(), reason="no IPv6 here")
def test_a_server_is_asked_on_both_loopbacks(place: Path) -> None:
    """The relay listens at either, whatever the server inside does."""
    with (
        serving(place, "bubblewrap", "{}") as port,
        socket.create_connection(("::1", port)) as client,
    ):
        client.sendall(b"question")
        assert client.recv(100) == b"question"


@pytest.mark.parametrize("around", [(), ("docker",)], ids=["plain", "docker"])
def test_a_server_gets_no_port_of_the_kernels_choice(place: Path, around: tuple[str, ...]) -> None:
    """Where it shares the machine's network: neither by listening unbound nor by port 0."""
    code = """if True:
        import socket
        for family, act in [
            (socket.AF_INET, lambda s: s.listen()),
            (socket.AF_INET6, lambda s: s.listen()),
            (socket.AF_INET, lambda s: s.bind(("127.0.0.1", 0))),
            (socket.AF_INET6, lambda s: s.bind(("::", 0))),
            (socket.AF_INET, lambda s: s.connect(("127.0.0.1", 9))),
        ]:
            try:
                act(socket.socket(family))
            except PermissionError:
                print("refused")
        """
    write_policy(place, "listen = [18766]")
    command = line(working("direct"), sys.executable, "-I", "-S", "-c", code)
    with walled(place, around, *command) as process:
        said, _ = process.communicate()
    assert (process.returncode, said.split()) == (0, ["refused"] * 5)


def walled(place: Path, around: tuple[str, ...], *arguments: str) -> "subprocess.Popen[str]":
    """Start weighbridge, in surroundings like those."""
    paths = (os.fspath(PACKAGE.parent), os.fspath(Path(__file__).parents[1]))
    return subprocess.Popen(
        [*(within(*around) if around else ()), sys.executable, "-m", "weighbridge", *arguments],
        cwd=place,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        stdout=subprocess.PIPE,
        text=True,
    )


@contextmanager
def serving(place: Path, engine: str, entry: str, around: tuple[str, ...] = ()) -> Iterator[int]:
    """Run a server that listens everywhere, with this entry in the rule, and give its port."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = port_of(free)
    write_policy(place, f"listen = [{entry.format(port)}]")
    (place / "serve.py").write_text(_SERVE, "utf-8")
    command = line(engine, sys.executable, "-I", "-S", "serve.py", str(port))
    with walled(place, around, *command) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield port
        process.terminate()


@pytest.mark.usefixtures("own_network")
def test_interfaces_are_told_where_the_rule_says_so(place: Path) -> None:
    """A program finds the interfaces of its own network, and finds none where the rule is silent."""
    script = "import socket; print(socket.if_nameindex())"
    command = line("bubblewrap", sys.executable, "-I", "-S", "-c", script)
    write_policy(place, "interfaces = true")
    said = weighbridge(place, *command)
    assert (said.code, "(1, 'lo')" in said.out) == (0, True), said.err
    write_policy(place)
    said = weighbridge(place, *command)
    assert (said.code, said.out) == (1, "")
    assert "PermissionError" in said.err
