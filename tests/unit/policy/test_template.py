"""The starter policy is valid, strict, and says what it was given."""

import tomllib

import pytest

from support.policies import FILES, blocking_codes, judge, signature_of
from weighbridge.core.artifact import Carries, FileFormat, carries
from weighbridge.core.errors import PolicyError
from weighbridge.core.verdict import Decision
from weighbridge.policy.schema import Policy
from weighbridge.policy.template import STARTER_FORMATS, starter_policy
from weighbridge.policy.toml_text import TomlValue, toml_string, toml_value
from weighbridge.policy.trust import CertificateTrust, KeyTrust

KEY = KeyTrust(name="hsm", public_key="keys/prod.pub")
CERTIFICATE = CertificateTrust(
    name="corp",
    certificate_chain="keys/roots.pem",
    subject="CN=Release,O=Acme",
    identity="release@acme.example",
    san_uri="https://acme.example/release",
    any_identity=False,
)
ANYBODY = CertificateTrust(
    name="loose",
    certificate_chain="keys/roots.pem",
    subject=None,
    identity=None,
    san_uri=None,
    any_identity=True,
)


@pytest.mark.parametrize("trust", [KEY, CERTIFICATE, ANYBODY])
def test_starter_is_valid(trust: KeyTrust | CertificateTrust) -> None:
    """The text parses to exactly the signer, the globs and the boundaries that were asked for."""
    text = starter_policy(trust, match=("acme/*", "models/**"), boundary=("load", "deploy"))
    policy = Policy.from_toml(text.encode(), path=None)
    assert policy.trust == (trust,)
    (rule,) = policy.rules
    assert [glob.pattern for glob in rule.match] == ["acme/*", "models/**"]
    assert rule.boundary == ("load", "deploy")
    assert rule.signature.any_of == (trust.name,)
    assert rule.formats.allow_names == STARTER_FORMATS


def test_starter_decides() -> None:
    """A signed model of plain formats is allowed, and an unsigned one is not."""
    policy = Policy.from_toml(starter_policy(KEY).encode(), path=None)
    assert judge(policy, signature_of()).decision is Decision.ALLOW
    assert blocking_codes(judge(policy)) == ["signer-threshold"]
    assert list(FILES.values()) == [FileFormat.JSON, FileFormat.SAFETENSORS]


def test_starter_formats_cannot_execute() -> None:
    """No format of the starter policy can make its loader execute something."""
    kinds = {carries(FileFormat(name)) for name in STARTER_FORMATS}
    assert kinds == {Carries.DATA, Carries.CONFIGURATION}


def test_hostile_names_stay_strings() -> None:
    """A path with quotes and line ends stays the path that it is."""
    path = 'a"\n[[rule]]\nmatch = ["**"]\\\x01\x7f\t\ré'
    text = starter_policy(KeyTrust(name="hsm", public_key=path), match=("x",), formats=("json",))
    policy = Policy.from_toml(text.encode(), path=None)
    assert policy.trust == (KeyTrust(name="hsm", public_key=path),)
    assert len(policy.rules) == 1


def test_a_name_that_no_file_can_have_is_refused() -> None:
    """What is written with a null character is read back as a mistake, and not as a path."""
    text = starter_policy(KeyTrust(name="hsm", public_key="a\x00b"), formats=("json",))
    with pytest.raises(PolicyError, match="null character"):
        Policy.from_toml(text.encode(), path=None)


def test_surrogates_are_refused() -> None:
    """A text that TOML cannot express is an error and not another text."""
    with pytest.raises(ValueError, match="surrogates"):
        toml_string("a\udc80")


@pytest.mark.parametrize(
    "value", ["", "é\x7f", True, False, -7, [], ["a", ["b"]], {}, {"k": {"l": [1]}}]
)
def test_value_reads_back(value: TomlValue) -> None:
    """A value that is written reads back as itself."""
    assert tomllib.loads(f"x = {toml_value(value)}")["x"] == value
