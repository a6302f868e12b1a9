//! The commands for an app that was launched and lives on: `cf`'s words.

use super::output::{Color, ListOutput, Output, ScreenOptions};
use crate::app_ref::{AppRef, AppRefError};
use crate::plan::apps::Part;
use crate::plan::launch::Size;
use argh::{ArgsInfo, FromArgs};
use shared_model::size;

names_an_app! {
    "start", shows_what_it_does! command!
    /// start an app that was stopped, or its instances that do not run
    #[derive(ArgsInfo, FromArgs, Debug)]
    #[argh(
        subcommand,
        name = "start",
        note = "The app is started as it was launched: with the image, the request and the options of then. `launch` takes its newest\n\
                image and request.",
        example = "$ host-cli start my-app",
        example = "Only its worker:\n$ host-cli start my-app/worker"
    )]
    Start {
        /// app to start, or a part of it
        app,
    }
}

names_an_app! {
    "restart", shows_what_it_does! command!
    /// replace an app's instances one by one; each is healthy before the earlier one ends
    #[derive(ArgsInfo, FromArgs, Debug)]
    #[argh(
        subcommand,
        name = "restart",
        note = "Unlike `cf restart`, no instance ends before its successor is healthy, unless both want the same port. The app is\n\
                started as it was launched; `launch` takes its newest image and request.",
        example = "$ host-cli restart my-app"
    )]
    Restart {
        /// app to restart, or a part of it
        app,
    }
}

shows_what_it_does! {
    command!
    /// replace one instance of an app; the new one is healthy before the earlier one ends
    #[derive(ArgsInfo, FromArgs, Debug)]
    #[argh(
        subcommand,
        name = "restart-app-instance",
        example = "$ host-cli restart-app-instance my-app 1",
        example = "$ host-cli restart-app-instance --process worker my-app 0"
    )]
    RestartAppInstance {
        /// app, and which of its instances, from 0; with --app=NAME only the latter
        #[argh(positional, arg_name = "APP INDEX")]
        pub(crate) words: Vec<String>,
        /// name of the app, even if it looks like a guid or an option
        #[argh(option, long = "app", arg_name = "name")]
        pub(crate) app_name: Option<String>,
        /// process type (default: web)
        #[argh(option, arg_name = "type")]
        pub(crate) process: Option<String>,
    }
}

names_an_app! {
    "scale", shows_what_it_does! command!
    /// change how many instances an app has, or how much each may use; without options show it
    #[derive(ArgsInfo, FromArgs, Debug)]
    #[argh(
        subcommand,
        name = "scale",
        note = "More instances start beside those that run; of fewer the highest numbers end. Another memory or disk limit replaces the\n\
                instances one by one, each healthy before the earlier one ends; nobody is asked first. The next `launch` takes the\n\
                numbers of the request again.",
        example = "$ host-cli scale my-app -i 3",
        example = "$ host-cli scale my-app --process worker -m 512M"
    )]
    ScaleApp {
        /// app to scale, or a process of it
        app,
        /// process type (default: web)
        #[argh(option, arg_name = "type")]
        pub(crate) process: Option<String>,
        /// number of instances
        #[argh(option, short = 'i', arg_name = "n")]
        pub(crate) instances: Option<u32>,
        /// memory of each: 512M, 1G
        #[argh(option, short = 'm', arg_name = "size")]
        pub(crate) memory: Option<Mebibytes>,
        /// disk of each: 512M, 1G
        #[argh(option, short = 'k', arg_name = "size")]
        pub(crate) disk: Option<Mebibytes>,
        /// for those whose hands type it: nobody is asked in any case
        #[argh(switch, short = 'f')]
        #[expect(dead_code, reason = "it changes nothing")]
        pub(crate) force: bool,
    }
}

names_an_app! {
    "app", command!
    /// show an app: what is wanted of it, and how each of its instances does
    #[derive(ArgsInfo, FromArgs, Debug)]
    #[argh(subcommand, name = "app", example = "$ host-cli app my-app", example = "$ host-cli app my-app --guid")]
    ShowApp {
        /// app to show
        app,
        /// show its guid alone
        #[argh(switch)]
        pub(crate) guid: bool,
        /// table (default) or json
        #[argh(option, default = "ListOutput::Table", arg_name = "form")]
        pub(crate) output: ListOutput,
    }
}

