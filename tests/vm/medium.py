"""A disk that loses unflushed writes when its power is cut.

Killing QEMU loses nothing that the guest has handed over: the host's page cache keeps it in every
cache mode. So the disk is a network block device that this module serves. It holds back what is
written until the guest flushes, and at the cut drops a part of it, as a flash device with a write
cache may: any of the sectors, in any order, or back to an older of several unflushed contents.

The protocol is NBD's fixed newstyle, as far as QEMU needs it (doc/proto.md of the NBD project).
"""

from __future__ import annotations

import contextlib
import dataclasses
import mmap
import random
import socket
import struct
import threading
from pathlib import Path
from typing import Collection, Dict, List, Optional, Set, Union

SECTOR_BYTES = 512
Stable = Union[mmap.mmap, bytearray]  # what a disk holds for certain
# How likely an unflushed sector survives; one of these is drawn for each cut.
SURVIVAL = (0.0, 0.5, 0.9)

OPTION_MAGIC, REPLY_MAGIC = b"IHAVEOPT", 0x3E889045565A9
REQUEST_MAGIC, SIMPLE_REPLY_MAGIC = 0x25609513, 0x67446698
FIXED_NEWSTYLE, NO_ZEROES = 1, 2
HAS_FLAGS, SEND_FLUSH = 1, 4
OPT_EXPORT_NAME, OPT_ABORT, OPT_INFO, OPT_GO = 1, 2, 6, 7
REP_ACK, REP_INFO, REP_ERR_UNSUP = 1, 3, 2**31 + 1
INFO_EXPORT = 0
READ, WRITE, DISCONNECT, FLUSH = 0, 1, 2, 3
EINVAL = 22


@dataclasses.dataclass(frozen=True)
class Moment:
    """When the power goes: at the `operations`-th write or flush, which is not answered any more.

    They count from when the moment is armed or, with `after`, from the first write that carries
    these bytes, itself being the first.
    """

    operations: int
    after: bytes = b""

    def __str__(self) -> str:
        since = f" since the first that carries {self.after!r}" if self.after else ""
        return f"operation {self.operations}{since}"


@dataclasses.dataclass(frozen=True)
class Loss:
    """The effect of a power cut, in sectors.

    `unflushed`: written since the last flush. `lost`: those of them that do not hold what was
    written last. `acknowledged`: those lost that the guest had been told were written.
    """

    unflushed: int
    lost: int
    acknowledged: int


class Unflushed:
    """What a disk was given since the last flush: of each sector, all contents in order."""

    def __init__(self, sector_bytes: int = SECTOR_BYTES) -> None:
        self._contents: Dict[int, List[bytes]] = {}
        self._bytes = sector_bytes

    def write(self, sector: int, content: bytes) -> None:
        """One whole sector."""
        self._contents.setdefault(sector, []).append(content)

    def flush(self, stable: Stable) -> None:
        """Everything reaches the medium."""
        for sector, contents in self._contents.items():
            stable[sector * self._bytes:(sector + 1) * self._bytes] = contents[-1]
        self._contents.clear()

    def lose(self, stable: Stable, choice: random.Random, survival: Optional[float] = None,
             unanswered: Collection[int] = ()) -> Loss:
        """Decide what of it has reached the medium at a power cut.

        `survival`: how likely each sector's is; drawn if it is not given. `unanswered`: sectors of
        the write at which the power was cut.
        """
        survival = choice.choice(SURVIVAL) if survival is None else survival
        lost = acknowledged = 0
        for sector, contents in sorted(self._contents.items()):
            at = slice(sector * self._bytes, (sector + 1) * self._bytes)
            if choice.random() < survival:
                stable[at] = choice.choice(contents)
            if stable[at] != contents[-1]:
                lost += 1
                acknowledged += sector not in unanswered
        return Loss(len(self._contents), lost, acknowledged)


