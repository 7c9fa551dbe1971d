"""Entries for other scanners: read strictly, and those known by name need none."""

import pytest

from support.policies import rule_text
from weighbridge.core.errors import PolicyError
from weighbridge.policy.scanners import KNOWN, ScannerAdapter, ScannerEntry
from weighbridge.policy.schema import Policy
from weighbridge.scan.others.catalogue import ADAPTERS
from weighbridge.scan.others.interface import PATH_PLACE

GOOD = 'adapter = "sarif"\ncommand = ["/opt/acme/scan", "-q", "{path}", "-q"]\n'


def parse(entry: str, *, name: str = "acme", also: str = "[]") -> Policy:
    """Return the policy with one entry for a scanner and one rule."""
    scan = "" if also == "[]" else f"scan = {{ also = {also} }}"
    rule = rule_text("signature = { required = false }", scan)
    return Policy.from_toml(
        f"version = 1\n[scanner.{name}]\n{entry}\n{rule}".encode(), path="p.toml"
    )


def problems_of(entry: str, *, name: str = "acme", also: str = "[]") -> str:
    """Return what is wrong with such a policy."""
    with pytest.raises(PolicyError) as caught:
        parse(entry, name=name, also=also)
    return str(caught.value)


def test_an_entry_is_read() -> None:
    """An entry has its adapter, its words in order, and the exit codes of a whole run."""
    policy = parse(GOOD + "exit-codes = [2, 0, 2]", also='["acme", "picklescan"]')
    entry = ScannerEntry(
        name="acme",
        adapter=ScannerAdapter.SARIF,
        command=("/opt/acme/scan", "-q", "{path}", "-q"),
        exit_codes=(0, 2),
    )
    assert policy.scanners == (entry,)
    assert policy.scanner("acme") == entry
    assert policy.scanner("picklescan") is None
    assert policy.rules[0].scan.also == ("acme", "picklescan")


def test_exit_codes_have_a_default() -> None:
    """Without a list of exit codes 0 and 1 say that a run came to its end."""
    assert parse(GOOD).scanners[0].exit_codes == (0, 1)


def test_a_program_on_windows_is_absolute_too() -> None:
    """A path with a drive is absolute."""
    text = "adapter = 'clamscan'\ncommand = ['C:\\tools\\clamscan.exe']"
    assert parse(text).scanners[0].command == ("C:\\tools\\clamscan.exe",)


@pytest.mark.parametrize(
    ("entry", "fragment"),
    [
        ("adapter = 'sarif'", "'command' is missing"),
        ("command = ['/x']", "'adapter' is missing"),
        ("adapter = 'nobody'\ncommand = ['/x']", "expected one of clamdscan, "),
        ("adapter = 'sarif'\ncommand = ['x', '{path}']", "'x' is not an absolute path"),
        ("adapter = 'sarif'\ncommand = ['/x', '-']", "no argument has {path}"),
        ("adapter = 'sarif'\ncommand = ['/{path}']", "no argument has {path}"),
        ("adapter = 'sarif'\ncommand = []", "'command' is empty"),
        ("adapter = 'sarif'\ncommand = ['/x', '']", "'command' is empty, or has an empty"),
        ("adapter = 'sarif'\ncommand = '/x {path}'", "expected a list of strings"),
        ("adapter = 'sarif'\ncommand = ['/x', 1]", "expected a list of strings"),
        (GOOD + "exit-codes = []", "'exit-codes': expected integers from 0 to 255"),
        (GOOD + "exit-codes = [256]", "'exit-codes': expected integers from 0 to 255"),
        (GOOD + "exit-codes = [-1]", "'exit-codes': expected integers from 0 to 255"),
        (GOOD + "exit-codes = [true]", "'exit-codes': expected integers from 0 to 255"),
        (GOOD + "exit-codes = 0", "'exit-codes': expected a list of integers"),
        ("adapter = 'clamscan'\ncommand = ['/x']\nexit-codes = [0]", "only with adapter"),
        (GOOD + "shell = true", "unknown key 'shell'"),
    ],
)
def test_problems_are_named(entry: str, fragment: str) -> None:
    """Each mistake in an entry is refused with its reason."""
    assert fragment in problems_of(entry)


@pytest.mark.parametrize("name", ["weighbridge", "remote-code", "remote-code-x"])
def test_names_of_our_own_are_refused(name: str) -> None:
    """A scanner's findings cannot be taken for ours, or for those that are pinned instead."""
    assert "taken for this scanner's own" in problems_of(GOOD, name=name)


@pytest.mark.parametrize("name", ['"A"', '"a:b"', '""', "a" * 33])
def test_other_names_are_refused(name: str) -> None:
    """A name is short, and has no character that means something in a rule's id."""
    assert "a scanner's name has" in problems_of(GOOD, name=name)


def test_unknown_scanners_are_refused() -> None:
    """A rule asks scanners that have an entry or are known; a typing error asks nobody."""
    message = problems_of(GOOD, also='["picklscan"]')
    assert "scan.also: no [scanner.picklscan]; without an entry there are clamdscan" in message


def test_not_too_many_are_asked() -> None:
    """A rule asks at most sixteen other scanners."""
    names = ", ".join(f'"s{n}"' for n in range(17))
    assert "'also': more than 16 scanners" in problems_of(GOOD, also=f"[{names}]")


def test_the_known_ones_have_adapters() -> None:
    """What a policy takes without an entry is what the scanner has an adapter for."""
    assert frozenset(ADAPTERS) == KNOWN


def test_the_place_of_the_model_is_written_alike() -> None:
    """The policy asks for the place-holder that the scanner fills in."""
    assert PATH_PLACE == "{path}"
    assert parse(GOOD).scanners[0].command[2] == PATH_PLACE
