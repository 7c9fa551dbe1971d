"""One module per case; each has `measure(setting) -> Result`."""
