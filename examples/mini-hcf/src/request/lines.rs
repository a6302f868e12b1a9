//! The lines around and with the requests of one push, in the order in which the components print them.

use crate::request::application::Application;
use crate::request::environment::common;
use crate::request::json::{Json, object};
use crate::request::lager::{LagerMessage, Level, line};
use crate::request::launching::desired_lrp;
use crate::request::staging::{completion_callback, task_definition};

/// Between two lines: enough to keep them in order, too little to reach into the future.
const STEP: i128 = 100_000;

/// When a push happens, and as which one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Occasion {
    /// Unix time of the first line, in nanoseconds.
    pub(crate) nanoseconds: i128,
    /// How many pushes this installation has seen, this one included; the sessions are numbered by it.
    pub(crate) number: u32,
}

/// What stager prints for the app.
pub(crate) fn stager(application: &Application, occasion: Occasion) -> Vec<String> {
    let number = occasion.number;
    let guid = || Json::from(&application.staging_guid);
    let handler = || Json::from(format!("3.{number}"));
    let backend = || Json::from(format!("1.{number}"));
    let names: Vec<String> = common(application, &Json::Null, 0, None).into_iter().map(|(name, _)| name).collect();
    let messages = vec![
        LagerMessage {
            text: "staging-handler.staging-request.environment",
            level: Level::Info,
            data: vec![("keys", Json::texts(&names)), ("session", handler()), ("staging-guid", guid())],
        },
        LagerMessage {
            text: "traditional.build-recipe.staging-request",
            level: Level::Info,
            data: vec![("app-id", (&application.guid).into()), ("session", backend()), ("staging-guid", guid())],
        },
        LagerMessage {
            text: "traditional.build-recipe.staging-task-request",
            level: Level::Info,
            data: vec![
                ("app-id", (&application.guid).into()),
                ("session", backend()),
                ("staging-guid", guid()),
                ("taskDefinition", task_definition(application)),
            ],
        },
        LagerMessage {
            text: "staging-handler.staging-request.desiring-task",
            level: Level::Info,
            data: vec![
                ("callback_url", completion_callback(application).into()),
                ("session", handler()),
                ("staging-guid", guid()),
                ("task_guid", guid()),
            ],
        },
    ];
    render("stager", occasion.nanoseconds, messages)
}

/// What nsync's listener prints for the app.
pub(crate) fn nsync(application: &Application, occasion: Occasion) -> Vec<String> {
    let session = occasion.number * 2;
    let process = application.process_guid();
    let request = format!("/v1/apps/{process}?%3Aprocess_guid={process}&");
    let serving = |suffix: &str| {
        vec![
            ("method", Json::from("PUT")),
            ("process_guid", Json::from(&process)),
            ("request", Json::from(&request)),
            ("session", Json::from(format!("{session}{suffix}"))),
        ]
    };
    let with = |mut data: Vec<(&'static str, Json)>, key, value| {
        data.push((key, value));
        data
    };
    let routing = object! { "http_routes": vec![object! { "hostname": application.route() }] };
    let info = |text, data| LagerMessage { text, level: Level::Info, data };
    let messages = vec![
        info("desire-app.serving", serving("")),
        info("desire-app.request-from-cc", with(serving(""), "routing_info", routing)),
        LagerMessage {
            text: "desire-app.fetching-desired-lrp.desired-lrp-not-found",
            level: Level::Error,
            data: with(serving(".1"), "error", "the requested resource could not be found".into()),
        },
        info(
            "message-builder.desired-app-request",
            vec![("desiredLRP", desired_lrp(application)), ("session", (session + 1).to_string().into())],
        ),
        info("desire-app.complete", serving("")),
    ];
    render("nsync-listener", occasion.nanoseconds, messages)
}

fn render(source: &str, start: i128, messages: Vec<LagerMessage>) -> Vec<String> {
    let times = (0_i128..).map(|index| start + index * STEP);
    times.zip(messages).map(|(time, message)| line(time, source, message)).collect()
}

#[cfg(test)]
mod tests;
