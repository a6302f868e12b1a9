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
    /// Rows and lines of text, without anything that moves.
    Plain,
    /// One JSON object an event.
    Json,
}

/// When text has colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Color {
    /// On a terminal, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Everywhere.
    Always,
    /// Nowhere.
    Never,
}

/// What a user wants to see of a command that acts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ScreenOptions {
    /// `--output`; `None`: rows, with what is under way where it goes to a terminal.
    pub(crate) output: Option<Output>,
    /// `--quiet`; goes before `--verbose`.
    pub(crate) quiet: bool,
    /// `--verbose`.
    pub(crate) verbose: bool,
    /// `--color`.
    pub(crate) color: Color,
}

/// A command that acts: adds the options that say what is shown of it, by the macro `$more` that adds others.
macro_rules! shows_what_it_does {
    ($more:ident! $(#[$about:meta])* $command:ident { $($fields:tt)* }) => {
        $more! {
            $(#[$about])*
            $command {
                $($fields)*
                /// show only the result, warnings and errors; of a failed build its last lines
                #[argh(switch)]
                pub(crate) quiet: bool,
                /// show every transfer with its URL and path, and why an image is loaded the way it is
                #[argh(switch)]
                pub(crate) verbose: bool,
                /// colours: auto, always or never (default: auto, on a terminal, unless the environment has `NO_COLOR`)
                #[argh(option, default = "Color::Auto", arg_name = "when")]
                pub(crate) color: Color,
                /// plain or json (default: plain, on a terminal with progress)
                #[argh(option, arg_name = "form")]
                pub(crate) output: Option<Output>,
            }
        }

        impl $command {
            /// What is shown of it.
            pub(crate) fn screen_options(&self) -> ScreenOptions {
                ScreenOptions { output: self.output, quiet: self.quiet, verbose: self.verbose, color: self.color }
            }
        }
    };
}

/// A command that adds no other options.
macro_rules! command {
    ($(#[$about:meta])* $command:ident { $($fields:tt)* }) => {
        $(#[$about])*
        pub(crate) struct $command { $($fields)* }
    };
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

impl argh::FromArgValue for Color {
    fn from_arg_value(value: &str) -> Result<Self, String> {
        match value {
            "auto" => Ok(Self::Auto),
            "always" => Ok(Self::Always),
            "never" => Ok(Self::Never),
            _ => Err("choose auto, always or never".to_owned()),
        }
    }
}
