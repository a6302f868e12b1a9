//! Where a command does what it does: on an engine, or in a cluster.

use crate::failure::Failure;
use shared_model::exit_code::ExitCode;

/// `--on`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum On {
    /// One Docker Engine.
    #[default]
    Docker,
    /// A cluster.
    Kubernetes,
}

/// Which cluster, and where in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ClusterPlace {
    /// A context of the kubeconfig; `None`: its current one, or the cluster that this program runs in.
    pub(crate) context: Option<String>,
    /// `None`: the context's.
    pub(crate) namespace: Option<String>,
}

/// A command that can do the same elsewhere: adds the options that say where, by the macros that add others.
macro_rules! happens_somewhere {
    ($first:ident! $($more:ident!)* $(#[$about:meta])+ $command:ident { $($fields:tt)* }) => {
        $first! {
            $($more!)*
            $(#[$about])+
            $command {
                $($fields)*
                /// where: docker (default) or kubernetes
                #[argh(option, default = "On::Docker", arg_name = "where")]
                pub(crate) on: On,
                /// context of the kubeconfig, for --on kubernetes (default: the current one)
                #[argh(option, arg_name = "name")]
                pub(crate) context: Option<String>,
                /// namespace, for --on kubernetes (default: the context's)
                #[argh(option, arg_name = "name")]
                pub(crate) namespace: Option<String>,
            }
        }

        impl $command {
            /// The cluster that it is about; `None`: an engine.
            ///
            /// # Errors
            /// A part of a cluster was typed, and no cluster.
            pub(crate) fn cluster(&self) -> Result<Option<ClusterPlace>, Failure> {
                ClusterPlace::typed(self.on, self.context.as_ref(), self.namespace.as_ref())
            }
        }
    };
}

impl ClusterPlace {
    /// See `cluster` of the commands.
    pub(super) fn typed(on: On, context: Option<&String>, namespace: Option<&String>) -> Result<Option<Self>, Failure> {
        if on == On::Kubernetes {
            return Ok(Some(Self { context: context.cloned(), namespace: namespace.cloned() }));
        }
        let typed = [("--context", context), ("--namespace", namespace)];
        typed.iter().find(|(_, value)| value.is_some()).map_or(Ok(None), |(option, _)| {
            let text = format!("{option} is for a cluster");
            Err(Failure::new(ExitCode::CommandLine, text, "add --on kubernetes, or leave it out"))
        })
    }
}

impl argh::FromArgValue for On {
    fn from_arg_value(value: &str) -> Result<Self, String> {
        match value {
            "docker" => Ok(Self::Docker),
            "kubernetes" => Ok(Self::Kubernetes),
            _ => Err("choose docker or kubernetes".to_owned()),
        }
    }
}
