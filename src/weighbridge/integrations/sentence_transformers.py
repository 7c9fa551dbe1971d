"""
sentence-transformers, with verified bytes.

::

    from weighbridge.integrations.sentence_transformers import SentenceTransformer

    model = SentenceTransformer("models/minilm", policy=policy)

Every class of sentence-transformers that is called with a model is there under its own name.
"""

from weighbridge.integrations.classes import VerifiedConstructor, require_public


def __getattr__(name: str) -> VerifiedConstructor:
    """Return the stand-in for the class *name* of sentence-transformers."""
    require_public(__name__, name)
    return VerifiedConstructor("sentence-transformers", name)
