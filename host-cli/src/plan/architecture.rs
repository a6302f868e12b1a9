//! Whether a program runs where an engine runs, as its file says. Pure; by hand, since only four fields of ELF count.

/// Of ELF's header: where its kind, its machine and its table of segments stand, of which some are of this kind.
const MAGIC: &[u8] = b"\x7fELF";
const CLASS: usize = 4;
const BYTE_ORDER: usize = 5;
const MACHINE: usize = 18;
const SEGMENTS_AT: usize = 32;
const SEGMENT_BYTES: usize = 54;
const SEGMENT_COUNT: usize = 56;
const SIXTY_FOUR_BITS: u8 = 2;
const LITTLE: u8 = 1;
/// A segment that names the loader of a program that is not static.
const LOADER: u32 = 3;

/// Machines in ELF's numbers, with what engines (`uname -m`, or Go's word) call them.
const MACHINES: [(u16, &[&str]); 5] = [
    (62, &["x86_64", "amd64"]),
    (183, &["aarch64", "arm64"]),
    (243, &["riscv64"]),
    (21, &["ppc64le"]),
    (258, &["loongarch64", "loong64"]),
];

/// Why a program is of no use there.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum NotRunnable {
    /// It is no static program of 64 bits.
    NotStatic,
    /// It is for another machine: that one's name.
    Other(String),
}

/// Whether a static program runs on this architecture; an engine that does not say, or says what nobody knows here, is asked by
/// starting it.
///
/// # Errors
/// Why it does not.
pub(crate) fn runs_on(program: &[u8], architecture: &str) -> Result<(), NotRunnable> {
    let machine = machine_of_static(program).ok_or(NotRunnable::NotStatic)?;
    let wanted = MACHINES.iter().find(|(_, names)| names.contains(&architecture));
    match wanted {
        Some((wanted, _)) if *wanted != machine => Err(NotRunnable::Other(name_of(machine))),
        _ => Ok(()),
    }
}

/// The machine that this program was built for, in Go's word: `amd64`.
pub(crate) fn of_this_program() -> &'static str {
    let ours = std::env::consts::ARCH;
    let known = MACHINES.iter().find(|(_, names)| names.contains(&ours));
    known.and_then(|(_, names)| names.last()).copied().unwrap_or(ours)
}

fn name_of(machine: u16) -> String {
    let known = MACHINES.iter().find(|(number, _)| *number == machine);
    known.map_or_else(|| format!("machine {machine}"), |(_, names)| names[0].to_owned())
}

/// The machine of a static program; `None` for anything else.
fn machine_of_static(program: &[u8]) -> Option<u16> {
    let is_known = program.starts_with(MAGIC)
        && program.get(CLASS) == Some(&SIXTY_FOUR_BITS)
        && program.get(BYTE_ORDER) == Some(&LITTLE);
    let segments = usize::try_from(u64::from_le_bytes(field(program, SEGMENTS_AT)?)).ok()?;
    let bytes = usize::from(u16::from_le_bytes(field(program, SEGMENT_BYTES)?));
    let count = usize::from(u16::from_le_bytes(field(program, SEGMENT_COUNT)?));
    let kind = |at: usize| field(program, segments.checked_add(at.checked_mul(bytes)?)?).map(u32::from_le_bytes);
    let is_static = (0..count).all(|at| kind(at).is_some_and(|kind| kind != LOADER));
    (is_known && is_static).then_some(u16::from_le_bytes(field(program, MACHINE)?))
}

/// The bytes that stand there.
fn field<const BYTES: usize>(program: &[u8], at: usize) -> Option<[u8; BYTES]> {
    program.get(at..at.checked_add(BYTES)?)?.try_into().ok()
}

/// A program's first bytes, for tests.
#[cfg(test)]
pub(crate) fn sample(machine: u16, segments: &[u32]) -> Vec<u8> {
    const HEADER: u8 = 64;
    const SEGMENT: u8 = 56;
    let mut program = vec![0; usize::from(HEADER)];
    program[..MAGIC.len()].copy_from_slice(MAGIC);
    program[CLASS] = SIXTY_FOUR_BITS;
    program[BYTE_ORDER] = LITTLE;
    program[MACHINE..MACHINE + 2].copy_from_slice(&machine.to_le_bytes());
    program[SEGMENTS_AT] = HEADER;
    program[SEGMENT_BYTES] = SEGMENT;
    program[SEGMENT_COUNT] = u8::try_from(segments.len()).unwrap();
    for kind in segments {
        program.extend(kind.to_le_bytes());
        program.resize(program.len() + usize::from(SEGMENT) - 4, 0);
    }
    program
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const X86_64: u16 = 62;
    const LOADABLE: u32 = 1;

    #[test]
    fn a_static_program_runs_on_its_own_machine_alone() {
        let program = sample(X86_64, &[LOADABLE, LOADABLE]);
        for architecture in ["x86_64", "amd64", "", "sparc"] {
            assert_eq!(runs_on(&program, architecture), Ok(()), "{architecture}");
        }
        assert_eq!(runs_on(&program, "aarch64"), Err(NotRunnable::Other("x86_64".into())));
        assert_eq!(runs_on(&sample(40, &[]), "amd64"), Err(NotRunnable::Other("machine 40".into())));
    }

    #[test]
    fn this_machine_is_called_as_images_call_it() {
        assert!(["amd64", "arm64", "riscv64", "ppc64le", "loong64", "s390x"].contains(&of_this_program()));
    }

    #[test]
    fn what_wants_a_loader_or_is_no_program_is_not_static() {
        for other in [sample(X86_64, &[LOADABLE, LOADER]), b"#!/bin/sh\n".to_vec(), Vec::new()] {
            assert_eq!(runs_on(&other, "x86_64"), Err(NotRunnable::NotStatic));
        }
        let own = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        assert_eq!(runs_on(&own, "x86_64"), Err(NotRunnable::NotStatic), "tests are linked dynamically");
    }

    proptest! {
        #[test]
        fn any_bytes_are_judged(
            mut program in proptest::collection::vec(any::<u8>(), 0..300),
            is_elf in any::<bool>(),
            cut in 0_usize..130,
        ) {
            if is_elf {
                let sample = sample(X86_64, &[LOADABLE]);
                let cut = cut.min(sample.len());
                program.splice(..0, sample[..cut].iter().copied());
            }
            let _ = runs_on(&program, "x86_64");
        }
    }
}
