"""Random changes of trees, as programs make them, and processes that hold what they change."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import mmap
import os
import random
import shutil
import signal
import stat
import struct
import subprocess
from typing import Callable, Dict, Iterator, List, Optional, Tuple

from .tree import APPEND, IMMUTABLE, NOATIME, NODUMP, digest, get_flags, set_flags

Path = Tuple[bytes, ...]  # the names below a top; the first one is the top itself
NAMES = [b"a", b"b", b"c", b"d", b"e", b"f", b"g", b"conf", b"log", b"data.db"]
ODD_NAMES = [b"new\nline", b"\xff\xfe", b"n" * 255, b"-rf", b" ", b"back\\slash", b"\\x41", b"%s",
             b".wh.a", b"'\"$`", b"\xc3\xa9", b"~", b"\x01\x1b[31m", b"...", b":,"]
# Longer links are refused by xfs, and by ext4 with blocks of 1 KiB.
LINK = b"x" * 900
SIZES = [0, 1, 100, 4095, 4096, 5000, 20000, 70000]
MODES = [0o644, 0o600, 0o755, 0o4755, 0o2755, 0o1777, 0o000, 0o640, 0o444]
IDS = [0, 1, 33, 1000, 65534, 4000000]
ENTRIES_MAX = 250
# Levels and the name of each. cp(1) cannot copy the first one. Paths longer than PATH_MAX are not
# made: they are left out of a commit.
DEEP = [(15, b"p" * 200), (40, b"q")]
PATH_BYTES_MAX = 3700
TIME_MAX = 2**31 - 1  # file systems without 64-bit times
XATTRS = ["user.a", "user.b", "trusted.a", "security.test", "trusted.overlayx"]
CAPABILITY = struct.pack("<IIIII", 0x02000001, 0x2000, 0, 0, 0)  # cap_net_raw+ep
ACCESS, DEFAULT = "system.posix_acl_access", "system.posix_acl_default"
RENAME_EXCHANGE = 2
_libc = ctypes.CDLL(None, use_errno=True)


def acl(choice: random.Random) -> bytes:
    """With a user and a group, as setfacl makes it (linux/posix_acl_xattr.h)."""
    nobody = 0xffffffff
    entries = [(1, 7, nobody), (2, choice.randrange(8), choice.choice([5, 1000])),
               (4, choice.randrange(8), nobody), (8, choice.randrange(8), 44),
               (16, choice.randrange(8), nobody), (32, choice.randrange(8), nobody)]
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)


class Operations:
    """Changes below some directories. What is refused (EPERM, EXDEV, ...) is not done, or, as mv
    does it, by a copy. `simple`: only what cp(1) can copy."""

    def __init__(self, choice: random.Random, tops: List[bytes], simple: bool = False) -> None:
        self.choice = choice
        self.tops = tops
        self.done: List[str] = []
        self._simple = simple
        self._found: List[Tuple[Path, int]] = []
        self._operations: List[Callable[[], None]] = []
        for weight, operation in (
                (10, self.create), (4, self.overwrite), (4, self.append), (3, self.patch),
                (3, self.truncate), (2, self.sparse), (6, self.replace), (6, self.rename),
                (2, self.exchange), (6, self.unlink), (6, self.mkdir), (3, self.rmdir),
                (4, self.retype), (3, self.remove_tree), (4, self.remake), (5, self.chmod),
                (4, self.chown), (3, self.set_acl), (4, self.set_xattr), (2, self.remove_xattr),
                (0 if simple else 2, self.set_flags), (4, self.times), (4, self.link),
                (3, self.symlink), (2, self.special), (4, self.move_directory), (1, self.deep),
                (3, self.look), (1, self.capability)):
            self._operations += [operation] * weight

    def run(self, count: int) -> None:
        """So many of them."""
        for number in range(count):
            if number % 4 == 0:
                self._found = list(self.walk())
            operation = self.choice.choice(self._operations)
            if len(self._found) > ENTRIES_MAX:
                operation = self.remove_tree
            with contextlib.suppress(OSError, subprocess.CalledProcessError):
                operation()

    def walk(self) -> Iterator[Tuple[Path, int]]:
        """All paths with their types, in order."""
        for top in self.tops:
            fd = os.open(top, os.O_RDONLY | os.O_DIRECTORY)
            try:
                yield (top,), stat.S_IFDIR
                yield from self._below(fd, (top,))
            finally:
                os.close(fd)

    def _below(self, fd: int, path: Path) -> Iterator[Tuple[Path, int]]:
        for name in sorted(map(os.fsencode, os.listdir(fd))):
            kind = stat.S_IFMT(os.stat(name, dir_fd=fd, follow_symlinks=False).st_mode)
            yield (*path, name), kind
            if kind == stat.S_IFDIR:
                child = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=fd)
                try:
                    yield from self._below(child, (*path, name))
                finally:
                    os.close(child)

    # Which paths.

    def pick(self, *kinds: int, top: bool = False) -> Path:
        """One of these types, or any. Raises FileNotFoundError if there is none."""
        found = [path for path, kind in self._found
                 if (not kinds or kind in kinds) and (top or len(path) > 1)]
        if not found:
            raise FileNotFoundError
        return self.choice.choice(found)

    def new(self) -> Path:
        """A path that may exist or not."""
        name = self.choice.choice(NAMES if self.choice.random() < 0.8 else ODD_NAMES)
        return (*self.pick(stat.S_IFDIR, top=True), name)

    @contextlib.contextmanager
    def at(self, path: Path, what: str) -> Iterator[bytes]:
        """A name for system calls, however long the path is; noted for a report."""
        self.done.append(f"{what} {b'/'.join(path)!r}")
        fd = os.open(path[0], os.O_PATH | os.O_DIRECTORY)
        try:
            for name in path[1:-1]:
                inner = os.open(name, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=fd)
                os.close(fd)
                fd = inner
            yield b"/proc/self/fd/%d/%s" % (fd, path[-1] if len(path) > 1 else b".")
        finally:
            os.close(fd)

    def content(self) -> bytes:
        """Of a random size."""
        size = self.choice.choice(SIZES)
        if self.choice.random() < 0.02:
            size = 1500000
        return self.choice.getrandbits(8 * size).to_bytes(size, "little") if size else b""

    # Content.

    def write_file(self, name: bytes, flags: int, content: bytes, at: Optional[int] = None) -> None:
        """By one open."""
        fd = os.open(name, flags | os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK,
                     self.choice.choice(MODES))
        try:
            if at is None:
                os.write(fd, content)
            else:
                os.pwrite(fd, content, at)
        finally:
            os.close(fd)

    def create(self) -> None:
        with self.at(self.new(), "create") as name:
            self.write_file(name, os.O_CREAT | os.O_EXCL, self.content())

    def overwrite(self) -> None:
        with self.at(self.pick(stat.S_IFREG), "overwrite") as name:
            self.write_file(name, os.O_TRUNC, self.content())

    def append(self) -> None:
        with self.at(self.pick(stat.S_IFREG), "append to") as name:
            self.write_file(name, os.O_APPEND, self.content())

    def patch(self) -> None:
        with self.at(self.pick(stat.S_IFREG), "write into") as name:
            self.write_file(name, 0, b"patched", self.choice.choice([0, 10, 4090, 9000]))

    def truncate(self) -> None:
        with self.at(self.pick(stat.S_IFREG), "truncate") as name:
            os.truncate(name, self.choice.choice([0, 1, 50, 4096, 100000]))

    def sparse(self) -> None:
        path = self.new() if self.choice.random() < 0.7 else self.pick(stat.S_IFREG)
        with self.at(path, "make holes in") as name:
            fd = os.open(name, os.O_CREAT | os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK, 0o644)
            try:
                os.ftruncate(fd, self.choice.choice([1 << 20, 3 << 20, (5 << 20) + 17]))
                for _ in range(self.choice.randrange(4)):
                    os.pwrite(fd, b"island", self.choice.randrange(5 << 20))
            finally:
                os.close(fd)

    # Names.

    def replace(self) -> None:
        """As programs save: a new file, renamed over the old one."""
        path = self.pick(stat.S_IFREG)
        with self.at((*path[:-1], b".tmp"), "write") as new, self.at(path, "as") as name:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(new)
            self.write_file(new, os.O_CREAT | os.O_EXCL, self.content())
            os.rename(new, name)

    def check_length(self, path: Path, to: Path) -> None:
        """Raises OSError if a path below would become too long."""
        tails = [found[len(path):] for found, _ in self._found if found[:len(path)] == path]
        if max(sum(map(len, tail)) + len(tail) for tail in [*tails, ()]) + len(
                b"/".join(to)) > PATH_BYTES_MAX:
            raise OSError(errno.ENAMETOOLONG, "too deep")

    def rename(self) -> None:
        path, to = self.pick(), self.new()
        self.check_length(path, to)
        with self.at(path, "rename") as old, self.at(to, "to") as new:
            os.rename(old, new)

    def exchange(self) -> None:
        path, to = self.pick(), self.pick()
        self.check_length(path, to)
        self.check_length(to, path)
        with self.at(path, "exchange") as one, self.at(to, "with") as other:
            _libc.renameat2(-100, one, -100, other, RENAME_EXCHANGE)

    def unlink(self) -> None:
        kinds = (stat.S_IFREG, stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR, stat.S_IFBLK)
        with self.at(self.pick(*kinds), "unlink") as name:
            os.unlink(name)

    def mkdir(self) -> None:
        with self.at(self.new(), "mkdir") as name:
            os.mkdir(name, self.choice.choice(MODES) | 0o700)

    def rmdir(self) -> None:
        with self.at(self.pick(stat.S_IFDIR), "rmdir") as name:
            os.rmdir(name)

    def retype(self) -> None:
        """Something else under the same name."""
        with self.at(self.pick(), "retype") as name:
            self.remove(name)
            self.choice.choice([
                lambda: os.mkdir(name), lambda: os.symlink(b"elsewhere", name),
                lambda: os.mkfifo(name), lambda: os.mknod(name, stat.S_IFCHR | 0o600, 0x103),
                lambda: self.write_file(name, os.O_CREAT | os.O_EXCL, self.content())])()

    def remove(self, name: bytes) -> None:
        """Whatever it is."""
        if stat.S_ISDIR(os.lstat(name).st_mode):
            shutil.rmtree(name)
        else:
            os.unlink(name)

    def remove_directory(self, name: bytes) -> None:
        """With all in it. It may have become a FIFO, which shutil.rmtree() would wait for."""
        if not stat.S_ISDIR(os.lstat(name).st_mode):
            raise NotADirectoryError
        shutil.rmtree(name)

    def remove_tree(self) -> None:
        with self.at(self.pick(stat.S_IFDIR), "rm -r") as name:
            self.remove_directory(name)

    def remake(self) -> None:
        """Which makes it opaque, if it was in the lower."""
        path = self.pick(stat.S_IFDIR)
        with self.at(path, "rm -r, mkdir") as name:
            self.remove_directory(name)
            os.mkdir(name, 0o750)
        for _ in range(self.choice.randrange(3)):
            inner = (*path, self.choice.choice(NAMES))
            with self.at(inner, "and create") as name, contextlib.suppress(FileExistsError):
                self.write_file(name, os.O_CREAT | os.O_EXCL, self.content())

    def move_directory(self) -> None:
        """A directory of the lower cannot be renamed without redirect_dir: mv copies it."""
        path, to = self.pick(stat.S_IFDIR), self.new()
        self.check_length(path, to)
        with self.at(path, "mv") as old, self.at(to, "to") as new:
            if os.path.lexists(new):
                return
            try:
                os.rename(old, new)
            except OSError:
                if to[:len(path)] == path or sum(map(len, path + to)) > 2000:
                    return
                self.done.append("by copying")
                subprocess.run([b"mv", b"-T", b"--", b"/".join(path), b"/".join(to)], check=True,
                               stderr=subprocess.DEVNULL)

    def link(self) -> None:
        with self.at(self.pick(stat.S_IFREG, stat.S_IFLNK, stat.S_IFIFO), "link") as old:
            with self.at(self.new(), "to") as new:
                os.link(old, new, follow_symlinks=False)

    def symlink(self) -> None:
        with self.at(self.new(), "symlink") as name:
            os.symlink(self.choice.choice([b"a", b"/etc/passwd", b"../\xff\n", LINK]), name)

    def special(self) -> None:
        kind = self.choice.choice([stat.S_IFIFO, stat.S_IFCHR, stat.S_IFBLK])
        device = 0 if kind == stat.S_IFIFO else self.choice.choice([0x103, 0x501, 0xfe12])
        with self.at(self.new(), "mknod") as name:
            os.mknod(name, kind | 0o640, device)

    def deep(self) -> None:
        """Longer than any system call takes."""
        path = self.pick(stat.S_IFDIR, top=True)
        if len(path) > 3 or len(b"/".join(path)) > PATH_BYTES_MAX - 3100:
            return
        levels, part = self.choice.choice(DEEP[self._simple:])
        for _ in range(levels):
            path = (*path, part)
            with self.at(path, "mkdir deep") as name:
                os.mkdir(name)
        with self.at((*path, b"end"), "create") as name:
            self.write_file(name, os.O_CREAT | os.O_EXCL, self.content())

    # Attributes.

    def chmod(self) -> None:
        path = self.pick(stat.S_IFREG, stat.S_IFDIR, stat.S_IFIFO, stat.S_IFCHR, top=True)
        with self.at(path, "chmod") as name:
            mode = self.choice.choice(MODES)
            os.chmod(name, mode | 0o700 if len(path) == 1 else mode)

    def chown(self) -> None:
        with self.at(self.pick(top=True), "chown") as name:
            os.chown(name, self.choice.choice(IDS), self.choice.choice(IDS), follow_symlinks=False)

    def set_acl(self) -> None:
        with self.at(self.pick(stat.S_IFREG, stat.S_IFDIR, top=True), "setfacl") as name:
            is_dir = stat.S_ISDIR(os.lstat(name).st_mode)
            kind = self.choice.choice([ACCESS, DEFAULT] if is_dir else [ACCESS])
            os.setxattr(name, kind, acl(self.choice))

    def set_xattr(self) -> None:
        with self.at(self.pick(top=True), "setxattr") as name:
            value = bytes(self.choice.randrange(256) for _ in range(self.choice.choice([0, 3, 99])))
            os.setxattr(name, self.choice.choice(XATTRS), value, follow_symlinks=False)

    def remove_xattr(self) -> None:
        with self.at(self.pick(top=True), "removexattr") as name:
            names = sorted(os.listxattr(name, follow_symlinks=False))
            os.removexattr(name, self.choice.choice(names or ["user.a"]), follow_symlinks=False)

    def capability(self) -> None:
        with self.at(self.pick(stat.S_IFREG), "setcap") as name:
            os.setxattr(name, "security.capability", CAPABILITY)

    def set_flags(self) -> None:
        with self.at(self.pick(stat.S_IFREG, stat.S_IFDIR), "chattr") as name:
            fd = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            try:
                flag = self.choice.choice([IMMUTABLE, APPEND, NODUMP, NOATIME])
                set_flags(fd, get_flags(fd) ^ flag)
            finally:
                os.close(fd)

    def times(self) -> None:
        with self.at(self.pick(top=True), "touch") as name:
            at = self.choice.randrange(TIME_MAX) * 10**9 + self.choice.randrange(10**9)
            os.utime(name, ns=(at, at), follow_symlinks=False)

    # What changes nothing, but is remembered by the kernel.

    def look(self) -> None:
        with self.at(self.pick(), "look at") as name:
            if stat.S_ISDIR(os.lstat(name).st_mode):
                os.listdir(name)
                with contextlib.suppress(FileNotFoundError):
                    os.lstat(name + b"/" + self.choice.choice(NAMES))


def clear_flags(top: str) -> None:
    """Immutable and append-only files would stop everything that comes later."""
    for folder, names, files in os.walk(top):
        for name in [".", *files]:
            path = os.path.join(folder, name)
            if not stat.S_ISREG(os.lstat(path).st_mode) and name != ".":
                continue
            fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            try:
                flags = get_flags(fd)
                if flags & (IMMUTABLE | APPEND):
                    set_flags(fd, flags & ~(IMMUTABLE | APPEND))
            finally:
                os.close(fd)


class Held:
    """What processes hold while the commit runs: descriptors, mappings, locks, directories."""

    def __init__(self, operations: Operations, count: int) -> None:
        self._words: Dict[int, str] = {}
        self._fds: List[int] = []
        self._maps: List[mmap.mmap] = []
        self._children: List[int] = []
        for _ in range(count):
            with contextlib.suppress(OSError, ValueError):
                self._hold(operations)
        self._before = {fd: digest(fd) for fd in self._words}

    def _hold(self, operations: Operations) -> None:
        how = operations.choice.choice(["read", "map", "lock", "write", "stand", "run"])
        kind = stat.S_IFDIR if how == "stand" else stat.S_IFREG
        path = operations.pick(kind, top=how == "stand")
        with operations.at(path, f"held: {how}") as name:
            if how == "run":
                self._run(name)
            elif how == "stand":
                self._stand(name)
            else:
                self._open(name, how, operations.done[-1])

    def _open(self, name: bytes, how: str, words: str) -> None:
        flags = os.O_RDWR if how == "write" else os.O_RDONLY
        fd = os.open(name, flags | os.O_NOFOLLOW | os.O_NONBLOCK)
        self._fds.append(fd)
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            return  # it has become a FIFO
        self._words[fd] = words
        if how == "map":
            self._maps.append(mmap.mmap(fd, 0, mmap.MAP_SHARED, mmap.PROT_READ))
        elif how == "lock":
            fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)

    def _stand(self, name: bytes) -> None:
        fd = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        self._child(lambda: os.fchdir(fd))
        os.close(fd)

    def _run(self, name: bytes) -> None:
        """A program, which is the file from now on."""
        shutil.copyfile(b"/usr/bin/sleep", name)
        os.chmod(name, 0o755)
        fd = os.open(name, os.O_RDONLY)
        self._child(lambda: os.execve(fd, ["sleep", "1000"], {}))
        os.close(fd)

    def _child(self, begin: Callable[[], object]) -> None:
        reader, writer = os.pipe()  # the other end is closed when it has begun
        pid = os.fork()
        if pid == 0:
            try:
                begin()
                os.close(writer)
                signal.pause()
            finally:
                os._exit(1)
        self._children.append(pid)
        os.close(writer)
        os.read(reader, 1)
        os.close(reader)

    def wrong(self) -> List[str]:
        """Which descriptors do not show what they did."""
        return [f"{self._words[fd]}: the descriptor shows something else"
                for fd, before in self._before.items() if digest(fd) != before]

    def close(self) -> None:
        """Let go of all."""
        for pid in self._children:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        for held in self._maps:
            held.close()
        for fd in self._fds:
            os.close(fd)
