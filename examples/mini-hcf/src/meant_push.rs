//! What `push` was told, checked: what goes together, and what an era did not know.

use std::fs;
use std::path::{Path, PathBuf};

use crate::arguments;
use crate::failure::Failure;
use crate::manage::choose::PushOptions;
use crate::manage::docker::image_metadata;
use crate::request::application::{HealthCheck, Sidecar};
use crate::request::bindings::Bindings;
use crate::request::lifecycle::{DockerImage, Kind, Lifecycle};
use crate::request::style::Style;

/// Variable with the password of `--docker-username`; `cf push` calls it so.
const DOCKER_PASSWORD: &str = "CF_DOCKER_PASSWORD";
/// Variable with logins of registries as JSON, host → login; `cf push` calls it so.
const CNB_CREDENTIALS: &str = "CNB_REGISTRY_CREDS";

fn wrong(text: String) -> Failure {
    Failure::CommandLine(text)
}

/// `variable` looks one of the environment up.
pub(crate) fn meant_push(
    typed: arguments::Push,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<PushOptions, Failure> {
    let style = style(&typed)?;
    let health_check = health_check(&typed, style)?;
    let name = match (&typed.name, &typed.source, &typed.docker_image) {
        (Some(name), ..) => name.clone(),
        (None, Some(source), _) => name_of(source)?,
        (None, None, Some(image)) => name_of_image(image),
        (None, None, None) => return Err(wrong("what is to be pushed? a folder, a zip, or --docker-image".to_owned())),
    };
    let lifecycle = lifecycle(&typed, variable)?;
    if typed.source.is_none() && lifecycle.kind() != Kind::Docker {
        return Err(wrong("what is to be pushed? a folder or a zip".to_owned()));
    }
    let env = pairs(&typed.env, "a variable of --env is written K=V")?;
    let processes = pairs(&typed.process, "a process of --process is written TYPE=COMMAND")?;
    let lawful = |kind: &str| kind != "web" && kind.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c));
    if let Some((kind, _)) = processes.iter().find(|(kind, _)| !lawful(kind)) {
        return Err(wrong(format!(
            "`{kind}` is no type of a further process; letters, digits, - and _; web is --command"
        )));
    }
    let sidecars = pairs(&typed.sidecar, "a program of --sidecar is written NAME=COMMAND")?;
    let sidecars = sidecars.into_iter().map(|(name, command)| Sidecar { name, command }).collect();
    Ok(PushOptions {
        source: typed.source,
        name,
        lifecycle,
        buildpacks: typed.buildpack,
        command: typed.command,
        processes,
        sidecars,
        bindings: typed.service_files.unwrap_or(Bindings::Variable),
        stack: typed.stack,
        memory_mb: typed.memory,
        health_check,
        env,
        style,
        logs: !typed.no_logs,
        expired: typed.expired,
        ssh: !typed.no_ssh,
    })
}

/// Today's where something is asked for that was not there before.
fn style(typed: &arguments::Push) -> Result<Style, Failure> {
    let of_today = [
        (typed.no_logs, "requests without logs"),
        (typed.lifecycle.is_some_and(|kind| kind != Kind::Buildpack), "other lifecycles"),
        (typed.docker_image.is_some(), "docker apps"),
        (!typed.process.is_empty(), "several processes"),
        (!typed.sidecar.is_empty(), "sidecars"),
        (typed.service_files.is_some(), "services as files"),
        (typed.buildpack.iter().any(|name| name.contains("://")), "buildpacks by URL"),
    ];
    let wanted = of_today.into_iter().find(|(wanted, _)| *wanted);
    match (typed.style, wanted) {
        (Some(style), Some((_, what))) if !style.is_today() => {
            Err(wrong(format!("only today's requests have {what} here; add --style 2026")))
        }
        (Some(style), _) => Ok(style),
        (None, wanted) => Ok(if wanted.is_some() { Style::Y2026 } else { Style::Y2016 }),
    }
}

