"""Disks that the kernel shows through the device mapper: LUKS and LVM, made without root.

Nothing here needs a device mapper on the host: QEMU writes LUKS, and the few kilobytes that LVM
keeps on a disk are written as its format says (lib/format_text/layout.h and lib/label/label.h of
lvm2).
"""

from __future__ import annotations

import struct
import tempfile
import zlib
from pathlib import Path

from .disk import MIB
from .progress import StepFailed
from .volume import SECTOR_BYTES, Volume, make, run

TRIES = 10
LABEL_AT = SECTOR_BYTES  # the second of the sectors that LVM searches
AREA_AT, AREA_BYTES = 4096, MIB - 4096
EXTENT_BYTES = 4 * MIB
DATA_AT = MIB
AREA_MAGIC = b"\x20LVM2\x20x[5A%r0N*>"
GROUP_TEXT = """\
{group} {{
id = "{group_id}"
seqno = 1
format = "lvm2"
status = ["RESIZEABLE", "READ", "WRITE"]
flags = []
extent_size = {extent_sectors}
max_lv = 0
max_pv = 0
metadata_copies = 0
physical_volumes {{
pv0 {{
id = "{disk_id}"
device = "/dev/none"
status = ["ALLOCATABLE"]
flags = []
dev_size = {disk_sectors}
pe_start = {data_sectors}
pe_count = {extents}
}}
}}
logical_volumes {{
{name} {{
id = "{volume_id}"
status = ["READ", "WRITE", "VISIBLE"]
flags = []
segment_count = 1
segment1 {{
start_extent = 0
extent_count = {extents}
type = "striped"
stripe_count = 1
stripes = ["pv0", 0]
}}
}}
}}
}}
contents = "Text Format Volume Group"
version = 1
description = ""
creation_host = "tests"
creation_time = 1
"""


def checksum(data: bytes) -> int:
    """LVM's CRC: the usual polynomial, another start, no inversion at the end."""
    return zlib.crc32(data, 0xF597A6CF ^ 0xFFFFFFFF) ^ 0xFFFFFFFF


def identity(letter: str) -> str:
    """An id as LVM writes it in its text."""
    return "-".join(letter * n for n in (6, 4, 4, 4, 4, 4, 6))


def label_sector(disk_bytes: int) -> bytes:
    """What says that the disk is a physical volume, and where its metadata is."""
    body = identity("d").replace("-", "").encode() + struct.pack("<Q", disk_bytes)
    body += struct.pack("<4Q", DATA_AT, 0, 0, 0)  # where data is; the end of that list
    body += struct.pack("<4Q", AREA_AT, AREA_BYTES, 0, 0)  # the same of metadata
    body += struct.pack("<2I2Q", 2, 1, 0, 0)  # version, in use, no area of a boot loader
    checked = (struct.pack("<I8s", 32, b"LVM2 001") + body).ljust(SECTOR_BYTES - 20, b"\0")
    return struct.pack("<8sQI", b"LABELONE", LABEL_AT // SECTOR_BYTES, checksum(checked)) + checked


def area_header(text: bytes) -> bytes:
    """The head of the metadata area: where in it the text is, and its checksum."""
    body = struct.pack("<16sI2Q", AREA_MAGIC, 1, AREA_AT, AREA_BYTES)
    body += struct.pack("<2Q2I", SECTOR_BYTES, len(text), checksum(text), 0)
    body = body.ljust(SECTOR_BYTES - 4, b"\0")
    return struct.pack("<I", checksum(body)) + body


def logical_volume(image: Path, group: str, name: str, volume: Volume) -> None:
    """Make a disk whose volume group has one logical volume with a file system in it."""
    make(image, volume)
    content = image.read_bytes()
    extents = -(-len(content) // EXTENT_BYTES)
    disk_bytes = DATA_AT + extents * EXTENT_BYTES
    text = GROUP_TEXT.format(
        group=group, name=name, extents=extents, extent_sectors=EXTENT_BYTES // SECTOR_BYTES,
        disk_sectors=disk_bytes // SECTOR_BYTES, data_sectors=DATA_AT // SECTOR_BYTES,
        group_id=identity("g"), disk_id=identity("d"), volume_id=identity("v")).encode() + b"\0"
    with image.open("wb") as f:
        f.truncate(disk_bytes)
        for where, what in ((LABEL_AT, label_sector(disk_bytes)), (AREA_AT, area_header(text)),
                            (AREA_AT + SECTOR_BYTES, text), (DATA_AT, content)):
            f.seek(where)
            f.write(what)


def luks(image: Path, passphrase: str, volume: Volume) -> None:
    """Make a LUKS disk with a file system in it."""
    with tempfile.TemporaryDirectory(prefix="rofs-luks-") as work:
        plain = Path(work) / "plain"
        make(plain, volume)
        argv = ["qemu-img", "convert", "-q", "-f", "raw", "-O", "luks",
                "--object", f"secret,id=key,data={passphrase}",
                "-o", "key-secret=key,iter-time=10", str(plain), str(image)]
        # It times itself, and gives up ("Unable to get accurate CPU usage") when what the kernel
        # says of that goes backwards, as it does now and then on a busy machine.
        for attempt in range(TRIES):
            try:
                run(argv)
                return
            except StepFailed as e:
                if "CPU usage" not in str(e) or attempt == TRIES - 1:
                    raise
