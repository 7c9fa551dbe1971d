"""
Chat templates: Jinja programs that come with a model.

A template is parsed into a syntax tree by `formats.jinja`; nothing is rendered, and the tree
does not depend on what is installed.
"""

from weighbridge.core.errors import LimitExceededError, MalformedContentError
from weighbridge.core.values import frozen
from weighbridge.formats.jinja import parse_template
from weighbridge.formats.jinja.nodes import Node
from weighbridge.scan.interface import Facts, Subject


@frozen
class TemplateFacts(Facts):
    """
    A template that a framework renders.

    Attributes:
        where: Where in the file it stands.
        text: The template.
        body: Its syntax tree; empty where it cannot be parsed.
        problem: Why it cannot be parsed; None when it can.
    """

    where: str
    text: str
    body: tuple[Node, ...] = ()
    problem: str | None = None


def template_facts(subject: Subject, template: str, *, where: str) -> TemplateFacts:
    """Return what *template*, found at *where* in *subject*, consists of."""
    subject.check_time()
    try:
        body = parse_template(template)
    except (MalformedContentError, LimitExceededError) as error:
        return TemplateFacts(subject=subject, where=where, text=template, problem=str(error))
    return TemplateFacts(subject=subject, where=where, text=template, body=body)
