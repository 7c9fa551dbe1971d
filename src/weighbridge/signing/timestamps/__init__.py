"""
Trusted time: RFC 3161 timestamps over signatures, asked for, read and verified.

A timestamp says that a signature existed at a time, by the clock of an authority that the
verifier trusts. It is what lets a signature outlive its signer's certificate or key.
"""
