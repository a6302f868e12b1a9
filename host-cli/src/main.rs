//! The program `host-cli`; see the library beside.

#![expect(unused_crate_dependencies, reason = "they are the library's")]

fn main() -> std::process::ExitCode {
    host_cli::main()
}
