//! A program that is run in a container beside its main process, and talked to: what it is given, and what a terminal of it is.

/// A program to run in a container that runs, as the container's own user and in its folder.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct ExecSpec {
    /// Program and arguments, without a shell; they may be secret, so this type's `Debug` hides them.
    pub(crate) command: Vec<String>,
    /// Variables over those of the container; values may be secret.
    pub(crate) environment: Vec<(String, String)>,
    /// The terminal that it gets; `None`: none, and its two streams stay apart.
    pub(crate) terminal: Option<WindowSize>,
}

/// How large a terminal is, in characters; 0: nobody knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct WindowSize {
    /// Characters in a line.
    pub(crate) columns: u16,
    /// Lines.
    pub(crate) rows: u16,
}

/// What a program is given while it runs.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum ExecInput {
    /// Bytes of its standard input.
    Bytes(Vec<u8>),
    /// The end of its standard input.
    End,
    /// Its terminal has another size now.
    Resize(WindowSize),
}

impl ExecInput {
    /// Of what was read at once: nothing is the end.
    pub(crate) fn read(piece: &[u8]) -> Self {
        if piece.is_empty() { Self::End } else { Self::Bytes(piece.to_vec()) }
    }
}

impl std::fmt::Debug for ExecSpec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ExecSpec").field("terminal", &self.terminal).finish_non_exhaustive()
    }
}
