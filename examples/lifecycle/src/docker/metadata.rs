//! What an image says of how it is started, in the form that goes from the builder through Cloud Controller to the
//! launcher: `execution_metadata`.

use crate::go_json::quote;
use serde::Deserialize;
use std::collections::BTreeMap;

/// As `docker inspect` shows it below `Config`. Empty is what the image leaves open.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct ImageConfig {
    cmd: Option<Vec<String>>,
    entrypoint: Option<Vec<String>>,
    working_dir: String,
    user: String,
    exposed_ports: Option<BTreeMap<String, serde_json::Value>>,
}

/// The config blob of an image.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ImageFile {
    pub(super) config: ImageConfig,
}

/// What the launcher reads of it.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct ExecutionMetadata {
    pub(super) cmd: Vec<String>,
    pub(super) entrypoint: Vec<String>,
    pub(super) workdir: String,
}

impl ImageConfig {
    /// One JSON object; what is empty is left out.
    ///
    /// # Errors
    /// An exposed port that is none.
    pub(super) fn execution_metadata(&self) -> Result<String, String> {
        let words = |words: Option<&Vec<String>>| {
            let words = words.filter(|words| !words.is_empty())?;
            Some(format!("[{}]", words.iter().map(|word| quote(word)).collect::<Vec<_>>().join(",")))
        };
        let text = |text: &String| (!text.is_empty()).then(|| quote(text));
        let ports = self.ports()?;
        let ports: Vec<String> =
            ports.iter().map(|(port, kind)| format!("{{\"Port\":{port},\"Protocol\":{}}}", quote(kind))).collect();
        let ports = (!ports.is_empty()).then(|| format!("[{}]", ports.join(",")));
        let entries = [
            ("entrypoint", words(self.entrypoint.as_ref())),
            ("cmd", words(self.cmd.as_ref())),
            ("workdir", text(&self.working_dir)),
            ("ports", ports),
            ("user", text(&self.user)),
        ];
        let entries = entries.into_iter().filter_map(|(key, value)| Some(format!("\"{key}\":{}", value?)));
        Ok(format!("{{{}}}", entries.collect::<Vec<_>>().join(",")))
    }

    /// How it is started, as one line.
    pub(super) fn web(&self) -> String {
        let words = [&self.entrypoint, &self.cmd].into_iter().flatten().flatten();
        words.map(String::as_str).collect::<Vec<_>>().join(" ")
    }

    /// By number.
    fn ports(&self) -> Result<Vec<(u16, &str)>, String> {
        let port = |text: &'_ String| {
            let (number, kind) = text.split_once('/').unwrap_or((text, "tcp"));
            let number = number.parse().map_err(|_| format!("the image exposes `{text}`, which is no port"))?;
            Ok((number, if kind == "udp" { "udp" } else { "tcp" }))
        };
        let mut ports =
            self.exposed_ports.iter().flat_map(BTreeMap::keys).map(port).collect::<Result<Vec<_>, String>>()?;
        ports.sort_unstable();
        Ok(ports)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_has_the_recorded_form() {
        let config: ImageConfig = serde_json::from_str(
            r#"{"Cmd":["/bin/reports","serve"],"Entrypoint":["/docker-entrypoint.sh"],"WorkingDir":"/srv","User":"nobody",
                "ExposedPorts":{"9000/tcp":{},"3000/tcp":{}},"Env":["A=b"]}"#,
        )
        .unwrap();
        assert_eq!(
            config.execution_metadata().unwrap(),
            r#"{"entrypoint":["/docker-entrypoint.sh"],"cmd":["/bin/reports","serve"],"workdir":"/srv","ports":[{"Port":3000,"Protocol":"tcp"},{"Port":9000,"Protocol":"tcp"}],"user":"nobody"}"#
        );
        assert_eq!(config.web(), "/docker-entrypoint.sh /bin/reports serve");
        let nothing: ImageConfig = serde_json::from_str(r#"{"Cmd":null,"ExposedPorts":null}"#).unwrap();
        assert_eq!((nothing.execution_metadata().unwrap().as_str(), nothing.web().as_str()), ("{}", ""));
        let wrong: ImageConfig = serde_json::from_str(r#"{"ExposedPorts":{"x/tcp":{}}}"#).unwrap();
        assert!(wrong.execution_metadata().unwrap_err().contains("`x/tcp`"));
    }
}
