"""One run of host-cli, or of the drop-in form: its events as they come, its end, how long it took."""
import json
import os
import signal
import subprocess
import threading
import time
from typing import ClassVar

from harness.events import event_of


class NotInjected(Exception):
    """The fault did not happen; what was seen then proves nothing."""


class Run:
    """Begins at once. `stdin` is given and closed."""
    under_way: ClassVar[set] = set()

    def __init__(self, command, environment, stdin=None):
        self.command, self.events, self.noise, self.error = command, [], [], ''
        self.said, self.began, self.code, self.seconds, self.hung = threading.Condition(), time.monotonic(), None, 0, False
        self.process = subprocess.Popen([str(word) for word in command], env=environment, text=True, errors='replace',
                                        stdin=subprocess.PIPE if stdin else subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, start_new_session=True)
        Run.under_way.add(self)
        self.readers = [threading.Thread(target=read, daemon=True) for read in (self.read, self.read_errors)]
        for reader in self.readers:
            reader.start()
        if stdin:
            self.process.stdin.write(stdin)
            self.process.stdin.close()

    @property
    def pid(self):
        return self.process.pid

    def read(self):
        for line in self.process.stdout:
            with self.said:
                event = event_of(line)
                if event:
                    self.events.append(event)
                else:
                    self.noise.append(line)
                self.said.notify_all()
        with self.said:
            self.events.append({'event': None})  # nothing more will come
            self.said.notify_all()

    def read_errors(self):
        self.error = self.process.stderr.read()

    def wait_for(self, what, seen, patience=60):
        """Until an event is `seen`."""
        deadline = time.monotonic() + patience
        with self.said:
            while True:
                for event in self.events:
                    if event['event'] is not None and seen(event):
                        return event
                ended = any(event['event'] is None for event in self.events)
                if ended or not self.said.wait(deadline - time.monotonic()):
                    raise NotInjected(f"it {'ended' if ended else 'waited in vain'} before {what}: {self.last_words()}")

    def wait_for_line(self, text):
        return self.wait_for(f'the line {text!r}', lambda event: event['event'] == 'line' and text in event.get('text', ''))

    def wait_for_event(self, name):
        return self.wait_for(f'the event {name!r}', lambda event: event['event'] == name)

    def signal(self, name):
        if self.process.poll() is not None:
            raise NotInjected(f'it ended before the signal: {self.last_words()}')
        os.kill(self.pid, getattr(signal, f'SIG{name}'))

    def end(self, patience):
        """Its exit code; a run that does not end in time is ended, and counts as hung."""
        try:
            self.process.wait(max(patience - (time.monotonic() - self.began), 1))
        except subprocess.TimeoutExpired:
            self.hung = True
            os.killpg(self.pid, signal.SIGKILL)
            self.process.wait()
        Run.under_way.discard(self)
        self.seconds = time.monotonic() - self.began
        for reader in self.readers:
            reader.join(5)
        self.code = self.process.returncode
        return self.code

    @classmethod
    def end_all(cls):
        """Where the whole is interrupted: each takes away what it has made."""
        for run in list(cls.under_way):
            run.process.terminate()
        for run in list(cls.under_way):
            run.end(time.monotonic() - run.began + 20)

    @property
    def failure(self):
        """What the last event said went wrong, and what to try."""
        for event in self.events:
            if event['event'] == 'failed':
                return event.get('text', ''), event.get('advice', '')
        return self.error.strip(), ''

    def heard(self, name):
        return [event for event in self.events if event['event'] == name]

    @property
    def all_words(self):
        return '\n'.join([*(json.dumps(event) for event in self.events), *self.noise, self.error])

    def last_words(self):
        words = ' '.join(filter(None, self.failure)) or (json.dumps(self.events[-2]) if len(self.events) > 1 else '')
        return words[:400] or 'it said nothing'
