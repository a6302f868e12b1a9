//! Puts secrets into every field of a request that can hold one.

use super::marks::{Marks, escaped, unescaped};
use serde_json::{Value, json};

/// A staging request whose every field that can holds its secret, and which can be staged all the same.
pub(crate) fn staging(request: &mut Value, marks: &Marks) {
    common(request, marks);
    each(request, &mut |key, value| {
        if key == "upload" {
            value["to"] = upload(value["to"].as_str().unwrap(), marks).into();
        }
    });
    let annotation = request["annotation"].as_str().unwrap();
    let login = format!("internal_user:{}", marks.in_url("annotation"));
    request["annotation"] = annotation.replace("internal_user:s3cret", &login).into();
    let callback = with_login(request["completion_callback_url"].as_str().unwrap(), marks, "callback-login");
    request["completion_callback_url"] = format!("{callback}?token={}", marks.in_url("callback-query")).into();
}

/// The same of a launch request.
pub(crate) fn launch(request: &mut Value, marks: &Marks) {
    common(request, marks);
    each(request, &mut |key, value| {
        if key == "run" && value["path"].as_str().unwrap_or_default().ends_with("diego-sshd") {
            let key = format!("-hostKey=-----BEGIN RSA PRIVATE KEY-----\n{}\n-----END", marks.of("ssh-key"));
            value["args"].as_array_mut().unwrap().push(key.into());
        }
    });
    request["routes"]["diego-ssh"]["private_key"] = marks.of("route-key").into();
    request["routes"]["cf-router"][0]["route_service_url"] =
        format!("https://u:{}@route.example.com/", marks.in_url("route")).into();
    let secret = marks.of("sidecar");
    request["sidecars"] = json!([{"action": {"run": {"path": "/bin/sleep", "user": "vcap", "args": ["3600"],
        "env": [{"name": "SIDECAR", "value": secret}]}}}]);
}

fn common(request: &mut Value, marks: &Marks) {
    each(request, &mut |key, value| match key {
        "download" => value["from"] = signed(value["from"].as_str().unwrap(), marks).into(),
        "cached_dependencies" => {
            for dependency in value.as_array_mut().unwrap() {
                dependency["from"] = signed(dependency["from"].as_str().unwrap(), marks).into();
            }
        }
        "run" => {
            let Some(variables) = value["env"].as_array_mut() else { return };
            for variable in &mut *variables {
                let quoted = json!(marks.of("service")).to_string();
                let text = variable["value"].as_str().unwrap_or_default();
                variable["value"] = text.replace("FIXTURE-PASSWORD", &quoted[1..quoted.len() - 1]).into();
            }
            variables.push(json!({"name": "DATABASE_PASSWORD", "value": marks.of("variable")}));
            value["volume_mounted_files"] = json!([{"path": "binding/password", "content": marks.of("mounted-file")}]);
        }
        _ => {}
    });
    let variable = json!({"name": "CONTAINER_PASSWORD", "value": marks.of("container-variable")});
    request["env"].as_array_mut().unwrap().push(variable);
    request["image_username"] = marks.of("image-user").into();
    request["image_password"] = marks.of("image-password").into();
    request["volume_mounted_files"] = json!([{"path": "binding/password", "content": marks.of("mounted-file")}]);
    request["volume_mounts"] = json!([{"driver": "smbdriver", "container_dir": "/data", "mode": "rw",
        "shared": {"volume_id": "a", "mount_config": {"username": "u", "password": marks.of("volume")}}}]);
}

/// Calls `act` with every key below `value` and what stands under it.
pub(crate) fn each(value: &mut Value, act: &mut dyn FnMut(&str, &mut Value)) {
    match value {
        Value::Array(list) => list.iter_mut().for_each(|one| each(one, act)),
        Value::Object(object) => {
            for (key, inner) in object {
                act(key, inner);
                each(inner, act);
            }
        }
        _ => {}
    }
}

/// A URL with a login in front and a further parameter behind.
fn signed(url: &str, marks: &Marks) -> String {
    let field = if url.contains("blobstore") { "blobstore-login" } else { "file-server-login" };
    with_token(&with_login(url, marks, field), &marks.in_url("signed-url"))
}

fn upload(url: &str, marks: &Marks) -> String {
    let (head, rest) = url.split_once("-upload-uri=").unwrap();
    let (inner, more) = rest.split_once('&').unwrap();
    let inner = with_token(&unescaped(inner), &marks.in_url("upload-url"));
    format!("{}-upload-uri={}&{more}", with_login(head, marks, "uploader-login"), escaped(&inner))
}

fn with_login(url: &str, marks: &Marks, field: &str) -> String {
    url.replacen("://", &format!("://{field}:{}@", marks.in_url(field)), 1)
}

fn with_token(url: &str, token: &str) -> String {
    format!("{url}{}token={token}", if url.contains('?') { '&' } else { '?' })
}
