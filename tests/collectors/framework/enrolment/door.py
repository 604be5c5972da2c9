# mypy: allow-untyped-calls
"""The hub's door on a real port of the loopback, in threads, and impostors of it."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import msgspec

from hub.web.refusals import RefusalError
from tests.fakes.enrolment import EnrolHub


class Door:
    """Answers as the hub's front does. What it shows, and whose authority it names, can be another's.

    Attributes:
        posts: bodies that reached it.
        resets: so many connections are closed before a word.
        mangle: changes the answers.
    """

    def __init__(self, hub: EnrolHub, shows: Path | None = None) -> None:
        self.hub = hub
        self.posts: list[bytes] = []
        self.resets = 0
        self.mangle: Any = lambda answer: answer
        self.lock = threading.Lock()
        folder = shows or hub.site.pki
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "hub.crt", folder / "hub.key")
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def setup(self) -> None:
                self.request = context.wrap_socket(self.request, server_side=True)
                super().setup()

            def do_GET(self) -> None:
                self.reply(b"")

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.posts.append(body)
                self.reply(body)

            def reply(self, body: bytes) -> None:
                status, answer = 200, None
                with outer.lock:
                    try:
                        answer = outer.hub.front.answer(self.command.encode(), self.path.encode(), body, "peer")
                    except RefusalError as error:
                        status = error.status
                        answer = {"error": {"code": error.code, "message": error.message, "details": []}}
                data = msgspec.json.encode(outer.mangle(msgspec.to_builtins(answer)))
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *arguments: Any) -> None: ...

        class Server(ThreadingHTTPServer):
            def verify_request(self, request: Any, client_address: Any) -> bool:
                if outer.resets:
                    outer.resets -= 1
                    request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                    return False
                return True

            def handle_error(self, request: Any, client_address: Any) -> None: ...

        self.server = Server(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,))
        self.thread.start()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server.server_address[1]}"

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


def real_hub() -> EnrolHub:
    """A hub by the real clock, which OpenSSL goes by."""
    return EnrolHub(start=time.time())
