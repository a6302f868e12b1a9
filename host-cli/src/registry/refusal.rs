//! Why a registry has not got an image, or has not given one, and what to try: whoever spoke to it, an engine or host-cli itself. Pure.

use super::credentials::Credentials;
use super::reference::{DOCKER_HUB, Reference};
use super::repository::Access;

/// Who speaks to a registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Speaker {
    /// The Docker Engine.
    Engine,
    /// host-cli, without an engine, for this purpose.
    Ourselves(Access),
}

impl Speaker {
    fn name(self) -> &'static str {
        match self {
            Self::Engine => "Docker",
            Self::Ourselves(_) => "host-cli",
        }
    }

    fn is_host_cli(self) -> bool {
        matches!(self, Self::Ourselves(_))
    }

    /// Whether an image is to come from the registry, and none to go there.
    fn reads(self) -> bool {
        self == Self::Ourselves(Access::Read)
    }
}

/// Why a registry has not got an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// It wants to know who pushes, or does not believe it (401).
    Unauthorized,
    /// Who pushes may not (403).
    Denied,
    /// There is no such repository, and it makes none (404).
    Unknown,
    /// Too many requests (429).
    TooMany,
    /// It is in trouble itself (5xx).
    Trouble,
    /// Something is too large for it, or for a proxy in front of it (413).
    TooLarge,
    /// Nobody here knows who signed its certificate.
    UnknownCa,
    /// Its certificate is not good for another reason: its name, its time.
    BadCertificate,
    /// It asks for a client certificate, or does not accept the one that it was shown.
    OwnCertificate,
    /// It speaks no TLS.
    PlainHttp,
    /// Its name leads nowhere.
    NoHost,
    /// Nobody answers when it is asked where the name leads.
    NoNameServer,
    /// Nobody answers at its address.
    NobodyThere,
    /// What arrived was not what was sent.
    Digest,
    /// It does not like the name.
    Name,
    /// Somebody in front of it answers with a page for people; newer engines keep back with which status.
    Page,
    /// It has no room left, or none for this repository (507, a quota).
    Full,
    /// What was said says nothing that we know.
    Other,
}

impl Refusal {
    /// What happened to `speaker`, in front of the registry's or the engine's own words.
    pub(crate) fn text(self, speaker: Speaker, reference: &Reference, credentials: &Credentials) -> String {
        let (registry, who) = (reference.registry(), speaker.name());
        let of_whom = if credentials.is_anonymous() { "without a login".to_owned() } else { by(credentials) };
        match self {
            Self::Unauthorized if credentials.is_anonymous() => {
                let none = "docker's config.json has none";
                format!("{registry} needs a login, and {}", credentials.missing_helper.as_deref().unwrap_or(none))
            }
            Self::Denied if credentials.is_anonymous() && credentials.missing_helper.is_some() => {
                let missing = credentials.missing_helper.as_deref().unwrap_or_default();
                let pushed = if speaker.reads() { "read" } else { "pushed" };
                format!("{registry} does not let {} be {pushed} without a login, and {missing}", reference.path())
            }
            Self::Unauthorized => format!("{registry} does not accept the login of {}", credentials.origin),
            Self::Denied if speaker.is_host_cli() && speaker != Speaker::Ourselves(Access::Push) => {
                format!("{registry} does not allow that with {} {of_whom}", reference.path())
            }
            Self::Denied => format!("{registry} does not let {} be pushed {of_whom}", reference.path()),
            Self::Unknown => format!("{registry} knows no repository {}", reference.path()),
            Self::TooMany => format!("{registry} limits requests, and there were too many"),
            Self::Trouble => format!("{registry} failed"),
            Self::TooLarge => format!("the layer is too large for {registry} or its proxy"),
            Self::UnknownCa => format!("{who} does not trust the authority of {registry}'s certificate"),
            Self::BadCertificate => format!("{who} does not accept the certificate of {registry}"),
            Self::OwnCertificate => format!("{registry} wants a client certificate that it accepts"),
            Self::PlainHttp => format!("{registry} does not use TLS, and {who} requires it"),
            Self::NoHost => format!("{who} cannot resolve the host {registry}"),
            Self::NoNameServer => format!("{who} cannot resolve {registry}: its name server does not answer"),
            Self::NobodyThere => format!("{who} cannot connect to registry {registry}"),
            Self::Digest if speaker.reads() => format!("{registry} sent other data than was asked for"),
            Self::Digest => format!("{registry} received other data than was sent"),
            Self::Name => format!("{registry} does not accept the name {reference}"),
            Self::Page => format!("a proxy of {registry} answers with a page of its own"),
            Self::Full => format!("{registry} has no room for {}", reference.path()),
            Self::Other if speaker.is_host_cli() => format!("{reference} cannot be reached"),
            Self::Other => format!("{who} cannot push to {registry}"),
        }
    }

