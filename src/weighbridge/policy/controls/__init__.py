"""One control, one file: each looks at the whole submission and gives its reasons."""
