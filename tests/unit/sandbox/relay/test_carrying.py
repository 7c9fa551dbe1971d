"""Unit tests: a relay carries each connection to its end, and none waits for another."""

import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass

import pytest

from weighbridge.sandbox.relay.carrying import Address, Carrier

ROUNDS = 2000
"""Steps after which what has not happened is taken never to happen."""


@dataclass
class Relayed:
    """A relay before a server that listens and accepts nothing by itself."""

    carrier: Carrier
    server: socket.socket
    port: int
    stack: ExitStack

    def until(self, done: Callable[[], bool]) -> None:
        """Carry until *done*."""
        for _ in range(ROUNDS):
            if done():
                return
            self.carrier.step(0.01)
        raise AssertionError("it did not happen")

    def call(self) -> socket.socket:
        """Return a client's connection to the relay."""
        client = self.stack.enter_context(socket.create_connection(("127.0.0.1", self.port)))
        client.setblocking(False)
        return client

    def answer(self) -> socket.socket:
        """Return the server's next connection."""
        found: list[socket.socket] = []
        self.server.setblocking(False)

        def accepted() -> bool:
            with suppress(BlockingIOError):
                found.append(self.server.accept()[0])
            return bool(found)

        self.until(accepted)
        connection = self.stack.enter_context(found[0])
        connection.setblocking(False)
        return connection

    def receive(self, connection: socket.socket, count: int) -> bytes:
        """Return *count* bytes that come to *connection*, fewer at the end."""
        data = bytearray()
        ended: list[bool] = []

        def enough() -> bool:
            with suppress(BlockingIOError):
                more = connection.recv(count - len(data))
                data.extend(more)
                if not more:
                    ended.append(True)
            return len(data) >= count or bool(ended)

        self.until(enough)
        return bytes(data)


@pytest.fixture
def relayed() -> Iterator[Relayed]:
    """Return a relay and a server."""
    with ExitStack() as stack:
        yield relay_before(stack, stack.enter_context(socket.create_server(("127.0.0.1", 0))))


def relay_before(
    stack: ExitStack, server: socket.socket, *, most: int = 100, before: tuple[Address, ...] = ()
) -> Relayed:
    """Return a relay for *server*, of at most so many connections, that tries *before* first."""
    places = [*before, (int(server.family), server.getsockname()[:2])]
    carrier = Carrier(most=most)
    stack.callback(carrier.close)
    listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
    carrier.listen(listener, lambda answer: answer(places))
    return Relayed(carrier, server, listener.getsockname()[1], stack)


def fill(connection: socket.socket) -> int:
    """Send until no more can be sent, and return how much that was."""
    sent = 0
    with suppress(BlockingIOError):
        while True:
            sent += connection.send(bytes(1 << 16))
    return sent


def test_bytes_go_both_ways(relayed: Relayed) -> None:
    """What either side sends arrives at the other one, unchanged and in order."""
    client = relayed.call()
    server = relayed.answer()
    data = bytes(range(256)) * 8
    for one, other in ((client, server), (server, client)):
        one.sendall(data)
        assert relayed.receive(other, len(data)) == data


def test_an_end_of_one_direction_leaves_the_other(relayed: Relayed) -> None:
    """After a client has said that it sends no more, the answer still arrives, and then its end."""
    client = relayed.call()
    server = relayed.answer()
    client.sendall(b"all of it")
    client.shutdown(socket.SHUT_WR)
    assert relayed.receive(server, 100) == b"all of it"
    server.sendall(b"answer")
    server.shutdown(socket.SHUT_WR)
    assert relayed.receive(client, 100) == b"answer"
    relayed.until(lambda: relayed.carrier.carried == 0)


def test_a_reset_arrives_as_one(relayed: Relayed) -> None:
    """Who is cut off is not told that this was the end of the data."""
    client = relayed.call()
    server = relayed.answer()
    server.sendall(b"the first part")
    assert relayed.receive(client, 14) == b"the first part"
    server.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    server.close()
    with pytest.raises(ConnectionResetError):
        relayed.receive(client, 1)
    assert relayed.carrier.carried == 0


def test_what_was_said_before_a_hang_up_arrives(relayed: Relayed) -> None:
    """A server that answers too early and hangs up is heard, though the client goes on to send."""
    client = relayed.call()
    server = relayed.answer()
    client.sendall(b"x" * 1000)
    assert relayed.receive(server, 1) == b"x"
    server.sendall(b"too much")
    server.close()
    relayed.carrier.step(0)
    with suppress(ConnectionError):
        client.send(b"more")
    assert relayed.receive(client, 8) == b"too much"


def test_who_does_not_read_holds_up_nobody_else(relayed: Relayed) -> None:
    """A full connection is not read any more, and another one is carried meanwhile."""
    slow = relayed.call()
    unread = relayed.answer()
    before = -1

    def full() -> bool:
        nonlocal before
        sent = fill(slow)
        before, last = sent, before
        return sent == last == 0

    relayed.until(full)
    quick = relayed.call()
    server = relayed.answer()
    quick.sendall(b"hello")
    assert relayed.receive(server, 5) == b"hello"
    # When it reads at last, everything goes on.
    assert relayed.receive(unread, 1 << 20) == bytes(1 << 20)
    relayed.until(lambda: fill(slow) > 0)


def test_more_connections_than_there_is_room_for_wait() -> None:
    """The next one is carried when an earlier one has ended."""
    with ExitStack() as stack:
        server = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        relayed = relay_before(stack, server, most=1)
        first = relayed.call()
        answering = relayed.answer()
        second = relayed.call()
        second.sendall(b"second")
        first.sendall(b"first")
        assert relayed.receive(answering, 5) == b"first"
        server.setblocking(False)
        with pytest.raises(BlockingIOError):
            server.accept()
        first.close()
        answering.close()
        assert relayed.receive(relayed.answer(), 6) == b"second"


def test_where_nobody_listens_the_caller_is_cut_off() -> None:
    """A server that is not there is no empty answer."""
    with ExitStack() as stack:
        server = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        relayed = relay_before(stack, server)
        server.close()
        client = relayed.call()
        with pytest.raises(ConnectionResetError):
            relayed.receive(client, 1)
        assert relayed.carrier.carried == 0


def test_the_next_address_is_tried() -> None:
    """Of several addresses the first that answers is taken."""
    with ExitStack() as stack:
        server = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        with socket.create_server(("127.0.0.1", 0)) as gone:
            nobody: Address = (int(socket.AF_INET), gone.getsockname())
        relayed = relay_before(stack, server, before=(nobody,))
        client = relayed.call()
        answering = relayed.answer()
        answering.sendall(b"here")
        assert relayed.receive(client, 4) == b"here"


def test_a_server_that_does_not_accept_holds_up_nobody_else() -> None:
    """Connections wait in its queue, or for a place in it, and those to another one are carried."""
    with ExitStack() as stack:
        deaf = stack.enter_context(socket.socket())
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        relayed = relay_before(stack, deaf)
        hearing = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        place: Address = (int(socket.AF_INET), hearing.getsockname())
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        relayed.carrier.listen(listener, lambda answer: answer([place]))
        for _ in range(5):
            relayed.call()
        relayed.until(lambda: relayed.carrier.carried == 10)
        other = Relayed(relayed.carrier, hearing, listener.getsockname()[1], stack)
        client = other.call()
        other.answer().sendall(b"here")
        assert other.receive(client, 4) == b"here"
