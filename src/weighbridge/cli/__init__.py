"""The command line: parse, one pipeline call, render."""
