//! One staging from its plan to its result: dependencies, action, result file.

use crate::actions::{ActionError, StagingRunner, execute};
use crate::plan::StagingPlan;
use crate::result_file::{self, ResultError};
use crate::session::scope::Scope;
use shared_model::docker_app;
use shared_model::event::Event;

/// Where a staging failed, in the words of Diego to Cloud Controller, which makes its own of an end in 222, 223 or 224.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StagingError {
    /// Before the action: something it takes for granted did not arrive.
    #[error("failed to download cached artifacts")]
    Dependencies(ActionError),
    /// In the action.
    #[error("{}", .0.first_cause().emittable().unwrap_or_else(|| .0.first_cause().to_string()))]
    Action(ActionError),
    /// After the action: the builder's result cannot be used.
    #[error("failed to fetch result")]
    Result(ResultError),
}

/// Carries out `plan`. The result is said, and given back for a report; empty where none is asked for.
pub(crate) fn stage(plan: &StagingPlan, runner: &StagingRunner, scope: &Scope) -> Result<String, StagingError> {
    runner.prefetch(scope).map_err(StagingError::Dependencies)?;
    execute(&plan.action, runner, scope).map_err(StagingError::Action)?;
    // A try may have swallowed a signal in the very last action.
    scope.go_on().map_err(|reason| StagingError::Action(ActionError::Stopped(reason)))?;
    runner.steps.finish(scope);
    let Some(file) = &plan.result_file else { return Ok(String::new()) };
    let text = result_file::read(file, &runner.makers("")).map_err(StagingError::Result)?;
    scope.emit(Event::Result { text: result_file::shown(&text, &plan.buildpack_urls) });
    if let Some(found) = plan.docker_app.as_ref().and_then(|_| docker_app::event(&text)) {
        scope.emit(found);
    }
    Ok(text)
}
