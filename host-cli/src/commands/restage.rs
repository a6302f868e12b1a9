//! `restage`: stages one app again, or several, and makes their images.

use super::{batch, publish_options, upload};
use crate::arguments::Restage;
use crate::backend::push_target::Target;
use crate::backend::registry::Publishing;
use crate::failure::Failure;
use crate::image::MadeImage;
use crate::pipeline::{self, push_if_wanted};
use crate::plan;
use crate::plan::error::no_docker_app;
use crate::plan::upload::Upload;
use crate::requests::Request;
use crate::screen::screen;
use crate::session::{Session, run_command};
use crate::settings::Settings;
use shared_model::event::{Event, EventSink};
use shared_model::exit_code::ExitCode;
use std::sync::Arc;

/// Stages an app again and makes its image.
pub(super) fn run(command: Restage, agent_options: Vec<String>, settings: Settings) -> ExitCode {
    if command.is_of_several() {
        return batch::restage(command, agent_options, settings);
    }
    let (command, agent_options) = (Arc::new(command), Arc::<[String]>::from(agent_options));
    let (typed, options) = (Arc::clone(&command), Arc::clone(&agent_options));
    let prepare = move || {
        let upload = Upload::typed(typed.upload, typed.no_upload, &options)?;
        typed.cluster()?;
        publish_options::check_restage(&typed)?;
        let target = Target::from_restage(&typed)?;
        let request = pipeline::staging_request(&typed, typed.app_refs().first())?;
        if target.is_some() {
            no_docker_app(plan::restage::staging_request(&request.document)?)?;
        }
        upload::ask(&typed, &request, upload)?;
        let publishing = target.as_ref().filter(|_| typed.publish.is_some()).map(Target::publishing);
        Ok((target.filter(|_| typed.push.is_some()), publishing, request))
    };
    run_command(screen(command.screen_options()), prepare, move |session, (target, publishing, request)| {
        let image = restage(session, &request, (&command, &agent_options), publishing.as_ref())?;
        push_if_wanted(session, image.as_ref(), target.as_ref())?;
        pipeline::propose_launch(session, &request, &command, &settings, image.as_ref());
        Ok(())
    })
}

/// The image, if one is made. Whatever came of it: says when Diego can no longer place the app.
pub(super) fn restage(
    session: &Session,
    request: &Request,
    (command, agent_options): (&Restage, &[String]),
    publishing: Option<&Publishing>,
) -> Result<Option<MadeImage>, Failure> {
    let image = pipeline::restage(session, request, (command, agent_options), publishing);
    if let Some(app) = upload::stranded(session.unconnected(), command, request, agent_options) {
        session.emit(Event::Warning { text: plan::upload::warning(&[app]) });
    }
    image
}
