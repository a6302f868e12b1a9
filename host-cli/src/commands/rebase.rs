//! `rebase`: an app's image comes to stand on another root file system.

use crate::app_ref::AppRef;
use crate::arguments::Rebase;
use crate::backend::docker::rebase::{Import, onto};
use crate::backend::docker::resolve_image;
use crate::failure::Failure;
use crate::image::checked_names;
use crate::plan::rebase::RebaseOptions;
use crate::screen::screen;
use crate::session::{Session, run_command};
use shared_model::exit_code::ExitCode;

/// Puts an app's image upon another root file system.
pub(super) fn run(command: Rebase) -> ExitCode {
    let screen = screen(command.screen_options());
    let prepare = move || Ok((command.app_ref()?, checked_names(&command.name)?, command));
    run_command(screen, prepare, |session, (app, names, command)| rebase(session, app.as_ref(), &names, &command))
}

/// `names` are those that were typed, each with its tag.
pub(super) fn rebase(
    session: &Session,
    app: Option<&AppRef>,
    names: &[String],
    command: &Rebase,
) -> Result<(), Failure> {
    let image = resolve_image::image(session, app, &command.log_options())?;
    let options = RebaseOptions { base: &command.base, names, force: command.force };
    onto(session, &image, &options, Import { by: command.by, verbose: command.verbose })
}
