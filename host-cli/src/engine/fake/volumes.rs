//! The volumes and networks of a test's engine: names and labels.

use super::Fake;
use crate::engine::{EngineError, VolumesAndNetworks};
use std::collections::BTreeMap;

impl VolumesAndNetworks for Fake {
    fn has_volume(&self, name: &str) -> Result<bool, EngineError> {
        Ok(self.call("has_volume", &[name])?.volumes.contains_key(name))
    }

    fn ensure_volume(&self, name: &str, labels: &BTreeMap<String, String>) -> Result<(), EngineError> {
        self.call("ensure_volume", &[name])?.volumes.entry(name.to_owned()).or_insert_with(|| labels.clone());
        Ok(())
    }

    fn has_network(&self, name: &str) -> Result<bool, EngineError> {
        Ok(self.call("has_network", &[name])?.networks.contains(name))
    }
}
