//! What stands on every call: the settings fill in what was not typed.

use super::{Cache, CacheCommand, Cell, Command, On, Restage};
use crate::registry::push_by::PushBy;
use crate::settings::{Settings, fill, fill_list};

impl Command {
    /// Takes from the settings what was not typed. A setting that contradicts something typed is left out.
    pub(crate) fn fill_in(&mut self, settings: &Settings) {
        match self {
            Self::BuildReq(command) => command.fill_in_logs(settings),
            Self::LaunchReq(command) => command.fill_in_logs(settings),
            Self::BuildCmd(command) => command.fill_in_logs(settings),
            Self::LaunchCmd(command) => command.fill_in_logs(settings),
            Self::Requests(command) => command.fill_in_logs(settings),
            Self::Push(command) => {
                command.fill_in_logs(settings);
                if command.by == PushBy::Direct {
                    fill(&mut command.ca, settings.ca.as_ref());
                }
            }
            Self::Export(command) => command.fill_in_logs(settings),
            Self::Rebase(command) => command.fill_in_logs(settings),
            Self::Launch(command) => {
                command.fill_in_logs(settings);
                fill(&mut command.network, settings.network.as_ref());
                fill_list(&mut command.add_host, settings.add_host.as_ref());
                fill_list(&mut command.dns, settings.dns.as_ref());
                fill(&mut command.stager_image, settings.stager_image.as_ref());
                fill(&mut command.ca, settings.ca.as_ref());
                fill(&mut command.stager_image, settings.stager_image.as_ref());
                fill(&mut command.cache_volume, settings.cache_volume.as_ref());
            }
            Self::Restage(command) => command.fill_in_restage(settings),
            Self::CacheUp(command) => {
                command.fill_in_logs(settings);
                command.fill_in_fetching(settings);
                // A volume of an engine is no claim of a cluster.
                if command.bake.is_none() && command.on == On::Docker {
                    fill(&mut command.cache_volume, settings.cache_volume.as_ref());
                }
            }
            Self::Image(command) => {
                fill(&mut command.base, settings.base.as_ref());
                let is_pushed = command.push.is_some() && command.push_by == PushBy::Direct;
                if command.publish.is_some() || is_pushed {
                    fill(&mut command.ca, settings.ca.as_ref());
                }
            }
            Self::Cache(Cache { command }) => command.fill_in(settings),
            Self::Cell(Cell { command }) => command.fill_in(settings),
            Self::Manifest(command) => command.fill_in(settings),
            Self::Link(_)
            | Self::Apps(_)
            | Self::Logs(_)
            | Self::Stop(_)
            | Self::Delete(_)
            | Self::ShowApp(_)
            | Self::Start(_)
            | Self::Restart(_)
            | Self::RestartAppInstance(_)
            | Self::Scale(_)
            | Self::Revisions(_)
            | Self::Rollback(_)
            | Self::Ssh(_)
            | Self::Env(_)
            | Self::Events(_)
            | Self::RunTask(_)
            | Self::Tasks(_)
            | Self::TerminateTask(_) => {}
        }
    }
}

impl Restage {
    fn fill_in_restage(&mut self, settings: &Settings) {
        self.fill_in_logs(settings);
        self.fill_in_fetching(settings);
        fill(&mut self.base, settings.base.as_ref());
        if !self.no_cache && self.on == On::Docker {
            fill(&mut self.cache_volume, settings.cache_volume.as_ref());
        }
    }
}

