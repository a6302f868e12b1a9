//! What a test's engine says of itself.

use super::Fake;
use crate::engine::{EngineError, EngineInfo, Store, System};

impl System for Fake {
    fn socket(&self) -> Option<String> {
        Some("/run/fake.sock".to_owned())
    }

    fn info(&self) -> Result<EngineInfo, EngineError> {
        let state = self.call("info", &[])?;
        let store = state.store.clone().unwrap_or_else(|| Store::Layers("overlay2".to_owned()));
        Ok(EngineInfo {
            version: "20.10".to_owned(),
            store,
            limits: state.limits,
            quota: state.quota,
            architecture: state.architecture.to_owned(),
            processors: 2,
            memory_bytes: 4 << 30,
        })
    }
}
