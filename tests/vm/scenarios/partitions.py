"""Partitions of every kind at once: types of file systems, buses, names, mapped devices.

The test module reads the answers.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Dict, List

from ..disk import MIB, Entry, File
from ..mapped import logical_volume, luks
from ..scenario import MINIMAL_CONF, ONE, SECTORS, SYSTEM, Scenario
from ..volume import Partition, Volume, partition_disk, run

BTRFS_UUID = "6f1f3c0e-6a3d-4f6e-9d52-0d6a1f5f8f11"
XFS_PARTUUID = "1b0e6a53-58a4-4d5c-b5d3-0f6f4a1f7c22"
LINUX = "linux"
CARD_BYTES = 128 * MIB  # QEMU wants a power of two
# systemd-growfs refuses to make a btrfs of less than 256 MiB.
SMALL = {"btrfs": 128 * MIB, "xfs": 300 * MIB}
GROWN = {"btrfs": 320 * MIB, "xfs": 352 * MIB}


@dataclasses.dataclass(frozen=True)
class Kind:
    """A partition: its name in rofs.conf, what is written there, and what is expected of it.

    `source`: as findmnt has it. `fsck`: the device's unit name, if it is one that checks.
    """

    name: str
    lines: str
    source: str
    fstype: str
    mode: str = "755 0:0"

    @property
    def path(self) -> str:
        return f"/var/local/{self.name}"

    @property
    def section(self) -> str:
        return (f"[Partition {self.name}]\n{self.lines}Timeout=90s\n"
                f"[Persist {self.path}]\nPartition={self.name}\nDirectory=/kept\n")


# Those with "new" are blank before.
KINDS: List[Kind] = [
    Kind("nvme", "Device=/dev/nvme0n1p1\n", "/dev/nvme0n1p1", "ext4"),
    Kind("card", "Device=/dev/mmcblk0p1\nType=vfat\n"
                 "Options=noatime,nodev,nosuid,uid=1,gid=50,umask=0027\n",
         "/dev/mmcblk0p1", "vfat", "750 1:50"),
    Kind("stick", f"Device=UUID={BTRFS_UUID}\nGrow=yes\n", "/dev/sda", "btrfs"),
    Kind("f2fs", "Device=PARTLABEL=flash-f2fs\nType=f2fs\n", "/dev/vdc1", "f2fs"),
    Kind("xfs", f"Device=PARTUUID={XFS_PARTUUID}\nType=auto\nGrow=yes\n", "/dev/vdc2", "xfs"),
    Kind("secret", "Device=/dev/mapper/secret\n", "/dev/mapper/secret", "ext4"),
    Kind("volume", "Device=/dev/flash/keep\n", "/dev/mapper/flash-keep", "ext4"),
    *(Kind(f"new-{fstype}", f"Device=PARTLABEL=new-{fstype}\nType={fstype}\nFormat=yes\n",
           f"/dev/nvme0n1p{number}", fstype, mode)
      for number, (fstype, mode) in enumerate((("f2fs", "755 0:0"), ("btrfs", "755 0:0"),
                                               ("xfs", "755 0:0"), ("vfat", "755 0:0")), 2)),
]
DATA_PATHS = ("/var/local/data", "/var/local/more")

CONF = "[Overlay /opt]\n" + MINIMAL_CONF + """\
Directory=/data
[Persist /var/local/more]
Partition=data
Directory=/more/of/it
""" + "".join(kind.section for kind in KINDS)

FILES: Dict[str, Entry] = {
    "/etc/fstab": File("LABEL=root / ext4 defaults 0 1\n"
                       "LABEL=data /var/local/data ext4 defaults 0 2\n"
                       "/dev/nvme0n1p1 /srv ext4 ro 0 2\n"
                       "PARTLABEL=lower-f2fs /opt f2fs defaults 0 0\n"),
    "/etc/crypttab": File("secret /dev/vdd /etc/secret.key luks\n"),
    "/etc/secret.key": File("a passphrase", 0o600),
    "/etc/network/interfaces": File("auto lo\niface lo inet loopback\n"),
}


def blank(fstype: str) -> Partition:
    """A partition for a file system to be made on."""
    size = max(SMALL.get(fstype, 0), 64 * MIB)
    return Partition(LINUX, f"new-{fstype}", Volume("", size=size))


def card(image: Path, suite: str) -> None:
    """An SD card with one partition."""
    partition_disk(image, [Partition(LINUX, "card", Volume("vfat", "CARD", size=64 * MIB))])
    with image.open("r+b") as f:
        f.truncate(CARD_BYTES)
    run(["sfdisk", "--quiet", "--relocate", "gpt-bak-std", str(image)])


def volume(image: Path, suite: str) -> None:
    """A volume group."""
    logical_volume(image, "flash", "keep", Volume("ext4", size=32 * MIB))


def secret(image: Path, suite: str) -> None:
    """An encrypted disk."""
    luks(image, "a passphrase", Volume("ext4", size=32 * MIB))


# Another system on the same card, of which only this helper is run.
OWNERS = """
mkdir -p /run/other/etc /run/other/rofs/persist/card; cd /run/other
mount --bind /rofs/persist/card rofs/persist/card
cat >etc/rofs.conf <<END
[Partition card]
Device=/dev/none
[Overlay /srv]
[Persist /srv/closed]
Partition=card
Directory=/closed
Mode=0700
END
mkdir srv
ROFS_ROOT=/run/other /usr/lib/rofs/rofs-prepare partition card; echo $?
ls -A rofs/persist/card; umount rofs/persist/card
"""

ALL = "".join(f"{kind.name} {kind.source}\\n" for kind in KINDS)
EACH = f"printf '{ALL}' | while read -r name source; do"

WRITE = f"""
{EACH} echo "written to $name" >/var/local/$name/file || echo $name; done
for path in {" ".join(DATA_PATHS)}; do echo "written to $path" >$path/file; done
sync
"""
# Unmounted, so that what comes back comes from the medium.
AGAIN = f"""
{EACH}
    persist=$(systemd-escape -p --suffix=mount /var/local/$name)
    partition=$(systemd-escape -p --suffix=mount /rofs/persist/$name)
    test $name != nvme || systemctl stop srv.mount
    systemctl stop $partition
    mounted=$(findmnt -n $source | wc -l)
    found=$(grep -c "written to $name" $source)
    systemctl start $persist
    echo $name $mounted $found $(cat /var/local/$name/file)
