"""
A directory in which `model_signing` is this package, for scripts that cannot be changed.

With it in `PYTHONPATH`, `python -m model_signing` runs `weighbridge.compat.model_signing`.
"""

from pathlib import Path
from typing import Final

PATH: Final = str(Path(__file__).parent)
"""What to put into `PYTHONPATH`."""
