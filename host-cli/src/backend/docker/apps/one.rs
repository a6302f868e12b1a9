//! The one container that is meant where a command is about one: `web`'s before others', one that runs before one that does not.

use super::AppsOnEngine;
use super::seen::{index, process_type};
use crate::engine::{ContainerSummary, Running};
use crate::failure::Failure;
use crate::plan::apps::Selected;
use shared_model::exit_code::ExitCode;
use shared_model::plain_line::escape_control;
use std::cmp::Reverse;

impl AppsOnEngine {
    /// The container, which was proven ours.
    ///
    /// # Errors
    /// There is none any more.
    pub(crate) fn one(&self, selected: &Selected) -> Result<ContainerSummary, Failure> {
        let app = &selected.app;
        let containers = self.our_containers(app)?;
        let preferred = |one: &ContainerSummary| {
            app.processes.iter().position(|process| process.process_type == process_type(one)).unwrap_or(usize::MAX)
        };
        let meant = containers.into_iter().filter(|one| selected.part.means(process_type(one), index(one)));
        let first = meant.min_by_key(|one| {
            // A newer one of the same index is about to take the older one's place.
            (preferred(one), one.running != Running::Now, index(one), Reverse(one.created))
        });
        first.ok_or_else(|| {
            let text = format!("{} has no container that stager made", escape_control(app.subject()));
            Failure::new(ExitCode::CommandLine, text, "`host-cli apps` lists what runs")
        })
    }
}
