"""Jobs that are done in turns: the last few large files end together, and nothing is left open."""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from weighbridge.core.codes import Code
from weighbridge.core.limits.inventory import SMALL_FILE_BYTES
from weighbridge.inventory import hashing
from weighbridge.inventory.crew import Crew, Job, Rest
from weighbridge.inventory.take import InventoryPlan, take_inventory
from weighbridge.load.held import HoldingSink
from weighbridge.sources.local import locate

BLOCK = 16 << 10


class _Advancing:
    """A progress display that does something for each block that was read."""

    def __init__(self, act: Callable[[], object]) -> None:
        self._act = act

    def begin(self, total: int, /) -> None:
        """Ignore the total."""

    def advance(self, count: int, /) -> None:
        """Act."""
        self._act()


@pytest.fixture
def small_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have each turn be one block, and each file give way whenever another one waits."""
    monkeypatch.setattr(hashing, "TURN_BYTES", 1)
    monkeypatch.setattr(hashing, "HASH_BLOCK_BYTES", BLOCK)
    monkeypatch.setattr(Crew, "gives_way", lambda crew, _: bool(crew._waiting))


def open_files() -> int:
    """Return how many descriptors this process has; 0 where the system does not tell."""
    place = Path("/proc/self/fd")
    return sum(1 for _ in place.iterdir()) if place.exists() else 0


def nothing(_: Crew) -> None:
    """Do no work."""


@pytest.mark.parametrize(
    ("waiting", "left", "gives"),
    [
        ([7, 6, 1], 6, True),
        ([7, 6, 1], 7, False),
        ([7, 6, 1, 1], 1, False),  # two for each worker: one by one
        ([], 0, False),
    ],
)
def test_the_last_jobs_give_way_to_what_has_more_left(
    waiting: list[int], left: int, gives: bool
) -> None:
    """Less gives way to more, where fewer than two for each worker are left."""
    crew = Crew([Rest(each, nothing) for each in waiting], workers=2)
    assert crew.gives_way(left) is gives


def test_what_is_left_is_gone_on_with_in_the_order_of_how_much() -> None:
    """The most first; then what was put back, as far as it has more left than what waits."""
    done: list[tuple[str, int]] = []

    def job(name: str, left: int) -> Job:
        def run(_: Crew) -> Rest | None:
            done.append((name, left))
            return Rest(left - 2, job(name, left - 2)) if left > 2 else None

        return run

    with Crew([Rest(n, job(name, n)) for name, n in (("a", 3), ("b", 6))], workers=1) as crew:
        crew.start()
    assert done == [("b", 6), ("b", 4), ("a", 3), ("b", 2), ("a", 1)]


def test_stopped_work_lets_go_of_what_was_begun() -> None:
    """When a job fails, what is left of others is called once more, and none is begun."""
    told: list[bool] = []

    def ends(crew: Crew) -> None:
        told.append(crew.stopped)

    def fails(_: Crew) -> None:
        raise ValueError("first")

    crew = Crew([Rest(3, lambda _: Rest(1, ends)), Rest(2, fails), ends], workers=1)
    crew.start()
    with pytest.raises(ValueError, match="first"):
        crew.finish()
    assert told == [True]


@pytest.mark.usefixtures("small_turns")
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    blocks=st.lists(st.integers(5, 20), min_size=1, max_size=5),
    extra=st.integers(0, 3),
    workers=st.integers(1, 4),
    held=st.sampled_from([None, True, False]),
)
def test_every_byte_is_hashed_in_order_whoever_takes_its_turn(
    blocks: list[int],
    extra: int,
    workers: int,
    held: bool | None,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Digests, and bytes that are held, are those of the files."""
    root = tmp_path_factory.mktemp("model")
    contents = {f"f{i}": os.urandom(each * BLOCK + extra) for i, each in enumerate(blocks)}
    for name, data in contents.items():
        (root / name).write_bytes(data)
    sink = None if held is None else HoldingSink(sealed=held)
    inventory = take_inventory(locate(root), InventoryPlan(workers=workers), sink=sink)
    found = {entry.path: entry.digests[0].parts[0].value for entry in inventory.entries}
    assert found == {name: hashlib.sha256(data).digest() for name, data in contents.items()}
    if sink is not None:
        files = sink.finish()
        assert {name: files[name].read() for name in files.paths} == contents
        files.close()


@pytest.mark.usefixtures("small_turns")
def test_a_file_that_changes_between_its_turns_is_a_gap(tmp_path: Path) -> None:
    """It is cut short while another one is read; that one is whole."""
    for name in ("a", "b"):
        (tmp_path / name).write_bytes(os.urandom(SMALL_FILE_BYTES + 8 * BLOCK))
    read: list[int] = []

    def cut() -> None:
        read.append(1)
        if len(read) == 4:
            os.truncate(tmp_path / "a", 5 * BLOCK)

    inventory = take_inventory(locate(tmp_path), InventoryPlan(workers=1), progress=_Advancing(cut))
    assert [entry.path for entry in inventory.entries] == ["b"]
    assert [(gap.path, gap.code) for gap in inventory.gaps] == [("a", Code.FILE_CHANGED)]


@pytest.mark.usefixtures("small_turns")
def test_an_error_leaves_no_file_open_and_nothing_held(tmp_path: Path) -> None:
    """Files that wait for their next turn are closed, and their memory is let go of."""
    for name in ("a", "b", "c"):
        (tmp_path / name).write_bytes(os.urandom(SMALL_FILE_BYTES + 8 * BLOCK))
    read: list[int] = []

    def fail() -> None:
        read.append(1)
        if len(read) == 7:
            raise ValueError("first")

    sink = HoldingSink(sealed=True)
    before = open_files()
    with pytest.raises(ValueError, match="first"):
        take_inventory(
            locate(tmp_path), InventoryPlan(workers=1), sink=sink, progress=_Advancing(fail)
        )
    assert sink.finish().paths == ()
    assert open_files() == before
