"""A disk image that records all that is written to it, and when it was flushed.

It is a file that this module serves by FUSE, for a loop device: that turns each flush of a file
system into a flush of its file. From one recording, any number of power cuts can be made. The
protocol is that of the kernel (linux/fuse.h), as far as one file needs it.
"""

from __future__ import annotations

import contextlib
import copy as copy_module
import errno
import mmap
import os
import random
import signal
import stat
import struct
from pathlib import Path
from typing import BinaryIO, Iterator, List, NamedTuple, Optional, Sequence, Tuple

from hostile import kernel
from vm.medium import Loss, Unflushed

IN_HEADER = struct.Struct("<IIQQIIII")
OUT_HEADER = struct.Struct("<IiQ")
INIT_OUT = struct.Struct("<IIIIHHIIHH32x")
ATTRIBUTES = struct.Struct("<QI4x QQQ QQQ III IIIIII4x")
WRITE_IN = struct.Struct("<QQII")
RECORD = struct.Struct("<BQI")
FORGET, GETATTR, SETATTR, OPEN, READ, WRITE, STATFS, RELEASE = 2, 3, 4, 14, 15, 16, 17, 18
FSYNC, FLUSH, INIT, ACCESS, INTERRUPT, BATCH_FORGET = 20, 25, 26, 34, 36, 42
UNANSWERED = (FORGET, INTERRUPT, BATCH_FORGET)
BIG_WRITES, MAX_PAGES = 1 << 5, 1 << 22
WRITE_BYTES_MAX = 1 << 20
WRITE_HEADER_BYTES = 40
IS_WRITE, IS_FLUSH = 1, 2


class Operation(NamedTuple):
    """A write of some bytes, or, without content, a flush."""

    offset: int
    content: Optional[bytes]


@contextlib.contextmanager
def recording(image: Path, mount_point: Path, log: Path) -> Iterator[None]:
    """Serve an image as the file `mount_point`; all writes go to it, and to the log.

    The log is complete up to each operation that was answered.
    """
    mount_point.touch()
    log.touch()
    fuse = os.open("/dev/fuse", os.O_RDWR)
    kernel.mount("recorder", str(mount_point), "fuse", 0,
                 f"fd={fuse},rootmode=100000,user_id=0,group_id=0")
    pid = os.fork()
    if pid == 0:
        try:
            # Somebody who waits for the end of a pipe must not wait for this process.
            os.closerange(3, fuse)
            os.closerange(fuse + 1, os.sysconf("SC_OPEN_MAX"))
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            with image.open("r+b", buffering=0) as f, log.open("ab", buffering=0) as to:
                Server(fuse, f, to).serve()
        finally:
            os._exit(0)
    os.close(fuse)
    try:
        yield
    finally:
        kernel.unmount(str(mount_point))
        os.waitpid(pid, 0)


