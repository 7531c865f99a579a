"""Files put into trees and ext4 images, and ext4 images made, copied, checked and compared.

Nothing here needs root: images are written with mke2fs and debugfs, never mounted.
"""

from __future__ import annotations

import dataclasses
import errno
import os
import subprocess
import tempfile
from pathlib import Path
from typing import List, Mapping, Optional, Sequence, Tuple, Union

from .progress import StepFailed

E2FSCK, DUMPE2FS, DEBUGFS = "/sbin/e2fsck", "/sbin/dumpe2fs", "/sbin/debugfs"
TUNE2FS = "/sbin/tune2fs"
MIB = 1024 * 1024
DATA_BYTES = 64 * MIB
SUPERBLOCK_OFFSET = 1024
# In the first half of the superblock; the checksum ends the second.
FREE_INODES, LOG_BLOCK_SIZE = 0x10, 0x18

# The features of Debian 11's mke2fs: a newer host's default makes file systems that e2fsck in the
# older suites refuses (orphan_file, metadata_csum_seed).
MKE2FS_CONF = """\
[defaults]
    base_features = sparse_super,large_file,filetype,resize_inode,dir_index,ext_attr
    default_mntopts = acl,user_xattr
    enable_periodic_fsck = 0
    blocksize = 4096
    inode_size = 256
    inode_ratio = 16384
[fs_types]
    ext4 = {
        features = has_journal,extent,huge_file,flex_bg,metadata_csum,64bit,dir_nlink,extra_isize
    }
"""


@dataclasses.dataclass(frozen=True)
class File:
    """A regular file, owned by root."""

    content: Union[str, bytes]
    mode: int = 0o644


@dataclasses.dataclass(frozen=True)
class Link:
    """A symbolic link."""

    target: str


@dataclasses.dataclass(frozen=True)
class Absent:
    """Nothing: a file of the base image that is to be removed."""


@dataclasses.dataclass(frozen=True)
class NoDirectory:
    """Nothing: a directory of the base image, empty when its files are Absent, to be removed."""


Entry = Union[File, Link, Absent, NoDirectory]
Files = Mapping[str, Entry]


def as_bytes(content: Union[str, bytes]) -> bytes:
    """A file's content as it is stored."""
    return content if isinstance(content, bytes) else content.encode()


def put(tree: Path, path: str, entry: Entry) -> None:
    """Put one entry into a tree in the host's file system."""
    target = tree / path.lstrip("/")
    if isinstance(entry, NoDirectory):
        target.rmdir()
        return
    if target.is_symlink() or target.exists():
        target.unlink()
    if isinstance(entry, Absent):
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(entry, Link):
        target.symlink_to(entry.target)
        return
    target.write_bytes(as_bytes(entry.content))
    target.chmod(entry.mode)


