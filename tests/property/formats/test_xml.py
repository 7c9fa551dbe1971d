"""The reader of XML ends in a document or in one of its two errors, whatever it is given."""

from hypothesis import example, given
from hypothesis import strategies as st

from weighbridge.core.errors import LimitExceededError, MalformedContentError
from weighbridge.formats.xml import XmlDocument, read_xml

DOCUMENT = (
    '<?xml version="1.0"?><?a b?><!DOCTYPE x PUBLIC "p" "s" [<!ENTITY e "text"><!ENTITY f "&e;&e;">'
    '<!ENTITY % g "h"><!ELEMENT x ANY><!ATTLIST x a CDATA #IMPLIED>]>'
    "<x a='&f;'><!-- c --><![CDATA[<y>]]>&e;<y:z xmlns:y='u'/></x>"
)
PIECES = st.sampled_from(
    ["<", ">", "</", "/>", "&", ";", "%", "e", "<!ENTITY", "<!DOCTYPE", "[", "]", "'", '"', " ",
     "SYSTEM", "x", "=", "<?", "?>", "<!--", "-->", "<![CDATA[", "]]>", "#65", "xml", "é", "\0"]
)  # fmt: skip


def read(data: bytes) -> XmlDocument | None:
    """Read *data*; any other error than the two fails the test."""
    try:
        return read_xml(data, element=lambda *_: None)
    except (MalformedContentError, LimitExceededError):
        return None


def test_the_document_is_read() -> None:
    """The document that the others are made from is read as it is written."""
    document = read(DOCUMENT.encode())
    assert document is not None
    assert (document.root, document.doctype, document.system, document.public) == (
        ("x", "x", "s", "p")
    )
    assert [(e.name, e.system, e.size, e.references) for e in document.entities] == [
        ("e", None, 4, 0),
        ("f", None, 14, 2),
        ("%g", None, 1, 0),
    ]
    assert document.written == len("text")
    assert document.instructions == (("a", "b"),)


@given(st.binary())
@example(b"<a>" * 2000)
@example(b"<!DOCTYPE a [" + b"".join(b"<!ENTITY a%d 'x'>" % n for n in range(1100)) + b"]><a/>")
@example(b"\xff\xfe<\0a\0/\0>\0")
@example(b"<?xml version='1.0' encoding='utf-7'?><a/>")
def test_any_bytes(data: bytes) -> None:
    """Any bytes are a document or are refused."""
    read(data)


@given(st.lists(PIECES, max_size=30).map("".join))
def test_any_pieces(text: str) -> None:
    """Pieces of the grammar in any order are a document or are refused."""
    read(text.encode())


@given(st.integers(0, len(DOCUMENT)), st.integers(0, 5), PIECES)
def test_mutations(at: int, cut: int, piece: str) -> None:
    """A document that differs in one place is read or is refused."""
    read((DOCUMENT[:at] + piece + DOCUMENT[at + cut :]).encode())


@given(st.integers(0, len(DOCUMENT) - 1))
def test_beginnings(at: int) -> None:
    """A document that was cut is refused."""
    assert read(DOCUMENT[:at].encode()) is None
