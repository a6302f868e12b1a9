//! nginx in a service's container: the whole of file server and blobstore, and TLS before the others.
#![expect(clippy::disallowed_methods, reason = "the one place that starts nginx")]

use std::fs;
use std::net::{Ipv4Addr, TcpStream};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::failure::Failure;
use crate::services::Service;
use crate::state::Settings;

const CONFIGURATION: &str = "/tmp/nginx.conf";
/// nginx needs some milliseconds.
const PATIENCE: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(20);

/// Starts nginx and waits until all ports of the service answer.
pub(crate) fn start(service: Service, settings: &Settings) -> Result<Child, Failure> {
    let owner = fs::metadata("/proc/self").map_err(Failure::file("read", Path::new("/proc/self")))?;
    let user = if owner.uid() == 0 { "user root;\n" } else { "" }; // workers must read the state folder
    let configuration = format!("{user}{}", configuration(service, settings));
    fs::write(CONFIGURATION, configuration).map_err(Failure::file("write", Path::new(CONFIGURATION)))?;
    let mut child = Command::new("/usr/sbin/nginx") // a stack has no sbin in its PATH
        .args(["-e", "stderr", "-c", CONFIGURATION])
        .stdin(Stdio::null())
        .spawn()
        .map_err(Failure::server("cannot start nginx"))?;
    let start = Instant::now();
    for port in service.plain_port().iter().chain(service.tls_ports()) {
        while TcpStream::connect((Ipv4Addr::LOCALHOST, *port)).is_err() {
            let ended = child.try_wait().map_err(Failure::server("cannot wait for nginx"))?.is_some();
            if ended || start.elapsed() > PATIENCE {
                let cause = std::io::Error::other(if ended { "nginx ended" } else { "nobody listens" });
                return Err(Failure::server(format!("port {port} does not answer"))(cause));
            }
            sleep(POLL);
        }
    }
    Ok(child)
}

/// The access log, on standard output, names method, path and status: the rest of a URL is secret.
fn configuration(service: Service, settings: &Settings) -> String {
    let plain = service.plain_port().filter(|_| service == Service::FileServer);
    let listen = service.tls_ports().iter().map(|port| format!("{port} ssl")).chain(plain.map(|port| port.to_string()));
    let listen = listen.map(|port| format!("    listen {port};")).collect::<Vec<_>>().join("\n");
    let locations = locations(service, &settings.secret);
    let clients =
        if settings.mutual_tls { "  ssl_client_certificate /hcf/ca.pem;\n  ssl_verify_client on;\n" } else { "" };
    format!(
        "daemon off;
pid /tmp/nginx.pid;
error_log stderr crit;
worker_processes 1;
events {{ worker_connections 256; }}
http {{
  log_format path '$request_method $uri $status';
  access_log /dev/stdout path;
  default_type application/octet-stream;
  client_body_temp_path /tmp/nginx-body;
  proxy_temp_path /tmp/nginx-proxy;
  fastcgi_temp_path /tmp/nginx-fastcgi;
  uwsgi_temp_path /tmp/nginx-uwsgi;
  scgi_temp_path /tmp/nginx-scgi;
  client_max_body_size 0;
  ssl_certificate /hcf/certs/server.pem;
  ssl_certificate_key /hcf/certs/server.key;
{clients}  server {{
{listen}
{locations}  }}
}}
"
    )
}

fn locations(service: Service, secret: &str) -> String {
    match service {
        // Go's file server: no ETag, and Diego's router knows GET alone.
        Service::FileServer => "    etag off;
    location /v1/static/ {
      if ($request_method != GET) { return 405; }
      alias /hcf/static/;
    }
"
        .to_owned(),
        // As in Cloud Controller's release: no or a wrong signature 403, an expired one 410.
        Service::Blobstore => format!(
            "    location /read/ {{
      secure_link $arg_md5,$arg_expires;
      secure_link_md5 \"$secure_link_expires$uri {secret}\";
      if ($secure_link = \"\") {{ return 403; }}
      if ($secure_link = \"0\") {{ return 410; }}
      alias /hcf/blobstore/;
    }}
"
        ),
        Service::CcUploader | Service::CloudController => {
            let port = service.plain_port().unwrap_or_default();
            format!(
                "    location / {{
      proxy_pass http://127.0.0.1:{port};
      proxy_http_version 1.1;
      proxy_request_buffering off;
      proxy_read_timeout 600s;
      proxy_set_header Host $http_host;
    }}
"
            )
        }
    }
}
