"""
The command line of the reference implementation of OpenSSF Model Signing, with our checks.

`python -m weighbridge.compat.model_signing` takes every flag of every subcommand of
`model_signing` and of its fork with images, prints what they print on success, and leaves with
their exit codes: 0, 1 for whatever failed, 2 for wrong usage. What it accepts is what
`weighbridge` accepts; where that is less than the reference does, docs/drop-in.md says so.
"""