fn health_check(typed: &arguments::Push, style: Style) -> Result<HealthCheck, Failure> {
    match typed.health_check.as_str() {
        "port" => Ok(HealthCheck::Port),
        "http" if style == Style::Y2016 => Err(wrong("2016 knew no http health check; add --style 2017".to_owned())),
        "http" => Ok(HealthCheck::Http(typed.health_path.clone())),
        "process" => Ok(HealthCheck::Process),
        "none" => Ok(HealthCheck::None),
        other => Err(wrong(format!("`{other}` is no health check; port, http, process or none"))),
    }
}

fn lifecycle(typed: &arguments::Push, variable: impl Fn(&str) -> Option<String>) -> Result<Lifecycle, Failure> {
    let usual = if typed.docker_image.is_some() { Kind::Docker } else { Kind::Buildpack };
    match (typed.lifecycle.unwrap_or(usual), &typed.docker_image) {
        (Kind::Docker, None) => Err(wrong("a docker app is an image; add --docker-image REF".to_owned())),
        (Kind::Docker, Some(_)) if typed.source.is_some() || !typed.buildpack.is_empty() => {
            Err(wrong("a docker app has neither a folder nor buildpacks".to_owned()))
        }
        (Kind::Docker, Some(reference)) => {
            let login = match &typed.docker_username {
                None => None,
                Some(user) => {
                    let password = variable(DOCKER_PASSWORD);
                    let password =
                        password.ok_or_else(|| wrong(format!("{DOCKER_PASSWORD} is not set: the password")))?;
                    Some((user.clone(), password))
                }
            };
            let (reference, insecure) = (reference.clone(), typed.insecure_registry.clone());
            let found = image_metadata(&reference);
            Ok(Lifecycle::Docker(DockerImage { reference, login, insecure, found }))
        }
        (_, Some(_)) => Err(wrong("--docker-image is for --lifecycle docker".to_owned())),
        (Kind::Buildpack, None) => Ok(Lifecycle::Buildpack),
        (Kind::Cnb, None) => {
            let credentials = variable(CNB_CREDENTIALS).unwrap_or_else(|| "null".to_owned());
            let is_object = serde_json::from_str::<serde_json::Value>(&credentials)
                .is_ok_and(|value| value.is_object() || value.is_null());
            if is_object {
                Ok(Lifecycle::Cnb(credentials))
            } else {
                Err(wrong(format!("{CNB_CREDENTIALS} holds no JSON object")))
            }
        }
    }
}

/// Read here, not by argh, which repeats what it cannot read: the text may be a secret.
fn pairs(texts: &[String], complaint: &str) -> Result<Vec<(String, String)>, Failure> {
    let pair = |text: &String| match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err(wrong(complaint.to_owned())),
    };
    texts.iter().map(pair).collect()
}

/// The folder's or zip's own name.
fn name_of(source: &Path) -> Result<String, Failure> {
    let full: PathBuf = fs::canonicalize(source).map_err(Failure::file("find", source))?;
    let name = full.file_stem().map(|name| name.to_string_lossy().into_owned());
    name.ok_or_else(|| wrong(format!("{} has no name; give one with --name", source.display())))
}

