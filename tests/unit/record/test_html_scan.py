"""The HTML report: whole, self-contained, and deaf to what models say."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from support.policies import clean, inventory_of
from support.records import (
    HOSTILE,
    clean_report,
    consulted_report,
    empty_report,
    folders_report,
    scan_report,
)
from weighbridge.core.artifact import FileFormat
from weighbridge.core.evidence import Confidence, Finding, Severity
from weighbridge.core.limits.records import MAX_REPORT_ITEMS
from weighbridge.record.html_scan import scans_html
from weighbridge.scan.report import ScanReport

ATTACKS = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'onmouseover='x",
    "</style><base href=//x>",
    "&lt;b&gt;",
    HOSTILE,
)
VOID = frozenset({"meta", "br"})
KNOWN = frozenset(
    [
        "html",
        "head",
        "meta",
        "title",
        "style",
        "body",
        "main",
        "h1",
        "h2",
        "h3",
        "p",
        "span",
        "table",
        "tr",
        "td",
        "th",
        "article",
        "code",
        "pre",
        "br",
        "strong",
        "footer",
    ]
)


class Reader(HTMLParser):
    """Collects what the page is made of."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.open: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Note the end of an element, which has to be the innermost one."""
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Note text."""
        self.text += data


def page_of(*reports: ScanReport, bar: Severity = Severity.MEDIUM) -> str:
    """Return the page about *reports*."""
    advice = {"pickle-dangerous-global": "Do not <load> it."}
    return scans_html(reports, bar=bar, version="1.2.3", advice=advice)


def read(page: str) -> Reader:
    """Return what *page* is made of; it has to be whole."""
    reader = Reader()
    reader.feed(page)
    reader.close()
    assert reader.open == []
    return reader


def hostile_report(attack: str) -> ScanReport:
    """Return a report in which *attack* stands wherever a model or a scanner can put it."""
    report = consulted_report()
    finding = Finding(
        rule=attack,
        severity=Severity.HIGH,
        confidence=Confidence.LOW,
        path=attack,
        member=attack,
        message=attack,
        evidence=(attack, attack),
    )
    return replace(
        report,
        inventory=replace(
            inventory_of(files={f"{attack}/{attack}": FileFormat.JSON, attack: FileFormat.JSON}),
            name=attack,
            gaps=tuple(
                replace(gap, path=attack, member=attack, reason=attack) for gap in report.gaps
            ),
        ),
        evidence=(finding,),
        consulted=tuple(replace(c, scanner=attack, version=attack) for c in report.consulted),
    )


@pytest.mark.parametrize(
    "report",
    [scan_report(), clean_report(), empty_report(), consulted_report(), folders_report()],
)
def test_the_page_is_whole(report: ScanReport) -> None:
    """Every element is closed, and there are no others than those of the page's own."""
    assert read(page_of(report)).tags <= KNOWN


@pytest.mark.parametrize("attack", ATTACKS)
def test_hostile_text_stays_text(attack: str) -> None:
    """Whatever a model says makes no element, no attribute and no control character."""
    page = page_of(hostile_report(attack))
    reader = read(page)
    assert reader.tags <= KNOWN
    assert reader.attributes <= {
        "lang", "charset", "http-equiv", "content", "name", "class", "style",
    }  # fmt: skip
    assert all(line.isprintable() for line in page.split("\n"))
    if attack.isprintable():
        assert reader.text.count(attack) >= 10


def test_the_page_needs_nothing_else() -> None:
    """The page has no script and names no address, and forbids itself to load anything."""
    page = page_of(scan_report())
    assert "script" not in page
    assert not re.search(r"src=|href=|url\(|@import", page)
    assert "default-src 'none'" in page


def test_what_a_reader_looks_for_is_there() -> None:
    """Verdict, files, findings with their place and advice, gaps and coverage are on the page."""
    text = read(page_of(scan_report())).text
    for said in (
        "FINDINGS bert",
        "5 files, 80 B",
        "é[1].bin",
        "pickle-dangerous-global",
        "in archive/data.pkl at byte 17",
        "os.system('echo 4')",
        "What to do. Do not <load> it.",
        "below medium",
        "too much",
        "scan-limit",
        "weighbridge 1.2.3",
    ):
        assert said in text
    assert "Other scanners" not in text


def test_other_scanners_are_shown() -> None:
    """Who was asked, and whether they answered, is on the page."""
    text = read(page_of(consulted_report())).text
    assert "Other scanners" in text
    assert "not cut off" in text


def test_several_reports_are_on_one_page() -> None:
    """Each of several reports has its verdict."""
    text = read(page_of(clean_report(), scan_report())).text
    assert "CLEAN bert" in text
    assert "FINDINGS bert" in text


def test_long_lists_are_cut() -> None:
    """A page lists so many files and findings, and counts the others."""
    files = {f"{n:05}.pkl": FileFormat.PICKLE for n in range(MAX_REPORT_ITEMS + 7)}
    findings = tuple(
        Finding(
            rule="r", severity=Severity.HIGH, confidence=Confidence.HIGH, path=path, message="m"
        )
        for path in files
    )
    report = ScanReport(inventory=inventory_of(files=files), evidence=findings)
    page = page_of(report)
    assert page.count("<article>") == MAX_REPORT_ITEMS
    assert "and 7 more findings" in page
    assert "and 7 more files" in page
    quiet = ScanReport(inventory=inventory_of(files=files), evidence=clean(*files))
    assert "<article>" not in page_of(quiet)
