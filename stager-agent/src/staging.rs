//! One staging from its plan to its result: dependencies, action, result file.

use crate::actions::{ActionError, StagingRunner, execute};
use crate::plan::StagingPlan;
use crate::result_file::{self, ResultError};
use crate::session::scope::Scope;
use shared_model::event::Event;
use std::fmt;

/// Where a staging failed.
#[derive(Debug)]
pub(crate) enum StagingError {
    /// Before the action: something it takes for granted did not arrive.
    Dependencies(ActionError),
    /// In the action.
    Action(ActionError),
    /// After the action: the builder's result cannot be used.
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
    Ok(text)
}

impl fmt::Display for StagingError {
    /// As Diego says it to Cloud Controller, which makes its own of an end in 222, 223 or 224.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dependencies(_) => f.write_str("failed to download cached artifacts"),
            Self::Action(error) => match error.first_cause().emittable() {
                Some(text) => f.write_str(&text),
                None => write!(f, "{}", error.first_cause()),
            },
            Self::Result(_) => f.write_str("failed to fetch result"),
        }
    }
}
