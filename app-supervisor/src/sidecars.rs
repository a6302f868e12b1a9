//! Reads what sidecars there are: a JSON list of run actions, each with all of its environment. `host-cli` writes it; a sidecar's
//! variables hold passwords, which on a command line everybody would see.

#![expect(clippy::disallowed_methods, reason = "reads the one file that it is given")]

use shared_model::action::RunAction;
use std::path::Path;

/// The sidecars of the file.
///
/// # Errors
/// It cannot be read, or is no such list. The text holds nothing of its contents.
pub(crate) fn read(file: &Path) -> Result<Vec<RunAction>, String> {
    let text =
        std::fs::read(file).map_err(|error| format!("cannot read the sidecars in {}: {error}", file.display()))?;
    parse(&text).map_err(|error| format!("cannot read the sidecars in {}: {error}", file.display()))
}

/// serde's own words may quote a value; where it stands does not.
fn parse(text: &[u8]) -> Result<Vec<RunAction>, String> {
    serde_json::from_slice(text)
        .map_err(|error| format!("no list of run actions (line {}, column {})", error.line(), error.column()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_sidecar_is_read_with_its_environment() {
        let text =
            br#"[{"path":"/l","args":["app","x",""],"env":[{"name":"A","value":"b"}],"log_source":"S","user":"vcap"}]"#;
        let sidecars = parse(text).unwrap();
        assert_eq!((sidecars[0].path.as_str(), sidecars[0].arguments().len()), ("/l", 3));
        assert_eq!(sidecars[0].environment()[0].value.reveal(), "b");
    }

    #[test]
    fn what_is_no_list_is_told_without_what_it_holds() {
        let told = parse(br#"[{"path":"/l","env":"s3cret"}]"#).unwrap_err();
        assert!(told.starts_with("no list of run actions (line 1, column ") && !told.contains("s3cret"), "{told}");
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse(&bytes);
        }

        #[test]
        fn what_was_written_is_read_again(path in ".*", args in proptest::collection::vec(".*", 0..4), source in ".*") {
            let run = RunAction {
                path,
                args: Some(shared_model::secret::Secret::new(args)),
                log_source: Some(source),
                ..RunAction::default()
            };
            let written = serde_json::to_vec(&[&run]).unwrap();
            prop_assert_eq!(parse(&written).unwrap(), [run]);
        }
    }
}
