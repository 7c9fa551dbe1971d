"""One rule, one file. The registry lists them."""
