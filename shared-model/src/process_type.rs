//! Which process of an app a launch request starts: Cloud Controller asks for one request for each process type of an app, all
//! under the app's guid.

use serde_json::Value;

/// The process type that an app has where nothing names one; requests before 2017 name none.
pub const WEB: &str = "web";

/// What the log source of a launcher's run names: `APP[/REV/n]/PROC/TYPE[/SIDECAR/NAME]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogSource<'a> {
    /// The process type in upper case, never empty. `SIDECAR` is one as well as any other.
    pub process_type: &'a str,
    /// The sidecar's name in upper case, slashes and spaces included; `None`: the run is the process's own.
    pub sidecar: Option<&'a str>,
}

impl<'a> LogSource<'a> {
    /// Reads a log source; `None` for one that names no process, such as `APP` or `CELL/SSHD`.
    #[must_use]
    pub fn parse(text: &'a str) -> Option<Self> {
        let mut rest = text;
        while let Some((segment, behind)) = rest.split_once('/') {
            if segment == "PROC" {
                let (process_type, behind) = behind.split_once('/').unwrap_or((behind, ""));
                let sidecar = behind.strip_prefix("SIDECAR/").or((behind == "SIDECAR").then_some(""));
                return (!process_type.is_empty()).then_some(Self { process_type, sidecar });
            }
            rest = behind;
        }
        None
    }
}

/// True for the log source of a launcher's run that starts a sidecar.
#[must_use]
pub fn names_a_sidecar(log_source: &str) -> bool {
    LogSource::parse(log_source).is_some_and(|source| source.sidecar.is_some())
}

/// The process type that a request's parts name; [`WEB`] where none does. `vcap_application` is the value of that variable,
/// `log_source` the app's launcher's.
#[must_use]
pub fn process_type(vcap_application: Option<&str>, metric_tags: Option<&Value>, log_source: Option<&str>) -> String {
    let not_empty = |text: &String| !text.is_empty();
    let of_vcap = vcap_application
        .and_then(|json| serde_json::from_str::<Value>(json).ok())
        .and_then(|vcap| vcap.get("process_type").and_then(Value::as_str).map(str::to_owned).filter(not_empty));
    let of_tags = || {
        let tag = metric_tags?.get("process_type")?.get("static")?.as_str()?;
        Some(tag.to_owned()).filter(not_empty)
    };
    let of_source = || Some(LogSource::parse(log_source?)?.process_type.to_lowercase());
    of_vcap.or_else(of_tags).or_else(of_source).unwrap_or_else(|| WEB.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_log_source_names_the_process_type_behind_proc_and_then_a_sidecar() {
        let read = |text| LogSource::parse(text).map(|source| (source.process_type, source.sidecar));
        for (text, named) in [
            ("APP/PROC/WEB", Some(("WEB", None))),
            ("APP/REV/7/PROC/WORKER", Some(("WORKER", None))),
            ("APP/PROC/WEB/SIDECAR/OTEL COLLECTOR", Some(("WEB", Some("OTEL COLLECTOR")))),
            ("APP/PROC/WEB/SIDECAR/A/B", Some(("WEB", Some("A/B")))),
            ("APP/PROC/WEB/SIDECAR", Some(("WEB", Some("")))),
            ("APP/PROC/SIDECAR", Some(("SIDECAR", None))),
            ("APP/PROC/SIDECAR/SIDECAR/SIDECAR", Some(("SIDECAR", Some("SIDECAR")))),
            ("APP/PROC/PROC", Some(("PROC", None))),
            ("APP/PROC/", None),
            ("APP/PROC", None),
            ("APP", None),
            ("CELL/SSHD", None),
            ("APP/TASK/SIDECAR", None),
            ("", None),
        ] {
            assert_eq!(read(text), named, "{text:?}");
        }
    }

    #[test]
    fn the_variable_goes_before_the_tag_and_the_tag_before_the_log_source() {
        let vcap = Some(r#"{"process_type":"clock"}"#);
        let tags = json!({"process_type": {"static": "worker"}});
        assert_eq!(process_type(vcap, Some(&tags), Some("APP/PROC/WEB")), "clock");
        assert_eq!(process_type(Some(r#"{"name":"x"}"#), Some(&tags), Some("APP/PROC/WEB")), "worker");
        assert_eq!(process_type(None, None, Some("APP/PROC/CRON-JOB")), "cron-job");
    }

    #[test]
    fn what_names_no_process_type_is_web() {
        let odd = json!({"process_type": {"dynamic": "INDEX"}});
        for vcap in [
            None,
            Some(""),
            Some("[]"),
            Some("not json"),
            Some(r#"{"process_type":""}"#),
            Some(r#"{"process_type":7}"#),
        ] {
            assert_eq!(process_type(vcap, Some(&odd), Some("APP")), WEB, "{vcap:?}");
        }
    }
}
