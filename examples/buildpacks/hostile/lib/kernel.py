"""System calls that Python has no name for. Each raises OSError when it is refused."""
import ctypes
import os
import platform
import signal

LIBC = ctypes.CDLL(None, use_errno=True)
X86 = platform.machine() == 'x86_64'
BPF, PERF_EVENT_OPEN, KEYCTL, EXIT = (321, 298, 250, 60) if X86 else (280, 241, 219, 93)
CLONE_NEWNS, CLONE_NEWUSER, CLONE_NEWNET = 0x20000, 0x10000000, 0x40000000
PTRACE_CONT, PTRACE_DETACH, PTRACE_SEIZE = 7, 17, 0x4206
PR_SET_NAME = 15
MS_BIND = 4096


class Piece(ctypes.Structure):
    _fields_ = [('at', ctypes.c_void_p), ('length', ctypes.c_size_t)]


def checked(result):
    if result == -1:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def syscall(number, *arguments):
    return checked(LIBC.syscall(ctypes.c_long(number), *(ctypes.c_long(argument) for argument in arguments)))


def unshare(flags):
    return checked(LIBC.unshare(flags))


def setns(path):
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return checked(LIBC.setns(descriptor, 0))
    finally:
        os.close(descriptor)


def mount(source, target, kind, flags=0):
    return checked(LIBC.mount(source.encode(), target.encode(), kind.encode(), ctypes.c_ulong(flags), None))


def ptrace_seize(pid):
    result = checked(LIBC.ptrace(PTRACE_SEIZE, pid, None, None))
    LIBC.ptrace(PTRACE_DETACH, pid, None, None)
    return result == 0


def ptrace_along(pid):
    """Lets it go on after each stop, and leaves its end unseen."""
    checked(LIBC.ptrace(PTRACE_SEIZE, pid, None, None))
    while True:
        number = os.waitid(os.P_PID, pid, os.WSTOPPED).si_status & 0x7f
        LIBC.ptrace(PTRACE_CONT, pid, None, ctypes.c_void_p(0 if number == signal.SIGTRAP else number))


def memory_of(pid, address, length=16):
    buffer = ctypes.create_string_buffer(length)
    here, there = Piece(ctypes.addressof(buffer), length), Piece(address, length)
    return checked(LIBC.process_vm_readv(pid, ctypes.byref(here), 1, ctypes.byref(there), 1, 0))


def call_myself(name):
    LIBC.prctl(PR_SET_NAME, name.encode())
