"""
Packages that torch.package writes: pickles and the Python source of their classes, in one zip.

Loading one imports its source under names of its own. That is what the format is for; no member
is needed to make it a finding.
"""

import re
from typing import Final

from weighbridge.core.values import frozen
from weighbridge.formats.zip import read_archive
from weighbridge.scan.analyzers.zip import MemberReader, nested_members
from weighbridge.scan.archive_facts import ZipFacts
from weighbridge.scan.interface import Analysis, Facts, Subject
from weighbridge.scan.torch_storages import examine_storages

_STORAGE: Final = re.compile(r"(?:[^/]+/)?\.data/\d+\.storage")


@frozen
class PackageFacts(Facts):
    """
    A package of torch's.

    Attributes:
        modules: Names of the members that are Python source.
    """

    modules: tuple[str, ...]


def analyze(subject: Subject) -> Analysis:
    """
    Yield the archive's anomalies, that it is a package, and its members.

    Raises:
        MalformedContentError: It is no archive.
        LimitExceededError: It has too many members.
    """
    archive = read_archive(subject.source)
    yield ZipFacts(subject=subject, archive=archive)
    modules = tuple(m.name for m in archive.members if m.name.endswith(".py"))
    yield PackageFacts(subject=subject, modules=modules)
    reader = MemberReader(subject)
    storages = [m for m in archive.members if _STORAGE.fullmatch(m.name)]
    yield from examine_storages(reader, storages)
    done = set(map(id, storages))
    yield from nested_members(reader, (m for m in archive.members if id(m) not in done))
    yield from reader.remarks()
