"""One format family, one file: bytes to facts, without an opinion. The registry lists them."""