class Medium:
    """A disk image behind a socket. Use as a context manager: leaving it ends the server.

    The file `image` is what the medium holds for certain. `url`: for QEMU's -drive file=.
    `lies`: flushes are answered and do nothing; may be set at any time. `writes` and `flushes`
    count what was done. `cut` is set when the power is gone.
    """

    def __init__(self, image: Path, path: Path) -> None:
        self.url = f"nbd+unix:///?socket={path}"
        self.lies = False
        self.writes = 0
        self.flushes = 0
        self.cut = threading.Event()
        self._lock = threading.Lock()
        self._moment: Optional[Moment] = None
        self._counted = 0
        self._unflushed = Unflushed()
        self._unanswered: Set[int] = set()
        with image.open("r+b") as f:
            self._stable = mmap.mmap(f.fileno(), 0)
        self._current = bytearray(self._stable)
        self._connections: List[socket.socket] = []
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        path.unlink(missing_ok=True)
        self._listener.bind(str(path))
        self._listener.listen()
        self._path = path

    def __enter__(self) -> Medium:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *unused: object) -> None:
        self.stop()
        for connection in (self._listener, *self._connections):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()
        self._path.unlink(missing_ok=True)
        self._stable.flush()
        self._stable.close()

    def arm(self, moment: Moment) -> None:
        """Cut the power at a moment to come."""
        with self._lock:
            self._moment = moment
            self._counted = 0

    def stop(self) -> None:
        """Cut the power now: no request is answered or carried out any more."""
        with self._lock:
            self.cut.set()

    def lose(self, choice: random.Random, survival: Optional[float] = None) -> Loss:
        """What of the unflushed writes has reached the medium. Only after the cut."""
        assert self.cut.is_set()
        return self._unflushed.lose(self._stable, choice, survival, self._unanswered)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self._connections.append(connection)
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        # QEMU is killed in the middle of things: that is what this is for.
        with contextlib.suppress(OSError, EOFError):
            if self._negotiate(connection):
                while self._answer(connection):
                    pass

    def _negotiate(self, connection: socket.socket) -> bool:
        """Negotiate the export; return whether requests follow."""
        connection.sendall(b"NBDMAGIC" + OPTION_MAGIC
                           + struct.pack(">H", FIXED_NEWSTYLE | NO_ZEROES))
        client, = struct.unpack(">I", receive(connection, 4))
        export = struct.pack(">QH", len(self._current), HAS_FLAGS | SEND_FLUSH)
        while True:
            _, option, length = struct.unpack(">8sII", receive(connection, 16))
            receive(connection, length)
            if option == OPT_EXPORT_NAME:
                connection.sendall(export + (b"" if client & NO_ZEROES else bytes(124)))
                return True
            if option in (OPT_INFO, OPT_GO):
                send_reply(connection, option, REP_INFO, struct.pack(">H", INFO_EXPORT) + export)
            known = option in (OPT_INFO, OPT_GO, OPT_ABORT)
            send_reply(connection, option, REP_ACK if known else REP_ERR_UNSUP)
            if option in (OPT_GO, OPT_ABORT):
                return option == OPT_GO

    def _answer(self, connection: socket.socket) -> bool:
        """Handle one request; return whether more may follow."""
        header = receive(connection, 28)
        magic, _, kind, cookie, offset, length = struct.unpack(">IHHQQI", header)
        if magic != REQUEST_MAGIC or kind == DISCONNECT:
            return False
        data = receive(connection, length) if kind == WRITE else b""
        error, answer = 0, b""
        with self._lock:
            if self.cut.is_set() or self._power_goes(kind, offset, data):
                return False  # the connection stays open, so that the guest sees no error
            if kind == READ:
                answer = bytes(self._current[offset:offset + length])
            elif kind == WRITE:
                self._write(offset, data)
            elif kind == FLUSH:
                self._flush()
            else:
                error = EINVAL
        connection.sendall(struct.pack(">IIQ", SIMPLE_REPLY_MAGIC, error, cookie) + answer)
        return True

    def _power_goes(self, kind: int, offset: int, data: bytes) -> bool:
        """Whether this request is the one at which the power is cut."""
        moment = self._moment
        if moment is None or kind not in (WRITE, FLUSH):
            return False
        if self._counted == 0 and moment.after not in data:
            return False
        self._counted += 1
        if self._counted < moment.operations:
            return False
        if kind == WRITE:
            self._unanswered = set(sectors(offset, data))
            self._write(offset, data)
        self.cut.set()
        return True

    def _write(self, offset: int, data: bytes) -> None:
        self.writes += 1
        self._current[offset:offset + len(data)] = data
        for sector in sectors(offset, data):
            at = sector * SECTOR_BYTES
            self._unflushed.write(sector, bytes(self._current[at:at + SECTOR_BYTES]))

    def _flush(self) -> None:
        self.flushes += 1
        if self.lies:
            return
        self._unflushed.flush(self._stable)


def sectors(offset: int, data: bytes) -> range:
    """The sectors that a write touches."""
    return range(offset // SECTOR_BYTES, -(-(offset + len(data)) // SECTOR_BYTES))


def receive(connection: socket.socket, length: int) -> bytes:
    """Read exactly so many bytes. Raises EOFError if the peer has closed the connection."""
    parts = bytearray()
    while len(parts) < length:
        part = connection.recv(min(length - len(parts), 1 << 20))
        if not part:
            raise EOFError
        parts += part
    return bytes(parts)


def send_reply(connection: socket.socket, option: int, kind: int, data: bytes = b"") -> None:
    """One answer of the negotiation."""
    connection.sendall(struct.pack(">QIII", REPLY_MAGIC, option, kind, len(data)) + data)
