//! Volumes and networks. docker-api's model of a volume demands fields that not every engine sends.

use super::Docker;
use super::models::{NamedResource, VolumeList};
use super::paths::is_plain_name;
use super::refusal::one_line;
use crate::engine::{EngineError, VolumesAndNetworks};
use crate::labels;
use containers_api::url::encoded_pairs;
use serde_json::json;
use std::collections::BTreeMap;

impl VolumesAndNetworks for Docker {
    fn has_volume(&self, name: &str) -> Result<bool, EngineError> {
        if !is_plain_name(name) || name.starts_with('.') {
            return Ok(false);
        }
        let path = format!("/volumes/{name}");
        let asked = self.api.find_json::<NamedResource>(&path, "looking for a volume");
        Ok(self.block_on(asked)?.is_some_and(|volume| volume.name == name))
    }

    fn ensure_volume(&self, name: &str, labels: &BTreeMap<String, String>) -> Result<(), EngineError> {
        let doing = format!("making the volume {}", one_line(name));
        // The engine answers with the one that is there, whatever its labels, so that nobody can come in between.
        let body = json!({ "Name": name, "Labels": labels });
        let answer = self.block_on(self.api.post_json("/volumes/create", &body));
        answer.map(drop).map_err(|error| self.api.error(&doing, error))
    }

    fn unused_volumes(&self, kind: &str) -> Result<Vec<String>, EngineError> {
        // What an engine calls a volume that nobody named.
        const DIGITS: usize = 64;
        let filters = json!({ "dangling": ["true"], "label": [format!("{}={kind}", labels::KIND)] }).to_string();
        let path = format!("/volumes?{}", encoded_pairs([("filters", filters)]));
        let listed: VolumeList = self.block_on(self.api.get_json(&path, "listing volumes"))?;
        let names = listed.volumes.unwrap_or_default().into_iter().map(|volume| volume.name);
        Ok(names.filter(|name| name.len() == DIGITS && name.bytes().all(|byte| byte.is_ascii_hexdigit())).collect())
    }

    fn remove_volume(&self, name: &str) -> Result<(), EngineError> {
        let removed = self.block_on(self.api.client.delete(self.api.endpoint(&format!("/volumes/{name}"))));
        removed.map(drop).map_err(|error| self.api.error(&format!("removing the volume {}", one_line(name)), error))
    }

    fn has_network(&self, name: &str) -> Result<bool, EngineError> {
        if !is_plain_name(name) {
            return Ok(false);
        }
        let path = format!("/networks/{name}");
        let asked = self.api.find_json::<NamedResource>(&path, "looking for a network");
        // The engine finds networks by the start of their ids too.
        Ok(self.block_on(asked)?.is_some_and(|network| network.name == name))
    }
}
