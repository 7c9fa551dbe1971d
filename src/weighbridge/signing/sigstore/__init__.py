"""
The keyless method: an identity provider vouches for the signer, and a public log has the entry.

`material` reads what is in a signature file and imports nothing of the `sigstore` package. The
other modules do, which costs a third of a second: they are imported where the method is chosen.
"""
