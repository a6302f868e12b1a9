//! The parsers of the host that strangers feed, each with what has to hold whatever the bytes are: a panic tells that
//! it does not. The targets of `ci/fuzz` call them with ever new bytes, the tests with those of `ci/fuzz/corpus`.

pub use crate::engine::docker::fuzzed::{engine_answers, engine_frames, engine_told};
pub use crate::image::fuzzed::layer;
pub use crate::pipeline::fuzzed::events;
pub use crate::requests::fuzzed::log_lines;

#[cfg(test)]
mod tests {
    use std::path::Path;

    #[test]
    fn what_has_to_hold_holds_for_the_corpus() {
        for (target, judge) in [
            ("engine_answers", super::engine_answers as fn(&[u8])),
            ("engine_frames", super::engine_frames),
            ("engine_told", super::engine_told),
            ("events", super::events),
            ("layer", super::layer),
            ("log_lines", super::log_lines),
        ] {
            let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ci/fuzz/corpus").join(target);
            let files: Vec<_> = std::fs::read_dir(&kept).unwrap().map(|entry| entry.unwrap().path()).collect();
            assert!(!files.is_empty(), "nothing is kept in {}", kept.display());
            for file in files {
                judge(&std::fs::read(&file).unwrap());
            }
        }
    }
}
