"""
A Sigstore instance of one's own on the loopback interface: a test instance, and nothing else.

It does what a real one does and speaks the same protocols, so that the real clients sign and
verify against it with no network: an OIDC issuer (`oidc`, `ambient`), a certificate authority
(`fulcio`, `identity`) with its certificate log (`ctlog`), a signature log (`log`, `tree`) in both
versions of its protocol (`rekor`, `rekor_v1`), and a timestamp authority (`tsa`). `trust` says what
clients are told about it, and `loopback` starts it all. `careless` is a client that checks nothing.

**Never trust it with anything.** It gives a token for any identity to whoever asks, plays other
issuers than itself, misbehaves when told to (`faults`), keeps nothing, and makes all of its keys
anew in memory at each start. Its logs are witnessed and monitored by nobody.
"""
