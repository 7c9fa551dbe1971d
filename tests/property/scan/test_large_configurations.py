"""Settings are found in a large configuration as in a small one."""

import json

from hypothesis import example, given
from hypothesis import strategies as st

from weighbridge.core.artifact import FileFormat
from weighbridge.core.content import BytesSource
from weighbridge.formats.json import JsonValue, parse_json
from weighbridge.formats.json.parts import read_wanted
from weighbridge.scan.configuration import WANTED, settings_in
from weighbridge.scan.interface import Subject
from weighbridge.scan.registry import rules_for

_KEYS = st.sampled_from([*sorted(WANTED.keys), "a", "b", "unet", "_unet", "long key " * 8])
_SCALARS = (
    st.none()
    | st.integers(0, 9)
    | st.sampled_from(["x", "os.system", "a--b.C", "mine", "diffusers", "{{ x.__class__ }}", ".."])
)
_VALUES: st.SearchStrategy[JsonValue] = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=10) | st.dictionaries(_KEYS, inner, max_size=8),
    max_leaves=40,
)


def _found(subject: Subject, document: JsonValue) -> list[str]:
    """Return what the rules say of the settings in *document*."""
    return [
        f"{finding.rule} {finding.message} {finding.evidence}"
        for facts in settings_in(subject, document)
        for rule in rules_for(type(facts))
        for finding in rule.findings(facts)
    ]


@given(
    value=_VALUES,
    window=st.integers(1, 120),
    name=st.sampled_from(["model_index.json", "modules.json", "x.json"]),
)
@example(
    value={"_diffusers_version": "1", "pad": [0] * 40, "unet": ["mine", *[0] * 40]},
    window=16,
    name="x.json",
)
@example(value=[{"type": "os.x", "a": [0] * 40, "idx": 0}], window=16, name="modules.json")
def test_no_setting_is_lost_in_a_large_document(
    value: JsonValue, *, window: int, name: str
) -> None:
    """Every rule says the same of a document that is read in parts and of the whole one."""
    data = json.dumps(value).encode()
    source = BytesSource(data)
    subject = Subject(path=name, name=name, format=FileFormat.JSON, source=source)
    parts = read_wanted(source, what=name, wanted=WANTED, window=window)
    assert _found(subject, parts) == _found(subject, parse_json(data, what=name))
