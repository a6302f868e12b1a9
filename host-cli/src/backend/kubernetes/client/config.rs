//! Where the cluster is and who asks: of the kubeconfig, or of the pod that this program runs in; and which way leads there.

#![expect(clippy::disallowed_methods, reason = "reads the variables that everybody knows")]

use super::ClusterError;
use crate::arguments::ClusterPlace;
use http_client::Proxies;
use kube::Config;
use kube::config::{KubeConfigOptions, KubeconfigError};
use std::env;
use std::io::ErrorKind;

/// As `kubectl` finds it. A context that was typed is a kubeconfig's; and who has named a kubeconfig means no other cluster.
pub(super) async fn config(place: &ClusterPlace) -> Result<Config, ClusterError> {
    let options = KubeConfigOptions { context: place.context.clone(), ..KubeConfigOptions::default() };
    let is_named = env::var_os("KUBECONFIG").is_some_and(|value| !value.is_empty());
    let mut config = match Config::from_kubeconfig(&options).await {
        Ok(config) => config,
        Err(KubeconfigError::ReadConfig(error, path))
            if place.context.is_none() && !is_named && error.kind() == ErrorKind::NotFound =>
        {
            Config::incluster().map_err(|_| ClusterError::unknown(&path))?
        }
        Err(error) => return Err(ClusterError::kubeconfig(&error)),
    };
    config.default_retry = false; // see `Cluster::ask`
    if is_direct(&config) {
        config.proxy_url = None;
    }
    Ok(config)
}

/// Whether the variables' proxy is not for this cluster. The library looks for the proxy's own address in `NO_PROXY`.
fn is_direct(config: &Config) -> bool {
    let variable = |name: &str| env::var(name).ok();
    let of_variables =
        ["HTTPS_PROXY", "https_proxy"].into_iter().find_map(|name| variable(name).filter(|value| !value.is_empty()));
    let Some(proxy) = &config.proxy_url else { return true };
    let is_variables = of_variables.and_then(|value| value.parse().ok()).as_ref() == Some(proxy);
    is_variables && Proxies::from_env(variable).is_ok_and(|proxies| proxies.is_direct(&config.cluster_url.to_string()))
}
