"""
diffusers, with verified bytes.

::

    from weighbridge.integrations.diffusers import DiffusionPipeline

Every class of diffusers that has `from_pretrained` is there under its own name.
"""

from weighbridge.integrations.classes import VerifiedClass, require_public


def __getattr__(name: str) -> VerifiedClass:
    """Return the stand-in for the class *name* of diffusers."""
    require_public(__name__, name)
    return VerifiedClass("diffusers", name)
