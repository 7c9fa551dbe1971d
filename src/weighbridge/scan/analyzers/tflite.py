"""TFLite: the operators that the runtime does not bring, and where the buffers lie."""

from dataclasses import replace
from typing import Final

from weighbridge.core.artifact import FileFormat
from weighbridge.core.errors import LimitExceededError, MalformedContentError, WeighbridgeError
from weighbridge.core.values import frozen
from weighbridge.formats.flatbuffers import Flatbuffer
from weighbridge.formats.sniff import sniff
from weighbridge.formats.tflite import TfliteModel, TfliteReader
from weighbridge.formats.zip import ZipAnomalyKind, read_archive
from weighbridge.scan.analyzers.zip import MemberReader, nested_members
from weighbridge.scan.archive_facts import ZipFacts
from weighbridge.scan.interface import Analysis, Facts, Subject

_LEADING: Final = ZipAnomalyKind.LEADING_DATA


@frozen
class TfliteFacts(Facts):
    """
    What there is to say of a model.

    Attributes:
        model: Its operators, problems and files.
    """

    model: TfliteModel


def analyze(subject: Subject) -> Analysis:
    """
    Yield what there is to say of the model, and what is packed behind it.

    Labels and other files are packed with a model in a zip at its end (TFLite metadata). That
    the zip does not start the file is no anomaly then; everything else about it is.

    Raises:
        MalformedContentError: Something of it lies outside the file.
        LimitExceededError: Too many tables.
    """
    problem: WeighbridgeError | None = None
    try:
        model = TfliteReader(Flatbuffer(subject.source)).read()
        yield TfliteFacts(subject=subject, model=model)
    except (MalformedContentError, LimitExceededError) as error:
        problem = error
    if FileFormat.ZIP in sniff(subject.source, name=subject.name).also:
        archive = read_archive(subject.source)
        anomalies = (each for each in archive.anomalies if each.kind is not _LEADING)
        yield ZipFacts(subject=subject, archive=replace(archive, anomalies=tuple(anomalies)))
        reader = MemberReader(subject)
        yield from nested_members(reader, archive.members)
        yield from reader.remarks()
    if problem is not None:
        raise problem
