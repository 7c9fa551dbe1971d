"""A tree for people: what something is called, what it is, and what it holds."""

from weighbridge.core.values import frozen


@frozen
class Outline:
    """
    A value and what is drawn below it.

    Attributes:
        label: What it is called in what holds it. Untrusted text.
        text: What it is. Untrusted text.
        below: What it holds.
        more: Whether it holds more than that.
    """

    label: str
    text: str
    below: "tuple[Outline, ...]" = ()
    more: bool = False
