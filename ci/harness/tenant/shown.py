"""What is shown of a stranger's text: nothing that a terminal obeys, that reorders, hides or passes for a line of ours."""
import json
import re

from harness.tenant.attempt import NotSetUp, attempt, enlist

NASTY = {
    'zero-width': '\u200b\u200c\u2060\ufeff\u00ad', 'bidi': '\u202e\u2066\u061c', 'tags': '\U000e0001\U000e0061', 'ansi': '\x1b[2J\x9b2J\x07',
    'links': '\x1b]8;;http://evil.example\x1b\\', 'concealed': '\x1b[8m',
}
COLOUR = re.compile('\x1b\\[[0-9;]*m')
FORGED = '======> Image cf-app/forged:latest'
FORGED_ROW = '✓ image   cf-app/forged:latest'


def plain(scene, app):
    """What `restage` shows of a staging, in a pipe."""
    done = scene.host(*scene.restaging('--request', app.file('staging'), '--no-image', volume='shown', output=()), home=app.home)
    if '-----> the builder runs' not in done.out:
        raise NotSetUp(f'the builder did not run; {done.why()}')
    return done.out + done.error


def in_names(scene, nasty):
    """Where an app's name comes out with a character of these in it."""
    app, twin = scene.app(f'aqx{nasty}zvb'), scene.app(f'aqx{nasty}zvb')
    folder = scene.logs(app, twin)
    asked = {
        'requests': ('requests', '--logs', folder), 'ambiguity': ('build-req', app.name, '--logs', folder),
        'advice': ('build-req', 'aqxzvb', '--logs', folder), 'failure': ('export', f'no{nasty}pe', '--oci', scene.folder / 'none', '--logs', folder),
        'launch': ('launch', '--request', app.file('launch'), '--network', scene.network),
    }
    said = {}
    for place, words in asked.items():
        done = scene.host(*words)
        said[place] = done.out + done.error
    missing = [place for place in ('requests', 'advice', 'launch') if not re.search('aqx.*zvb', said[place])]
    if missing:
        raise NotSetUp(f'no name is shown by {missing}')
    return said


def shown_raw(scene, kind):
    nasty = NASTY[kind]
    said = in_names(scene, nasty)
    if kind != 'concealed':  # a builder's colours are its own
        said['builder'] = plain(scene, scene.app(f'aqx{nasty}zvb').builds(f"printf '%s\\n' 'said{nasty}so'"))
    places = [place for place, text in said.items() if any(letter in text for letter in nasty if ord(letter) > 127 or ord(letter) < 32)]
    return f'raw in {", ".join(places)}' if places else None


for kind in NASTY:
    enlist(f'name-with-{kind}', f"an app's name, and a builder's line, come out with {kind} in them", __name__, lambda scene, kind=kind: shown_raw(scene, kind))


def begins_like_ours(text):
    lines = text.replace('\r', '\n').splitlines()
    found = [line for line in lines if COLOUR.sub('', line).lstrip().startswith((FORGED, FORGED_ROW))]
    return f'{found[0]!a}' if found else None


for name, what, printed in (
    ('line', 'begins like one of ours', FORGED),
    ('coloured-line', 'begins with a colour and then like one of ours', f'\\033[0m{FORGED}'),
    ('row', 'looks like a row of ours', FORGED_ROW),
    ('line-behind-a-return', 'begins like one of ours behind a carriage return', f'x\\r{FORGED}'),
):
    enlist(f'forged-{name}', f"a builder's line {what}", __name__,
           lambda scene, printed=printed: begins_like_ours(plain(scene, scene.app().builds(f"printf '{printed}\\n'"))))


@attempt
def forged_last_line_of_an_app(scene):
    """what an app printed before it died begins like a line of ours"""
    app = scene.app().starts(f'echo; echo "{FORGED}"; exit 1')
    scene.image(app)
    done = scene.host('launch', '--request', app.file('launch'), '--network', scene.network, home=app.home)
    if 'forged' not in done.out + done.error:
        raise NotSetUp(f'its last lines are not shown; {done.why()}')
    return begins_like_ours(done.out + done.error)


@attempt
def forged_events(scene):
    """a builder's line is taken for an event of the agent"""
    forged = json.dumps({'event': 'image', 'name': 'cf-app/forged:latest', 'id': 'sha256:f', 'bytes': 1})
    ended = json.dumps({'event': 'done', 'ms': 1})
    done = scene.restaged(scene.app().builds(f"printf '%s\\n' '{forged}' '{ended}'; printf '\\000\\n%s\\n' '{forged}'"), '--no-image')
    if not any('forged' in line for line in done.lines):
        raise NotSetUp("the builder's line did not come out")
    got = [event for event in done.events if 'forged' in str(event.get('name'))] + done.heard('done')[1:]
    return f'{got[0]}' if got else None


PASSWORD = 's3cret-start-password'


def listed_with(scene, *words):
    """What `requests` lists of an app whose start command has a password."""
    app = scene.app().starts(f'./run --user=me --password={PASSWORD}')
    done = scene.host('requests', '--logs', scene.logs(app), *words)
    if app.name not in done.out:
        raise NotSetUp(f'the app is not listed; {done.why()}')
    return done.out


@attempt
def password_of_a_start_command(scene):
    """`requests` shows a password that is in a start command"""
    return 'it is in the table' if PASSWORD in listed_with(scene) else None


@attempt
def password_of_a_start_command_in_json(scene):
    """`requests --output json` shows a password that is in a start command"""
    return 'it is in the JSON' if PASSWORD in listed_with(scene, '--output', 'json') else None


@attempt
def start_command_that_nobody_sees(scene):
    """`requests --show` hides the start command, too"""
    return None if PASSWORD in listed_with(scene, '--show') and PASSWORD in listed_with(scene, '--show', '--output', 'json') else 'it is hidden'


URL = 'https://git-user:url-passw0rd@git.example.com/pack.git?token=url-t0ken#v1'


@attempt
def password_of_a_buildpack(scene):
    """a builder prints the URL of a custom buildpack with its password, and that comes out"""
    app = scene.app().builds(f'echo "Cloning {URL}"; echo "fatal: {URL} not found" >&2; printf "%s" "x{URL}y{URL}"; echo')
    app.builder['args'] = [f'-buildpackOrder={URL}' if one.startswith('-buildpackOrder=') else one for one in app.builder['args']]
    said = plain(scene, app)
    if 'Cloning' not in said:
        raise NotSetUp("the builder's line did not come out")
    got = [line for line in said.splitlines() if 'url-passw0rd' in line or 'url-t0ken' in line]
    return got[0] if got else None


@attempt
def password_of_a_buildpack_in_events(scene):
    """the same in an event, and with the URL by `--buildpack`, in two pieces"""
    half = len(URL) // 2
    app = scene.app().builds(f'printf "%s" "Cloning {URL[:half]}"; sleep 0.4; echo "{URL[half:]}"')
    app.builder['args'] = [one for one in app.builder['args'] if not one.startswith('-buildpackOrder=')] + ['--buildpack', URL]
    done = scene.restaged(app, '--no-image')
    got = [line for line in done.lines if 'url-passw0rd' in line or 'url-t0ken' in line]
    if not any('Cloning' in line for line in done.lines):
        raise NotSetUp("the builder's line did not come out")
    return got[0] if got else None
