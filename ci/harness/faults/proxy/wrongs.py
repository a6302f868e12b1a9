"""What a server can do wrong with one request. For the proxy, in its container."""
import socket
import ssl
import struct
import time

POLL = 0.05  # seconds
PAGE = b'<!DOCTYPE html><html><body>Please log in.</body></html>\n'
LIE = 1000  # bytes more than there are
SMALL = 100  # bytes: with their head, twice as many fit into one packet and one record of TLS


class Exchange:
    """One request: its head is read, its body is not."""

    def __init__(self, client, upstream, rule_now):
        self.client, self.upstream, self.rule_now = client, upstream, rule_now
        self.rule_then = rule_now()
        head = b''
        while b'\r\n\r\n' not in head:
            some = client.recv(4096)
            if not some:
                raise ValueError('no request')
            head += some
        head, self.early = head.split(b'\r\n\r\n', 1)
        first, *self.fields = head.decode('latin-1').split('\r\n')
        self.method, self.target, _ = first.split(' ', 2)
        self.length = int(self.field('content-length') or 0)

    def field(self, name):
        found = (line.partition(':')[2].strip() for line in self.fields if line.lower().startswith(f'{name}:'))
        return next(found, None)

    def body(self, most, size=65536):
        """The request's body, up to so many bytes of it."""
        while most:
            size = min(size, most)
            some, self.early = self.early[:size], self.early[size:]
            some = some or self.client.recv(size)
            if not some:
                return
            most -= len(some)
            yield some

    def swallow(self, share=1.0):
        """Reads so much of the body."""
        for _ in self.body(int(self.length * share)):
            pass

    def asked(self):
        """The connection to the real server, with the request on it."""
        name, port, tls = self.upstream
        there = socket.create_connection((name, port), 20)
        if tls:
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            there = context.wrap_socket(there)
        there.settimeout(600)
        fields = [line for line in self.fields if not line.lower().startswith('connection:')]
        head = '\r\n'.join([f'{self.method} {self.target} HTTP/1.1', *fields, 'Connection: close', '', ''])
        there.sendall(head.encode('latin-1'))
        for some in self.body(self.length):
            there.sendall(some)
        return there

    def answer(self):
        """The real server's answer: its head's lines and its body."""
        whole = b''
        with self.asked() as there:
            while some := there.recv(65536):
                whole += some
        head, body = whole.split(b'\r\n\r\n', 1)
        return head.decode('latin-1').split('\r\n'), body

    def head(self, lines, behind=b'', **fields):
        """Sends an answer's head, with these fields changed, and in the same write what is `behind` it."""
        changed = {name.replace('_', '-').lower(): value for name, value in fields.items()}
        kept = [line for line in lines if line.partition(':')[0].lower() not in changed]
        kept += [f'{name}: {value}' for name, value in changed.items()]
        self.client.sendall('\r\n'.join([*kept, '', '']).encode('latin-1') + behind)

    def whole(self, status, body, **fields):
        self.head([f'HTTP/1.1 {status}', 'Connection: close'], Content_Length=len(body), **fields)
        self.client.sendall(body)

    def until_it_hangs_up(self):
        """Waits for the client to go, or for another rule."""
        self.client.settimeout(POLL)
        while self.rule_now() == self.rule_then:
            try:
                if self.client.recv(1) == b'':
                    return
            except TimeoutError:
                pass
            time.sleep(POLL)


def passed(exchange, _rule):
    with exchange.asked() as there:
        while some := there.recv(65536):
            exchange.client.sendall(some)


def hold(exchange, rule):
    """As if the server took its time: until there is another rule."""
    while exchange.rule_now() == exchange.rule_then:
        time.sleep(POLL)
    passed(exchange, rule)


def reset(exchange, _rule):
    exchange.swallow(0.5)
    client = exchange.client
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
    if isinstance(client, ssl.SSLSocket):
        client = socket.socket(fileno=client.detach())
    client.close()


def stall(exchange, rule):
    """Before the answer, or, for `at: body`, in the middle of it; an upload is not read to its end."""
    if exchange.method == 'POST':
        exchange.swallow(0.1)
        while exchange.rule_now() == exchange.rule_then:
            time.sleep(POLL)
        return
    if rule.get('at') == 'body':
        lines, body = exchange.answer()
        exchange.head(lines)
        exchange.client.sendall(body[:len(body) // 2])
    exchange.until_it_hangs_up()


def trickle(exchange, _rule):
    if exchange.method == 'POST':
        for _ in exchange.body(exchange.length, size=1):
            if exchange.rule_now() != exchange.rule_then:
                return
            time.sleep(1)
        return
    lines, body = exchange.answer()
    exchange.head(lines)
    for byte in body:
        if exchange.rule_now() != exchange.rule_then:
            return
        exchange.client.sendall(bytes([byte]))
        time.sleep(1)


def status(exchange, rule):
    exchange.swallow()
    fields = {'Retry_After': rule['retry_after']} if 'retry_after' in rule else {}
    exchange.whole(rule['status'], b'busy\n', **fields)


def cut(exchange, _rule):
    """In the middle of the body, in either direction."""
    if exchange.method == 'POST':
        half = exchange.length // 2
        exchange.swallow(0.5)
        socket.socket.shutdown(exchange.client, socket.SHUT_WR)
        for _ in exchange.body(exchange.length - half):
            pass  # what is left unread would make it a reset
        return
    lines, body = exchange.answer()
    exchange.head(lines)
    exchange.client.sendall(body[:len(body) // 2])


def too_long(exchange, _rule):
    """Announces more than there is."""
    lines, body = exchange.answer()
    exchange.head(lines, Content_Length=len(body) + LIE)
    exchange.client.sendall(body)


def too_short(exchange, _rule):
    """Announces less than it sends. The agent waits for nothing behind a body, so all comes at once."""
    lines, body = exchange.answer()
    exchange.head(lines, body[:2 * SMALL], Content_Length=SMALL)


def page(exchange, _rule):
    exchange.swallow()
    exchange.whole('200 OK', PAGE, Content_Type='text/html')


def other(exchange, _rule):
    """Another archive than the one that was asked for."""
    with open('/faults/other.zip', 'rb') as file:
        exchange.whole('200 OK', file.read())


def garbage(exchange, _rule):
    exchange.swallow()
    exchange.client.sendall(b'\x00\x01\x02 this is no HTTP\r\n\r\n' * 20)


ANSWERS = {'passed': passed, 'hold': hold, 'reset': reset, 'stall': stall, 'trickle': trickle, 'status': status, 'cut': cut,
           'too-long': too_long, 'too-short': too_short, 'page': page, 'other': other, 'garbage': garbage}
