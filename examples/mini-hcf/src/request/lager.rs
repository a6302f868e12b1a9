//! A line as lager, the logger of Cloud Foundry's Go components, prints it.

use crate::request::json::{Json, object};

/// lager's levels as numbers.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Level {
    /// 1 on the wire.
    Info,
    /// 2 on the wire; nsync uses it for things that are normal.
    Error,
}

/// One message of a component.
pub(crate) struct LagerMessage {
    /// What happened, after the component's name: `staging-handler.staging-request.environment`.
    pub(crate) text: &'static str,
    /// How bad it is.
    pub(crate) level: Level,
    /// What goes with it; lager sorts the keys.
    pub(crate) data: Vec<(&'static str, Json)>,
}

/// The line without its line feed. `nanoseconds` is Unix time.
pub(crate) fn line(nanoseconds: i128, source: &str, message: LagerMessage) -> String {
    let mut data = message.data;
    data.sort_by_key(|(key, _)| *key);
    let data = data.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
    object! {
        "timestamp": timestamp(nanoseconds),
        "source": source,
        "message": format!("{source}.{}", message.text),
        "log_level": match message.level { Level::Info => 1, Level::Error => 2 },
        "data": Json::Object(data),
    }
    .to_go()
}

/// Seconds with nine decimals, as text. Real ones are rounded to what a float64 holds.
pub(crate) fn timestamp(nanoseconds: i128) -> String {
    const SECOND: i128 = 1_000_000_000;
    format!("{}.{:09}", nanoseconds.div_euclid(SECOND), nanoseconds.rem_euclid(SECOND))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_the_recorded_one_to_the_byte() {
        let recorded = include_str!("../../../requests/2016/stager.stdout.log");
        let recorded = recorded.lines().find(|line| line.contains("environment")).unwrap();
        let message = LagerMessage {
            text: "staging-handler.staging-request.environment",
            level: Level::Info,
            data: vec![
                ("staging-guid", "18c50a86-b045-5fed-bae9-e6ea03383693-9113e5012ad4561eb4e2fed4a292a667".into()),
                ("session", "3.1".into()),
                ("keys", Json::texts(&["VCAP_APPLICATION", "MEMORY_LIMIT", "VCAP_SERVICES"])),
            ],
        };
        assert_eq!(line(1_795_359_259_731_824_636, "stager", message), recorded);
    }
}
