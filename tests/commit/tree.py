"""A tree with everything that a commit has to keep, and the differences between two of them."""

from __future__ import annotations

import array
import dataclasses
import fcntl
import hashlib
import os
import stat
from typing import Callable, Container, Dict, FrozenSet, Iterator, List, Set, Tuple

FS_IOC_GETFLAGS = 0x80086601
FS_IOC_SETFLAGS = 0x40086602
IMMUTABLE, APPEND, NODUMP, NOATIME = 0x10, 0x20, 0x40, 0x80
# The other flags are properties of a file system, such as extents of ext4.
FLAGS = IMMUTABLE | APPEND | NODUMP | NOATIME
# What overlayfs keeps for itself, and how xfs stores ACLs, which it lists twice.
UNCOMPARED = ("trusted.overlay.", "trusted.SGI_ACL_")
BLOCK_BYTES = 4096
# So much more than the data may be allocated: file systems round, and xfs allocates in advance as
# much as a file has, even where a hole follows.
HOLE_SLACK_BYTES, HOLE_SLACK_FACTOR = 128 << 10, 2
CHUNK_BYTES = 1 << 20


@dataclasses.dataclass(frozen=True)
class Entry:
    """One file. `content`: digest of a file, target of a link. `inode`: equal where two names are
    one file."""

    kind: int
    mode: int
    uid: int
    gid: int
    mtime: int
    size: int
    content: bytes
    rdev: int
    xattrs: Tuple[Tuple[str, bytes], ...]
    flags: int
    inode: Tuple[int, int]
    nlink: int
    data_bytes: int  # what is not in holes
    allocated_bytes: int


Tree = Dict[bytes, Entry]
# Compared one by one. Whether holes and links are the same needs more than two values.
FIELDS = ("kind", "mode", "uid", "gid", "mtime", "size", "content", "rdev", "xattrs", "flags")
ATTRIBUTES = ("mode", "uid", "gid", "mtime", "xattrs", "flags")


def read_tree(top: str, skip: FrozenSet[bytes] = frozenset(), holes: bool = True) -> Tree:
    """All below a directory and itself, by path; `b"."` is the directory.

    Paths in `skip` are left out. By descriptors: no path is too long.
    """
    fd = os.open(top, os.O_RDONLY | os.O_DIRECTORY)
    try:
        found = {b".": read_entry(fd, b".", holes)}
        for path, entry in below(fd, b"", skip, holes):
            found[path] = entry
        return found
    finally:
        os.close(fd)


def below(fd: int, path: bytes, skip: FrozenSet[bytes],
          holes: bool) -> Iterator[Tuple[bytes, Entry]]:
    """What is in an open directory, and in those below it."""
    for name in sorted(map(os.fsencode, os.listdir(fd))):
        inner = path + b"/" + name if path else name
        if inner in skip:
            continue
        entry = read_entry(fd, name, holes)
        yield inner, entry
        if entry.kind == stat.S_IFDIR:
            child = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=fd)
            try:
                yield from below(child, inner, skip, holes)
            finally:
                os.close(child)


def read_entry(dir_fd: int, name: bytes, holes: bool) -> Entry:
    """One file in an open directory."""
    path = b"/proc/self/fd/%d/%s" % (dir_fd, name)
    s = os.lstat(path)
    kind = stat.S_IFMT(s.st_mode)
    content, flags, data = b"", 0, 0
    if kind in (stat.S_IFREG, stat.S_IFDIR):
        fd = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=dir_fd)
        try:
            flags = get_flags(fd) & FLAGS
            if kind == stat.S_IFREG:
                content = digest(fd)
                data = data_bytes(fd, s.st_size) if holes else 0
        finally:
            os.close(fd)
    elif kind == stat.S_IFLNK:
        content = os.readlink(path)
    xattrs = tuple(sorted((x, os.getxattr(path, x, follow_symlinks=False))
                          for x in os.listxattr(path, follow_symlinks=False)
                          if not x.startswith(UNCOMPARED)))
    device = s.st_rdev if kind in (stat.S_IFCHR, stat.S_IFBLK) else 0
    return Entry(kind, stat.S_IMODE(s.st_mode), s.st_uid, s.st_gid, s.st_mtime_ns,
                 0 if kind == stat.S_IFDIR else s.st_size, content, device, xattrs, flags,
                 (s.st_dev, s.st_ino), s.st_nlink, data, s.st_blocks * 512)


