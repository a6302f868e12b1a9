//! `cache-up --on kubernetes`: fills a persistent volume claim.

use super::staging::contents;
use crate::arguments::{CacheUp, FetchOptions};
use crate::backend::kubernetes::cache_job::CacheOptions;
use crate::backend::kubernetes::client::Cluster;
use crate::backend::kubernetes::one_cluster::OneCluster;
use crate::backend::mounts;
use crate::commands::cache_up::{usable, wanted};
use crate::failure::Failure;
use crate::plan::fetching::{Fetching, Keeping};
use crate::screen::in_the_originals_words;
use crate::session::run_without_engine;
use shared_model::exit_code::ExitCode;
use shared_model::secret::Secret;
use std::sync::Arc;
use uuid::Uuid;

/// Fetches what requests name into a claim.
pub(super) fn run(command: CacheUp, agent_options: Vec<String>) -> ExitCode {
    run_without_engine(in_the_originals_words(command.screen_options()), move |session| {
        let place = command.cluster()?.unwrap_or_default();
        let claim = claim(&command)?;
        let requests = wanted(&command)?;
        let (requests, _) = usable(session, &requests, command.all)?;
        let fetch = command.fetch_options();
        let files = mounts::files(&fetch)?;
        let FetchOptions { stager_image: image, names, cache_limit: limit, .. } = fetch;
        let keeping = Keeping::InVolume { name: claim, limit };
        let fetching = Fetching { image, network: "", names, files: &files, keeping, agent_options: &agent_options };
        let documents: Vec<&str> = requests.iter().map(|request| request.document.as_str()).collect();
        let cluster = Arc::new(Cluster::connect(&place)?);
        let namespace = cluster.namespace().to_owned();
        let options = CacheOptions {
            namespace: &namespace,
            claim,
            documents: Secret::new(documents.join("\n")),
            certificates: contents(&files)?,
            instance: &Uuid::new_v4().to_string(),
        };
        OneCluster::new(session, cluster).fill_cache(&fetching, &options)
    })
}

fn claim(command: &CacheUp) -> Result<&str, Failure> {
    if command.publish.is_some() && command.bake.is_none() {
        return Err(Failure::new(ExitCode::CommandLine, "--publish is for the image of --bake", "leave it out"));
    }
    if command.bake.is_some() {
        let text = "--bake makes an image of an engine's, and cannot go with --on kubernetes";
        let advice = "bake it on an engine, with --publish REGISTRY/REPO[:TAG], and name that as --stager-image";
        return Err(Failure::new(ExitCode::CommandLine, text, advice));
    }
    command.cache_volume.as_deref().ok_or_else(|| {
        let advice =
            "name one with --cache-volume CLAIM; `cache-up --bake TAG --publish REF` makes an image that needs none";
        Failure::new(ExitCode::CommandLine, "a cluster keeps its cache in a persistent volume claim", advice)
    })
}
