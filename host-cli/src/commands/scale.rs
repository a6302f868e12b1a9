//! `scale`: gives an app other numbers, or shows them.

use super::place::on_engine;
use crate::arguments::{Output, ScaleApp};
use crate::failure::Failure;
use crate::pipeline::life::{self, Scale};
use crate::plan::apps::Part;
use crate::plan::launch::Size;
use crate::plan::wish::MOST_INSTANCES;
use crate::screen::{answer, app_life, screen};
use crate::session::run_without_engine;
use shared_model::exit_code::ExitCode;
use shared_model::process_type::WEB;

/// Scales a process.
pub(super) fn run(command: ScaleApp) -> ExitCode {
    run_without_engine(screen(command.screen_options()), move |session| {
        let app = command.app_ref()?;
        let scale = Scale { instances: command.instances, size: command.size() };
        if scale.instances.is_some_and(|wanted| wanted > MOST_INSTANCES) {
            let text = format!("one engine takes {MOST_INSTANCES} instances of a process at most");
            return Err(Failure::new(ExitCode::CommandLine, text, "choose fewer with -i"));
        }
        let session = session.connect()?;
        let part = Part { process: command.process.clone(), index: None };
        let selected = on_engine(&session, &app, &part)?;
        if scale.instances.is_none() && scale.size == Size::default() {
            let wish = life::known(&session, &selected.app.guid, selected.app.subject())?;
            let process = selected.part.process.as_deref();
            let text = match command.output {
                Some(Output::Json) => app_life::sizes_json(&wish, process),
                _ => app_life::sizes(&wish, process),
            };
            return answer::write(&text).map(drop);
        }
        let process = selected.part.process.clone().unwrap_or_else(|| WEB.to_owned());
        life::scale(&session, &selected, &process, scale)
    })
}
