"""A server that answers each question on a connection: `answer.py PORT QUESTION ANSWER` (bytes)."""

import socket
import sys
import threading

port, question_bytes, answer_bytes = map(int, sys.argv[1:])


def serve(connection: socket.socket) -> None:
    """Answer until the other side ends."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with connection:
        while connection.recv(question_bytes):
            connection.sendall(bytes(answer_bytes))


with socket.create_server(("127.0.0.1", port), backlog=128) as server:
    print("ready", flush=True)
    while True:
        accepted, _ = server.accept()
        threading.Thread(target=serve, args=(accepted,), daemon=True).start()
