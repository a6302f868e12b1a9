//! `env`: the variables of an app's container.

use super::place;
use crate::arguments::{Env, EnvOutput};
use crate::backend::docker::apps::AppsOnEngine;
use crate::failure::Failure;
use crate::plan::app_variables::AppVariables;
use crate::screen::app_variables::{Values, dotenv, json, text};
use crate::screen::{answer, trouble};
use crate::session::{Unconnected, run_without_engine};
use shared_model::event::{Event, EventSink};
use shared_model::exit_code::ExitCode;
use shared_model::names::listed;
use shared_model::plain_line::escape_control;

/// Shows them.
pub(super) fn run(command: Env) -> ExitCode {
    run_without_engine(trouble(), move |session| show(session, &command))
}

fn show(unconnected: &Unconnected, command: &Env) -> Result<(), Failure> {
    let app = command.app_ref()?;
    let values = if command.show { Values::Shown } else { Values::Hidden };
    if command.output != EnvOutput::Text && values == Values::Hidden {
        let text = "--output dotenv and --output json write values, which may be passwords";
        return Err(Failure::new(ExitCode::CommandLine, text, "add --show"));
    }
    let instead = "kubectl get deployment NAME -o jsonpath='{.spec.template.spec.containers[*].env}'";
    place::on_an_engine("env", instead, command.cluster()?.as_ref())?;
    let session = unconnected.connect_to_look()?;
    let place = AppsOnEngine::new(&session);
    let container = place.one(&place::selected(&place, &app, &command.part())?)?;
    let Some(program) = session.engine.program(&container.id)? else {
        let text = format!("container {} is gone", escape_control(&container.name));
        return Err(Failure::new(ExitCode::CommandLine, text, "`host-cli apps` lists what runs"));
    };
    let variables = AppVariables::of(program.environment.reveal());
    let written = match command.output {
        EnvOutput::Text => text(&variables, values),
        EnvOutput::Json => json(&variables),
        EnvOutput::Dotenv => {
            let (lines, left_out) = dotenv(&variables);
            if !left_out.is_empty() {
                let names = escape_control(&listed(&left_out)).into_owned();
                let text = format!("left out, because a shell or this terminal cannot take it: {names}");
                session.emit(Event::Warning { text });
            }
            lines
        }
    };
    answer::write(&written).map(drop)
}