def mke2fs(image: Path, size: int, label: str, tree: Optional[Path] = None,
           arguments: Sequence[str] = ()) -> None:
    """Make an ext4 file system of `size` bytes in a sparse file, filled from `tree` if given.

    `arguments`: more of mke2fs's own. Raises StepFailed with mke2fs's message.
    """
    image.unlink(missing_ok=True)
    with image.open("wb") as f:
        f.truncate(size)
    with tempfile.NamedTemporaryFile("w", suffix=".conf") as conf:
        conf.write(MKE2FS_CONF)
        conf.flush()
        argv = ["mke2fs", "-q", "-F", "-t", "ext4", "-L", label, *arguments]
        argv += ["-d", str(tree)] if tree else []
        environment = {**os.environ, "MKE2FS_CONFIG": conf.name}
        environment["PATH"] = environment.get("PATH", "") + ":/usr/sbin:/sbin"
        done = subprocess.run([*argv, str(image)], env=environment, text=True, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode != 0:
        raise StepFailed(f"mke2fs of {image.name} exited with {done.returncode}: {done.stdout}")


def fsck(image: Path) -> Tuple[int, str]:
    """Check an ext4 image without writing to it: e2fsck's exit status (0: clean) and output."""
    done = subprocess.run([E2FSCK, "-fn", str(image)], text=True, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.returncode, done.stdout


def superblock_state(image: Path) -> str:
    """What the superblock says: 'clean', 'clean with errors', 'not clean' (as dumpe2fs does).

    A journal that still has to be replayed is 'not clean' too. 'torn': its checksum is wrong.
    """
    done = subprocess.run([DUMPE2FS, "-h", str(image)], text=True, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if "checksum does not match superblock" in done.stderr:
        return "torn"
    done.check_returncode()
    fields = dict(line.split(":", 1) for line in done.stdout.splitlines() if ":" in line)
    if "needs_recovery" in fields["Filesystem features"]:
        return "not clean"
    return fields["Filesystem state"].strip()


def read_superblock(image: Path) -> bytearray:
    with image.open("rb") as f:
        f.seek(SUPERBLOCK_OFFSET)
        return bytearray(f.read(1024))


def write_superblock(image: Path, superblock: bytes) -> None:
    with image.open("r+b") as f:
        f.seek(SUPERBLOCK_OFFSET)
        f.write(superblock)


def tear_superblock(image: Path) -> None:
    """Change one half of a superblock and not the other, as a power cut may leave it."""
    superblock = read_superblock(image)
    superblock[FREE_INODES] ^= 1
    write_superblock(image, superblock)


def mend_superblock(image: Path) -> None:
    """Give a superblock the checksum it should have: CRC-32C without the final inversion."""
    superblock = read_superblock(image)
    crc = 2**32 - 1
    for byte in superblock[:-4]:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
    superblock[-4:] = crc.to_bytes(4, "little")
    write_superblock(image, superblock)


def replay(image: Path) -> Tuple[int, str]:
    """Run e2fsck as at boot; return its exit status and output."""
    done = subprocess.run([E2FSCK, "-p", str(image)], text=True, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.returncode, done.stdout


def debugfs(image: Path, command: str) -> bytes:
    """The output of a debugfs command; empty for a file that does not exist."""
    return subprocess.run([DEBUGFS, "-R", command, str(image)], check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout


def extract_initrd(image: Path) -> Path:
    """Copy the one initrd in /boot of an ext4 image to a file beside it. Raises StepFailed."""
    names = [name for name in debugfs(image, "ls -p /boot").decode().split("/")
             if name.startswith("initrd.img-")]
    if len(names) != 1:
        raise StepFailed(f"{image.name} has {len(names)} initrds in /boot, not one: {names}")
    initrd = image.with_suffix(".initrd")
    initrd.write_bytes(debugfs(image, f"cat /boot/{names[0]}"))
    return initrd


def write_with_journal(image: Path, name: str, old: str, new: str) -> None:
    """A file of one block, as long as `old`, whose `new` contents are in the journal only."""
    with tempfile.TemporaryDirectory() as work:
        write_files(image, {f"/{name}": File(old)})
        block = debugfs(image, f"blocks {name}").decode().strip()
        block_size = 1024 << read_superblock(image)[LOG_BLOCK_SIZE]
        (Path(work) / "new").write_bytes(new.encode().ljust(block_size, b"\0"))
        commands = f"jo\njw -b {block} {work}/new\njc\n"
        subprocess.run([DEBUGFS, "-w", "-f", "-", str(image)], input=commands.encode(), check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def debugfs_quote(text: str) -> str:
    """An argument for debugfs's command language, which knows only double quotes."""
    if '"' in text or "\n" in text:
        raise ValueError(f"debugfs cannot spell {text!r}")
    return f'"{text}"'


def in_order(files: Files) -> List[Tuple[str, Entry]]:
    """Files in the order in which they can be put: what is to go first, the deepest before."""
    gone = [item for item in files.items() if isinstance(item[1], (Absent, NoDirectory))]
    rest = [item for item in files.items() if item not in gone]
    return [*sorted(gone, reverse=True, key=lambda item: item[0]),
            *sorted(rest, key=lambda item: item[0])]


def debugfs_commands(files: Files, work: Path) -> List[str]:
    """The debugfs commands that put `files` into an image; contents are staged in `work`."""
    commands = []
    made = set()
    for number, (path, entry) in enumerate(in_order(files)):
        if isinstance(entry, NoDirectory):
            commands.append(f"rmdir {debugfs_quote(path)}")
            continue
        for parent in reversed(Path(path).parents):
            if str(parent) != "/" and parent not in made and not isinstance(entry, Absent):
                made.add(parent)
                commands.append(f"mkdir {debugfs_quote(str(parent))}")
        name = debugfs_quote(path)
        commands.append(f"rm {name}")
        if isinstance(entry, Link):
            commands.append(f"symlink {name} {debugfs_quote(entry.target)}")
        elif isinstance(entry, File):
            staged = work / str(number)
            staged.write_bytes(as_bytes(entry.content))
            commands.append(f"write {staged} {name}")
            commands.append(f"sif {name} mode 0{0o100000 | entry.mode:o}")
            commands.extend(f"sif {name} {field} 0" for field in ("uid", "gid"))
    return commands


def write_files(image: Path, files: Files) -> None:
    """Write files into an ext4 image that is not mounted.

    Raises StepFailed with debugfs's complaint; directories that exist and files that did not are
    none.
    """
    harmless = ("Ext2 directory already exists", "rm: File not found by ext2_lookup")
    with tempfile.TemporaryDirectory(prefix="rofs-files-") as work_name:
        work = Path(work_name)
        script = work / "commands"
        script.write_text("\n".join(debugfs_commands(files, work)) + "\n")
        done = subprocess.run(
            [DEBUGFS, "-w", "-f", str(script), str(image)], text=True, check=False,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    complaints = [line for line in done.stderr.splitlines()
                  if line.strip() and not line.startswith("debugfs 1.")
                  and not any(text in line for text in harmless)]
    if done.returncode != 0 or complaints:
        raise StepFailed(f"debugfs on {image.name}: " + "\n".join(complaints))


def rdump(image: Path, path: str, destination: Path) -> None:
    """Copy a directory out of an ext4 image, with its owners; needs root. Raises StepFailed."""
    done = subprocess.run([DEBUGFS, "-R", f"rdump {debugfs_quote(path)} {destination}", str(image)],
                          text=True, check=False, stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE)
    complaints = [line for line in done.stderr.splitlines() if not line.startswith("debugfs 1.")]
    if done.returncode != 0 or complaints:
        raise StepFailed(f"debugfs on {image.name}: " + "\n".join(complaints))


def relabel(image: Path, label: str, uuid: str) -> None:
    """Give an ext4 image a label and, unless it is empty, a UUID. Raises StepFailed."""
    argv = [TUNE2FS, "-L", label, *(["-U", uuid] if uuid else []), str(image)]
    done = subprocess.run(argv, text=True, check=False, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)
    if done.returncode != 0:
        raise StepFailed(f"{' '.join(argv)}: {done.stdout}")


def copy_sparse(source: Path, destination: Path) -> None:
    """Copy an image, holes as holes, sharing blocks where the file system can."""
    subprocess.run(["cp", "--sparse=always", "--reflink=auto", str(source), str(destination)],
                   check=True)


def variant(original: Path, destination: Path, files: Files) -> None:
    """Make a test's own root image: the original plus `files`, checked to be clean.

    Raises StepFailed.
    """
    copy_sparse(original, destination)
    destination.chmod(0o644)
    write_files(destination, files)
    status, output = fsck(destination)
    if status != 0:
        raise StepFailed(f"{destination.name} is not clean after writing files:\n{output}")


def same_content(one: Path, other: Path) -> bool:
    """Whether two images are identical."""
    with one.open("rb") as a, other.open("rb") as b:
        size = os.fstat(a.fileno()).st_size
        if size != os.fstat(b.fileno()).st_size:
            return False
        offset = 0
        while True:
            # Half of an image is holes.
            offset = min(next_data(f.fileno(), offset, size) for f in (a, b))
            if offset == size:
                return True
            here, there = (os.pread(f.fileno(), MIB, offset) for f in (a, b))
            if here != there:
                return False
            offset += len(here)


def next_data(fd: int, offset: int, size: int) -> int:
    """Where the first data at or after an offset is in a file; its size if only a hole follows."""
    try:
        return os.lseek(fd, offset, os.SEEK_DATA)
    except OSError as e:
        if e.errno != errno.ENXIO:
            raise
        return size
