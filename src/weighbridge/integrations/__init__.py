"""
Drop-ins: the entry points of libraries, with one more argument, the policy.

::

    from weighbridge.integrations.transformers import AutoModel, AutoTokenizer

    model = AutoModel.from_pretrained("models/bert", policy=policy)

Each takes what the library's own takes, and returns what that returns, made of verified bytes.
Importing a module of these imports nothing of the library.
"""