done
"""
SHOW = f"""
{EACH}
    persist=$(systemd-escape -p --suffix=mount /var/local/$name)
    echo $name $(systemctl is-active $persist) \\
        $(findmnt -n -o SOURCE,FSTYPE --mountpoint /var/local/$name | tail -n 1) \\
        $(stat -c '%a %u:%g' /var/local/$name)
done
"""
DRIVES = ("vda", "vdb", "vdc", "vdd", "vde", "nvme0n1", "mmcblk0", "sda")
IDLE = f"""
sectors() {{
    for d in {" ".join(DRIVES)}; do echo $d $(awk '{{print $7}}' /sys/block/$d/stat); done
}}
sync; sectors; sleep 20; sectors
"""
PULL = """
echo 1 >/sys/block/sda/device/delete
for i in $(seq 100); do
    findmnt -n --mountpoint /var/local/stick -o FSTYPE | grep -qv autofs || break
    sleep 0.2
done
findmnt -n --mountpoint /var/local/stick -o FSTYPE | tail -n 1
touch /var/local/stick/new
systemctl is-active var-local-stick.mount
"""

# The only lower on f2fs: the usual kernel of the tests lacks it.
COMMIT = """
mkdir /opt/directory && echo committed >/opt/directory/file && echo committed >/opt/file
rofs commit --yes /opt; echo $?
echo again >/opt/file && rm -r /opt/directory
rofs commit --yes /opt; echo $?
cd /rofs/ro/opt && cat file; ls -A . /opt
for m in /rofs/ro /rofs/ro/opt; do findmnt -n -o FSTYPE,FS-OPTIONS --mountpoint $m; done
"""

PARTITIONS: Dict[str, str] = {
    **SYSTEM,
    "show": SHOW,
    "fsck": "journalctl -b -o cat --no-pager -u 'systemd-fsck@*'; systemctl list-units --all"
            " --plain --no-legend --no-pager 'systemd-fsck@*'",
    "fstab": "findmnt -n --list -o TARGET,SOURCE,FSTYPE,OPTIONS /dev/vdb;"
             " findmnt -n --list -o TARGET,SOURCE,FSTYPE,OPTIONS /dev/nvme0n1p1",
    "said": "journalctl -b -t rofs-generator -o cat --no-pager",
    "prepared": "journalctl -b -o cat --no-pager -u 'rofs-prepare*' -u 'rofs-format*'"
                " -u 'rofs-grow*'",
    "grown": "for name in stick xfs; do findmnt -n -b -o SIZE --mountpoint /var/local/$name |"
             " tail -n 1; done",
    "status": "rofs status; rofs check",
    "owners": OWNERS,
    "write": WRITE,
    "idle": IDLE,
    "again": AGAIN,
    **SECTORS,
    "commit": COMMIT,
    "pull": PULL,
}

SCENARIOS = (
    Scenario("partitions", CONF, (PARTITIONS,), files=FILES, packages="more",
             disks=(
                 [Partition(LINUX, "flash-f2fs", Volume("f2fs")),
                  Partition(LINUX, "flash-xfs",
                            Volume("xfs", size=GROWN["xfs"], arguments=("-d", "size=300m")),
                            XFS_PARTUUID),
                  Partition(LINUX, "lower-f2fs", Volume("f2fs"))],
                 secret, volume,
                 [Partition(LINUX, "nvme", Volume("ext4")),
                  *(blank(fstype) for fstype in ("f2fs", "btrfs", "xfs", "vfat"))],
                 card,
                 Volume("btrfs", uuid=BTRFS_UUID, size=GROWN["btrfs"],
                        arguments=("-b", str(SMALL["btrfs"])))),
             buses=("virtio", "virtio", "virtio", "nvme", "mmc", "usb"),
             # What differs is the kernel's and the tools'; a further base image costs minutes.
             suites=ONE),
)
