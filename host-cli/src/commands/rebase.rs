//! `rebase`: an app's image comes to stand on another root file system.

use super::publish::{base, platform};
use super::publish_options::wrong;
use crate::app_ref::AppRef;
use crate::arguments::Rebase;
use crate::backend::docker::rebase::{Import, onto};
use crate::backend::docker::resolve_image;
use crate::backend::push_target::Target;
use crate::failure::Failure;
use crate::image::{ImageBy, checked_names};
use crate::plan::rebase::RebaseOptions;
use crate::registry::login::LoginOptions;
use crate::registry::push_by::PushBy;
use crate::registry::reference::Reference;
use crate::screen::screen;
use crate::session::{Session, Unconnected, run_command, run_without_engine};
use shared_model::event::Step;
use shared_model::exit_code::ExitCode;
use shared_model::plain_line::escape_control;

/// Puts an app's image upon another root file system.
pub(super) fn run(command: Rebase) -> ExitCode {
    let screen = screen(command.screen_options());
    if command.publish.is_some() {
        return run_without_engine(screen, move |session| in_registry(session, &command));
    }
    let prepare = move || {
        of_registry(&command)?;
        Ok((command.app_ref()?, checked_names(&command.name)?, command))
    };
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

/// Where the new image is to be published; `None`: it stays on the engine.
fn of_registry(command: &Rebase) -> Result<Option<Target>, Failure> {
    let login = LoginOptions { username: command.username.as_deref(), password_stdin: command.password_stdin };
    let others = [("--stager-log", &command.stager_log), ("--nsync-log", &command.nsync_log)];
    let target = Target::wanted(command.publish.as_deref(), login, &others)?;
    if target.is_none() && command.ca.is_some() {
        return Err(wrong("--ca is for the registries of --publish", "leave --ca out"));
    }
    Ok(target.map(|target| target.sent(PushBy::Direct, command.ca.as_deref())))
}

/// The image and its target are in registries; no layer that is there is moved.
fn in_registry(session: &Unconnected, command: &Rebase) -> Result<(), Failure> {
    if !command.name.is_empty() || command.by != ImageBy::Auto {
        return Err(wrong(
            "--name and --image-by are for an image on the engine, and --publish makes none there",
            "leave them out",
        ));
    }
    let typed = command.app.as_deref().unwrap_or_default();
    let image = Reference::pulled(typed).filter(Reference::names_a_registry).ok_or_else(|| {
        let text = format!("`{}` names no image in a registry, and --publish takes one", escape_control(typed));
        wrong(&text, "name it as REGISTRY/REPO[:TAG]; without --publish an app's image on the engine is taken")
    })?;
    let Some(target) = of_registry(command)? else { return Ok(()) };
    let publishing = target.publishing();
    let (base, engine) = base(session, &command.base)?;
    session.step(Step::Push, || {
        let publisher = publishing.open(session, (&base, &platform()), engine)?;
        let name = publisher.base_name(&command.base);
        let options = RebaseOptions { base: name, names: &[target.reference.name().to_owned()], force: command.force };
        let rebased = publisher.rebase(session, (&publishing, &image), &options)?;
        publisher.tag(session, &rebased).map(|_| ())
    })
}
