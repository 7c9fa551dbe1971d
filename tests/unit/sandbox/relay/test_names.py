"""Unit tests: which answers for a name count, and when it is asked for again."""

import _thread
import select
import socket

import pytest

from weighbridge.sandbox.relay.addresses import is_own, is_public
from weighbridge.sandbox.relay.carrying import Address, Addresses, Carrier
from weighbridge.sandbox.relay.names import FRESH_SECONDS, Names
from weighbridge.sandbox.relay.outward import to_name

PUBLIC = "93.184.216.34"


class Resolver:
    """Answers with what it is told to, and counts how often it was asked."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = addresses
        self.asked = 0

    def __call__(self, name: str, port: int) -> list[Address]:
        """Answer."""
        self.asked += 1
        if not self.addresses:
            raise OSError(0, "no answer")
        return [(int(socket.AF_INET), (address, port)) for address in self.addresses]


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        """Return the time."""
        return self.seconds


def unsaid(text: str) -> None:
    """Tell nobody."""
    del text


def asked(names: Names, name: str = "db.example.com", port: int = 443) -> list[str]:
    """Return the addresses that count for *name*."""
    found: list[Address] = []
    answered: list[bool] = []

    def answer(addresses: Addresses) -> None:
        found.extend(addresses)
        answered.append(True)

    names.ask(name, port, answer)
    if not answered:
        select.select([names.descriptor], [], [])
        names.deliver()
    assert answered == [True]
    return [address for _, (address, _) in found]


@pytest.mark.parametrize(
    "address",
    [
        *("0.0.0.0", "10.0.0.5", "100.64.0.1", "127.0.0.1", "127.66.0.1", "169.254.169.254"),
        *("172.16.0.1", "172.31.255.255", "192.168.1.1", "192.0.2.1", "198.18.0.1", "203.0.113.9"),
        *("224.0.0.1", "240.0.0.1", "255.255.255.255", "168.63.129.16"),
        *("::", "::1", "::ffff:10.0.0.5", "::ffff:93.184.216.34", "fe80::1", "fc00::1", "fd00::1"),
        *("fd00:ec2::254", "ff02::1", "2001:db8::1", "2002:a00:5::1", "64:ff9b::a00:5", "100::1"),
        *("fe80::1%lo", "2606:4700::1%lo", "no address", ""),
    ],
)
def test_addresses_of_a_machine_a_link_or_a_site_are_not_public(address: str) -> None:
    """Nor are translations of such, addresses of many, and what is no address."""
    assert not is_public(address)


@pytest.mark.parametrize(
    "address",
    [PUBLIC, "1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "64:ff9b::101:101"],
)
def test_addresses_of_the_public_network_are_public(address: str) -> None:
    """Also those right beside a special range, and IPv4 seen through a translator."""
    assert is_public(address)


def test_addresses_of_this_machine_are_its_own() -> None:
    """Also those of a network's loopback, and none that is another machine's or nowhere."""
    assert is_own("127.0.0.1")
    assert not is_own(PUBLIC)
    assert not is_own("2001:db8::1")


def test_a_name_that_leads_to_this_machine_leads_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """An address of the public network is no way back to the machine that has it."""
    monkeypatch.setattr("weighbridge.sandbox.relay.addresses.is_own", lambda text: text == PUBLIC)
    names = Names([(PUBLIC, 80)], resolver=Resolver(PUBLIC, "1.1.1.1"), complain=unsaid)
    assert asked(names) == ["1.1.1.1"]
    assert asked(names, port=80) == [PUBLIC, "1.1.1.1"]


def test_a_name_that_leads_inside_leads_nowhere(request: pytest.FixtureRequest) -> None:
    """Of several answers the public ones count, and each other one is named to the user."""
    said: list[str] = []
    names = Names((), resolver=Resolver("169.254.169.254", PUBLIC, "::1"), complain=said.append)
    request.addfinalizer(names.close)
    assert asked(names) == [PUBLIC]
    assert [line.split()[3] for line in said] == ["169.254.169.254,", "::1,"]


def test_an_address_that_is_listed_itself_counts(request: pytest.FixtureRequest) -> None:
    """With that very port, and with no other."""
    names = Names([("10.0.0.5", 443)], resolver=Resolver("10.0.0.5"), complain=unsaid)
    request.addfinalizer(names.close)
    assert asked(names, port=443) == ["10.0.0.5"]
    assert asked(names, port=5432) == []


def test_a_name_is_asked_for_again_after_a_while(request: pytest.FixtureRequest) -> None:
    """An answer is used for half a minute; then the next one counts, as it is held to the same."""
    clock, resolver = Clock(), Resolver(PUBLIC)
    names = Names((), resolver=resolver, complain=unsaid, now=clock)
    request.addfinalizer(names.close)
    assert asked(names) == [PUBLIC]
    clock.seconds = FRESH_SECONDS - 1
    assert asked(names) == [PUBLIC]
    assert resolver.asked == 1
    resolver.addresses = ("10.0.0.5",)
    clock.seconds = FRESH_SECONDS
    assert asked(names) == []
    assert resolver.asked == 2


def test_a_name_that_nobody_knows_is_asked_for_each_time(request: pytest.FixtureRequest) -> None:
    """It is said once, and a later answer counts."""
    said: list[str] = []
    resolver = Resolver()
    names = Names((), resolver=resolver, complain=said.append)
    request.addfinalizer(names.close)
    assert (asked(names), asked(names)) == ([], [])
    assert len(said) == 1
    resolver.addresses = (PUBLIC,)
    assert asked(names) == [PUBLIC]


def test_a_name_that_no_thread_can_ask_for_is_not_known(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever asks is told so, and the next one asks anew."""

    def none_left(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    names = Names((), resolver=Resolver(PUBLIC), complain=unsaid)
    request.addfinalizer(names.close)
    with monkeypatch.context() as refused:
        refused.setattr(_thread, "start_new_thread", none_left)
        assert asked(names) == []
    assert asked(names) == [PUBLIC]


def test_many_who_ask_at_once_get_one_answer(request: pytest.FixtureRequest) -> None:
    """A name is asked for once at a time, and everybody who waits is answered."""
    resolver = Resolver(PUBLIC)
    names = Names((), resolver=resolver, complain=unsaid)
    request.addfinalizer(names.close)
    answers: list[Addresses] = []
    names.ask("db.example.com", 443, answers.append)
    names.ask("db.example.com", 443, answers.append)
    while len(answers) < 2:
        select.select([names.descriptor], [], [])
        names.deliver()
    assert resolver.asked == 1


def test_a_caller_is_carried_to_where_its_name_leads(request: pytest.FixtureRequest) -> None:
    """The connection waits for the answer, and is made to the address that counts."""
    carrier = Carrier()
    request.addfinalizer(carrier.close)
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_server(("127.0.0.1", 0)) as listener,
    ):
        port = server.getsockname()[1]
        resolver = Resolver("10.0.0.5", "127.0.0.1")
        names = Names([("127.0.0.1", port)], resolver=resolver, complain=unsaid)
        request.addfinalizer(names.close)
        carrier.wake(names.descriptor, names.deliver)
        carrier.listen(listener, to_name(names, "db.example.com", port))
        with socket.create_connection(listener.getsockname()) as client:
            client.sendall(b"question")
            server.setblocking(False)
            while not select.select([server], [], [], 0)[0]:
                carrier.step(0.01)
            answering, _ = server.accept()
            with answering:
                answering.setblocking(False)
                while not select.select([answering], [], [], 0)[0]:
                    carrier.step(0.01)
                assert answering.recv(100) == b"question"
