"""
A small inference server, as people write them: `python inference_server.py MODEL HOST PORT`.

`POST /predict` with rows of four numbers, `GET /stream`, `GET /crash`. It knows nothing of walls.
"""

import json
import os
import signal
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file


class Handler(BaseHTTPRequestHandler):
    """Answers one connection."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Multiply what is sent by the weights."""
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        said = json.dumps((np.array(asked, "f4") @ WEIGHTS).tolist()).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def do_GET(self) -> None:
        """Send the weights row by row, each when a line has come; or end in the middle of it."""
        if self.path == "/crash":
            os._exit(3)
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for row in WEIGHTS:
            piece = json.dumps(row.tolist()).encode()
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            self.wfile.flush()
            self.rfile.readline()
        self.wfile.write(b"0\r\n\r\n")

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


class Server(ThreadingHTTPServer):
    """Lets many wait."""

    request_queue_size = 64


if __name__ == "__main__":
    WEIGHTS = load_file(Path(sys.argv[1], "model.safetensors"))["w"].reshape(4, 4)
    server = Server((sys.argv[2], int(sys.argv[3])), Handler)
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    print("ready", flush=True)  # noqa: T201  it is a program
    server.serve_forever()
    server.server_close()
    print("stopped in its own way", flush=True)  # noqa: T201  it is a program
