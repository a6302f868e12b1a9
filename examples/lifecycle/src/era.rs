//! Which year's lifecycle this one behaves like. A request does not say; a file beside the program does, since the
//! archive is what an operator chooses.

use std::path::Path;

/// The file beside `builder` and `launcher` that names the era: `2016`, `2017` or `2026`.
pub const ERA_FILE: &str = "era";

/// The three generations of the real lifecycle that the recorded requests come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Era {
    /// detect, compile, release; a Procfile replaces all process types; an empty release output is an error.
    Spring2016,
    /// supply and finalize, several buildpacks, `deps`; a Procfile overrides single process types.
    Late2017,
    /// Also `profile.d`, and the result file lists every buildpack. Every failure of the last buildpack counts as a
    /// failed compile, because the real program searches its error text for that phrase first.
    Today,
}

impl Era {
    /// The era named in the file beside `program`; [`Era::Late2017`] where there is no such file or it names none.
    #[must_use]
    pub fn beside(program: &Path) -> Self {
        let named = program.parent().and_then(|directory| std::fs::read_to_string(directory.join(ERA_FILE)).ok());
        match named.as_deref().map(str::trim) {
            Some("2016") => Self::Spring2016,
            Some("2026") => Self::Today,
            _ => Self::Late2017,
        }
    }

    /// The era of the running program.
    #[must_use]
    pub fn from_current_exe() -> Self {
        std::env::current_exe().map_or(Self::Late2017, |program| Self::beside(&program))
    }

    /// Whether buildpacks may come with `bin/supply` and `bin/finalize`, and droplets with `deps`.
    #[must_use]
    pub fn has_deps(self) -> bool {
        self >= Self::Late2017
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_beside_the_program_names_the_era() {
        let directory = tempfile::tempdir().unwrap();
        let program = directory.path().join("builder");
        assert_eq!(Era::beside(&program), Era::Late2017);
        for (text, era) in [("2016\n", Era::Spring2016), ("2026", Era::Today), ("soon", Era::Late2017)] {
            std::fs::write(directory.path().join(ERA_FILE), text).unwrap();
            assert_eq!(Era::beside(&program), era);
        }
    }
}
