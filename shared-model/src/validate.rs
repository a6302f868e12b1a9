//! Reads a request from text and says all that is wrong with it at once, each error with its path
//! (`action.timeout.action.serial.actions[2]`). No error quotes a value: values may be secrets.
//!
//! The rules are those that Diego's BBS applies; the line in the log was written before it applied them.

mod files;
mod rules;
mod shape;
mod sizes;
mod validation_error;

pub use sizes::LONGEST_ARGUMENT;
pub use validation_error::{ValidationError, ValidationErrors};

use crate::desired_lrp::DesiredLrp;
use crate::task::TaskDefinition;
use serde_json::Value;
use validation_error::whole;

/// Reads a staging request.
///
/// # Errors
/// All errors at once: no JSON, unknown action kinds, wrong types, and what the BBS would refuse.
pub fn task(text: &str) -> Result<TaskDefinition, ValidationErrors> {
    let document = parse(text)?;
    if document.get("taskDefinition").is_some() || document.pointer("/data/taskDefinition").is_some() {
        return Err(whole("this is a log line, not a task definition; `build-req` takes the request out of it"));
    }
    if document.get("process_guid").is_some() {
        return Err(whole("this is a launch request (desiredLRP), not a staging request (taskDefinition)"));
    }
    let task: TaskDefinition = shape::read(&document)?;
    rules::verdict(rules::check_task(&task))?;
    Ok(task)
}

/// Reads a launch request.
///
/// # Errors
/// As [`task`].
pub fn desired_lrp(text: &str) -> Result<DesiredLrp, ValidationErrors> {
    let document = parse(text)?;
    if document.get("process_guid").is_none() && document.get("completion_callback_url").is_some() {
        return Err(whole("this is a staging request (taskDefinition), not a launch request (desiredLRP)"));
    }
    let lrp: DesiredLrp = shape::read(&document)?;
    rules::verdict(rules::check_desired_lrp(&lrp))?;
    Ok(lrp)
}

fn parse(text: &str) -> Result<Value, ValidationErrors> {
    if text.trim().is_empty() {
        return Err(whole("empty: no request was given"));
    }
    let document: Value = serde_json::from_str(text)
        .map_err(|error| whole(&format!("not JSON (line {}, column {})", error.line(), error.column())))?;
    if document.is_null() {
        return Err(whole("null: the log line had no request (`jq` prints null then)"));
    }
    if !document.is_object() {
        return Err(whole("not a JSON object"));
    }
    Ok(document)
}

#[cfg(test)]
mod tests;
