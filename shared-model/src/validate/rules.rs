//! What the BBS demands of a request beyond its form.

use super::validation_error::{ValidationError, ValidationErrors};
use super::{files, sizes};
use crate::action::{Action, RunAction};
use crate::desired_lrp::DesiredLrp;
use crate::task::TaskDefinition;

const ANNOTATION_LIMIT: usize = 10 * 1024;
const CPU_WEIGHT_LIMIT: u32 = 100;

/// Fails where there is any error.
pub(super) fn verdict(errors: Vec<ValidationError>) -> Result<(), ValidationErrors> {
    if errors.is_empty() { Ok(()) } else { Err(ValidationErrors(errors)) }
}

/// All that the BBS would refuse in a staging request; empty where it would take it.
pub(super) fn check_task(task: &TaskDefinition) -> Vec<ValidationError> {
    let mut validator = Validator::default();
    validator.rootfs(&task.rootfs);
    match &task.action {
        Some(action) => validator.action("action", action),
        None => validator.add("action", "missing: there is nothing to do"),
    }
    for (index, dependency) in task.dependencies().iter().enumerate() {
        validator.required(
            &format!("cached_dependencies[{index}]"),
            &[("from", dependency.from.is_empty()), ("to", dependency.to.is_empty())],
        );
    }
    for (index, layer) in task.layers().iter().enumerate() {
        validator.required(
            &format!("image_layers[{index}]"),
            &[("url", layer.url.is_empty()), ("destination_path", layer.destination_path.is_empty())],
        );
    }
    if task.annotation.as_ref().is_some_and(|annotation| annotation.reveal().len() > ANNOTATION_LIMIT) {
        validator.add("annotation", "longer than 10 KiB");
    }
    validator.cpu_weight(task.cpu_weight);
    validator.0.extend(files::of_files(task.mounted_files()));
    validator.0.extend(files::of_certificates(task.trusted_system_certificates_path.as_deref()));
    validator.0.extend(sizes::of_container(task.environment(), task.action.as_ref()));
    validator.0
}

/// All that the BBS would refuse in a launch request; empty where it would take it.
pub(super) fn check_desired_lrp(lrp: &DesiredLrp) -> Vec<ValidationError> {
    let mut validator = Validator::default();
    if lrp.process_guid.is_empty() {
        validator.add("process_guid", "missing");
    }
    validator.rootfs(&lrp.rootfs);
    match &lrp.action {
        Some(action) => validator.action("action", action),
        None => validator.add("action", "missing: there is nothing to run"),
    }
    for (path, action) in [("setup", &lrp.setup), ("monitor", &lrp.monitor)] {
        if let Some(action) = action {
            validator.action(path, action);
        }
    }
    validator.cpu_weight(lrp.cpu_weight);
    validator.0.extend(files::of_files(lrp.mounted_files()));
    validator.0.extend(files::of_certificates(lrp.trusted_system_certificates_path.as_deref()));
    validator.0.extend(sizes::of_container(lrp.environment(), lrp.action.as_ref()));
    validator.0
}

#[derive(Default)]
struct Validator(Vec<ValidationError>);

impl Validator {
    fn add(&mut self, path: &str, text: &str) {
        self.0.push(ValidationError::new(path, text));
    }

    fn required(&mut self, path: &str, fields: &[(&str, bool)]) {
        for (field, empty) in fields {
            if *empty {
                self.add(&format!("{path}.{field}"), "missing or empty");
            }
        }
    }

    fn rootfs(&mut self, rootfs: &str) {
        if rootfs.is_empty() {
            self.add("rootfs", "missing or empty");
        } else if !rootfs.contains(':') {
            self.add("rootfs", "not a URL with a scheme such as `preloaded:cflinuxfs4`");
        }
    }

    fn cpu_weight(&mut self, weight: u32) {
        if weight > CPU_WEIGHT_LIMIT {
            self.add("cpu_weight", "over 100");
        }
    }

    /// JSON can say NUL, no process can be given it.
    fn run(&mut self, path: &str, run: &RunAction) {
        self.required(path, &[("path", run.path.is_empty()), ("user", run.user.is_empty())]);
        let variables = run.environment().iter().map(|variable| [variable.name.as_str(), variable.value.reveal()]);
        let with_nul = [
            ("path", run.path.contains('\0')),
            ("args", run.arguments().iter().any(|argument| argument.contains('\0'))),
            ("dir", run.dir.as_deref().is_some_and(|dir| dir.contains('\0'))),
            ("env", variables.flatten().any(|text| text.contains('\0'))),
        ];
        for (field, _) in with_nul.iter().filter(|(_, has)| *has) {
            self.add(&format!("{path}.{field}"), "a NUL character, which no process can be given");
        }
        self.0.extend(sizes::of_run(path, run));
    }

    fn action(&mut self, path: &str, action: &Action) {
        let path = format!("{path}.{}", action.kind());
        match action {
            Action::Download(download) => self.required(
                &path,
                &[
                    ("from", download.from.is_empty()),
                    ("to", download.to.is_empty()),
                    ("user", download.user.is_empty()),
                ],
            ),
            Action::Upload(upload) => self.required(
                &path,
                &[("from", upload.from.is_empty()), ("to", upload.to.is_empty()), ("user", upload.user.is_empty())],
            ),
            Action::Run(run) => self.run(&path, run),
            Action::Timeout(timeout) if timeout.limit().is_none() => self.add(&path, "no timeout above zero"),
            Action::Parallel(list) | Action::Serial(list) | Action::Codependent(list) if list.actions.is_empty() => {
                self.add(&format!("{path}.actions"), "missing or empty");
            }
            _ => {}
        }
        let single = matches!(action, Action::Timeout(_) | Action::EmitProgress(_) | Action::Try(_));
        for (index, child) in action.children().iter().enumerate() {
            let inner = if single { format!("{path}.action") } else { format!("{path}.actions[{index}]") };
            self.action(&inner, child);
        }
    }
}