def get_flags(fd: int) -> int:
    """The flags of chattr(1); none where the file system has none."""
    flags = array.array("l", [0])
    try:
        fcntl.ioctl(fd, FS_IOC_GETFLAGS, flags)
    except OSError:
        return 0
    return flags[0]


def set_flags(fd: int, flags: int) -> None:
    """Raises OSError."""
    fcntl.ioctl(fd, FS_IOC_SETFLAGS, array.array("l", [flags]))


def digest(fd: int) -> bytes:
    """Of the content of an open file."""
    found = hashlib.blake2b(digest_size=16)
    at = 0
    while True:
        chunk = os.pread(fd, CHUNK_BYTES, at)
        if not chunk:
            return found.digest()
        found.update(chunk)
        at += len(chunk)


def data_bytes(fd: int, size: int) -> int:
    """How much of a file is not in holes, in blocks."""
    total = at = 0
    while at < size:
        try:
            begin = os.lseek(fd, at, os.SEEK_DATA)
        except OSError:  # ENXIO: a hole up to the end
            break
        at = os.lseek(fd, begin, os.SEEK_HOLE)
        total += at // -BLOCK_BYTES * -BLOCK_BYTES - begin // BLOCK_BYTES * BLOCK_BYTES
    return total


def link_groups(tree: Tree, uncertain: Container[bytes] = ()) -> Set[FrozenSet[bytes]]:
    """Which names are the same file, where there are more than one. `uncertain`: not these."""
    groups: Dict[Tuple[int, int], List[bytes]] = {}
    for path, entry in tree.items():
        if entry.kind != stat.S_IFDIR and path not in uncertain:
            groups.setdefault(entry.inode, []).append(path)
    return {frozenset(paths) for paths in groups.values() if len(paths) > 1}


def differences(expected: Tree, found: Tree,
                ignored: Callable[[bytes, str], bool] = lambda path, field: False,
                uncertain: Container[bytes] = ()) -> List[str]:
    """In words. `ignored`: whether a field of a path may differ. `uncertain`: names that may be
    the same file as others or not."""
    wrong = [f"{name!r} is missing" for name in sorted(expected.keys() - found.keys())]
    wrong += [f"{name!r} should not be there" for name in sorted(found.keys() - expected.keys())]
    for path in sorted(expected.keys() & found.keys()):
        a, b = expected[path], found[path]
        wrong += [f"{path!r}: {field} is {getattr(b, field)!r}, not {getattr(a, field)!r}"
                  for field in FIELDS
                  if getattr(a, field) != getattr(b, field) and not ignored(path, field)]
    groups = link_groups(expected, uncertain)
    for group in sorted(map(sorted, groups ^ link_groups(found, uncertain))):
        where = "expected" if frozenset(group) in groups else "found"
        wrong.append(f"one file with the names {group!r} only in what is {where}")
    return wrong


def filled_holes(expected: Tree, found: Tree) -> List[str]:
    """Which files take much more room than they have data, in words."""
    return [f"{path!r}: {found[path].allocated_bytes} bytes allocated for {entry.data_bytes} of "
            f"data in {entry.size}"
            for path, entry in sorted(expected.items())
            if entry.kind == stat.S_IFREG and path in found
            and found[path].allocated_bytes
            > HOLE_SLACK_FACTOR * entry.data_bytes + HOLE_SLACK_BYTES]
