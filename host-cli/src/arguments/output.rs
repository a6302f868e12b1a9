//! In which form a command says what it has to say.

/// How a command that lists says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ListOutput {
    /// Columns for people.
    Table,
    /// One JSON array.
    Json,
}

/// How a command that acts says what it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Output {
    /// One line of text an event.
    Plain,
    /// One JSON object an event.
    Json,
}

impl argh::FromArgValue for ListOutput {
    fn from_arg_value(value: &str) -> Result<Self, String> {
        match value {
            "table" => Ok(Self::Table),
            "json" => Ok(Self::Json),
            _ => Err("choose table or json".to_owned()),
        }
    }
}

impl argh::FromArgValue for Output {
    fn from_arg_value(value: &str) -> Result<Self, String> {
        match value {
            "plain" => Ok(Self::Plain),
            "json" => Ok(Self::Json),
            _ => Err("choose plain or json".to_owned()),
        }
    }
}
