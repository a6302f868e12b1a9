"""The cluster's authority, its certificates, and the logins of its parts."""
import base64
import json
import secrets
import subprocess

from harness.kubernetes.addresses import API, FIRST_SERVICE, SITE

DAYS = '30'
USERS = ('stage-only', 'launch-only')  # who may do nothing until a Role is bound to them; see roles.py
NEW_KEY = ('-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes')
# Of the registry: who may push and pull, and the same as bcrypt has it. It guards nothing but images of tests.
USER, PASSWORD = 'pusher', 'of-the-registry-2bSVvtfXqQ'
HTPASSWD = '$2b$04$TV91PP1xpdeshqyAtV28g.GiP5kv0F0RS37RvpNCFalu1eQgwgeUW'


class Pki:
    """In `folder`, which it makes."""

    def __init__(self, folder):
        self.folder, self.tokens = folder, []

    def make(self, nodes):
        self.folder.mkdir(parents=True)
        self.openssl('req', '-x509', *NEW_KEY, '-days', DAYS, '-subj', '/CN=stager-tests', '-keyout', 'ca.key', '-out', 'ca.crt')
        self.openssl('genpkey', '-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048', '-out', 'accounts.key')
        names = [f'IP:{address}' for address in (SITE, FIRST_SERVICE, '127.0.0.1')]
        names += [f'DNS:{name}' for name in ('localhost', 'kubernetes', 'kubernetes.default', 'kubernetes.default.svc')]
        self.certificate('site', '/CN=site', f'subjectAltName={",".join(names)}')
        self.certificate('kubelet-client', '/O=system:masters/CN=apiserver', 'extendedKeyUsage=clientAuth')
        self.login('admin', 'admin', 'system:masters')
        for part in ('controller-manager', 'scheduler', 'proxy'):
            self.login(part, f'system:kube-{part}', 'system:authenticated')
        for user in USERS:
            self.login(user, user, 'stager-tests')
        for number in range(1, nodes + 1):
            self.login(f'node{number}', f'system:node:node{number}', 'system:nodes')
        (self.folder / 'tokens.csv').write_text('\n'.join([*self.tokens, '']))
        (self.folder / 'htpasswd').write_text(f'{USER}:{HTPASSWD}\n')

    def openssl(self, *words):
        subprocess.run(['openssl', *words], cwd=self.folder, check=True, capture_output=True, stdin=subprocess.DEVNULL)

    def certificate(self, name, subject, extension):
        """NAME.crt and NAME.key, signed by the authority."""
        (self.folder / f'{name}.ext').write_text(f'{extension}\n')
        self.openssl('req', *NEW_KEY, '-subj', subject, '-keyout', f'{name}.key', '-out', f'{name}.csr')
        self.openssl('x509', '-req', '-in', f'{name}.csr', '-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial', '-days', DAYS,
                     '-extfile', f'{name}.ext', '-out', f'{name}.crt')

    def login(self, name, user, group):
        """NAME.kubeconfig, with a token that the control plane knows."""
        token = secrets.token_hex(16)
        self.tokens.append(f'{token},{user},{user},"{group}"')
        authority = base64.b64encode((self.folder / 'ca.crt').read_bytes()).decode()
        (self.folder / f'{name}.kubeconfig').write_text(json.dumps({  # its YAML may be JSON
            'apiVersion': 'v1', 'kind': 'Config', 'current-context': 'stager',
            'clusters': [{'name': 'stager', 'cluster': {'server': API, 'certificate-authority-data': authority}}],
            'users': [{'name': name, 'user': {'token': token}}],
            'contexts': [{'name': 'stager', 'context': {'cluster': 'stager', 'user': name}}]}))
