//! `host-cli manifest`: what a cluster would be asked for, printed by the real program; and what a program says that knows none.

use crate::requests::dsl::Home;
#[cfg(feature = "kubernetes")]
use crate::requests::dsl::recorded;

const PUBLISHED: &str =
    "--publish registry.example.com/team/node-env --base registry.example.com/stager-rootfs:cflinuxfs4";

#[test]
#[cfg(not(feature = "kubernetes"))]
fn a_program_without_kubernetes_says_so() {
    let said = Home::new().run(&format!("manifest restage {PUBLISHED}"));
    assert_eq!(said.code, 2);
    assert!(said.err.contains("built without Kubernetes") && said.err.contains("try: "), "{said:?}");
}

#[cfg(feature = "kubernetes")]
mod with_kubernetes {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    /// What the recorded request and the login hold, as it is and in base64.
    const SECRETS: [&str; 4] = ["md5=", "p@ss", "bWU6czNjcmV0", "request.json: "];

    fn home() -> Home {
        let config =
            r#"{"auths":{"registry.example.com":{"auth":"bWU6czNjcmV0"},"other.example.com":{"auth":"b3RoZXI6dw=="}}}"#;
        Home::new().with(".docker/config.json", &[config.to_owned()])
    }

    fn manifest(more: &str) -> String {
        format!("manifest restage --logs {} --no-upload {PUBLISHED} {more} node-env", recorded("2016").display())
    }

    #[test]
    fn the_job_is_printed_and_secrets_are_only_named() {
        let said = home().run(&manifest("--namespace apps"));
        assert_eq!(said.code, 0, "{said:?}");
        for line in ["kind: Job", "  namespace: apps", "        - --publish"] {
            assert!(said.out.lines().any(|found| found.trim_end() == line), "{line} is not in\n{}", said.out);
        }
        assert!(said.err.contains("-request (request.json)") && said.err.contains("-login (.dockerconfigjson)"));
        for secret in SECRETS {
            assert!(!said.out.contains(secret) && !said.err.contains(secret), "{secret}");
        }
        assert!(!said.out.contains("kind: Secret"));
    }

    #[test]
    fn secrets_go_into_a_file_of_the_user_and_hold_the_login_of_one_registry() {
        let home = home();
        fs::write(home.path("all.yaml"), "earlier").unwrap();
        fs::set_permissions(home.path("all.yaml"), fs::Permissions::from_mode(0o644)).unwrap();
        let said = home.run(&manifest("--with-secrets --to all.yaml"));
        assert!(said.code == 0 && said.out.is_empty(), "{said:?}");
        let text = fs::read_to_string(home.path("all.yaml")).unwrap();
        assert_eq!(fs::metadata(home.path("all.yaml")).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(text.matches("kind: Secret").count(), 2, "{text}");
        let login = text.lines().find_map(|line| line.trim().strip_prefix(".dockerconfigjson: ")).unwrap();
        let login = decoded(login);
        assert_eq!(login, r#"{"auths":{"registry.example.com":{"auth":"bWU6czNjcmV0"}}}"#);
        std::os::unix::fs::symlink("all.yaml", home.path("link")).unwrap();
        let said = home.run(&manifest("--with-secrets --to link"));
        assert!(said.code == 2 && said.err.contains("it is there, and no file"), "{said:?}");
        assert!(home.path("link").is_symlink());
    }

    #[test]
    fn what_a_cluster_cannot_do_is_refused_in_words() {
        for (more, text) in [
            ("--registry-secret push --username me --password-stdin", "--registry-secret names the login"),
            ("--no-cache --cache-volume claim", "--no-cache cannot go with"),
        ] {
            let said = home().run(&manifest(more));
            assert!(said.code == 2 && said.err.contains(text) && said.out.is_empty(), "{more}: {said:?}");
        }
        let logs = recorded("2016");
        let said = home().run(&format!("manifest restage --logs {} --publish r.io/a/b node-env", logs.display()));
        assert!(said.code == 2 && said.err.contains("--base REGISTRY/REPO"), "{said:?}");
    }

    #[test]
    fn an_app_is_a_deployment_with_a_service_and_its_variables_are_in_a_secret() {
        let (home, logs) = (home(), recorded("2016"));
        let launch = |more: &str| home.run(&format!("manifest launch --logs {} {more} node-env", logs.display()));
        let said = launch("--image registry.example.com/team/node-env:1");
        assert_eq!(said.code, 0, "{said:?}");
        for kind in ["Deployment", "Service"] {
            assert!(said.out.lines().any(|line| line == format!("kind: {kind}")), "{kind} is not in\n{}", said.out);
        }
        assert!(said.err.contains("-environment (") && !said.out.contains("VCAP_SERVICES"), "{said:?}");
        let whole = launch("--image registry.example.com/team/node-env:1 --with-secrets");
        assert!(whole.out.contains("kind: Secret") && whole.out.contains("VCAP_SERVICES: "), "{whole:?}");
        for (more, text) in [
            ("", "--image is missing"),
            ("--image r.io/a --volume-map v=claim", "the request has no volume"),
            ("--image r.io/a --volume-map v=/srv/x", "is no name of a persistent volume claim"),
        ] {
            let said = launch(more);
            assert!(said.code == 2 && said.err.contains(text) && said.out.is_empty(), "{more}: {said:?}");
        }
    }

    #[test]
    fn a_docker_app_is_left_to_an_engine() {
        let from = recorded("cfdot").join("cfdot-desired-lrps.jsonl");
        let text = fs::read_to_string(&from).unwrap();
        let docker = text.lines().find(|line| line.contains(r#""rootfs":"docker:"#)).unwrap();
        let home = home().with("lrp.json", &[docker.to_owned()]);
        let said = home.run("manifest launch --request lrp.json --image r.io/a");
        assert!(said.code == 3 && said.err.contains("is a docker app"), "{said:?}");
    }

    fn decoded(text: &str) -> String {
        use base64::Engine as _;
        String::from_utf8(base64::engine::general_purpose::STANDARD.decode(text.trim_matches('"')).unwrap()).unwrap()
    }
}
