//! Files of a container as a tar. Podman needs help with three things: it looks into a running container through one of
//! its processes, which may end meanwhile, and then refuses or sends nothing; of an ended one it follows no link that leads
//! into a volume; and it follows the path itself where that is a link, to a file that nobody has asked for.

use super::api_client::ApiClient;
use super::paths::container_path;
use super::refusal::{PATH_STAT, is_missing, one_line};
use super::stream::BodyReader;
use crate::engine::{ContainerId, EngineError};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use containers_api::conn::hyper::StatusCode;
use containers_api::url::encoded_pair;
use futures_util::{StreamExt, stream};
use serde::Deserialize;
use std::io::Read;
use std::time::{Duration, Instant};

/// What Podman says of a process that has ended, and of what it was looking at through that. It does not answer so that
/// something is missing, which is what it would say of the path.
const ENDED_MEANWHILE: &str = "no such file or directory";
/// How long it may take to notice that.
const NOTICE: Duration = Duration::from_secs(5);
/// Between two looks at that.
const POLL: Duration = Duration::from_millis(50);

/// What an engine says of a path, beside the files or beside its refusal.
#[derive(Deserialize)]
struct PathStat {
    #[serde(default)]
    name: String,
    #[serde(default, rename = "linkTarget")]
    link_target: String,
}

pub(super) async fn copy_out(
    api: &ApiClient,
    container: &ContainerId,
    path: &str,
) -> Result<Box<dyn Read + Send>, EngineError> {
    let what = format!("{} in container {}", one_line(path), container.0);
    let mut outcome = ask(api, container, path).await;
    if let (Err(error), Some((folder, name))) = (&outcome, path.rsplit_once('/'))
        && is_missing(error)
        && let Some(target) = leads_to(api, container, folder).await
    {
        outcome = ask(api, container, &format!("{target}/{name}")).await;
    }
    outcome.map_err(|error| {
        if is_missing(&error) {
            EngineError::NotFound { what }
        } else {
            api.error(&format!("taking out {what}"), error)
        }
    })
}

async fn ask(api: &ApiClient, container: &ContainerId, path: &str) -> Result<Box<dyn Read + Send>, docker_api::Error> {
    let endpoint = format!("{}/archive?{}", container_path(container), encoded_pair("path", path));
    let deadline = Instant::now() + NOTICE;
    loop {
        match api.client.get(api.endpoint(&endpoint)).await {
            Ok(answer) => {
                let stat = answer.headers().get(PATH_STAT).and_then(|stat| stat.to_str().ok());
                if stat.is_some_and(|stat| is_of_another(stat, path)) {
                    let message = "it is a link, not a regular file".to_owned();
                    return Err(docker_api::Error::Fault { code: StatusCode::UNPROCESSABLE_ENTITY, message });
                }
                let mut body = answer.into_body();
                let first = body.next().await;
                // The shortest tar is not empty: Podman had promised the file already when the process ended.
                if first.is_some() || Instant::now() >= deadline {
                    return Ok(Box::new(BodyReader::new(stream::iter(first).chain(body))));
                }
                tokio::time::sleep(POLL).await;
            }
            Err(docker_api::Error::Fault { code: StatusCode::INTERNAL_SERVER_ERROR, message })
                if message.ends_with(ENDED_MEANWHILE) && Instant::now() < deadline =>
            {
                tokio::time::sleep(POLL).await;
            }
            Err(error) => return Err(error),
        }
    }
}

/// Where the folder leads that an engine says is not there, if it is a link. Its refusal then tells of the path
/// ([`super::refusal::check`]); who follows links by himself has nothing to tell.
async fn leads_to(api: &ApiClient, container: &ContainerId, folder: &str) -> Option<String> {
    match ask(api, container, folder).await {
        Err(docker_api::Error::Fault { message, .. }) => target(&message, folder),
        _ => None,
    }
}

/// Whether what an engine says, in Base64, is said of another file than the one at the path.
fn is_of_another(stat: &str, path: &str) -> bool {
    let asked = path.rsplit('/').next().unwrap_or_default();
    read(stat).is_some_and(|stat| !asked.is_empty() && !stat.name.is_empty() && stat.name != asked)
}

fn read(stat: &str) -> Option<PathStat> {
    serde_json::from_slice(&STANDARD.decode(stat).ok()?).ok()
}

/// Of what an engine says of a path, in Base64, where it leads if elsewhere.
fn target(stat: &str, path: &str) -> Option<String> {
    let stat = read(stat)?;
    let elsewhere = stat.link_target.starts_with('/') && stat.link_target != path;
    elsewhere.then(|| stat.link_target.trim_end_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_tells_where_it_leads_and_nothing_else_does() {
        let stat = |text: &str| target(&STANDARD.encode(text), "/tmp/lifecycle");
        assert_eq!(stat(r#"{"name":"x","linkTarget":"/cache/x"}"#).as_deref(), Some("/cache/x"));
        for nothing in [r#"{"linkTarget":"/tmp/lifecycle"}"#, r#"{"linkTarget":""}"#, "{}", "no such file"] {
            assert_eq!(stat(nothing), None, "{nothing}");
        }
        assert_eq!(target("no such container", "/tmp/lifecycle"), None);
        let passwd = STANDARD.encode(r#"{"name":"passwd","linkTarget":"/etc/passwd"}"#);
        assert!(is_of_another(&passwd, "/tmp/droplet") && !is_of_another(&passwd, "/etc/passwd"));
    }
}
