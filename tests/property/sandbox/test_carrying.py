"""Property: whatever is sent through a relay, in whatever pieces and order, arrives as it was."""

import socket
from contextlib import ExitStack, suppress

from hypothesis import given, settings
from hypothesis import strategies as st

from weighbridge.sandbox.relay.carrying import Address, Carrier

PIECES = st.lists(st.integers(1, 300_000), max_size=6)
"""Bytes of each piece that one side sends; more than a socket takes at once among them."""


class Side:
    """One end of a connection with what it has to send, and what has come to it."""

    def __init__(self, connection: socket.socket, pieces: list[int], *, first: int) -> None:
        connection.setblocking(False)
        self.connection = connection
        whole = b"".join(bytes([(first + turn) % 256]) * size for turn, size in enumerate(pieces))
        self.sent, self.left = whole, memoryview(whole)
        self.come = bytearray()
        self.ended = self.told = False

    def act(self, *, reading: bool) -> None:
        """Send and receive what can be sent and received now."""
        with suppress(BlockingIOError):
            while self.left:
                self.left = self.left[self.connection.send(self.left) :]
        if not self.left and not self.told:
            self.told = True
            self.connection.shutdown(socket.SHUT_WR)
        with suppress(BlockingIOError):
            while reading and not self.ended:
                data = self.connection.recv(70_000)
                self.ended = not data
                self.come += data


@settings(max_examples=30)
@given(
    st.lists(st.tuples(PIECES, PIECES), min_size=1, max_size=4),
    st.lists(st.booleans(), min_size=1, max_size=8),
)
def test_all_that_is_sent_arrives(
    pairs: list[tuple[list[int], list[int]]], reading: list[bool]
) -> None:
    """Each side gets the other one's bytes and its end, however slowly it or anybody else reads."""
    with ExitStack() as stack:
        server = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        carrier = Carrier()
        stack.callback(carrier.close)
        place: Address = (int(socket.AF_INET), server.getsockname())
        carrier.listen(listener, lambda answer: answer([place]))
        sides: list[tuple[Side, Side]] = []
        for mine, theirs in pairs:
            client = stack.enter_context(socket.create_connection(listener.getsockname()))
            while not carrier.carried > 2 * len(sides):
                carrier.step(0.01)
            answering = stack.enter_context(server.accept()[0])
            sides.append((Side(client, mine, first=0), Side(answering, theirs, first=100)))
        turn = 0
        while not all(side.ended for pair in sides for side in pair):
            for number, pair in enumerate(sides):
                for place_in_pair, side in enumerate(pair):
                    idle = reading[(turn + number + place_in_pair) % len(reading)]
                    # Everybody reads now and then, so that it ends.
                    side.act(reading=idle or turn % 5 == 0)
            carrier.step(0)
            turn += 1
        for client_side, server_side in sides:
            assert bytes(server_side.come) == client_side.sent
            assert bytes(client_side.come) == server_side.sent
        while carrier.carried:
            carrier.step(0.01)
