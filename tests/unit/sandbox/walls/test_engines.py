"""Which engine is taken, and what is said where none can be."""

from collections.abc import Sequence

import pytest

from weighbridge.core.errors import IsolationError, UsageError
from weighbridge.sandbox.walls import engines
from weighbridge.sandbox.walls.ending import End
from weighbridge.sandbox.walls.engines import choose_engine
from weighbridge.sandbox.walls.interface import REQUIRED, Engine, Limits, Strength, Wall, Walls


class Lacking:
    """An engine that holds all but some walls, and runs nothing."""

    moves = True

    def __init__(self, name: str, *missing: Wall) -> None:
        self.name = name
        self._missing = missing

    @property
    def programs(self) -> tuple[str, ...]:
        """Need none."""
        return ()

    def probe(self) -> Strength:
        """Say what is missing."""
        return Strength(
            engine=self.name,
            walls=frozenset(Wall) - {*self._missing},
            missing=tuple((wall, f"no {wall} by {self.name}") for wall in self._missing),
            remedies=(f"repair {self.name}",),
        )

    def lacks(self, demand: str, /) -> str | None:
        """Lack nothing else."""
        return None if demand else demand

    def how_held(self, limits: Limits, /) -> tuple[tuple[str, str], ...]:
        """Hold no limit."""
        del limits
        return ()

    def run(self, command: Sequence[str], walls: Walls, /) -> End:
        """Fail: nobody asks for it."""
        raise NotImplementedError


def have(monkeypatch: pytest.MonkeyPatch, *there: Engine, named: Sequence[Engine] = ()) -> None:
    """Have these engines, and *named* besides that have to be named."""
    monkeypatch.setattr(engines, "BY_THEMSELVES", there)
    monkeypatch.setattr(engines, "ENGINES", (*there, *named))


@pytest.mark.parametrize("wall", sorted(REQUIRED))
def test_an_engine_that_lacks_a_wall_is_not_taken(
    monkeypatch: pytest.MonkeyPatch, wall: Wall
) -> None:
    """One missing wall is enough; it is said which, and what to do."""
    have(monkeypatch, Lacking("weak", wall))
    with pytest.raises(IsolationError, match=f"weak: no {wall} by weak.*repair weak"):
        choose_engine()
    with pytest.raises(IsolationError, match=f"no {wall} by weak"):
        choose_engine("weak")


def test_who_only_shows_that_others_exist_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one wall that not every program needs is missing, and said to be."""
    have(monkeypatch, Lacking("fair", Wall.UNSEEN))
    engine, strength = choose_engine()
    assert engine.name == "fair"
    assert strength.missing


def test_the_next_one_is_taken_where_the_first_lacks_something(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The order is that of strength, and what works counts."""
    have(monkeypatch, Lacking("first", Wall.FILES), Lacking("second"), Lacking("third"))
    assert choose_engine()[0].name == "second"


def test_who_has_to_be_named_is_not_taken_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """Named by the command line or admitted by the rule it is taken, else not."""
    have(monkeypatch, Lacking("weak", Wall.KERNEL), named=[Lacking("slow")])
    with pytest.raises(IsolationError, match="no kernel"):
        choose_engine()
    assert choose_engine("slow")[0].name == "slow"
    assert choose_engine(admitted=("slow",))[0].name == "slow"


def test_a_rule_says_which_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its order counts, and nobody gets another one by naming it."""
    have(monkeypatch, Lacking("a"), Lacking("b"), Lacking("weak", Wall.LIMITS))
    assert choose_engine(admitted=("weak", "b", "a"))[0].name == "b"
    assert choose_engine("a", admitted=("b", "a"))[0].name == "a"
    with pytest.raises(IsolationError, match="does not admit"):
        choose_engine("a", admitted=("b",))
    with pytest.raises(IsolationError, match="no limits by weak"):
        choose_engine(admitted=("weak",))


@pytest.mark.parametrize(("name", "admitted"), [("none", ()), (None, ("none",))])
def test_there_is_no_such_engine(name: str | None, admitted: tuple[str, ...]) -> None:
    """A name that nobody has is wrong usage, whoever gives it."""
    with pytest.raises(UsageError, match="bubblewrap or direct or gvisor"):
        choose_engine(name, admitted=admitted)