class Server:
    """Answers the kernel until the file is unmounted."""

    def __init__(self, fuse: int, image: BinaryIO, log: BinaryIO) -> None:
        self._fuse = fuse
        self._image = image.fileno()
        self._log = log.fileno()
        self._size = os.fstat(self._image).st_size

    def serve(self) -> None:
        while True:
            try:
                request = os.read(self._fuse, WRITE_BYTES_MAX + 4096)
            except OSError as e:
                if e.errno in (errno.EINTR, errno.ENOENT):
                    continue
                return  # ENODEV: unmounted
            _, opcode, unique, *_ = IN_HEADER.unpack_from(request)
            if opcode in UNANSWERED:
                continue
            error, answer = self._answer(opcode, memoryview(request)[IN_HEADER.size:])
            os.write(self._fuse, OUT_HEADER.pack(OUT_HEADER.size + len(answer), -error, unique)
                     + answer)

    def _answer(self, opcode: int, body: memoryview) -> Tuple[int, bytes]:
        """The error and the rest of the reply."""
        if opcode == INIT:
            return 0, INIT_OUT.pack(7, 31, 0, BIG_WRITES | MAX_PAGES, 16, 12, WRITE_BYTES_MAX, 1,
                                    WRITE_BYTES_MAX // 4096, 0)
        if opcode in (GETATTR, SETATTR):
            return 0, self._attributes()
        if opcode == OPEN:
            return 0, struct.pack("<QII", 1, 0, 0)
        if opcode == STATFS:
            return 0, struct.pack("<5Q4I24x", 1 << 30, 1 << 30, 1 << 30, 0, 0, 4096, 255, 4096, 0)
        if opcode == READ:
            _, offset, size, _ = WRITE_IN.unpack_from(body)
            return 0, os.pread(self._image, size, offset)
        if opcode == WRITE:
            return 0, self._write(body)
        if opcode == FSYNC:
            os.write(self._log, RECORD.pack(IS_FLUSH, 0, 0))
            return 0, b""
        return (0 if opcode in (RELEASE, FLUSH, ACCESS) else errno.ENOSYS), b""

    def _attributes(self) -> bytes:
        return ATTRIBUTES.pack(3600, 0, 1, self._size, self._size // 512, 0, 0, 0, 0, 0, 0,
                               stat.S_IFREG | 0o600, 1, 0, 0, 0, 4096)

    def _write(self, body: memoryview) -> bytes:
        _, offset, size, _ = WRITE_IN.unpack_from(body)
        content = body[WRITE_HEADER_BYTES:WRITE_HEADER_BYTES + size]
        os.write(self._log, RECORD.pack(IS_WRITE, offset, size) + bytes(content))
        os.pwrite(self._image, content, offset)
        return struct.pack("<II", size, 0)


def read_log(log: Path, begin: int = 0, end: Optional[int] = None) -> List[Operation]:
    """The operations between two sizes of the log."""
    data = log.read_bytes()[begin:end]
    found, at = [], 0
    while at < len(data):
        kind, offset, size = RECORD.unpack_from(data, at)
        at += RECORD.size
        found.append(Operation(offset, data[at:at + size] if kind == IS_WRITE else None))
        at += size
    return found


class Disk:
    """A medium that carries out recorded operations, and what it may lose at a cut.

    `sector_bytes`: what it writes whole or not at all.
    """

    def __init__(self, image: Path, sector_bytes: int) -> None:
        self._image = image
        self._sector_bytes = sector_bytes
        self._unflushed = Unflushed(sector_bytes)
        with image.open("r+b") as f:
            self._stable = mmap.mmap(f.fileno(), 0)

    def do(self, operation: Operation) -> None:
        """One operation, which is then answered."""
        if operation.content is None:
            self._unflushed.flush(self._stable)
        for sector, content in parts(operation, self._sector_bytes):
            self._unflushed.write(sector, content)

    def lose(self, copy: Path, choice: random.Random, unanswered: Sequence[Operation] = (),
             survival: Optional[float] = None) -> Loss:
        """Make a copy of the medium as it may be after a cut now. It can go on afterwards.

        `unanswered`: the operation at which the power goes.
        """
        unflushed = copy_module.deepcopy(self._unflushed)
        begun = [part for operation in unanswered
                 for part in parts(operation, self._sector_bytes)]
        for sector, content in begun:
            unflushed.write(sector, content)
        self._stable.flush()
        copy_sparse(self._image, copy)
        with copy.open("r+b") as f, mmap.mmap(f.fileno(), 0) as stable:
            return unflushed.lose(stable, choice, survival, {sector for sector, _ in begun})

    def close(self) -> None:
        self._stable.close()


def parts(operation: Operation, sector_bytes: int) -> List[Tuple[int, bytes]]:
    """The sectors of a write; none of a flush."""
    content = operation.content or b""
    assert operation.offset % sector_bytes == len(content) % sector_bytes == 0
    return [((operation.offset + at) // sector_bytes, content[at:at + sector_bytes])
            for at in range(0, len(content), sector_bytes)]


def copy_sparse(source: Path, to: Path) -> None:
    """Only what is not in holes."""
    with source.open("rb") as one, to.open("wb") as other:
        size = os.fstat(one.fileno()).st_size
        os.ftruncate(other.fileno(), size)
        at = 0
        while at < size:
            try:
                begin = os.lseek(one.fileno(), at, os.SEEK_DATA)
            except OSError:  # ENXIO: there is no more
                return
            at = os.lseek(one.fileno(), begin, os.SEEK_HOLE)
            os.lseek(other.fileno(), begin, os.SEEK_SET)
            while begin < at:
                begin += os.sendfile(other.fileno(), one.fileno(), begin, at - begin)
