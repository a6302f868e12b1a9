//! `restart` and `restart-app-instance`: replace what runs.

use super::place::on_engine;
use crate::arguments::{Restart, RestartAppInstance};
use crate::backend::apps::AppsBackend;
use crate::backend::docker::apps::AppsOnEngine;
use crate::failure::Failure;
use crate::pipeline::life;
use crate::plan::apps::{Part, choose};
use crate::screen::screen;
use crate::session::run_without_engine;
use shared_model::exit_code::ExitCode;
use shared_model::process_type::WEB;

/// Replaces an app's instances.
pub(super) fn run(command: Restart) -> ExitCode {
    run_without_engine(screen(command.screen_options()), move |session| {
        let app = command.app_ref()?;
        let session = session.connect()?;
        life::restart(&session, &on_engine(&session, &app, &Part::default())?)
    })
}

/// Replaces one instance.
pub(super) fn run_one(command: RestartAppInstance) -> ExitCode {
    run_without_engine(screen(command.screen_options()), move |session| {
        let advice = "write `host-cli restart-app-instance APP INDEX`; `host-cli app APP` shows its instances";
        let (app, part) = command.meant().map_err(|text| Failure::new(ExitCode::CommandLine, text, advice))?;
        let session = session.connect()?;
        // `shop/worker 0` names the process already.
        let apps = AppsOnEngine::new(&session).apps()?;
        let of_word = choose(&apps, &app, &Part { process: None, ..part });
        let mut selected = of_word.or_else(|_| choose(&apps, &app, &part))?;
        let process = part.process.or(selected.part.process).unwrap_or_else(|| WEB.to_owned());
        selected.part.process = Some(process);
        life::restart(&session, &selected)
    })
}
