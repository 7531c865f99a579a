"""Root file systems that are not ext4, made of the base image's tree and a scenario's files.

Unlike ext4 they cannot be written to without mounting them, and all that lies in them must keep
its owner and attributes: making one needs root. The newest of each suite and type is kept in the
cache, so that tests that run as somebody else find what `python3 -m vm.prepare` has made.
"""

from __future__ import annotations

import hashlib
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Dict, List, Sequence, Tuple

from .disk import E2FSCK, Absent, File, Files, Link, NoDirectory, as_bytes, copy_sparse, in_order
from .image import Base, cache_dir, finished_directory, key_of, locked, need_root
from .progress import Progress
from .volume import run

# Part of the cache's keys: raise it when what is done below changes.
RECIPE = 1
# Everything but a log or a second copy of the metadata fits where the ext4 image's content does.
MORE_BYTES = 192 * 1024 * 1024

# $1: the base image, $2: a directory with "edit", a script that puts the scenario's files into
# the directory $1, $3: the image to be made, sparse where it has to be there before.
PROLOGUE = """\
set -e
mkdir "$2/lower" "$2/ram" "$2/tree" "$2/new"
mount -t tmpfs none "$2/ram"
mkdir "$2/ram/upper" "$2/ram/work"
mount -o loop,ro "$1" "$2/lower"
mount -t overlay none -o "lowerdir=$2/lower,upperdir=$2/ram/upper,workdir=$2/ram/work" "$2/tree"
rmdir "$2/tree/lost+found"
sh -e "$2/edit" "$2/tree"
"""
MKFS_BTRFS = """\
new=
case $(mkfs.btrfs -O list-all 2>&1) in *block-group-tree*) new="-O ^block-group-tree" ;; esac
mkfs.btrfs -q -L root $new "$3"
mount -o loop "$3" "$2/new"
"""
# /home is a subvolume that fstab names, /var one that is simply there.
BTRFS = MKFS_BTRFS + """\
btrfs -q subvolume create "$2/new/@"
btrfs -q subvolume create "$2/new/@home"
btrfs -q subvolume create "$2/new/@/var"
mkdir "$2/new/@/home"
mount --bind "$2/new/@home" "$2/new/@/home"
cp -a "$2/tree/." "$2/new/@"
umount "$2/new/@/home" "$2/new"
"""
# Without that, since a package has files in /usr and in /var.
BTRFS_LOADER = BTRFS.replace('btrfs -q subvolume create "$2/new/@/var"\n', "")
# The log and the snapshots lie beside the root, as snapper and Timeshift have it.
BTRFS_SIBLINGS = MKFS_BTRFS + """\
for name in @ @home @var_log @snapshots; do btrfs -q subvolume create "$2/new/$name"; done
mkdir -p "$2/new/@/home" "$2/new/@/var/log" "$2/new/@/.snapshots"
mount --bind "$2/new/@home" "$2/new/@/home"
mount --bind "$2/new/@var_log" "$2/new/@/var/log"
cp -a "$2/tree/." "$2/new/@"
umount "$2/new/@/var/log" "$2/new/@/home" "$2/new"
"""
# What mkfs.xfs has come to prefer since Linux 5.10 is switched off, as far as it knows of it.
XFS = """\
usage=$(mkfs.xfs 2>&1 || :)
old=
for word in m.bigtime m.inobtcount m.rmapbt i.nrext64 i.exchange n.parent; do
    case $usage in *"${word#*.}=0|1"*) old="$old -${word%.*} ${word#*.}=0" ;; esac
done
mkfs.xfs -q -L root $old "$3"
mount -o loop "$3" "$2/new"
cp -a "$2/tree/." "$2/new"
umount "$2/new"
"""
# squashfs has no ACLs; it says so for each.
SQUASHFS = """\
mksquashfs "$2/tree" "$3" -noappend -comp lz4 -no-progress -quiet
"""
EROFS = """\
mkfs.erofs "$3" "$2/tree"
"""
# Few kernels of servers can mount it; this program fills it without, but for ACLs and attributes.
F2FS = """\
mkfs.f2fs -q -l root "$3"
sload.f2fs -P -f "$2/tree" "$3" >"$2/log" || { cat "$2/log"; exit 1; }
"""
EXT4 = """\
mkfs.ext4 -q -L root "$3"
mount -o loop "$3" "$2/new"
cp -a "$2/tree/." "$2/new"
umount "$2/new"
"""
# The first byte of this, in a file of the scenario, is another one when dm-verity has its hashes.
TAMPERED = "this is another byte on flash"
# The hash tree comes after the file system, on the same disk. The program is that of the suite.
VERITY = f"""\
size=$(stat -c %s "$3")
mount --bind "${{3%/*}}" "$2/tree/mnt"
mount --bind /dev "$2/tree/dev"
chroot "$2/tree" /usr/sbin/veritysetup --hash-offset="$size" format /mnt/root.img /mnt/root.img \
    >"$2/verity"
hash=$(sed -n 's/^Root hash:[[:space:]]*//p' "$2/verity")
test -n "$hash" || {{ cat "$2/verity"; exit 1; }}
printf '%s ' root=/dev/mapper/root "roothash=$hash" systemd.verity_root_data=/dev/vda \
    systemd.verity_root_hash=/dev/vda "systemd.verity_root_options=hash-offset=$size" \
    >"${{3%/*}}/words"
found=$(grep -abo -m 1 "{TAMPERED}" "$3")
printf T | dd of="$3" bs=1 seek="${{found%%:*}}" conv=notrunc status=none
"""
# One image of each is kept.
RECIPES: Dict[str, str] = {
    "btrfs": BTRFS, "btrfs_loader": BTRFS_LOADER, "btrfs_siblings": BTRFS_SIBLINGS, "xfs": XFS,
    "squashfs": SQUASHFS, "erofs": EROFS, "f2fs": F2FS,
    "squashfs_verity": SQUASHFS + VERITY, "ext4_verity": EXT4 + VERITY}
