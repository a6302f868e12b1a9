//! Whether a restage replaces the droplet in Cloud Controller, and what that means for the app as Diego runs it: the droplet
//! in its launch request can be downloaded only as long as it is the app's current one.

use super::error::PlanError;
use super::restage::{asks_for_help, quoted};
use shared_model::action::Action;
use shared_model::application::Application;
use shared_model::desired_lrp::DesiredLrp;
use shared_model::task::TaskDefinition;

/// The agent's option that leaves out the upload.
const NO_UPLOAD: &str = "--no-upload";

/// What the user says of the upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Upload {
    /// Nothing: it takes place, and the user may not know what it means.
    Unsaid,
    /// It is to take place.
    Wanted,
    /// It is not.
    Unwanted,
}

impl Upload {
    /// What was typed: `--upload`, `--no-upload`, and the agent's options behind `--`. Who asks for a report knows that Cloud
    /// Controller then starts the app anew, and who asks for help uploads nothing.
    ///
    /// # Errors
    /// The two exclude each other.
    pub(crate) fn typed(upload: bool, no_upload: bool, agent_options: &[String]) -> Result<Self, PlanError> {
        let tells_agent = |option: &str| agent_options.iter().any(|typed| typed == option);
        let unwanted = no_upload || tells_agent(NO_UPLOAD);
        match (upload, unwanted) {
            (true, true) => Err(PlanError::UploadAndNot),
            (_, true) => Ok(Self::Unwanted),
            (true, false) => Ok(Self::Wanted),
            (false, false) if tells_agent("--report") => Ok(Self::Wanted),
            (false, false) if asks_for_help(agent_options) => Ok(Self::Unwanted),
            (false, false) => Ok(Self::Unsaid),
        }
    }

    /// The agent's options, as it has to be told.
    pub(crate) fn agent_options(self, typed: &[String]) -> Vec<String> {
        let is_told = asks_for_help(typed) || typed.iter().any(|option| option == NO_UPLOAD);
        let more = (self == Self::Unwanted && !is_told).then(|| NO_UPLOAD.to_owned());
        typed.iter().cloned().chain(more).collect()
    }
}

/// Whether a staging of this request has a droplet to upload. An odd request is judged later.
pub(crate) fn uploads(staging: &str) -> bool {
    let task = serde_json::from_str::<TaskDefinition>(staging);
    task.is_ok_and(|task| task.action.iter().flat_map(Action::uploads).next().is_some())
}

/// Whether Diego runs this launch request with a droplet, which every staging replaces by another one. A docker app has none.
pub(crate) fn runs_a_droplet(launch: &str) -> bool {
    serde_json::from_str::<DesiredLrp>(launch).map_or(true, |lrp| !lrp.is_docker())
}

/// What the user is asked before the upload.
pub(crate) fn question(app: &str) -> String {
    format!(
        "{app} may be running on Diego. Once its droplet is replaced, Diego cannot place it again until `cf restart {app}`.\n\
         Replace the droplet in Cloud Controller?"
    )
}

/// What is said after the upload; `apps` is never empty.
pub(crate) fn warning(apps: &[String]) -> String {
    match apps {
        [app] => {
            format!("the droplet of {app} was replaced: Diego cannot place the app again until `cf restart {app}`")
        }
        _ => format!(
            "the droplets of {} apps were replaced: Diego cannot place each of them again until its `cf restart`: {}",
            apps.len(),
            apps.join(", ")
        ),
    }
}

/// The app as `cf` takes it: its name, for a shell; its guid where it has none.
pub(crate) fn app(application: &Application) -> String {
    quoted(if application.name.is_empty() { &application.guid } else { &application.name })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn what_was_typed_says_whether_to_upload_wherever_it_stands() {
        for (upload, no_upload, behind, said) in [
            (false, false, "", Ok(Upload::Unsaid)),
            (true, false, "", Ok(Upload::Wanted)),
            (false, true, "", Ok(Upload::Unwanted)),
            (false, false, "--no-upload", Ok(Upload::Unwanted)),
            (false, true, "--no-upload", Ok(Upload::Unwanted)),
            (true, true, "", Err(PlanError::UploadAndNot)),
            (true, false, "--no-upload", Err(PlanError::UploadAndNot)),
            (false, false, "--report", Ok(Upload::Wanted)),
            (false, false, "--help", Ok(Upload::Unwanted)),
        ] {
            assert_eq!(Upload::typed(upload, no_upload, &words(behind)), said, "{upload} {no_upload} {behind}");
        }
    }

    #[test]
    fn the_agent_is_told_once_and_not_when_it_is_asked_for_its_help() {
        let told = |upload: Upload, typed: &str| upload.agent_options(&words(typed)).join(" ");
        assert_eq!(told(Upload::Unwanted, "--retries 5"), "--retries 5 --no-upload");
        assert_eq!(told(Upload::Unwanted, "--no-upload"), "--no-upload");
        assert_eq!(told(Upload::Unwanted, "--help"), "--help");
        for upload in [Upload::Unsaid, Upload::Wanted] {
            assert_eq!(told(upload, "--retries 5"), "--retries 5");
        }
    }

    #[test]
    fn only_an_upload_can_replace_a_droplet_and_only_a_droplet_be_replaced() {
        let staging = r#"{"action":{"upload":{"from":"/tmp/droplet","to":"http://cc-uploader/","user":"vcap"}}}"#;
        assert_eq!([staging, "{}", "odd"].map(uploads), [true, false, false]);
        let launches = [r#"{"rootfs":"preloaded:cflinuxfs4"}"#, r#"{"rootfs":"docker:///x"}"#, "odd"];
        assert_eq!(launches.map(runs_a_droplet), [true, false, true]);
    }

    #[test]
    fn a_name_is_safe_to_copy_into_a_shell() {
        let application = |name: &str| Application { name: name.into(), guid: "g".into(), ..Application::default() };
        assert_eq!(app(&application("shop; rm -rf /")), "'shop; rm -rf /'");
        assert_eq!(app(&application("")), "g");
        assert!(
            question("shop").contains("`cf restart shop`") && warning(&["shop".into()]).contains("`cf restart shop`")
        );
        assert!(warning(&["a".into(), "b".into()]).ends_with(": a, b"));
    }
}
