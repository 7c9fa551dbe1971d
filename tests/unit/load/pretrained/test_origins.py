"""Which verified artifact an object was made of."""

import gc

import pytest

from weighbridge.load.pretrained.origins import Origin, origin_of, remember


class Thing:
    """An object that is equal to every other of its kind."""

    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return 1


def test_an_object_is_known_as_long_as_it_lives() -> None:
    """The very object is known, and no other, not even one that is equal or at the same place."""
    thing = Thing()
    remember(thing, Origin(reference="a"))
    assert origin_of(thing) == Origin(reference="a")
    assert origin_of(Thing()) is None
    del thing
    gc.collect()
    assert origin_of(Thing()) is None


def test_objects_that_cannot_be_referred_to_weakly_are_not_known() -> None:
    """A tuple has no origin, but what is in it has."""
    thing = Thing()
    pair = (thing, [thing], 2)
    remember(pair, Origin(reference="a"))
    assert origin_of(pair) is None
    assert origin_of(thing) == Origin(reference="a")


@pytest.mark.parametrize("claim", ["models/acme/bert", "acme/bert", "bert"])
def test_names_of_a_reference(claim: str) -> None:
    """A reference is called by its end, by whole segments."""
    assert Origin(reference="models/acme/bert").is_called(claim)
    for other in (f"x/{claim}", f"{claim}/", f"/{claim}", claim[1:], claim[:-1], ""):
        assert not Origin(reference="models/acme/bert").is_called(other)
