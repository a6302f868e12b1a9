//! Walks an action tree. Knows order, time and what a failure means; touches nothing itself: that is for the
//! [`ActionRunner`]. The semantics are those of Diego's executor.

use super::error::ActionError;
use super::parallel::parallel;
use crate::session::scope::{Scope, Stop, Stopped};
use shared_model::action::{Action, DownloadAction, EmitProgressAction, RunAction, TimeoutAction, UploadAction};
use shared_model::event::Event;

/// What an action tree finally does. A leaf asks its scope whether to go on, and comes back soon after the answer is no.
pub(crate) trait ActionRunner: Sync {
    fn download(&self, action: &DownloadAction, scope: &Scope) -> Result<(), ActionError>;
    fn upload(&self, action: &UploadAction, scope: &Scope) -> Result<(), ActionError>;
    fn run(&self, action: &RunAction, scope: &Scope) -> Result<(), ActionError>;
}

/// Carries out `action` and everything inside it.
///
/// # Errors
/// What the tree makes of its leaves' errors; [`ActionError::Stopped`] when the scope ended before the action began.
pub(crate) fn execute(action: &Action, runner: &dyn ActionRunner, scope: &Scope) -> Result<(), ActionError> {
    let scope = &scope.named(action.log_source());
    scope.go_on().map_err(ActionError::Stopped)?;
    match action {
        Action::Download(download) => runner.download(download, scope),
        Action::Upload(upload) => runner.upload(upload, scope),
        Action::Run(run) => runner.run(run, scope),
        Action::Timeout(timeout) => limited(timeout, runner, scope),
        Action::EmitProgress(announced) => announce(announced, runner, scope),
        Action::Try(attempt) => {
            swallow(execute(&attempt.action, runner, scope), scope);
            Ok(())
        }
        Action::Serial(list) => list.actions.iter().try_for_each(|action| execute(action, runner, scope)),
        Action::Parallel(list) => joined(parallel(&list.actions, |action| execute(action, runner, scope))),
        Action::Codependent(list) => codependent(&list.actions, runner, scope),
    }
}

/// The time counts, not what the action made of it: a `try` inside may have swallowed its end.
fn limited(timeout: &TimeoutAction, runner: &dyn ActionRunner, scope: &Scope) -> Result<(), ActionError> {
    let Some(limit) = timeout.limit() else { return execute(&timeout.action, runner, scope) };
    let inner = scope.limited(limit);
    let result = execute(&timeout.action, runner, &inner);
    match (scope.stopped(), inner.stopped()) {
        (None, Some(Stopped::DeadlinePassed(_))) => {
            Err(ActionError::TimedOut { limit, during: result.err().map(Box::new) })
        }
        _ => result,
    }
}

fn announce(announced: &EmitProgressAction, runner: &dyn ActionRunner, scope: &Scope) -> Result<(), ActionError> {
    let say = |text: String, failed| {
        if !text.is_empty() {
            scope.emit(Event::Progress { source: scope.log_source().to_owned(), text, failed });
        }
    };
    say(announced.start_message.clone(), false);
    let result = execute(&announced.action, runner, scope);
    let prefix = &announced.failure_message_prefix;
    match &result {
        Ok(()) => say(announced.success_message.clone(), false),
        Err(_) if prefix.is_empty() => {}
        Err(error) => say(error.emittable().map_or_else(|| prefix.clone(), |text| format!("{prefix}: {text}")), true),
    }
    result
}

/// A failure that has no consequence is still worth a line, unless it was only the end of everything.
fn swallow(result: Result<(), ActionError>, scope: &Scope) {
    if let Err(error) = result
        && scope.stopped().is_none()
    {
        scope.emit(Event::Ignored { text: error.to_string() });
    }
}

/// The first to end, however it ends, ends the others.
fn codependent(actions: &[Action], runner: &dyn ActionRunner, scope: &Scope) -> Result<(), ActionError> {
    let group = Stop::default();
    let inner = scope.stoppable_by(&group);
    let mut results = parallel(actions, |action| {
        let result = execute(action, runner, &inner);
        group.ask(Stopped::Codependent);
        result
    });
    results.retain(|result| !matches!(result, Err(ActionError::Stopped(Stopped::Codependent))));
    joined(results)?;
    Err(ActionError::CodependentEnded)
}

fn joined(results: Vec<Result<(), ActionError>>) -> Result<(), ActionError> {
    let errors: Vec<ActionError> = results.into_iter().filter_map(Result::err).collect();
    if errors.is_empty() { Ok(()) } else { Err(ActionError::Several(errors)) }
}

#[cfg(test)]
mod tests;
