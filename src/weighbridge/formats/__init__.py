"""Pure parsers over bounded bytes; no I/O, no framework, no opinion."""
