//! A request and its answer, as the real server gives it; or what a test wants to go wrong with it.

use super::asked::{Asked, Target};
use super::faults::{Fault, refusal, status};
use super::http::{Connection, Request};
use super::objects::{Kind, merge, text};
use super::streams;
use super::{Moment, NAMESPACE, World};
use serde_json::{Value, json};
use std::io;
use std::net::TcpStream;

/// What comes back at once, or which stream begins.
enum Answer {
    Json(u16, Value),
    Text(String),
    Watch,
    Log,
}

/// Answers all requests of a connection.
pub(super) fn connection(world: &World, stream: TcpStream) {
    let mut connection = Connection::new(world.clone(), stream);
    // Who hangs up in the middle does not want to hear of it.
    while let Ok(Some(request)) = connection.request() {
        if !matches!(one(world, &mut connection, &request), Ok(true)) || request.is_last {
            break;
        }
    }
}

/// Answers one request; whether the connection stays.
fn one(world: &World, connection: &mut Connection, request: &Request) -> io::Result<bool> {
    let target = Target::parse(&request.path);
    let verb = target.verb(&request.method);
    let body = serde_json::from_slice(&request.body).unwrap_or_default();
    let fault = {
        let mut state = world.state();
        let (resource, name, path) = (target.resource.clone(), target.name.clone(), request.path.clone());
        let body = Value::clone(&body);
        state.asked.push(Asked { verb, resource, name, path, body, received: request.bytes, sent: 0 });
        connection.asked = state.asked.len() - 1;
        state.rules.take(verb, &target.resource)
    };
    let mut manners = None;
    match fault {
        Some(Fault::Code(code)) => {
            return refuse(connection, &refusal(code, verb, &target)).map(|()| true);
        }
        Some(Fault::Later(code, seconds)) => {
            let mut status = refusal(code, verb, &target);
            status["details"]["retryAfterSeconds"] = seconds.into();
            return refuse(connection, &status).map(|()| true);
        }
        Some(Fault::Deaf) => {
            answer(world, verb, &target, &body);
            return Ok(false);
        }
        Some(Fault::Hang) => {
            connection.hang();
            return Ok(false);
        }
        Some(Fault::Raw(bytes)) => {
            return connection.write(bytes).map(|()| false);
        }
        Some(Fault::Slow(pace)) => connection.pace = Some(pace),
        fault => manners = fault,
    }
    let is_done = match answer(world, verb, &target, &body) {
        Answer::Json(code, value) if code >= 400 => refuse(connection, &value).map(|()| true),
        Answer::Json(code, value) => connection.answer(code, "application/json", "", &value.to_string()).map(|()| true),
        Answer::Text(said) => match manners {
            Some(Fault::Silent(after)) => streams::stops(connection, &said, after).map(|()| false),
            _ => connection.answer(200, "text/plain", "", &said).map(|()| true),
        },
        Answer::Watch => streams::watch(world, connection, &target, manners.as_ref()),
        Answer::Log => streams::follow(world, connection, &target, manners.as_ref()),
    };
    connection.pace = None;
    is_done
}

fn refuse(connection: &mut Connection, status: &Value) -> io::Result<()> {
    let code = status["code"].as_u64().and_then(|code| u16::try_from(code).ok()).unwrap_or(500);
    let after = status["details"]["retryAfterSeconds"].as_u64();
    let after = after.map_or_else(String::new, |seconds| format!("retry-after: {seconds}\r\n"));
    connection.answer(code, "application/json", &after, &status.to_string())
}

fn answer(world: &World, verb: &'static str, target: &Target, body: &Value) -> Answer {
    if target.resource == "version" {
        return Answer::Json(200, json!({"major": "1", "minor": "20", "gitVersion": "v1.20.2"}));
    }
    let not_found = || Answer::Json(404, refusal(404, verb, target));
    let Some(kind) = target.kind else { return not_found() };
    let namespace = target.namespace.as_deref().unwrap_or(NAMESPACE);
    match verb {
        "create" => create(world, kind, target, body.clone()),
        "patch" => patch(world, kind, target, body),
        "delete" => delete(world, kind, target, body),
        "get" if target.resource == "pods/log" => log(world, target),
        "get" => {
            let found = world.state().objects.get(kind, namespace, &target.name).cloned();
            found.map_or_else(not_found, |object| Answer::Json(200, object))
        }
        "list" => {
            let (state, selectors) = (world.state(), target.selectors());
            let all = state.objects.all(kind, target.namespace.as_deref());
            let items: Vec<&Value> = all.filter(|object| selectors.select(object)).collect();
            Answer::Json(
                200,
                json!({
                    "kind": format!("{}List", kind.name()), "apiVersion": kind.api(),
                    "metadata": {"resourceVersion": state.objects.version().to_string()}, "items": items,
                }),
            )
        }
        "watch" => Answer::Watch,
        _ => Answer::Json(405, status(405, "MethodNotAllowed", "the server does not allow this method")),
    }
}

