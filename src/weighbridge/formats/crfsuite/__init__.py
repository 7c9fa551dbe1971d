"""Models of CRFsuite: what they begin with, and whether CRFsuite can read them without harm."""

from weighbridge.formats.crfsuite.model import KIND, KIND_AT, MAGIC, check_crfsuite

__all__ = ["KIND", "KIND_AT", "MAGIC", "check_crfsuite"]
