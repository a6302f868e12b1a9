"""What host-cli and the agent say with `--output json`, and how a run of them ended."""
import json
import subprocess
from dataclasses import dataclass


def event_of(line):
    """The event that a line is; nothing where it is none."""
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) and event.get('event') else None


@dataclass
class Done:
    """How a run ended, and what it said."""
    code: int
    raw: bytes
    error: str

    @property
    def out(self):
        return self.raw.decode(errors='replace')

    @property
    def events(self):
        return [event for event in map(event_of, self.out.splitlines()) if event]

    def heard(self, name):
        return [event for event in self.events if event['event'] == name]

    @property
    def lines(self):
        """What the builder printed."""
        return [event.get('text', '') for event in self.heard('line')]

    def why(self):
        failed = next((event.get('text', '') for event in self.heard('failed')), '') or self.error.strip() or self.out.strip()
        return f'exit code {self.code}: {failed[-300:]}'


def finished(process, stdin, patience):
    """A process with pipes, to its end; one that takes longer is killed, and `TimeoutExpired` raised."""
    try:
        out, error = process.communicate(stdin and stdin.encode(), timeout=patience)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise
    return Done(process.returncode, out, error.decode(errors='replace'))


def run(command, stdin=None, patience=None):
    process = subprocess.Popen([str(word) for word in command], stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    return finished(process, stdin, patience)