fn create(world: &World, kind: Kind, target: &Target, object: Value) -> Answer {
    let namespace = target.namespace.as_deref().unwrap_or(NAMESPACE);
    match world.change_state(|state| state.objects.insert(kind, namespace, object)) {
        Ok(made) => {
            world.react(kind, Moment::Made, &made);
            Answer::Json(201, made)
        }
        Err(name) => Answer::Json(409, refusal(409, "create", &Target { name, ..target.clone() })),
    }
}

/// Merges; what is applied and is not there is made.
fn patch(world: &World, kind: Kind, target: &Target, body: &Value) -> Answer {
    let namespace = target.namespace.as_deref().unwrap_or(NAMESPACE);
    let act = |object: &mut Value| merge(object, body);
    let changed = world.change_state(|state| state.objects.change(kind, namespace, &target.name, act));
    match changed {
        Some(object) => {
            world.react(kind, Moment::Changed, &object);
            Answer::Json(200, object)
        }
        None if target.query.contains_key("fieldManager") => create(world, kind, target, body.clone()),
        None => Answer::Json(404, refusal(404, "patch", target)),
    }
}

/// At once; or in the foreground, where it stays, marked, until a test takes it away.
fn delete(world: &World, kind: Kind, target: &Target, body: &Value) -> Answer {
    let namespace = target.namespace.as_deref().unwrap_or(NAMESPACE);
    let asked = target.query.get("propagationPolicy").map(String::as_str);
    let is_foreground = asked.or(body["propagationPolicy"].as_str()) == Some("Foreground");
    let mark = |object: &mut Value| {
        object["metadata"]["deletionTimestamp"] = "2026-11-30T12:00:01Z".into();
        object["metadata"]["finalizers"] = json!(["foregroundDeletion"]);
    };
    let gone = world.change_state(|state| {
        let found = state.objects.get(kind, namespace, &target.name)?;
        let wanted = text(body, "/preconditions/uid");
        if !wanted.is_empty() && wanted != text(found, "/metadata/uid") {
            return Some(Err(()));
        }
        if is_foreground {
            state.objects.change(kind, namespace, &target.name, mark).map(Ok)
        } else {
            state.objects.remove(kind, namespace, &target.name).map(Ok)
        }
    });
    match gone {
        Some(Ok(object)) => {
            world.react(kind, Moment::Deleted, &object);
            Answer::Json(200, object)
        }
        Some(Err(())) => Answer::Json(409, status(409, "Conflict", "the UID in the precondition does not match")),
        None => Answer::Json(404, refusal(404, "delete", target)),
    }
}

/// What a container said; a refusal where it has not begun.
fn log(world: &World, target: &Target) -> Answer {
    let state = world.state();
    let Some(pod) = state.objects.get(Kind::Pod, NAMESPACE, &target.name) else {
        return Answer::Json(404, refusal(404, "get", &Target { resource: "pods".to_owned(), ..target.clone() }));
    };
    let container = target.query.get("container").map(String::as_str).unwrap_or_default();
    let statuses = ["initContainerStatuses", "containerStatuses"].map(|of| pod["status"][of].as_array());
    let found = statuses.into_iter().flatten().flatten().find(|status| status["name"] == container);
    let begun = found.is_some_and(|status| {
        if target.is("previous") {
            return status["lastState"]["terminated"].is_object();
        }
        ["running", "terminated"].iter().any(|state| status["state"][*state].is_object())
    });
    if !begun {
        let text = format!("container \"{container}\" in pod \"{}\" is waiting to start: PodInitializing", target.name);
        return Answer::Json(400, status(400, "BadRequest", &text));
    }
    if target.is("follow") {
        return Answer::Log;
    }
    let lines = state.logs.get(&(target.name.clone(), container.to_owned()));
    let lines = lines.into_iter().flat_map(|log| streams::wanted(log, target));
    Answer::Text(lines.map(|(_, line)| line).collect())
}