MADE_FROM_NOTHING = ("squashfs", "erofs", "squashfs_verity")
# What checks them and writes nothing.
CHECKS: Dict[str, List[str]] = {
    "ext4": [E2FSCK, "-fn"], "btrfs": ["btrfs", "check", "--readonly"], "xfs": ["xfs_repair", "-n"],
    "f2fs": ["fsck.f2fs", "--dry-run"],
}


def check(fstype: str, path: Path) -> Tuple[int, str]:
    """Check a root without writing to it: exit status (0: sound) and output."""
    done = subprocess.run([*CHECKS[fstype.partition("_")[0]], str(path)], text=True, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.returncode, done.stdout


def edit_script(files: Files, staging: Path) -> str:
    """A shell script that puts `files` into the tree $1; their contents are kept in `staging`."""
    lines: List[str] = []
    for number, (path, entry) in enumerate(in_order(files)):
        target = f'"$1"{shlex.quote(path)}'
        if isinstance(entry, NoDirectory):
            lines.append(f"rmdir {target}")
            continue
        lines.append(f"rm -f {target}")
        if isinstance(entry, Absent):
            continue
        lines.append(f'mkdir -p "$1"{shlex.quote(str(Path(path).parent))}')
        if isinstance(entry, Link):
            lines.append(f"ln -s {shlex.quote(entry.target)} {target}")
        elif isinstance(entry, File):
            staged = staging / f"file-{number}"
            staged.write_bytes(as_bytes(entry.content))
            lines.append(f"install -m {entry.mode:o} {shlex.quote(str(staged))} {target}")
    return "\n".join(lines) + "\n"


def key(base: Base, fstype: str, files: Files) -> str:
    """A short name for all that an image is made from."""
    parts = []
    for path, entry in sorted(files.items()):
        content = as_bytes(entry.content) if isinstance(entry, File) else repr(entry).encode()
        parts.append((path, entry.mode if isinstance(entry, File) else 0,
                      hashlib.sha256(content).hexdigest()))
    return key_of(RECIPE, PROLOGUE, RECIPES[fstype], base.image.parent.name, parts)


def path_of(base: Base, fstype: str, files: Files) -> Path:
    """Where the image is kept."""
    return cache_dir() / f"root-{base.suite}-{fstype}-{key(base, fstype, files)}"


def make(base: Base, fstype: str, files: Files, directory: Path) -> None:
    """Make root.img in `directory`. Raises StepFailed with the message of what failed."""
    target = directory / "root.img"
    work = directory / "work"
    work.mkdir()
    (work / "edit").write_text(edit_script(files, work))
    if fstype not in MADE_FROM_NOTHING:
        with target.open("wb") as f:
            f.truncate(base.image.stat().st_size + MORE_BYTES)
    run(["unshare", "--mount", "--propagation", "private", "/bin/sh", "-c",
         PROLOGUE + RECIPES[fstype], "sh", str(base.image), str(work), str(target)])
    shutil.rmtree(work)


def cached(base: Base, fstype: str, files: Files, progress: Progress) -> Path:
    """The directory of the image, made if it is not in the cache. The lock is the caller's."""
    final = path_of(base, fstype, files)
    if not final.is_dir():
        need_root(f"making a {fstype} root file system")
        with progress.step(f"Debian {base.suite}: root on {fstype}"), \
                finished_directory(final) as directory:
            make(base, fstype, files, directory)
        # They differ by what was compiled into them: an older one is of no use to anybody.
        for other in final.parent.glob(f"root-{base.suite}-{fstype}-*"):
            if other != final:
                shutil.rmtree(other, ignore_errors=True)
    return final


def have(base: Base, fstype: str, files: Files, progress: Progress) -> None:
    """Have the image in the cache. Raises StepFailed."""
    with locked(f"root-{base.suite}-{fstype}"):
        cached(base, fstype, files, progress)


def copy(
    base: Base, fstype: str, files: Files, destination: Path, progress: Progress
) -> Sequence[str]:
    """Make a test's own copy of the image: what it adds to the kernel command line.

    Raises StepFailed.
    """
    with locked(f"root-{base.suite}-{fstype}"):
        made = cached(base, fstype, files, progress)
        copy_sparse(made / "root.img", destination)
        destination.chmod(0o644)
        words = made / "words"
        return words.read_text().split() if words.exists() else ()