names_an_app! {
    "revisions", command!
    /// list what an app was before, newest first
    #[derive(ArgsInfo, FromArgs, Debug)]
    #[argh(
        subcommand,
        name = "revisions",
        note = "A revision is an image of the app with the requests that its processes were started from. The newest three are\n\
                remembered, and those that still run. One is deployable as long as its image is on the engine.",
        example = "$ host-cli revisions my-app",
        example = "$ host-cli revisions my-app --output json | jq '.[] | select(.deployable) | .version'"
    )]
    Revisions {
        /// app whose revisions to list
        app,
        /// table (default) or json
        #[argh(option, default = "ListOutput::Table", arg_name = "form")]
        pub(crate) output: ListOutput,
    }
}

names_an_app! {
    "rollback", shows_what_it_does! command!
    /// start an app as it was before: an earlier image, with the request and the options of then
    #[derive(ArgsInfo, FromArgs, Debug)]
    #[argh(
        subcommand,
        name = "rollback",
        note = "Instances are replaced one by one, each healthy before the earlier one ends; there are as many as now. It becomes a\n\
                revision of its own, so that a rollback can be rolled back.",
        example = "$ host-cli rollback my-app",
        example = "$ host-cli rollback my-app --version 3"
    )]
    Rollback {
        /// app to roll back
        app,
        /// revision to start (default: the one before the newest that runs)
        #[argh(option, arg_name = "n")]
        pub(crate) version: Option<u64>,
        /// for those whose hands type it: nobody is asked in any case
        #[argh(switch, short = 'f')]
        #[expect(dead_code, reason = "it changes nothing")]
        pub(crate) force: bool,
    }
}

impl ScaleApp {
    /// How much each instance is to use.
    pub(crate) fn size(&self) -> Size {
        Mebibytes::size(self.memory, self.disk)
    }
}

impl RestartAppInstance {
    /// The app, and which instance of it.
    ///
    /// # Errors
    /// One of them was not typed, or is none; the text says it.
    pub(crate) fn meant(&self) -> Result<(AppRef, Part), String> {
        let (app, index) = match (&self.app_name, &self.words[..]) {
            (Some(name), [index]) => (AppRef::name(name), index),
            (None, [app, index]) => (AppRef::word(app), index),
            _ => return Err("restart-app-instance wants an app and the index of one of its instances".to_owned()),
        };
        let index = index.parse().map_err(|_| "the index of an instance is a number, from 0".to_owned())?;
        Ok((app, Part { process: self.process.clone(), index: Some(index) }))
    }
}

/// A size as cf takes it, in MiB; at least 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mebibytes(pub(crate) i32);

impl Mebibytes {
    /// What was typed of an instance's size.
    pub(super) fn size(memory: Option<Self>, disk: Option<Self>) -> Size {
        let mib = |size: Option<Self>| size.map(|Self(mib)| mib);
        Size { memory_mb: mib(memory), disk_mb: mib(disk) }
    }
}

impl argh::FromArgValue for Mebibytes {
    fn from_arg_value(value: &str) -> Result<Self, String> {
        // cf takes no bytes, and no number without its unit.
        let has_unit = value.to_ascii_uppercase().contains(['M', 'G']);
        let bytes = size::parse(value.trim()).filter(|_| has_unit);
        let mib = bytes.and_then(|bytes| i32::try_from(bytes >> 20).ok()).filter(|mib| *mib > 0);
        mib.map(Self).ok_or_else(|| "write a number with its unit, such as 512M or 1G".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use argh::FromArgValue;

    #[test]
    fn sizes_are_cfs() {
        let read = |text| Mebibytes::from_arg_value(text).map(|Mebibytes(mib)| mib).ok();
        for (text, mib) in [("512M", 512), ("1G", 1024), ("2gb", 2048), ("64mb", 64), ("1GiB", 1024)] {
            assert_eq!(read(text), Some(mib), "{text}");
        }
        for text in ["", "512", "0M", "-1G", "1T", "9999999999G", "3000000G", "M"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
