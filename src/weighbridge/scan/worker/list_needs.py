"""What runs in a confined worker that lists what files need."""

import socket

from weighbridge.scan.needs import list_needs
from weighbridge.scan.worker.serve import serve_with


def serve(talk: socket.socket, /) -> None:
    """List what files need, as `serve.serve` examines them; `need.read_needs` reads the reports."""
    serve_with(talk, list_needs)
