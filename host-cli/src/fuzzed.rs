//! The parsers of the host that strangers feed, each with what has to hold whatever the bytes are: a panic tells that
//! it does not. The targets of `ci/fuzz` call them with ever new bytes, the tests with those of `ci/fuzz/corpus`.

pub use crate::backend::staging::stream::fuzzed::events;
pub use crate::engine::docker::fuzzed::{engine_answers, engine_frames, engine_told};
pub use crate::image::base::fuzzed::base_documents;
pub use crate::image::fuzzed::layer;
pub use crate::registry::client::fuzzed::registry_answers;
pub use crate::requests::fuzzed::log_lines;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use shared_model::fuzzed::replay;
    use tarball::fuzzed::spelled;

    #[test]
    fn what_has_to_hold_holds_for_the_corpus() {
        replay("base_documents", base_documents);
        replay("engine_answers", engine_answers);
        replay("engine_frames", engine_frames);
        replay("engine_told", engine_told);
        replay("entries", |choices| layer(&spelled(choices)));
        replay("events", events);
        replay("layer", layer);
        replay("log_lines", log_lines);
        replay("registry_answers", registry_answers);
    }

    proptest! {
        #[test]
        fn a_layers_digest_is_that_of_its_bytes_and_they_hold_what_was_put_in(choices in prop::collection::vec(any::<u8>(), 0..300)) {
            layer(&spelled(&choices));
        }
    }
}
