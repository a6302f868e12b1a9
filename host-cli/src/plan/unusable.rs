//! Requests that this tool cannot or must not act on.

use crate::failure::Failure;
use crate::plan::stager;
use shared_model::application::Application;
use shared_model::exit_code::ExitCode;
use shared_model::plain_line::visible;
use shared_model::task::TaskDefinition;
use shared_model::validate::Complaints;

/// A request that Diego would refuse too.
pub(crate) fn complaints(complaints: &Complaints) -> Failure {
    let text = format!("the request cannot be used:\n{complaints}");
    Failure::new(ExitCode::Request, text, "`host-cli requests` lists the requests in the logs")
}

/// A docker app: it has an image already, and no droplet.
pub(crate) fn docker_app(is_docker: bool, application: &Application) -> Result<(), Failure> {
    if !is_docker {
        return Ok(());
    }
    let name = if application.name.is_empty() { "this" } else { &application.name };
    Err(Failure::new(
        ExitCode::Request,
        format!(
            "{name} is a docker app (docker lifecycle): there are no buildpacks and no droplet, so nothing to stage or launch"
        ),
        "start its image with `docker run`",
    ))
}

/// The image that the app image stands on, unless the request's root file system is one that nobody made an image for.
pub(crate) fn a_base_that_nobody_knows(task: &TaskDefinition, wanted: Option<&str>) -> Result<String, Failure> {
    stager::base_image(task, wanted).ok_or_else(|| {
        let text = format!("the request's root file system {:?} is not preloaded:STACK", visible(&task.rootfs));
        Failure::new(ExitCode::Request, text, "name the image that it stands for with --base")
    })
}
