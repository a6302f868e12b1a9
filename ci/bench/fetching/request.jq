# The request that Cloud Controller would make for the archives in list.json (standard input), in the form of 2026.
# $url: where they are; $to: the directory that stands for /tmp; $user: who downloads and builds; $builder: what is run;
# $package: the name of the app's package, empty for a request without one; $set: put behind the name of each buildpack's directory.

def checksum: {checksum_algorithm: "sha256", checksum_value: .sha256};
def from: "\($url)/\(.file)?md5=fwE6so-mWXzANSrRtOYjjQ&expires=4102444800";

(map(select(.role == "buildpack" or .role == "lifecycle")) | map({
    name: (if .role == "lifecycle" then "" else "\(.name)_buildpack" end),
    from: from,
    to: "\($to)/\(if .role == "lifecycle" then .name else "buildpacks/\(.name)\($set)" end)",
    cache_key: (if .role == "lifecycle" then "buildpack-cflinuxfs4-lifecycle" else "\(.name)_key" end),
    log_source: ""
} + checksum)) as $dependencies
| (map(select(.name == $package)) | map({download: ({
    artifact: "app package", from: from, to: "\($to)/app", cache_key: "", user: $user
} + checksum)})) as $downloads
| {
    rootfs: "preloaded:cflinuxfs4",
    env: [{name: "LANG", value: "en_US.UTF-8"}],
    action: {timeout: {timeout: 900000000000, action: {serial: {actions: ($downloads + [
        {run: {
            path: $builder,
            dir: $to,
            args: ["-outputDroplet=\($to)/droplet", "-outputMetadata=\($to)/result.json"],
            env: [{name: "CF_STACK", value: "cflinuxfs4"}],
            resource_limits: {},
            user: $user
        }},
        {upload: {artifact: "droplet", from: "\($to)/droplet", to: "\($url)/droplet?timeout=900", user: $user}}
    ])}}}},
    disk_mb: 4096,
    memory_mb: 1024,
    log_source: "STG",
    log_guid: "18c50a86-b045-5fed-bae9-e6ea03383693",
    result_file: "\($to)/result.json",
    cached_dependencies: $dependencies,
    legacy_download_user: $user
}
