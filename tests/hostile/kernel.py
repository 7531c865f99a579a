"""System calls that Python of Debian 11 does not have, and processes that use them."""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
import traceback
from typing import Callable, Iterator

CLONE_NEWNS = 0x00020000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT = 1, 2, 4, 8, 32
MS_BIND, MS_REC, MS_PRIVATE = 4096, 16384, 1 << 18

_libc = ctypes.CDLL(None, use_errno=True)


def _check(result: int, what: str) -> None:
    if result != 0:
        error = ctypes.get_errno()
        raise OSError(error, f"{what}: {os.strerror(error)}")


def private_namespace() -> None:
    """A mount namespace of this process's own, from which nothing is propagated."""
    _check(_libc.unshare(CLONE_NEWNS), "unshare")
    mount("none", "/", "", MS_REC | MS_PRIVATE)


def mount(what: str, where: str, fstype: str, flags: int = 0, data: str = "") -> None:
    """mount(2)."""
    _check(_libc.mount(os.fsencode(what), os.fsencode(where), fstype.encode(),
                       ctypes.c_ulong(flags), data.encode() or None), f"mount on {where}")


def unmount(where: str) -> None:
    """umount2(2)."""
    _check(_libc.umount2(os.fsencode(where), 0), f"unmount {where}")


def in_child(function: Callable[[], bytes]) -> bytes:
    """What the function returns in a child process. Raises ChildProcessError if it fails."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            os.close(reader)
            with os.fdopen(writer, "wb") as pipe:
                pipe.write(function())
            status = 0
        except BaseException:  # whatever it was, the child ends here
            traceback.print_exc(file=sys.stderr)
        finally:
            sys.stderr.flush()
            os._exit(status)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        said = pipe.read()
    _, status = os.waitpid(pid, 0)
    if status != 0:
        raise ChildProcessError(f"wait status {status}")
    return said


@contextlib.contextmanager
def rights_of(uid: int) -> Iterator[None]:
    """Only the rights of an ordinary user within."""
    groups = os.getgroups()
    os.setgroups([])
    os.setegid(uid)
    os.seteuid(uid)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)
        os.setgroups(groups)