    /// Whether it is the way to the registry: another machine may get through, or trust it.
    fn is_of_the_way(self) -> bool {
        match self {
            Self::UnknownCa
            | Self::BadCertificate
            | Self::OwnCertificate
            | Self::PlainHttp
            | Self::NoHost
            | Self::NoNameServer
            | Self::NobodyThere => true,
            Self::Unauthorized
            | Self::Denied
            | Self::Unknown
            | Self::TooMany
            | Self::Trouble
            | Self::TooLarge
            | Self::Digest
            | Self::Name
            | Self::Page
            | Self::Full
            | Self::Other => false,
        }
    }

    /// What to try.
    pub(crate) fn advice(self, speaker: Speaker, reference: &Reference, credentials: &Credentials) -> String {
        let advice = self.advice_to(speaker, reference, credentials);
        if speaker == Speaker::Ourselves(Access::Push) && self.is_of_the_way() {
            return format!("{advice}; or leave it to the Docker Engine: `host-cli push --by engine`");
        }
        advice
    }

    fn advice_to(self, speaker: Speaker, reference: &Reference, credentials: &Credentials) -> String {
        let registry = reference.registry();
        let host = if registry == DOCKER_HUB { "" } else { registry };
        let again = if speaker.reads() { "try" } else { "push" };
        match self {
            Self::Unauthorized | Self::Denied if credentials.missing_helper.is_some() && speaker.reads() => {
                "install that helper, or take it out of the file and log in again".to_owned()
            }
            // Who publishes may read with another login, which the command line does not name.
            Self::Unauthorized if speaker.reads() => format!("`{}` once", format!("docker login {host}").trim_end()),
            Self::Denied if credentials.is_anonymous() && speaker.reads() => {
                let login = format!("docker login {host}");
                format!("`{}` once, as a user that may read it; or check the name", login.trim_end())
            }
            Self::Denied if speaker.reads() => {
                "check that the repository exists and that this user may read it".to_owned()
            }
            Self::Unknown if speaker.reads() => "check the name".to_owned(),
            Self::Unauthorized | Self::Denied if credentials.missing_helper.is_some() => {
                "install that helper, or take it out of the file and log in again; or --username NAME --password-stdin"
                    .to_owned()
            }
            Self::Unauthorized => {
                format!("`{}` once, or --username NAME --password-stdin", format!("docker login {host}").trim_end())
            }
            Self::Denied if credentials.is_anonymous() => {
                let login = format!("docker login {host}");
                format!(
                    "`{}` once, or --username NAME --password-stdin; check that the repository is yours",
                    login.trim_end()
                )
            }
            Self::Denied => "check that the repository exists and that this user may push to it".to_owned(),
            Self::Unknown => "make the repository in the registry first, or check the name".to_owned(),
            Self::TooMany => format!("wait, then {again} again"),
            Self::Trouble => format!("{again} again later; the registry's log says more"),
            Self::TooLarge => "raise the limit of the registry's proxy (nginx: client_max_body_size)".to_owned(),
            Self::UnknownCa if speaker.is_host_cli() => {
                format!("name its CA with --ca FILE, or put it into /etc/docker/certs.d/{registry}/ca.crt")
            }
            Self::UnknownCa => format!(
                "put its CA into /etc/docker/certs.d/{registry}/ca.crt on the Docker host (a rootless engine uses \
                 ~/.config/docker in place of /etc/docker, Podman /etc/containers)"
            ),
            Self::BadCertificate => {
                format!("the registry's certificate must be valid now, and for the name {registry}")
            }
            Self::OwnCertificate => {
                format!(
                    "put client.cert and client.key into /etc/docker/certs.d/{registry} or ~/.docker/certs.d/{registry}"
                )
            }
            Self::PlainHttp if speaker.is_host_cli() => {
                "give it TLS; without it host-cli speaks to registries on this machine alone".to_owned()
            }
            Self::PlainHttp => format!(
                "give it TLS, or add {registry} to `insecure-registries` in the engine's /etc/docker/daemon.json"
            ),
            Self::NoHost if speaker.is_host_cli() => "check the name; this machine must resolve it".to_owned(),
            Self::NoHost => "check the name; the Docker host must resolve it, this machine need not".to_owned(),
            Self::NoNameServer => "check /etc/resolv.conf on the Docker host".to_owned(),
            Self::NobodyThere if speaker.is_host_cli() => {
                "start the registry; this machine must reach it, through a proxy if HTTPS_PROXY names one".to_owned()
            }
            Self::NobodyThere => "start the registry; the Docker host must reach it".to_owned(),
            Self::Digest => format!("{again} again; a proxy in between may change data"),
            Self::Name => "see the registry's documentation for its names".to_owned(),
            Self::Page => {
                "the proxy's log says why; often something is too large for it (nginx: client_max_body_size)".to_owned()
            }
            Self::Full => {
                "make room: delete old images there and let the registry collect them, or raise its quota".to_owned()
            }
            Self::Other if speaker.is_host_cli() => {
                format!("check that {registry} is a registry; its log, or that of a proxy before it, may say why")
            }
            Self::Other => "without --by engine host-cli sends the image itself, and may say more".to_owned(),
        }
    }
}

