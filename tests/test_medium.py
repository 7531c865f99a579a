"""The disk of the power-cut tests: what was flushed stays, what was not may go."""

from __future__ import annotations

import random
import socket
import struct
from pathlib import Path
from typing import Iterator

import pytest
from vm import medium
from vm.medium import FLUSH, OPT_GO, READ, SECTOR_BYTES, WRITE, Medium, Moment

SECTORS = 64


class Client:
    """As much of NBD's other side as QEMU uses."""

    def __init__(self, path: Path) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(120)
        self.socket.connect(str(path))
        medium.receive(self.socket, 18)
        self.socket.sendall(struct.pack(">I8sII", 3, medium.OPTION_MAGIC, OPT_GO, 0))
        medium.receive(self.socket, 20 + 12 + 20)

    def send(self, kind: int, sector: int = 0, data: bytes = b"", length: int = 0) -> None:
        """One request."""
        self.socket.sendall(struct.pack(
            ">IHHQQI", medium.REQUEST_MAGIC, 0, kind, 7, sector * SECTOR_BYTES,
            len(data) or length) + data)

    def do(self, kind: int, sector: int = 0, data: bytes = b"", length: int = 0) -> bytes:
        """One request with its answer, which must say that all is well."""
        self.send(kind, sector, data, length)
        assert struct.unpack(">IIQ", medium.receive(self.socket, 16)) == (
            medium.SIMPLE_REPLY_MAGIC, 0, 7)
        return medium.receive(self.socket, length)


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """A file of zeros."""
    path = tmp_path / "image"
    path.write_bytes(bytes(SECTORS * SECTOR_BYTES))
    return path


@pytest.fixture
def disk(image: Path, tmp_path: Path) -> Iterator[Medium]:
    """It, served."""
    with Medium(image, tmp_path / "socket") as served:
        yield served


@pytest.fixture
def client(disk: Medium, tmp_path: Path) -> Iterator[Client]:
    """Connected to it."""
    connected = Client(tmp_path / "socket")
    yield connected
    connected.socket.close()


def content(text: str, sectors: int = 1) -> bytes:
    """Sectors full of a letter."""
    return text.encode() * (SECTOR_BYTES * sectors)


def test_what_is_written_is_read_before_it_is_flushed(client: Client, image: Path) -> None:
    client.do(WRITE, 3, content("a", 2))
    assert client.do(READ, 2, length=4 * SECTOR_BYTES) == (
        content("\0") + content("a", 2) + content("\0"))
    assert image.read_bytes() == content("\0", SECTORS)


def test_what_is_flushed_stays_and_the_rest_goes(
    client: Client, disk: Medium, image: Path
) -> None:
    client.do(WRITE, 0, content("a", 8))
    client.do(FLUSH)
    client.do(WRITE, 4, content("b", 8))
    disk.stop()
    loss = disk.lose(random.Random(1), survival=0)
    assert (loss.unflushed, loss.lost, loss.acknowledged) == (8, 8, 8)
    assert image.read_bytes() == content("a", 8) + content("\0", SECTORS - 8)


def test_any_part_of_the_unflushed_may_survive(client: Client, disk: Medium, image: Path) -> None:
    client.do(WRITE, 0, content("a", SECTORS))
    client.do(WRITE, 0, content("b", SECTORS))
    disk.stop()
    loss = disk.lose(random.Random(1), survival=0.5)
    kept = {image.read_bytes()[at:at + SECTOR_BYTES]
            for at in range(0, SECTORS * SECTOR_BYTES, SECTOR_BYTES)}
    assert kept == {content("\0"), content("a"), content("b")}
    assert 0 < loss.lost < SECTORS


def test_power_goes_at_the_moment_that_was_armed(
    client: Client, disk: Medium, image: Path
) -> None:
    disk.arm(Moment(2, after=b"name"))
    client.do(WRITE, 0, content("a"))
    client.do(FLUSH)
    client.do(WRITE, 1, content("b").replace(b"bbbb", b"name", 1))
    assert not disk.cut.is_set()
    client.send(FLUSH)
    assert disk.cut.wait(120)
    client.socket.settimeout(0.2)
    with pytest.raises(socket.timeout):  # it is not answered, with an error neither
        client.socket.recv(1)
    loss = disk.lose(random.Random(1), survival=0)
    assert loss.acknowledged == 1
    assert image.read_bytes()[:2 * SECTOR_BYTES] == content("a") + content("\0")


def test_write_at_which_the_power_goes_was_not_acknowledged(
    client: Client, disk: Medium
) -> None:
    disk.arm(Moment(1))
    client.send(WRITE, 0, content("a", 4))
    assert disk.cut.wait(120)
    loss = disk.lose(random.Random(1), survival=0)
    assert (loss.unflushed, loss.lost, loss.acknowledged) == (4, 4, 0)


def test_flushes_of_one_that_lies_do_nothing(client: Client, disk: Medium, image: Path) -> None:
    disk.lies = True
    client.do(WRITE, 0, content("a"))
    client.do(FLUSH)
    disk.stop()
    assert disk.lose(random.Random(1), survival=0).acknowledged == 1
    assert image.read_bytes() == content("\0", SECTORS)
