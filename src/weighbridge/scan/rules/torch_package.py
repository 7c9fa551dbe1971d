"""Rule `torch-package`: a package of torch's, which brings its code along."""

from collections.abc import Iterator
from typing import ClassVar, Final

from weighbridge.core.evidence import Severity
from weighbridge.scan.analyzers.torch_package import PackageFacts
from weighbridge.scan.interface import Facts, Match, Rule

_LISTED: Final = 8


class TorchPackage(Rule[PackageFacts]):
    """Loading a package executes the Python source in it."""

    id: ClassVar[str] = "torch-package"
    severity: ClassVar[Severity] = Severity.HIGH
    consumes: ClassVar[type[Facts]] = PackageFacts

    def check(self, facts: PackageFacts, /) -> Iterator[Match]:
        """Yield the package."""
        yield Match(
            message="The file is a package of torch.package; loading it executes the "
            f"{len(facts.modules)} Python modules in it as its pickles ask for them.",
            evidence=facts.modules[:_LISTED],
        )
