"""R's serialized objects: which of them are code, and what the code calls."""

from weighbridge.core.errors import MalformedContentError
from weighbridge.core.limits.weights import MAX_R_NAMES
from weighbridge.core.values import frozen
from weighbridge.formats.r_data import Contents, read_r_data
from weighbridge.scan.interface import Analysis, Facts, Subject


@frozen
class RDataFacts(Facts):
    """
    What an R serialization holds beside data.

    Attributes:
        contents: The objects that hold code.
        is_workspace: Whether R loads a file of this name when it starts in its folder.
    """

    contents: Contents
    is_workspace: bool


def analyze(subject: Subject) -> Analysis:
    """
    Yield the objects that hold code.

    Raises:
        MalformedContentError: Not R's serialization.
        LimitExceededError: More objects than the limit.
    """
    contents = read_r_data(subject.source, between=subject.check_time)
    yield RDataFacts(
        subject=subject, contents=contents, is_workspace=subject.name.lower() == ".rdata"
    )
    rest = subject.source.read_at(contents.end, MAX_R_NAMES)
    if contents.complete and rest.strip():
        raise MalformedContentError(
            "there are bytes behind the R data",
            where=f"byte {contents.end}",
            expected="the end of the file",
            found=f"{subject.source.size - contents.end} bytes",
        )
