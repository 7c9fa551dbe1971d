"""What an installation can do on a machine, as text."""

from weighbridge.pipeline.installation import Capability, EngineReport
from weighbridge.record.text_installation import installation_text


def report(**values: object) -> EngineReport:
    """Return what an engine does, with these values."""
    fields: dict[str, object] = {
        "engine": "x",
        "works": True,
        "named": False,
        "version": None,
        "walls": (),
        "missing": (),
        "cannot": (),
        "remedies": (),
    }
    return EngineReport(**(fields | values))  # type: ignore[arg-type]  # some of each


LINES = (
    Capability(name="Python", present=True, detail="3.12"),
    Capability(name="extra torch", present=False, detail="run: pip install 'weighbridge[torch]'"),
)


def test_each_engine_has_a_paragraph() -> None:
    """What holds, what is missing for which reason, what is refused, and what to do."""
    strong = report(engine="strong", version="strong 1", walls=("files", "network"))
    broken = report(
        engine="broken",
        works=False,
        named=True,
        missing=(("files", "not installed"), ("network", "not installed")),
        remedies=("apt-get install broken",),
    )
    fair = report(
        engine="fair",
        walls=("files",),
        missing=(("network", "no namespaces"), ("unseen", "others are there")),
        cannot=(("isolation.listen", "nobody can enter"),),
    )
    assert installation_text(LINES, (strong, broken, fair)) == (
        "yes  Python       3.12\n"
        "no   extra torch  run: pip install 'weighbridge[torch]'\n"
        "\n"
        "isolation\n"
        "yes  strong: strong 1\n"
        "     holds    files, network\n"
        "no   broken (only where it is named)\n"
        "     missing  everything: not installed\n"
        "     to do    apt-get install broken\n"
        "yes  fair\n"
        "     holds    files\n"
        "     missing  network: no namespaces\n"
        "     missing  unseen: others are there\n"
        "     cannot   isolation.listen: nobody can enter"
    )


def test_what_programs_say_stays_on_its_line() -> None:
    """A version or a reason is another program's text: it makes no lines and moves no cursor."""
    text = installation_text(LINES, (report(version="1\nyes  x", missing=(("a", "\x1b[2J"),)),))
    assert "\\nyes" in text
    assert "\x1b" not in text
