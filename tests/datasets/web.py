"""A web server on the loopback that serves a folder with ranges, and that can misbehave."""

from __future__ import annotations

import contextlib
import hashlib
import re
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


class Web:
    """Serves ``folder``; what it is asked is in ``asked`` as (path, headers).

    Attributes:
        drops: path → after how many bytes of each answer the connection is closed, one entry an answer.
        holds: path → after how many bytes an answer stops until `released`.
        fails: path → statuses of its next answers. pages: path → text of a page. tagged: whether files have an ETag.
        times: when each request came. most: how many were answered at once, at most.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.drops: dict[str, list[int]] = {}
        self.holds: dict[str, int] = {}
        self.fails: dict[str, list[int]] = {}
        self.pages: dict[str, str] = {}
        self.tagged, self.ranges = True, True
        self.released = threading.Event()
        self.times: list[float] = []
        self.now = self.most = 0
        self.url = ""

    def files(self, end: str = "") -> list[str]:
        """Paths that were asked for, in order."""
        return [path for path, _ in self.asked if path.endswith(end)]


@contextlib.contextmanager
def serve(folder: Path):
    web = Web(folder)

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_):
            pass

        def do_GET(self):
            path = self.path.lstrip("/")
            web.asked.append((path, dict(self.headers)))
            web.times.append(time.monotonic())
            web.now += 1
            web.most = max(web.most, web.now)
            try:
                return self.answer(path)
            finally:
                web.now -= 1

        def answer(self, path):
            if web.fails.get(path):
                return self.send_error(web.fails[path].pop(0))
            file = web.folder / path
            if path in web.pages:
                content, tag = web.pages[path].encode(), None
            elif file.is_file():
                content = file.read_bytes()
                tag = f'"{hashlib.sha256(content).hexdigest()[:16]}"' if web.tagged else None
            else:
                return self.send_error(404)
            span = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range") or "")
            first = int(span[1]) if span and web.ranges and self.headers.get("If-Range") == tag else 0
            if first and first >= len(content):
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(content)}")
                self.send_header("Content-Length", "0")
                return self.end_headers()
            self.send_response(206 if first else 200)
            if first:
                self.send_header("Content-Range", f"bytes {first}-{len(content) - 1}/{len(content)}")
            if tag:
                self.send_header("ETag", tag)
            self.send_header("Content-Length", str(len(content) - first))
            self.end_headers()
            body = content[first:]
            if web.drops.get(path):
                self.wfile.write(body[: web.drops[path].pop(0)])
                self.close_connection = True
            elif path in web.holds:
                self.wfile.write(body[: web.holds[path]])
                self.wfile.flush()
                web.released.wait(20)
            else:
                self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    web.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield web
    finally:
        web.released.set()
        server.shutdown()
        server.server_close()