impl CacheCommand {
    fn fill_in(&mut self, settings: &Settings) {
        match self {
            Self::List(command) => command.fill_in_cache(settings),
            Self::Clear(command) => command.fill_in_cache(settings),
            Self::Verify(command) => {
                command.fill_in_cache(settings);
                if command.origin {
                    fill(&mut command.network, settings.network.as_ref());
                    fill_list(&mut command.add_host, settings.add_host.as_ref());
                    fill_list(&mut command.dns, settings.dns.as_ref());
                    fill(&mut command.ca, settings.ca.as_ref());
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arguments::invocation::Invocation;
    use std::ffi::OsString;
    use std::path::Path;

    fn filled_in(typed: &str, settings: &str) -> Command {
        let mut command = Invocation::read(typed.split_whitespace().map(OsString::from)).unwrap().command;
        command.fill_in(&Settings::parse(settings, Path::new("/h")).unwrap());
        command
    }

    const ALL: &str = "logs = '/logs'\nnetwork = 'net'\ncache-volume = 'vol'\nca = '~/ca.pem'\n\
                       stager-image = 'st:1'\nbase = 'base:1'\n\
                       add-host = ['h=10.0.0.5']\ndns = ['10.0.0.53']";

    #[test]
    fn what_was_typed_comes_before_the_settings_and_these_before_the_defaults() {
        let Command::Restage(command) = filled_in("host-cli restage --network typed", ALL) else { panic!() };
        let options = command.fetch_options();
        assert_eq!((options.network, options.stager_image), ("typed", "st:1"));
        assert_eq!((options.cache_volume, options.ca), (Some("vol"), Some(Path::new("/h/ca.pem"))));
        assert_eq!(
            (command.base.as_deref(), command.log_options().logs.as_deref()),
            (Some("base:1"), Some(Path::new("/logs")))
        );
        let Command::Restage(command) = filled_in("host-cli restage", "") else { panic!() };
        assert_eq!((command.fetch_options().network, command.fetch_options().stager_image), ("hcf", "stager:latest"));
        assert_eq!((command.fetch_options().cache_volume, &command.base), (None, &None));
    }

    #[test]
    fn hosts_and_name_servers_that_were_typed_stand_instead_of_those_in_the_settings() {
        let names = |typed: &str| match filled_in(typed, ALL) {
            Command::Restage(command) => (command.add_host, command.dns),
            Command::CacheUp(command) => (command.add_host, command.dns),
            Command::Launch(command) => (command.add_host, command.dns),
            other => panic!("{other:?}"),
        };
        let (hosts, dns) = (vec!["h=10.0.0.5".parse().unwrap()], vec!["10.0.0.53".parse().unwrap()]);
        for command in ["restage", "cache-up", "launch"] {
            assert_eq!(names(&format!("host-cli {command}")), (hosts.clone(), dns.clone()), "{command}");
            let typed = names(&format!("host-cli {command} --add-host=a=10.0.0.1 --add-host b:10.0.0.2"));
            let both = ["a=10.0.0.1", "b=10.0.0.2"].map(|text| text.parse().unwrap()).to_vec();
            assert_eq!(typed, (both, dns.clone()), "{command}");
        }
    }

    #[test]
    fn a_setting_that_contradicts_something_typed_is_left_out() {
        let Command::Restage(command) = filled_in("host-cli restage --no-cache", ALL) else { panic!() };
        assert_eq!(command.cache_volume, None);
        let Command::Launch(command) = filled_in("host-cli launch --stager-log x", ALL) else { panic!() };
        assert_eq!(
            (command.log_options().logs.as_ref(), command.stager_image.as_deref()),
            (None, Some("st:1")),
            "one log stands for both kinds"
        );
        let Command::CacheUp(command) = filled_in("host-cli cache-up --bake b", ALL) else { panic!() };
        assert_eq!((command.cache_volume, command.network.as_deref()), (None, Some("net")));
        let verify = |typed: &str| match filled_in(typed, ALL) {
            Command::Cache(Cache { command: CacheCommand::Verify(command) }) => command,
            other => panic!("{other:?}"),
        };
        assert_eq!((verify("host-cli cache verify").network, verify("host-cli cache verify").ca), (None, None));
        assert_eq!(verify("host-cli cache verify --origin").network.as_deref(), Some("net"));
    }

    #[test]
    fn every_command_takes_the_settings_that_it_has_an_option_for() {
        for typed in [
            "build-req",
            "launch-req",
            "build-cmd",
            "launch-cmd",
            "requests",
            "push a r/a",
            "export",
            "rebase --base b",
            "launch",
        ] {
            let command = filled_in(&format!("host-cli {typed}"), ALL);
            assert!(format!("{command:?}").contains("\"/logs\""), "{typed}: {command:?}");
        }
        for (typed, value) in [
            ("launch", "\"net\""),
            ("image --droplet d --lifecycle l", "\"base:1\""),
            ("cache list", "\"vol\""),
            ("cache clear", "\"st:1\""),
        ] {
            let command = filled_in(&format!("host-cli {typed}"), ALL);
            assert!(format!("{command:?}").contains(value), "{typed}: {command:?}");
        }
    }
}
