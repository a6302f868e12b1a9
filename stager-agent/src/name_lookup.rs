//! Host names in a static binary.

/// Makes glibc look hosts up in `/etc/hosts` and by DNS alone. Call it first in `main`.
///
/// A statically linked glibc would load the plug-ins that the root file system's `/etc/nsswitch.conf` names; those of
/// another glibc crash it (SIGFPE, failed assertions). No plug-in is needed in a container.
#[cfg(target_env = "gnu")]
#[expect(unsafe_code, reason = "glibc offers this to C only")]
pub(crate) fn without_plugins() {
    unsafe extern "C" {
        fn __nss_configure_lookup(database: *const std::ffi::c_char, line: *const std::ffi::c_char) -> i32;
    }
    #[expect(
        unsafe_code,
        reason = "glibc offers this to C only; a file the same in all root file systems is no choice"
    )]
    // SAFETY: both arguments are NUL-terminated and live for ever; glibc reads them and keeps copies. It must not run
    // beside a lookup, and there is no other thread yet.
    unsafe {
        __nss_configure_lookup(c"hosts".as_ptr(), c"files dns".as_ptr());
    }
}

/// Nothing to do: only glibc has plug-ins.
#[cfg(not(target_env = "gnu"))]
pub(crate) const fn without_plugins() {}