fn by(credentials: &Credentials) -> String {
    format!("with the login of {}", credentials.origin)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::credentials::Login;
    use shared_model::secret::Secret;

    const ALL: [Refusal; 18] = [
        Refusal::Unauthorized,
        Refusal::Denied,
        Refusal::Unknown,
        Refusal::TooMany,
        Refusal::Trouble,
        Refusal::TooLarge,
        Refusal::UnknownCa,
        Refusal::BadCertificate,
        Refusal::OwnCertificate,
        Refusal::PlainHttp,
        Refusal::NoHost,
        Refusal::NoNameServer,
        Refusal::NobodyThere,
        Refusal::Digest,
        Refusal::Name,
        Refusal::Page,
        Refusal::Full,
        Refusal::Other,
    ];

    #[test]
    fn every_refusal_says_what_happened_and_what_to_try() {
        let reference = Reference::read("r.io:5000/team/app:1").unwrap();
        let nobody = Credentials::new(&reference, Login::Anonymous, String::new());
        let me = Credentials::new(&reference, Login::Anonymous, "--username me".into());
        for refusal in ALL {
            let [reads, writes, pushes] = [Access::Read, Access::Write, Access::Push].map(Speaker::Ourselves);
            for (speaker, credentials) in [
                (Speaker::Engine, &nobody),
                (Speaker::Engine, &me),
                (reads, &nobody),
                (reads, &me),
                (writes, &nobody),
                (writes, &me),
                (pushes, &nobody),
                (pushes, &me),
            ] {
                assert!(refusal.text(speaker, &reference, credentials).contains("r.io:5000"), "{refusal:?}");
                assert!(!refusal.advice(speaker, &reference, credentials).is_empty(), "{refusal:?}");
            }
        }
        assert!(
            Refusal::UnknownCa
                .advice(Speaker::Engine, &reference, &nobody)
                .contains("/etc/docker/certs.d/r.io:5000/ca.crt")
        );
        assert!(
            Refusal::Unauthorized.advice(Speaker::Engine, &reference, &nobody).starts_with("`docker login r.io:5000`")
        );
        let way = |access| Refusal::PlainHttp.advice(Speaker::Ourselves(access), &reference, &nobody);
        assert!(way(Access::Push).ends_with("; or leave it to the Docker Engine: `host-cli push --by engine`"));
        assert_eq!(way(Access::Push).find(&way(Access::Write)), Some(0), "who publishes has no engine to leave it to");
        let missing = "docker-credential-desktop, which /c.json names for r.io:5000, is not in PATH";
        let helpless =
            Credentials::new(&reference, Login::Anonymous, String::new()).without_helper(Some(missing.into()));
        let speaker = Speaker::Engine;
        for refusal in [Refusal::Unauthorized, Refusal::Denied] {
            assert!(refusal.text(speaker, &reference, &helpless).ends_with(missing), "{refusal:?}");
            assert!(refusal.advice(speaker, &reference, &helpless).starts_with("install that helper"), "{refusal:?}");
        }
        let hub = Reference::read("me/app").unwrap();
        assert!(Refusal::Unauthorized.advice(Speaker::Engine, &hub, &nobody).starts_with("`docker login` once"));
    }

    #[test]
    fn who_reads_an_image_hears_nothing_of_pushing() {
        let reference = Reference::pulled("r.io:5000/cf/rootfs:1").unwrap();
        let nobody = Credentials::new(&reference, Login::Anonymous, String::new());
        let password = Login::Password { user: "me".into(), password: Secret::new(String::new()) };
        let me = Credentials::new(&reference, password, "--username me".into());
        let helpless = nobody.clone().without_helper(Some("docker-credential-x is not in PATH".into()));
        let reads = Speaker::Ourselves(Access::Read);
        for refusal in ALL {
            for credentials in [&nobody, &me, &helpless] {
                let (text, advice) =
                    (refusal.text(reads, &reference, credentials), refusal.advice(reads, &reference, credentials));
                assert!(!text.contains("push") && !advice.contains("push"), "{text}: {advice}");
                assert!(!advice.contains("--username"), "that is for who publishes: {advice}");
            }
        }
        assert_eq!(
            Refusal::Denied.advice(reads, &reference, &me),
            "check that the repository exists and that this user may read it"
        );
    }
}
