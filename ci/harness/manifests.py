"""Every manifest in host-cli/src/backend/kubernetes/golden is valid for every version of Kubernetes that has schemas here, strictly:
without a field that the version does not know.

    ci/manifests                  all versions, 1.25 to 1.37
    ci/manifests --version 1.30   that one

The files are those that host-cli's tests compare with what it makes of each recorded request. Ends with `objects=N versions=N wrong=N`.
"""

from harness import command
from harness.command import TOP

GOLDEN = TOP / 'host-cli/src/backend/kubernetes/golden'
# Of what `manifest` prints; a kind that vanished from the files would be valid in every version.
KINDS = {'Deployment', 'Ingress', 'Job', 'NetworkPolicy', 'PodDisruptionBudget', 'Secret', 'Service', 'StatefulSet'}


def objects(yaml):
    for path in sorted(GOLDEN.glob('*.yaml')):
        for document in yaml.safe_load_all(path.read_text()):
            if document:
                yield path.name, document


def main():
    options = command.Options(__doc__)
    options.add_argument('--version')
    given = options.parse_args()
    try:
        import yaml
        from kubernetes_validate import utils
    except ImportError as error:
        raise SystemExit(f'manifests: {error}; ci/setup --lints installs it') from error
    versions = [given.version] if given.version else list(dict.fromkeys(map(utils.major_minor, utils.all_versions())))
    all_objects = list(objects(yaml))
    wrong = 0
    for version in versions:
        for name, document in all_objects:
            try:
                utils.validate(document, version, strict=True)
            except (utils.ValidationError, utils.SchemaNotFoundError) as error:
                wrong += 1
                print(f"{name}: {document['kind']} for {version}: {error.message}")
    missing = KINDS - {document['kind'] for _, document in all_objects}
    if missing:
        print(f"no file in {GOLDEN.relative_to(TOP)} has {', '.join(sorted(missing))}")
    print(f'objects={len(all_objects)} versions={len(versions)} wrong={wrong + len(missing)}')
    return 1 if wrong or missing else 0


command.run(main, 'manifests')
