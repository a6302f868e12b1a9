"""An authority that the stagings trust, one that they do not, and certificates of both for the servers' names: good ones,
one that has expired, one for another name."""
import subprocess

NAMES = ('diego-access', 'file-server.service.cf.internal', 'blobstore', 'blobstore.service.cf.internal', 'cc-uploader',
         'cc-uploader.service.cf.internal')
CONFIG = """[ca]
default_ca = us
[us]
database = {folder}/index
serial = {folder}/serial
new_certs_dir = {folder}
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
[req]
distinguished_name = name
[name]
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign
subjectKeyIdentifier = hash
[server]
basicConstraints = CA:FALSE
subjectAltName = {names}
"""
LONG_AGO = ('20200101000000Z', '20200201000000Z')
NOW = ('20200101000000Z', '20450101000000Z')


class Certificates:
    """In `folder`: ca.pem, whom to trust, and NAME.pem with certificate and key, for the servers."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir()
        (folder / 'index').touch()
        (folder / 'serial').write_text('1000\n')
        self.authority('ca')
        self.authority('nobody')
        self.server('good', 'ca', NAMES, NOW)
        self.server('expired', 'ca', NAMES, LONG_AGO)
        self.server('unknown', 'nobody', NAMES, NOW)
        self.server('other-host', 'ca', ('elsewhere.example.com',), NOW)

    def openssl(self, *words):
        subprocess.run(['openssl', *map(str, words)], cwd=self.folder, check=True, capture_output=True)

    def config(self, names):
        text = CONFIG.format(folder=self.folder, names=','.join(f'DNS:{name}' for name in names))
        (self.folder / 'config').write_text(text)

    def key(self, name):
        self.openssl('ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', f'{name}.key')

    def authority(self, name):
        self.config(('none',))
        self.key(name)
        self.openssl('req', '-x509', '-new', '-key', f'{name}.key', '-subj', f'/CN=faults {name}', '-days', '3650',
                     '-config', 'config', '-extensions', 'authority', '-out', f'{name}.pem')

    def server(self, name, authority, names, term):
        self.config(names)
        self.key(name)
        self.openssl('req', '-new', '-key', f'{name}.key', '-subj', f'/CN={name}', '-config', 'config', '-out', f'{name}.csr')
        self.openssl('ca', '-batch', '-notext', '-config', 'config', '-extensions', 'server', '-cert', f'{authority}.pem',
                     '-keyfile', f'{authority}.key', '-startdate', term[0], '-enddate', term[1], '-in', f'{name}.csr',
                     '-out', f'{name}.crt')
        both = [(self.folder / f'{name}.{end}').read_text() for end in ('crt', 'key')]
        (self.folder / f'{name}.pem').write_text(''.join(both))