/// The last part of an image's path.
fn name_of_image(reference: &str) -> String {
    let path = reference.split('@').next().unwrap_or(reference);
    let last = path.rsplit('/').next().unwrap_or(path);
    last.split(':').next().unwrap_or(last).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arguments::Command;

    fn typed_as(words: &[&str]) -> arguments::Push {
        let words: Vec<String> = ["push"].iter().chain(words).map(|word| (*word).to_owned()).collect();
        let Ok(Command::Push(typed)) = arguments::parse("mini-hcf", &words) else { panic!("no push") };
        typed
    }

    fn meant_by(words: &[&str], variable: impl Fn(&str) -> Option<String>) -> Result<PushOptions, Failure> {
        meant_push(typed_as(words), variable)
    }

    #[test]
    fn a_variable_without_equals_sign_is_refused_without_repeating_it() {
        let typed = ["push", ".", "--env", "hunter2"].map(str::to_owned);
        let Ok(Command::Push(typed)) = arguments::parse("mini-hcf", &typed) else { panic!("no push") };
        let failure = meant_push(typed, |_| None).err().unwrap();
        assert!(failure.to_string().contains("K=V") && !failure.to_string().contains("hunter2"), "{failure}");
        assert_eq!(pairs(&["A=b=c".into()], "").unwrap(), [("A".to_owned(), "b=c".to_owned())]);
    }

    #[test]
    fn without_logs_a_push_is_todays() {
        let meant = |typed: &[&str]| {
            let typed: Vec<String> = ["push", "."].iter().chain(typed).map(|word| (*word).to_owned()).collect();
            let Ok(Command::Push(typed)) = arguments::parse("mini-hcf", &typed) else { panic!("no push") };
            meant_push(typed, |_| None).map(|push| (push.style, push.logs))
        };
        assert_eq!(meant(&["--no-logs"]).unwrap(), (Style::Y2026, false));
        assert_eq!(meant(&[]).unwrap(), (Style::Y2016, true));
        assert!(meant(&["--no-logs", "--style=2017"]).unwrap_err().to_string().contains("--style 2026"));
    }

    #[test]
    fn http_checks_are_refused_for_a_year_that_knew_none() {
        let typed = ["push", ".", "--health-check=http"].map(str::to_owned);
        let Ok(Command::Push(typed)) = arguments::parse("mini-hcf", &typed) else { panic!("no push") };
        assert!(meant_push(typed, |_| None).err().unwrap().to_string().contains("--style 2017"));
    }

    #[test]
    fn what_only_todays_requests_have_makes_them_todays() {
        for typed in [
            &["--lifecycle=cnb"][..],
            &["--process=worker=run"],
            &["--sidecar=proxy=run"],
            &["--service-files=service-binding-k8s"],
        ] {
            assert_eq!(meant_by(&[&["."], typed].concat(), |_| None).unwrap().style, Style::Y2026, "{typed:?}");
            let refused = meant_by(&[&[".", "--style=2017"], typed].concat(), |_| None).err().unwrap();
            assert!(refused.to_string().contains("add --style 2026"), "{refused}");
        }
        let layers = meant_by(&[".", "--lifecycle=cnb", "--style=2026-layers"], |_| None).unwrap();
        assert_eq!(layers.style, Style::Y2026Layers);
    }

    #[test]
    fn passwords_come_from_the_environment() {
        let variable = |name: &str| match name {
            DOCKER_PASSWORD => Some("hunter2".to_owned()),
            CNB_CREDENTIALS => Some(r#"{"h":{"token":"hunter2"}}"#.to_owned()),
            _ => None,
        };
        let docker = ["--docker-image=h.invalid/acme/app:1", "--docker-username=me"];
        let push = meant_by(&docker, variable).unwrap();
        assert_eq!((push.name.as_str(), push.lifecycle.kind()), ("app", Kind::Docker));
        assert_eq!(push.lifecycle.image().unwrap().login(), ["me", "hunter2"]);
        assert!(meant_by(&docker, |_| None).err().unwrap().to_string().contains(DOCKER_PASSWORD));
        let cnb = meant_by(&[".", "--lifecycle=cnb"], variable).unwrap().lifecycle;
        assert!(matches!(cnb, Lifecycle::Cnb(credentials) if credentials.contains("hunter2")));
        let refused = meant_by(&[".", "--lifecycle=cnb"], |_| Some("hunter2".to_owned())).err().unwrap();
        assert!(!refused.to_string().contains("hunter2"), "{refused}");
    }

    #[test]
    fn what_does_not_go_together_is_refused() {
        for (typed, said) in [
            (&[][..], "what is to be pushed"),
            (&["--lifecycle=docker"], "what is to be pushed"),
            (&["--lifecycle=docker", "--name=a"], "--docker-image REF"),
            (&[".", "--docker-image=a"], "neither a folder nor buildpacks"),
            (&[".", "--lifecycle=cnb", "--docker-image=a"], "is for --lifecycle docker"),
            (&[".", "--process=web=run"], "web is --command"),
            (&[".", "--process=a/b=run"], "no type"),
            (&[".", "--sidecar=run"], "NAME=COMMAND"),
        ] {
            let refused = meant_by(typed, |_| None).err().unwrap().to_string();
            assert!(refused.contains(said), "{typed:?}: {refused}");
        }
    }
}
