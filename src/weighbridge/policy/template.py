"""A policy to start from: strict, commented, and complete but for the reader's own names."""

from typing import Final

from weighbridge.policy.toml_text import toml_string, toml_value
from weighbridge.policy.trust import CertificateTrust, KeyTrust
from weighbridge.policy.view import trust_view

STARTER_FORMATS: Final = ("safetensors", "gguf", "json", "yaml", "text", "tokenizer")
"""Formats of ordinary models that cannot make their loader execute anything."""

_HEAD: Final = """\
# The policy of weighbridge: which models may be used here.
# The first rule that matches decides; what no rule matches is denied.
# Try a rule with `weighbridge policy explain REF`, and keep cases for `weighbridge policy test`.
version = 1

# Who may sign. Paths are relative to this file.
"""

_RULE: Final = """
[[rule]]
# What the rule is for: globs over the reference as it was given, and over its path relative to
# this file. * stays within a name, ** crosses /.
match = {match}
# Where it is applied: "upload", "download", "deploy", "load" or names of your own; "*" alone
# stands for everywhere.
boundary = {boundary}
# What may be in a model. Formats that can execute code, hold other files or are unknown are
# refused unless they are listed by their own name.
formats = {{ allow = {formats}, deny-executable = true }}
# Python files beside the weights, and configurations that ask for them: deny, pinned or allow.
remote-code = "deny"
# The gravest finding that passes is below fail-on; what could not be scanned is denied.
scan = {{ fail-on = "medium", on-gap = "deny" }}
# Every file has to be covered by the signature of one of these.
signature = {{ any-of = [{name}], threshold = 1, uncovered = "deny" }}
"""


def starter_policy(
    trust: KeyTrust | CertificateTrust,
    *,
    match: tuple[str, ...] = ("**",),
    boundary: tuple[str, ...] = ("*",),
    formats: tuple[str, ...] = STARTER_FORMATS,
) -> str:
    """
    Return the text of a policy with one signer and one rule.

    The text is not checked: what `parse_policy` refuses in a policy it refuses here.

    Raises:
        ValueError: A text has a surrogate, which TOML cannot express.
    """
    entry = "".join(f"{key} = {toml_value(value)}\n" for key, value in trust_view(trust).items())
    rule = _RULE.format(
        match=toml_value(match),
        boundary=toml_value(boundary),
        formats=toml_value(formats),
        name=toml_string(trust.name),
    )
    return f"{_HEAD}[trust.{toml_string(trust.name)}]\n{entry}{rule}"
