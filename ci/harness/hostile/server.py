"""Gives the archives away, at addresses that are their names."""
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

LONGEST = 8 << 30  # bytes of an endless body: nobody should ever see its end


class Server:
    """A server on the loopback interface, for as long as its context."""

    def __init__(self, archives):
        handler = type('Handler', (Handler,), {'archives': {f'/{archive.name}': archive for archive in archives}})
        self.server = ThreadingHTTPServer(('127.0.0.1', 0), handler)
        self.server.daemon_threads = True

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def url(self, archive):
        return f'http://127.0.0.1:{self.server.server_port}/{archive.name}'


class Handler(BaseHTTPRequestHandler):
    archives: ClassVar[dict] = {}

    def do_GET(self):
        body = self.archives[self.path].body
        self.send_response(200)
        if isinstance(body, bytes):
            self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        sent = 0
        try:
            for piece in [body] if isinstance(body, bytes) else body():
                self.wfile.write(piece)
                sent += len(piece)
                if sent > LONGEST:
                    break
        except OSError:
            pass  # the agent has seen enough

    def log_message(self, *_):
        pass
