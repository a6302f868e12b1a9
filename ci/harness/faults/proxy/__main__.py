"""Stands between a staging and the mini-HCF: passes on what it gets, and does wrong what it is told to.

Runs alone in a container, on the standard library: `python3 -m proxy` in the folder above. Its folder /faults holds

    upstream.json   {"file-server": ["name", port, tls], …}: where what is passed on goes
    rule.json       what to do wrong, read anew at each request: {"id", "service", "path", "do", "times", "certificate", …};
                    without it all is passed on
    log             a line of JSON for each thing that was done: a fault that is not in it did not happen
    NAME.pem        a certificate and its key: good.pem and those that rules name
"""
import json
import socket
import ssl
import threading
import time
from pathlib import Path

from .wrongs import ANSWERS, Exchange

FOLDER = Path('/faults')
PORTS = {'file-server': {8080: False, 8447: True}, 'blobstore': {443: True, 4443: True}, 'cc-uploader': {9090: False, 9091: True}}
POLL = 0.1  # seconds until a new rule is seen; more often costs a core that others want
SMALL = 64 << 10  # bytes that the kernel takes in for us unread: what stalls must be felt by who sends


class Proxy:
    def __init__(self):
        self.upstream = json.loads((FOLDER / 'upstream.json').read_text())
        self.lock, self.done = threading.Lock(), {}

    def rule(self, service):
        """What to do wrong at this service, if anything."""
        try:
            rule = json.loads((FOLDER / 'rule.json').read_text())
        except OSError:
            return {}
        return rule if rule['service'] == service else {}

    def turn(self, service, target):
        """The rule for this request: only so many times, where it says how many."""
        rule = self.rule(service)
        if not rule or rule.get('path', '') not in target or not rule.get('do'):
            return {}
        with self.lock:
            count = self.done[rule['id']] = self.done.get(rule['id'], 0) + 1
        return rule if count <= rule.get('times', count) else {}

    def say(self, rule, service, did, what=''):
        line = {'id': rule.get('id', ''), 'service': service, 'did': did, 'what': what.partition('?')[0], 'at': time.monotonic()}
        with self.lock, open(FOLDER / 'log', 'a') as log:
            log.write(json.dumps(line) + '\n')

    def listen(self, service, port, tls):
        """Accepts for ever; while the rule is to refuse, nobody listens."""
        listener = None
        while True:
            rule = self.rule(service)
            if rule.get('do') == 'refuse':
                if listener:
                    listener.close()
                    listener = None
                    self.say(rule, service, f'closed {port}')
                time.sleep(POLL)
                continue
            if not listener:
                listener = opened(port)
            try:
                client, _ = listener.accept()
            except TimeoutError:
                continue
            threading.Thread(target=self.serve, args=(service, client, tls), daemon=True).start()

    def serve(self, service, client, tls):
        client.settimeout(600)
        try:
            if tls:
                client = self.shaken(service, client)
            if client:
                self.exchange(service, client)
        except (OSError, ValueError) as error:
            self.say({}, service, f'broke: {type(error).__name__}')
        finally:
            if client:
                client.close()

    def shaken(self, service, client):
        """The connection with TLS; None where the client did not like the certificate."""
        rule = self.rule(service)
        name = rule.get('certificate', 'good')
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(FOLDER / f'{name}.pem')
        try:
            shaken = context.wrap_socket(client, server_side=True)
        except OSError as error:
            self.say(rule, service, 'handshake', f'{name}: {error}')
            client.close()
            return None
        if 'certificate' in rule:
            self.say(rule, service, 'showed', name)
        return shaken

    def exchange(self, service, client):
        exchange = Exchange(client, self.upstream[service], lambda: self.rule(service).get('id'))
        rule = self.turn(service, exchange.target)
        did = rule.get('do', 'passed')
        self.say(rule, service, did, exchange.target)
        ANSWERS[did](exchange, rule)


def opened(port):
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL)
    listener.bind(('0.0.0.0', port))
    listener.listen(64)
    listener.settimeout(POLL)
    return listener


def main():
    proxy = Proxy()
    for service, ports in PORTS.items():
        for port, tls in ports.items():
            threading.Thread(target=proxy.listen, args=(service, port, tls), daemon=True).start()
    proxy.say({}, '', 'ready')
    while True:
        time.sleep(3600)


if __name__ == '__main__':
    main()
