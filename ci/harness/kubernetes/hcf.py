"""A mini-HCF in the cluster: a pod and a Service for each of its parts. Its state is made by this machine's engine, and shared
with the nodes; what is pushed there later is seen at once."""
import json

from harness.command import TOP, Unavailable
from harness.kubernetes.images import Images
from harness.mini_hcf import MiniHcf
from harness.processes import until

NAMESPACE = 'hcf'
NODE = 'node1'  # the last one to be cut off
PATIENCE = 60  # seconds until all parts answer
BUILDPACKS = ('staticfile', 'python', 'procfile')  # the last takes whatever has a Procfile
# The argument of `mini-hcf serve`: the names of the real one, the ports.
PARTS = {
    'file-server': (('diego-access', 'file-server.service.cf.internal'), (8080, 8447)),
    'blobstore': (('blobstore', 'blobstore.service.cf.internal'), (443, 4443)),
    'cloud-controller': (('api', 'api.service.cf.internal', 'cloud-controller-ng.service.cf.internal'), (9022, 9023)),
    'cc-uploader': (('cc-uploader', 'cc-uploader.service.cf.internal'), (9090, 9091)),
}


class ClusterHcf(MiniHcf):
    """With its state in the folder that the nodes share."""

    def __init__(self, static, cluster):
        super().__init__(static, cluster.shared, f'kubernetes-{cluster.folder.parent.name}')
        self.cluster, self.image = cluster, f'{self.name}:latest'

    def up(self, *options):
        try:
            super().up('--image', self.image, *options)
            self.give_lifecycle()
            for name in BUILDPACKS:
                self.add_buildpack(f'{name}_buildpack', TOP / 'examples/buildpacks' / name)
            Images(self.cluster).to_nodes(self.image)
        finally:
            self.leave_engine()
        self.cluster.k('create', 'namespace', NAMESPACE)
        self.cluster.k('apply', '--filename', '-', stdin=json.dumps({'apiVersion': 'v1', 'kind': 'List', 'items': [*self.objects()]}))
        (self.cluster.shared / 'hosts/hcf').write_text(''.join(self.hosts()))
        if not until(self.is_ready, PATIENCE, 0.3):
            raise Unavailable(f'the mini-HCF is not ready after {PATIENCE} s: {self.cluster.k("--namespace", NAMESPACE, "get", "events,pods")[-2000:]}')

    def leave_engine(self):
        """Its containers there have served; its image has a copy in the cluster. The state stays."""
        self.done('mini-hcf', 'down', '--state', self.state)
        self.engine.remove('image', self.image)

    def objects(self):
        for role, (_, ports) in PARTS.items():
            about = {'name': role, 'namespace': NAMESPACE, 'labels': {'part': role}}
            container = {
                'name': role, 'image': self.image, 'imagePullPolicy': 'Never', 'args': [role],
                'readinessProbe': {'tcpSocket': {'port': ports[-1]}, 'periodSeconds': 1},
                'volumeMounts': [{'name': 'state', 'mountPath': '/hcf', 'readOnly': role != 'cloud-controller'}]}
            yield {'apiVersion': 'v1', 'kind': 'Pod', 'metadata': about, 'spec': {
                'nodeSelector': {'kubernetes.io/hostname': NODE}, 'containers': [container], 'automountServiceAccountToken': False,
                'securityContext': {'runAsUser': 0}, 'tolerations': [{'operator': 'Exists', 'effect': 'NoExecute'}],
                'volumes': [{'name': 'state', 'hostPath': {'path': '/shared/state', 'type': 'Directory'}}]}}
            yield {'apiVersion': 'v1', 'kind': 'Service', 'metadata': about, 'spec': {
                'selector': about['labels'], 'ports': [{'name': f'p{port}', 'port': port} for port in ports]}}

    def hosts(self):
        """What the name server is to know."""
        for role, (names, _) in PARTS.items():
            address = self.cluster.read('service', role, '--namespace', NAMESPACE)['spec']['clusterIP']
            yield f'{address} {" ".join(names)}\n'

    def is_ready(self):
        pods = self.cluster.read('pods', '--namespace', NAMESPACE)['items']
        conditions = [condition for pod in pods for condition in pod['status'].get('conditions', [])]
        return sum(condition['type'] == 'Ready' and condition['status'] == 'True' for condition in conditions) == len(PARTS)
