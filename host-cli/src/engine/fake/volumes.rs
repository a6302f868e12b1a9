//! The volumes and networks of a test's engine: names and labels.

use super::Fake;
use crate::engine::{EngineError, VolumesAndNetworks};
use crate::labels;
use std::collections::BTreeMap;

impl VolumesAndNetworks for Fake {
    fn has_volume(&self, name: &str) -> Result<bool, EngineError> {
        Ok(self.call("has_volume", &[name])?.volumes.contains_key(name))
    }

    fn ensure_volume(&self, name: &str, labels: &BTreeMap<String, String>) -> Result<(), EngineError> {
        self.call("ensure_volume", &[name])?.volumes.entry(name.to_owned()).or_insert_with(|| labels.clone());
        Ok(())
    }

    fn unused_volumes(&self, kind: &str) -> Result<Vec<String>, EngineError> {
        let is_of_kind =
            |labels: &BTreeMap<String, String>| labels.get(labels::KIND).is_some_and(|value| value == kind);
        let state = self.call("unused_volumes", &[kind])?;
        Ok(state.volumes.iter().filter(|(_, labels)| is_of_kind(labels)).map(|(name, _)| name.clone()).collect())
    }

    fn remove_volume(&self, name: &str) -> Result<(), EngineError> {
        self.call("remove_volume", &[name])?.volumes.remove(name);
        Ok(())
    }

    fn has_network(&self, name: &str) -> Result<bool, EngineError> {
        Ok(self.call("has_network", &[name])?.networks.contains(name))
    }
}
