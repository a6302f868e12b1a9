"""Stands between host-cli and the engine's socket: lets all through, until a request comes that it waits for. It keeps that one
until it is told to go on; or it answers such requests itself, or cuts them off."""
import contextlib
import socket
import threading
from pathlib import Path

REFUSAL = (b'HTTP/1.1 500 Internal Server Error\r\nContent-Type: application/json\r\nContent-Length: 33\r\n'
           b'Connection: close\r\n\r\n{"message":"refused by the gate"}\n')


class Gate:
    """`waits_for` is the beginning of a request line's path, behind the version: `/images/load`."""

    def __init__(self, socket_path, engine_socket):
        self.path, self.engine = Path(socket_path), str(engine_socket)
        self.reached, self.opened, self.waits_for, self.then = threading.Event(), threading.Event(), None, 'pass'
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(self.path))
        self.listener.listen(64)
        threading.Thread(target=self.accept, daemon=True).start()

    @property
    def docker_host(self):
        return f'unix://{self.path}'

    def wait_for(self, path, then='pass'):
        """`then`: `pass` on the next request for `path` when opened; `refuse` or `cut` off at once all of them until then."""
        self.reached.clear()
        self.opened.clear()
        self.waits_for, self.then = path, then

    def open(self):
        self.waits_for = None
        self.opened.set()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        there = socket.socket(socket.AF_UNIX)
        try:
            there.connect(self.engine)
        except OSError:
            client.close()  # as an engine that is just going
            return
        back = threading.Thread(target=pump, args=(there, client, lambda _: 'pass'), daemon=True)
        back.start()
        pump(client, there, self.judge)
        back.join()
        client.close()
        there.close()

    def judge(self, some):
        """What to do with bytes on the way to the engine. A request's head comes in one piece."""
        wanted = self.waits_for
        line = some.split(b'\r\n', 1)[0]
        if wanted is None or not line.endswith(b' HTTP/1.1') or wanted.encode() not in line:
            return 'pass'
        self.reached.set()
        if self.then == 'pass':
            self.waits_for = None
            self.opened.wait()
        return self.then

    def close(self):
        self.open()
        self.listener.close()
        self.path.unlink(missing_ok=True)


def pump(here, there, judge):
    try:
        while some := here.recv(65536):
            verdict = judge(some)
            if verdict == 'refuse':
                here.sendall(REFUSAL)
            if verdict != 'pass':
                here.shutdown(socket.SHUT_RDWR)
                there.shutdown(socket.SHUT_RDWR)
                return
            there.sendall(some)
        there.shutdown(socket.SHUT_WR)
    except OSError:
        for end in (here, there):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
