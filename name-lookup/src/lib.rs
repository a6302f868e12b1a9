//! Host names in a static binary. A crate of its own because agent and host need it and neither may import the other;
//! it is the one place that may hold unsafe code.

/// Makes a static glibc look hosts up in `/etc/hosts` and by DNS alone. Call it first in `main`.
///
/// It would load the plug-ins that the root file system's `/etc/nsswitch.conf` names; those of another glibc crash it
/// (SIGFPE, failed assertions). No plug-in is needed in a container, and none can be had in a static binary elsewhere.
#[cfg(all(target_env = "gnu", target_feature = "crt-static"))]
pub fn without_plugins() {
    #[expect(unsafe_code, reason = "glibc offers this to C only")]
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

/// Nothing to do: musl has no plug-ins, and a dynamic glibc finds its own.
#[cfg(not(all(target_env = "gnu", target_feature = "crt-static")))]
pub const fn without_plugins() {}
