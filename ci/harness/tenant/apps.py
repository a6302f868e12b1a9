"""Apps as Cloud Controller's requests tell of them: the victim's own requests, with another name and guid in them."""
import copy
import json
import uuid

from harness.staging import program, run_actions


class App:
    """One app, in a space of its own: each is another tenant's.

    `staging` and `launch` are its requests, for an attempt to change. `home` is where its image is remembered."""

    def __init__(self, world, name, home, folder, guid=None):
        self.name, self.guid, self.home, self.folder = name, guid or str(uuid.uuid4()), home, folder
        self.space = str(uuid.uuid4())
        self.staging_guid, self.process_guid = f'{self.guid}-{uuid.uuid4().hex}', f'{self.guid}-{uuid.uuid4()}'
        self.staging = self.made_its_own(world.staging)
        self.staging['completion_callback_url'] = f'http://stager.service.cf.internal:8888/v1/staging/{self.staging_guid}/completed'
        self.launch = self.made_its_own(world.launch) | {'process_guid': self.process_guid}
        del self.launch['monitor']  # healthy as soon as it runs, which is quicker

    def made_its_own(self, request):
        request = copy.deepcopy(request) | {'log_guid': self.guid}
        for node in run_actions(request):
            for variable in node['run'].get('env') or []:
                if variable['name'] == 'VCAP_APPLICATION':
                    own = {'name': self.name, 'application_name': self.name, 'application_id': self.guid, 'space_id': self.space}
                    told = json.loads(variable['value']) | own
                    variable['value'] = json.dumps(told)
        return request

    @property
    def builder(self):
        return program(self.staging, 'builder')['run']

    @property
    def launcher(self):
        return program(self.launch, 'launcher')['run']

    def builds(self, script):
        """What its builder does before it takes the droplet that lies ready: this shell script."""
        self.builder['env'] = (self.builder.get('env') or []) + [{'name': 'TENANT', 'value': script}]
        return self

    def starts(self, command, **variables):
        self.launcher['args'][1] = command
        self.launcher['env'] += [{'name': name, 'value': value} for name, value in variables.items()]
        return self

    def file(self, kind):
        """Its request, `staging` or `launch`, as a file."""
        file = self.folder / f'{self.guid}.{kind}.json'
        fresh = file.with_suffix(f'.{uuid.uuid4().hex}')  # several may read it at once
        fresh.write_text(json.dumps(getattr(self, kind)))
        return fresh.rename(file)


def logs(folder, apps, between=''):
    """A folder of logs with the requests of the apps, the newest last; `between` stands in front of each."""
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / 'stager.stdout.log', 'w') as stager, open(folder / 'nsync_listener.stdout.log', 'w') as nsync:
        for number, app in enumerate(apps):
            time = f'{1466017043 + number * 60}.5'
            data = {'app-id': app.guid, 'session': '1', 'staging-guid': app.staging_guid, 'taskDefinition': app.staging}
            stager.write(between + line(time, 'stager', 'stager.traditional.build-recipe.staging-task-request', data))
            nsync.write(between + line(time, 'nsync-listener', 'nsync-listener.message-builder.desired-app-request', {'desiredLRP': app.launch}))
    return folder


def line(time, source, message, data):
    return json.dumps({'timestamp': time, 'source': source, 'message': message, 'log_level': 1, 'data': data}) + '\n'
