"""A root file system with canaries, the agent in it, and what became of both."""
import hashlib
import json
import os
import re
import shutil
import signal
import stat
import subprocess
import threading
from dataclasses import dataclass, field

from harness.archives.expected import Directory, File, Link, Refused
from harness.processes import peak_mib

PATIENCE = 30  # seconds
MOST_MEMORY = 64  # MiB
REFUSED = 4
SHORT = 1 << 20  # contents from here on are told by their size
ROOT = os.geteuid() == 0
USER = 2000 if ROOT else os.getuid()


@dataclass
class Outcome:
    """What became of an archive; the lists hold complaints."""
    text: str = ''
    peak_mib: int = 0
    wrong: list = field(default_factory=list)
    escaped: list = field(default_factory=list)
    crashed: list = field(default_factory=list)


class World:
    """A directory that the agent takes for `/`. It is removed with whatever it is in."""

    def __init__(self, root, agent):
        self.root = root
        self.inside = root / 'tmp/app'
        for folder in ('bin', 'etc', 'home', 'canaries/private', 'tmp/canaries'):
            (root / folder).mkdir(parents=True)
        os.link(agent, root / 'bin/stager-agent')
        user = 2000 if ROOT else 0  # in a user namespace there is nobody but root
        (root / 'etc/passwd').write_text(f'root:x:0:0::/:/bin/sh\nvcap:x:{user}:{user}::/home:/bin/sh\n')
        for canary in ('canary', 'etc/canary', 'canaries/private/canary', 'tmp/canary', 'tmp/canaries/canary'):
            (root / canary).write_text(f'{canary} is alive')
        (root / 'canaries/private').chmod(0o700)
        (root / 'tmp/up').symlink_to('..')

    def unpack(self, url, archive):
        """Lets the agent fetch the archive into /tmp/app."""
        before = self.outside()
        outcome = Outcome()
        code, last, said = self.run(url, archive.options, outcome)
        for path in sorted(set(before.items()) ^ set(self.outside().items())):
            outcome.escaped.append(f'{path[0]}: {path[1]}')
        found = self.contents(self.inside, USER, outcome)
        self.judge(archive, code, last, said, found, outcome)
        self.keep(url, archive, outcome)
        for path in sorted(set(before.items()) ^ set(self.outside().items())):
            outcome.escaped.append(f'of the cache: {path[0]}: {path[1]}')
        if not outcome.escaped:
            shutil.rmtree(self.root, onerror=entered)
        return outcome

    def run(self, url, options, outcome):
        download = {'artifact': 'app package', 'from': url, 'to': '/tmp/app', 'cache_key': '', 'user': 'vcap'}
        request = self.request({'download': download})
        # --keep: the peak of memory can be read as long as the process is there.
        command = ['/bin/stager-agent', '--output', 'json', '--no-image', '--keep', *options]
        agent = self.start(command)
        timer = threading.Timer(PATIENCE, lambda: (outcome.crashed.append('hung'), agent.kill()))
        timer.start()
        agent.stdin.write(json.dumps(request))
        agent.stdin.close()
        last, said = {}, []
        for line in agent.stdout:
            last = json.loads(line)
            said.append(last)
            if last['event'] in ('done', 'failed'):
                outcome.peak_mib = peak_mib(agent.pid)
                agent.send_signal(signal.SIGTERM)
                break
        agent.stdout.read()
        complaint = agent.stderr.read()
        code = agent.wait()
        timer.cancel()
        if complaint or code < 0 or code not in (0, REFUSED):
            outcome.crashed.append(f'exit code {code}: {complaint}')
        if outcome.peak_mib > MOST_MEMORY:
            outcome.crashed.append(f'took {outcome.peak_mib} MiB')
        return code, last, said

    @staticmethod
    def request(action):
        return {
            'rootfs': 'preloaded:cflinuxfs4', 'log_guid': '18c50a86-b045-5fed-bae9-e6ea03383693', 'log_source': 'STG',
            'action': action, 'result_file': '', 'completion_callback_url': '',
        }

    def start(self, command):
        enter = ['chroot'] if ROOT else ['unshare', '--map-root-user', '--root']
        return subprocess.Popen([*enter, self.root, *command], cwd='/', text=True, stdin=subprocess.PIPE,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={'PATH': os.environ['PATH']})

    def keep(self, url, archive, outcome):
        """Lets the agent fetch the archive into a cache, which must be whole afterwards, and empty after a refusal."""
        wanted = {'name': '', 'from': url, 'to': '/tmp/cached', 'cache_key': archive.name, 'log_source': ''}
        request = self.request({'run': {'path': '/bin/true', 'user': 'vcap'}}) | {'cached_dependencies': [wanted]}
        refused = isinstance(archive.expected, Refused)
        for subcommand, given, wanted_code in (
            (['up'], json.dumps(request), REFUSED if refused else 0), (['verify'], '', 0), (['list', '--output', 'json'], '', 0),
        ):
            agent = self.start(['/bin/stager-agent', '--cache', '/cache', *archive.options, 'cache', *subcommand])
            try:
                printed, complaint = agent.communicate(given, timeout=PATIENCE)
            except subprocess.TimeoutExpired:
                agent.kill()
                outcome.crashed.append(f'cache {subcommand[0]} hung')
                return
            if agent.returncode != wanted_code:
                kind = outcome.wrong if agent.returncode in (0, REFUSED) else outcome.crashed
                kind.append(f'cache {subcommand[0]}: exit code {agent.returncode}: {short(printed + complaint)}')
                return
        listed = [entry['key'] for entry in json.loads(printed)]
        if listed != ([] if refused else [archive.name]):
            outcome.wrong.append(f'the cache lists {listed}')
        found = self.contents(self.root / 'cache/entries', os.getuid(), outcome)
        if refused and found:
            outcome.wrong.append(f'left behind in the cache: {sorted(found)[:3]}')

    def outside(self):
        """Path and everything that can be seen of it, for all that is not inside."""
        found = {}
        for folder, folders, files in os.walk(self.root):
            if folder == str(self.root / 'tmp'):
                folders[:] = [name for name in folders if name != 'app']
            if folder == str(self.root):
                folders[:] = [name for name in folders if name != 'cache']
            for path in [folder, *(os.path.join(folder, name) for name in files + folders)]:
                status = os.lstat(path)
                # Of / and /tmp we know that they get an entry; anywhere else not even something passing may be.
                when = status.st_mtime_ns if path not in (str(self.root), str(self.root / 'tmp')) else 0
                links = status.st_nlink if not stat.S_ISDIR(status.st_mode) and folder != str(self.root / 'bin') else 0
                what = (oct(status.st_mode), status.st_uid, status.st_gid, when, links, told(path, status))
                found[os.path.relpath(path, self.root)] = what
        return found

    @staticmethod
    def contents(top, owner, outcome):
        """What is in `top`, as `expected` has it; complains about what should not be anywhere."""
        found = {}
        if not top.exists():
            return found
        # By descriptors: names may be longer than a system call takes.
        for folder, folders, files, here in os.fwalk(os.fsencode(top)):
            for raw in folders + files:
                name = visible(os.path.relpath(os.path.join(folder, raw), os.fsencode(top)))
                status = os.stat(raw, dir_fd=here, follow_symlinks=False)
                mode = stat.S_IMODE(status.st_mode)
                if stat.S_ISLNK(status.st_mode):
                    found[name] = Link(visible(os.readlink(raw, dir_fd=here)))
                elif stat.S_ISDIR(status.st_mode):
                    found[name] = Directory(mode)
                elif stat.S_ISREG(status.st_mode):
                    small = status.st_size < SHORT
                    with open(os.open(raw, os.O_RDONLY, dir_fd=here), 'rb') as file:
                        found[name] = File(file.read() if small else status.st_size, mode)
                else:
                    outcome.escaped.append(f'{name} is none of file, directory, link')
                if not stat.S_ISLNK(status.st_mode) and mode & 0o7022:
                    outcome.escaped.append(f'{name} has mode {mode:o}')
                if (status.st_uid, status.st_gid) != (owner, owner if ROOT else os.getgid()):
                    outcome.escaped.append(f'{name} belongs to {status.st_uid}:{status.st_gid}')
        return found

    @staticmethod
    def judge(archive, code, last, said, found, outcome):
        reason = re.sub(r'^cannot (unpack|download) \S+( into /tmp/app)?: ', '', last.get('text', ''))
        reason = re.sub(r'[^\s"]{60,}', lambda long: long.group()[:20] + '…', reason)
        warnings = [event['text'] for event in said if event['event'] == 'warning']
        if isinstance(archive.expected, Refused):
            outcome.text = f'refused: {reason}' if code == REFUSED else 'unpacked'
            if code != REFUSED or archive.expected.words not in reason:
                outcome.wrong.append(f'expected a refusal with the words: {archive.expected.words}')
            if found:
                outcome.wrong.append(f'left behind: {sorted(found)[:3]}')
            return
        outcome.text = f'refused: {reason}' if code else 'unpacked' + (f': {archive.described}' if archive.described else '')
        implied = {os.path.dirname(name) for name in found}
        found = {name: what for name, what in found.items() if name in archive.expected or name not in implied}
        if code or found != archive.expected:
            outcome.wrong.append(f'expected {short(archive.expected)}, found {short(found)}')
        if archive.warning not in ' '.join(warnings) or bool(warnings) != bool(archive.warning):
            outcome.wrong.append(f'warned: {warnings}')


def visible(raw):
    return raw.decode('utf-8', 'backslashreplace')


def told(path, status):
    if stat.S_ISLNK(status.st_mode):
        return os.readlink(path)
    if stat.S_ISREG(status.st_mode) and status.st_size < SHORT:
        return hashlib.sha256(open(path, 'rb').read()).hexdigest()
    return status.st_size if stat.S_ISREG(status.st_mode) else ''


def short(text):
    text = str(text)
    return text if len(text) < 400 else text[:400] + '…'


def entered(remove, path, _):
    """Removes what lies in a directory that must not be entered."""
    os.chmod(os.path.dirname(path), 0o700)
    os.chmod(path, 0o700) if os.path.isdir(path) and not os.path.islink(path) else None
    shutil.rmtree(path) if os.path.isdir(path) and not os.path.islink(path) else remove(path)
