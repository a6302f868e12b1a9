//! Who brings an engine's image to a registry.

/// What `push --by` and `--push-by` ask for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum PushBy {
    /// host-cli itself, of what the engine exports: this machine must reach the registry.
    #[default]
    Direct,
    /// The engine: its machine must reach the registry.
    Engine,
}

impl std::str::FromStr for PushBy {
    type Err = String;

    fn from_str(typed: &str) -> Result<Self, String> {
        match typed {
            "direct" => Ok(Self::Direct),
            "engine" => Ok(Self::Engine),
            _ => Err("choose direct or engine".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_goes_directly_unless_the_engine_is_asked_for() {
        assert_eq!("direct".parse(), Ok(PushBy::default()));
        assert_eq!("engine".parse(), Ok(PushBy::Engine));
        assert!("Engine".parse::<PushBy>().unwrap_err().contains("direct or engine"));
    }
}
