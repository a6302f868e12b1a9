//! The Diego eras whose request forms can be written: which fields they have and whom they talk to.

use std::str::FromStr;

/// An era. The recorded requests of each are in `examples/requests`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// Spring 2016: `timeout` in nanoseconds, `start_timeout` in seconds.
    Y2016,
    /// November 2017: `timeout_ms`, `start_timeout_ms`, `VCAP_APP_PORT`.
    Y2017,
    /// Today, with `cached_dependencies` and downloads in a `parallel`.
    Y2026,
    /// Today, with `image_layers` (`enable_declarative_asset_downloads`).
    Y2026Layers,
}

impl Style {
    /// Whether the request is one of today's Cloud Controller, with or without layers.
    pub(crate) fn is_today(self) -> bool {
        matches!(self, Style::Y2026 | Style::Y2026Layers)
    }

    /// Scheme, host and port of the file server.
    pub(crate) fn file_server(self) -> &'static str {
        match self {
            Style::Y2016 => "http://diego-access:8080",
            Style::Y2017 => "http://file-server.service.cf.internal:8080",
            Style::Y2026 | Style::Y2026Layers => "https://file-server.service.cf.internal:8447",
        }
    }

    /// Scheme, host and port of the blobstore.
    pub(crate) fn blobstore(self) -> &'static str {
        if self.is_today() { "https://blobstore.service.cf.internal:4443" } else { "https://blobstore" }
    }

    /// Scheme, host and port of cc-uploader.
    pub(crate) fn uploader(self) -> &'static str {
        if self.is_today() {
            "https://cc-uploader.service.cf.internal:9091"
        } else {
            "http://cc-uploader.service.cf.internal:9090"
        }
    }

    /// A duration in milliseconds as the timeout action's field: nanoseconds first, milliseconds later.
    /// The first is the key `timeout`, the second `timeout_ms`; one of them is `None`.
    pub(crate) fn timeout(self, milliseconds: i64) -> (Option<i64>, Option<i64>) {
        match self {
            Style::Y2016 => (Some(milliseconds * 1_000_000), None),
            _ => (None, Some(milliseconds)),
        }
    }
}

impl FromStr for Style {
    type Err = String;

    fn from_str(text: &str) -> Result<Style, String> {
        match text {
            "2016" => Ok(Style::Y2016),
            "2017" => Ok(Style::Y2017),
            "2026" => Ok(Style::Y2026),
            "2026-layers" => Ok(Style::Y2026Layers),
            other => Err(format!("`{other}` is no style; there are 2016, 2017, 2026 and 2026-layers")),
        }
    }
}
