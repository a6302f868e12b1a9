//! The program `app-supervisor`; see the library beside.

#![expect(unused_crate_dependencies, reason = "they are the library's")]

fn main() -> std::process::ExitCode {
    app_supervisor::main()
}
