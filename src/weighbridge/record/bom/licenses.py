"""Licences as inventories name them: identifiers of the SPDX list where one is meant."""

import re
from types import MappingProxyType
from typing import Final

SPDX_LICENSES: Final = MappingProxyType(
    {
        name.lower(): name
        for name in (
            "AFL-3.0",
            "AGPL-3.0-only",
            "Apache-2.0",
            "Artistic-2.0",
            "BSD-2-Clause",
            "BSD-3-Clause",
            "BSD-3-Clause-Clear",
            "BSL-1.0",
            "CC-BY-2.0",
            "CC-BY-2.5",
            "CC-BY-3.0",
            "CC-BY-4.0",
            "CC-BY-NC-2.0",
            "CC-BY-NC-3.0",
            "CC-BY-NC-4.0",
            "CC-BY-NC-ND-3.0",
            "CC-BY-NC-ND-4.0",
            "CC-BY-NC-SA-2.0",
            "CC-BY-NC-SA-3.0",
            "CC-BY-NC-SA-4.0",
            "CC-BY-ND-4.0",
            "CC-BY-SA-3.0",
            "CC-BY-SA-4.0",
            "CC0-1.0",
            "ECL-2.0",
            "EPL-1.0",
            "EPL-2.0",
            "EUPL-1.1",
            "EUPL-1.2",
            "GPL-2.0-only",
            "GPL-3.0-only",
            "ISC",
            "LGPL-2.1-only",
            "LGPL-3.0-only",
            "LPPL-1.3c",
            "MIT",
            "MPL-2.0",
            "MS-PL",
            "NCSA",
            "OFL-1.1",
            "OSL-3.0",
            "ODbL-1.0",
            "ODC-By-1.0",
            "PDDL-1.0",
            "PostgreSQL",
            "Unlicense",
            "WTFPL",
            "Zlib",
        )
    }
)
"""Those of the SPDX licence list that model cards name, by their names in lower case."""

_NOT_A_REFERENCE: Final = re.compile(r"[^A-Za-z0-9.-]+")


def spdx_license(name: str, /) -> str | None:
    """Return the identifier of the SPDX list that *name* is but for its case; None for others."""
    return SPDX_LICENSES.get(name.lower())


def spdx_expression(name: str, /) -> str:
    """Return an SPDX expression for *name*: its identifier, or a `LicenseRef` made of it."""
    known = spdx_license(name)
    if known is not None:
        return known
    return f"LicenseRef-{_NOT_A_REFERENCE.sub('-', name)[:100].strip('-') or 'unnamed'}"
