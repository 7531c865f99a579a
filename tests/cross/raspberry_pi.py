"""An arm64 machine with the disk of a Raspberry Pi, on which the guide for that is followed.

QEMU has no firmware of a Pi. What it does is done here: the kernel, the initramfs and the kernel
command line of each boot are read from the vfat partition. There is no clock: the first boot after
each power-off begins in 1970. The first boot is that of a machine as it was set up; in the second
it is used, and upgraded; the third shows what was kept; the fourth is a boot without rofs.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import re
import subprocess
from pathlib import Path
from typing import Dict, Iterator, List, Mapping, Tuple

from vm import disk, guide, image, volume
from vm.deb import make_deb, version
from vm.disk import MIB, Absent, Entry, File
from vm.machine import KERNEL_ARGUMENTS, Boot, Disk, Machine
from vm.probe import Snippets, probe_argument, probe_files
from vm.progress import StepFailed
from vm.repository import CONTROL, build, entry_of
from vm.scenario import NO_NETWORK, SYSTEM
from vm.volume import Volume

from . import architecture

ARCHITECTURE = "arm64"
PACKAGES = "raspberry_pi"
PAGE = "docs/guides/raspberry-pi.md"
# Of the page, what another computer does with the card.
CARD_SECTION = "partition"
BOOT_SECONDS_MAX = 2400
MEMORY_MIB = 1024

# As Raspberry Pi OS has it: an MBR, and a gap before the first partition.
DISK_ID = "52a5c3d1"
FIRST_MIB = 4
FIRMWARE_MIB = 256
GROWN_MIB = 192
# After the root there is a gap, as on the page.
GAP_MIB = 4
FSTAB = f"""\
proc            /proc           proc    defaults          0       0
PARTUUID={DISK_ID}-01  /boot/firmware  vfat    defaults          0       2
PARTUUID={DISK_ID}-02  /               ext4    defaults,noatime  0       1
"""
CMDLINE = " ".join([
    f"console=ttyAMA0 root=PARTUUID={DISK_ID}-02 rootfstype=ext4 fsck.repair=yes rootwait",
    *(word for word in KERNEL_ARGUMENTS if not word.startswith("root=")), NO_NETWORK])
CONFIG = "auto_initramfs=1\narm_64bit=1\n"
# The driver of the clock that the machine has, and that a Pi has not.
WITHOUT_CLOCK = "initcall_blacklist=pl031_driver_init"
KERNEL, INITRD = "kernel8.img", "initramfs8"

# What is changed in the commands of the page: nobody is there to answer apt, whose repository is a
# directory.
CHANGES = {
    "apt install ./rofs": "cd /root && apt-get -qy -o APT::Sandbox::User=root install ./rofs",
    "apt purge": "apt-get -qy purge",
    "apt update": "apt-get -q update",
    "apt upgrade": "apt-get -qy upgrade",
}
REPOSITORY = "/usr/local/share/test-packages"
# In the place of those of the package raspi-firmware.
INITRAMFS_HOOK = f"#!/bin/sh -e\ncp \"$2\" /boot/firmware/{INITRD}\n"
NEW_KERNEL = "new kernel"
KERNEL_POSTINST = f"""\
#!/bin/sh -e
[ "$1" = configure ] || exit 0
mountpoint -q /boot/firmware
{{ cat /boot/vmlinuz-*; echo {NEW_KERNEL}; }} >/boot/firmware/{KERNEL}
mkdir -p /boot/firmware/overlays
echo new >/boot/firmware/overlays/test.dtbo
"""
FILES: Dict[str, Entry] = {
    "/etc/fstab": File(FSTAB),
    image.CURE_PATH: Absent(),
    "/etc/dphys-swapfile": File("CONF_SWAPSIZE=16\n"),
    "/etc/initramfs/post-update.d/z50-test": File(INITRAMFS_HOOK, 0o755),
    "/etc/apt/sources.list": File(f"deb [trusted=yes] file:{REPOSITORY} ./\n"),
    # The mount point.
    "/boot/firmware/.empty": File(""),
}


def typed(*commands: str) -> str:
    """What a reader types, on this machine."""
    return "\n".join(guide.adapted(command, CHANGES) for command in commands)


WAIT = "for i in $(seq 150); do [ ! -e /run/status ] || break; sleep 1; done"


def long(name: str, waits: int, *commands: str) -> Dict[str, str]:
    """Questions that have commands run in the background: they take longer than one may."""
    script = "set -e\n" + typed(*commands)
    return {
        f"{name}_begun": f"rm -f /run/status\ncat >/run/script <<'SCRIPT'\n{script}\nSCRIPT\n"
                         "systemd-run -q -p Type=exec sh -c"
                         " 'sh /run/script >/run/said 2>&1; echo $? >/run/status'",
        **{f"{name}_wait_{i}": WAIT for i in range(waits)},
        name: "cat /run/status /run/said",
    }


CLOCK_FILE = "/var/lib/systemd/timesync/clock"
CLOCK = "date +%s; ls /dev/rtc*"
# systemd-timesyncd writes it once a minute.
SAVED = (f"for i in $(seq 100); do [ $(stat -c %Y {CLOCK_FILE}) -lt $(date -d '-50 seconds' +%s) ]"
         f" || break; sleep 1; done; stat -c %Y {CLOCK_FILE}")
AHEAD_SECONDS = 7200
LAYOUT = "findmnt -rno TARGET,FSTYPE,FS-OPTIONS / ; findmnt -rno FSTYPE,FS-OPTIONS /boot/firmware"

SET_UP: Dict[str, str] = {
    **SYSTEM,
    "clock": CLOCK,
    "layout": f"cat /proc/cmdline; {LAYOUT}; swapon --show=NAME --noheadings",
    # What a kernel package of the Pi was.
    "kernel": f"dpkg -i {REPOSITORY}/old/*.deb",
    **long("removed", 3,
           "systemctl disable --now dphys-swapfile fake-hwclock",
           "rm -f /var/swap",
           "apt purge dphys-swapfile fake-hwclock"),
    "swap": "swapon --show=NAME --noheadings; ls /var/swap",
    **long("installed", 3, "apt install ./rofs_*_arm64.deb"),
    "before": "rofs check",
    "fstab": typed("sed -i '/boot.firmware/s/defaults/defaults,ro/' /etc/fstab")
    + "\ngrep firmware /etc/fstab",
    "suggest": "rofs suggest >/etc/rofs.conf\ncat /etc/rofs.conf",
    "add": """\
cat >>/etc/rofs.conf <<'END'

[Persist /var/local/data]
Partition=data
Directory=/local
END""",
    # For an emulated machine.
    "tune": "mkdir -p /etc/rofs.conf.d &&"
            " printf '[Partition data]\\nTimeout=5min\\n' >/etc/rofs.conf.d/50-test.conf",
    "check_before": "rofs check",
    **long("cured", 4,
           "echo fastboot=y >/etc/initramfs-tools/conf.d/rofs && update-initramfs -u -k all"),
    "check": "rofs check",
    "clock_saved": SAVED,
}
USED: Dict[str, str] = {
    "clock": CLOCK,
    **architecture.FIRST,
    "clock_on_flash": f"stat -c %Y /rofs/ro{CLOCK_FILE}",
    "status": "rofs status",
    "firmware": "findmnt /boot/firmware",
    "date": "date",
    # As the network would.
    "ahead": f"date -s '+{AHEAD_SECONDS} seconds' >/dev/null; date +%s",
    "space": "df /boot/firmware /rofs/ro; ls -l /boot/firmware",
    **long("upgraded", 6,
           "mount -o remount,rw /boot/firmware",
           "rofs chroot apt update",
           "rofs chroot apt upgrade"),
    "left": f"findmnt -rno FS-OPTIONS / ; ls -A /boot/firmware; tail -n 1 /boot/firmware/{KERNEL} |"
            f" tail -c {len(NEW_KERNEL) + 1}",
    "status_upgraded": "rofs status",
    "clock_saved": SAVED,
}
KEPT: Dict[str, str] = {
    "clock": CLOCK,
    **architecture.SECOND,
    "clock_on_flash": f"stat -c %Y /rofs/ro{CLOCK_FILE}",
    "status": "rofs status",
    "packages": "dpkg-query -W -f '${Package} ${Version}\\n' rofs rofs-kernel",
    "layout": LAYOUT,
    "said": "journalctl -b -o short-monotonic --no-pager -u systemd-timesyncd -u 'systemd-fsck@*';"
            " journalctl -b -o short-monotonic --no-pager _PID=1 | grep -i time",
    # Of both partitions that are read-only.
    "sectors": "sync; awk '{print $7}' /sys/block/vda/vda[12]/stat",
}
OFF: Dict[str, str] = {
    "clock": CLOCK,
    "status": "rofs status; echo $?",
    "layout": LAYOUT,
    "writable": "touch /usr/written /etc/written",
}
BOOTS: Tuple[Snippets, ...] = (SET_UP, USED, KEPT, OFF)
OFF_BOOT = 4


def mtools(card: Path) -> str:
    """The first partition, as the programs of mtools name it."""
    return f"{card}@@{FIRST_MIB}M"


@dataclasses.dataclass(frozen=True)
class Firmware:
    """What the firmware of a Pi does: it has the first partition read."""

    card: Path
    work: Path

    def read(self, name: str) -> Path:
        """A copy of one file."""
        target = self.work / name
        volume.run(["mcopy", "-o", "-n", "-i", mtools(self.card), f"::/{name}", str(target)])
        return target

    def add_word(self, word: str) -> None:
        """What is done on another computer: a further word at the end of cmdline.txt."""
        cmdline = self.read("cmdline.txt")
        cmdline.write_text(f"{cmdline.read_text().rstrip()} {word}\n")
        volume.run(["mcopy", "-o", "-i", mtools(self.card), str(cmdline), "::/cmdline.txt"])

    def load(self, base: image.Base) -> Tuple[image.Base, str]:
        """The system with kernel and initramfs of the card, and its kernel command line."""
        system = dataclasses.replace(base, kernel=self.read(KERNEL), initrd=self.read(INITRD))
        return system, self.read("cmdline.txt").read_text().strip()


def partitions(card: Path) -> List[Tuple[int, int]]:
    """Where each partition begins, and its size, in bytes."""
    table = json.loads(volume.run(["sfdisk", "--json", str(card)]))["partitiontable"]
    return [(part["start"] * volume.SECTOR_BYTES, part["size"] * volume.SECTOR_BYTES)
            for part in table["partitions"]]


@contextlib.contextmanager
def partition_device(card: Path, number: int) -> Iterator[str]:
    """A loop device that is one partition."""
    offset, size = partitions(card)[number - 1]
    device = volume.run(["losetup", "--find", "--show", f"--offset={offset}",
                         f"--sizelimit={size}", str(card)]).strip()
    try:
        yield device
    finally:
        volume.run(["losetup", "--detach", device])


def make_kernel_package(work: Path, of: int) -> Path:
    """A package that writes to /boot/firmware, as one with a kernel for a Pi has it done."""
    top, target = work / f"kernel-{of}", work / f"kernel-{of}.d"
    target.mkdir()
    control = CONTROL.format(name="rofs-kernel").replace("Version: 1", f"Version: {of}")
    disk.put(top, "/DEBIAN/control", File(control))
    disk.put(top, "/usr/share/rofs-kernel/version", File(f"{of}\n"))
    if of > 1:
        disk.put(top, "/DEBIAN/postinst", File(KERNEL_POSTINST, 0o755))
    build(top, target)
    package, = target.glob("*.deb")
    return package


def package_files(tree: Path, work: Path) -> Dict[str, Entry]:
    """The package of rofs in /root, and a repository with what there is to upgrade."""
    old, new = (make_deb(tree, work / f"rofs-{revision}", f"{version()}-{revision}",
                         architecture=ARCHITECTURE) for revision in (1, 2))
    kernels = [make_kernel_package(work, of) for of in (1, 2)]
    lists = "\n".join(entry_of(package) for package in (new, kernels[1]))
    return {
        f"/root/{old.name}": File(old.read_bytes()),
        f"{REPOSITORY}/old/{kernels[0].name}": File(kernels[0].read_bytes()),
        **{f"{REPOSITORY}/{package.name}": File(package.read_bytes())
           for package in (new, kernels[1])},
        f"{REPOSITORY}/Packages": File(lists),
    }


def write_card(root: Path, firmware: Path, card: Path) -> None:
    """A card of two partitions, made of the images of their file systems."""
    sizes = [path.stat().st_size // MIB for path in (firmware, root)]
    with card.open("wb") as f:
        f.truncate((FIRST_MIB + sum(sizes)) * MIB)
    volume.run(["sfdisk", "--quiet", str(card)], f"label: dos\nlabel-id: 0x{DISK_ID}\n"
               f"start={FIRST_MIB}MiB, size={sizes[0]}MiB, type=c\n"
               f"start={FIRST_MIB + sizes[0]}MiB, type=83\n")
    for path, at in ((firmware, FIRST_MIB), (root, FIRST_MIB + sizes[0])):
        volume.run(["dd", f"if={path}", f"of={card}", "bs=1M", "conv=notrunc,sparse",
                    "status=none", f"seek={at}"])
        path.unlink()


def make_firmware(image_file: Path, size: int, kernel: bytes, initrd: bytes) -> None:
    """The file system of the first partition."""
    volume.make(image_file, Volume(
        "vfat", "bootfs", size=size * MIB, arguments=("-F", "32"), files={
            "config.txt": File(CONFIG), "cmdline.txt": File(f"{CMDLINE}\n"),
            KERNEL: File(kernel), INITRD: File(initrd)}))


def grow(root: Path, mib: int) -> None:
    """What the first boot of Raspberry Pi OS does: the root takes all of the card."""
    with root.open("r+b") as f:
        f.truncate((-(-root.stat().st_size // MIB) + mib) * MIB)
    volume.run(["resize2fs", "-f", str(root)])


def make_card(base: image.Base, tree: Path, work: Path) -> Path:
    """The card after the first boot of Raspberry Pi OS."""
    root, firmware, card = (work / f"{name}.img" for name in ("root", "firmware", "card"))
    disk.variant(base.image, root,
                 {**FILES, **package_files(tree, work), **probe_files(BOOTS)})
    grow(root, GROWN_MIB)
    make_firmware(firmware, FIRMWARE_MIB, base.kernel.read_bytes(),
                  base.with_initrd(image.INSTALLED_INITRD).initrd.read_bytes())
    write_card(root, firmware, card)
    return card


def card_sizes(root: Path, firmware_mib: int = FIRMWARE_MIB) -> Dict[str, str]:
    """The sizes on the page, and those of a card with this root, as it was before it grew."""
    size = -(-root.stat().st_size // MIB)
    return {"8G": f"{size}M", "9G": f"{FIRST_MIB + firmware_mib + size + GAP_MIB}M"}


def split_card(card: Path, sizes: Mapping[str, str]) -> List[str]:
    """Do what the page says of the card in another computer; the commands."""
    commands = guide.commands(PAGE, CARD_SECTION)
    for command in commands:
        number = re.search(r"/dev/sdb(\d)", command)
        with (partition_device(card, int(number.group(1))) if number
              else contextlib.nullcontext(str(card))) as device:
            volume.run(["sh", "-ec",
                        re.sub(r"/dev/sdb\d?", device, guide.adapted(command, sizes))])
    return commands


def same_before_data(card: Path, pristine: Path) -> bool:
    """Whether all that comes before the third partition is identical."""
    return subprocess.run(["cmp", "-s", f"--bytes={partitions(card)[2][0]}", str(card),
                           str(pristine)], check=False).returncode == 0


def boot_all(base: image.Base, tree: Path, logs: Path, work: Path) -> Tuple[List[Boot], List[str]]:
    """The results of each boot, and what is not as it must be."""
    card, pristine = make_card(base, tree, work), work / "pristine.img"
    split_card(card, card_sizes(base.image))
    if len(partitions(card)) != 3 or partitions(card)[2][0] < partitions(card)[1][0]:
        raise StepFailed(f"the third partition is not after the second: {partitions(card)}")
    firmware = Firmware(card, work)
    boots: List[Boot] = []
    faults: List[str] = []
    for number in range(1, len(BOOTS) + 1):
        if number == OFF_BOOT:
            firmware.add_word("rofs=off")
        disk.copy_sparse(card, pristine)
        system, cmdline = firmware.load(base)
        cmdline += f" {WITHOUT_CLOCK} panic=-1 {probe_argument(number)}"
        with Machine(system, [Disk(card)], f"{base.architecture}-{number}", logs,
                     rtc="base=1970-01-01", memory=MEMORY_MIB, cmdline=cmdline) as machine:
            boots.append(machine.wait_for_power_off(BOOT_SECONDS_MAX))
        if number == OFF_BOOT - 1:
            new = system.kernel.read_bytes().endswith(f"{NEW_KERNEL}\n".encode())
            faults += architecture.faults([
                ("third boot: has the new kernel", new, True),
                ("third boot: wrote to neither / nor /boot/firmware",
                 same_before_data(card, pristine), True)])
    return boots, faults + architecture.faults(rows(boots))


def lines(boot: Boot, name: str, n: int) -> List[str]:
    """At least so many lines of an answer, the last ones empty if there are not as many."""
    said = boot[name].out.splitlines()
    return said + [""] * (n - len(said))


def time_of(boot: Boot, name: str) -> int:
    """A time that a machine has told, which may have failed."""
    first = lines(boot, name, 1)[0]
    return int(first) if first.isdigit() else -1


def mode(line: str) -> List[str]:
    """The type of a file system, and whether it is writable, of a line of LAYOUT."""
    return [*line.split()[-2:-1], line.split(" ")[-1].split(",")[0]]


def words(text: str) -> str:
    """A text whose lines may end anywhere."""
    return " ".join(text.split())


def rows(boots: List[Boot]) -> architecture.Rows:
    """What the boots have answered, and what that must be."""
    set_up, used, kept, off = boots
    return [*rows_of_set_up(set_up), *architecture.rows(used, kept), *rows_of_use(used),
            *rows_kept(kept), *rows_of_clock(boots), *rows_off(off)]


def not_suggested(configuration: str) -> List[str]:
    """What the page says that `rofs suggest` prints, and it does not."""
    section, = guide.blocks(PAGE, "ini")
    # Comments are between the lines.
    plain = "\n".join(line for line in configuration.splitlines() if not line.startswith("#"))
    return [] if section in f"{plain}\n" else [section]


def rows_of_set_up(boot: Boot) -> architecture.Rows:
    layout = lines(boot, "layout", 3)
    return [
        ("set up: system", boot["running"].line, "running"),
        ("set up: kernel command line", layout[0].startswith(CMDLINE), True),
        ("set up: root", mode(layout[1]), ["ext4", "rw"]),
        ("set up: firmware", mode(layout[2]), ["vfat", "rw"]),
        ("set up: swap", layout[3:], ["/var/swap"]),
        ("set up: package of a kernel", boot["kernel"].status, 0),
        *((f"set up: {name}", lines(boot, name, 1)[0], "0")
          for name in ("removed", "installed", "cured")),
        ("set up: swap afterwards", boot["swap"].out, ""),
        ("set up: fstab", boot["fstab"].out.split()[3:4], ["defaults,ro"]),
        *((f"set up: {name}", boot[name].status, 0)
          for name in ("suggest", "add", "tune", "check_before", "check")),
        ("set up: not suggested, but on the page", not_suggested(boot["suggest"].out), []),
        ("set up: fsck is reported", "runs fsck on /" in words(boot["check_before"].out), True),
        ("set up: check", lines(boot, "check", 1)[-1], "0 errors, 0 warnings"),
    ]


def rows_of_use(boot: Boot) -> architecture.Rows:
    return [
        ("use: status", boot["status"].line.startswith("protected:"), True),
        ("use: firmware is read-only", " ro," in boot["firmware"].out, True),
        ("use: upgrade", lines(boot, "upgraded", 1)[0], "0"),
        ("use: new kernel is there", boot["left"].out.endswith(f"{NEW_KERNEL}\n"), True),
        ("use: nothing else is left", ".rofs" in boot["left"].out, False),
        ("use: status after the upgrade",
         boot["status_upgraded"].line.startswith("protected:"), True),
    ]


def rows_kept(boot: Boot) -> architecture.Rows:
    layout = lines(boot, "layout", 2)
    return [
        ("kept: status", boot["status"].line.startswith("protected:"), True),
        ("kept: packages", boot["packages"].out.splitlines(),
         [f"rofs {version()}-2", "rofs-kernel 2"]),
        ("kept: root", mode(layout[0]), ["ext4", "ro"]),
        ("kept: firmware", mode(layout[1]), ["vfat", "ro"]),
    ]


def rows_of_clock(boots: List[Boot]) -> architecture.Rows:
    """No protected boot begins before the end of the boot before it."""
    set_up, used, kept, off = boots
    return [
        *((f"boot {number}: clocks of the machine", boot["clock"].out.count("rtc"), 0)
          for number, boot in enumerate(boots, start=1)),
        ("time is saved in the first boot", time_of(set_up, "clock_saved") > 0, True),
        ("time of the second boot",
         time_of(used, "clock") >= time_of(set_up, "clock_saved"), True),
        ("time is saved in the second boot",
         time_of(used, "clock_saved") >= time_of(used, "ahead") > 0, True),
        ("time of the third boot",
         time_of(kept, "clock") >= time_of(used, "clock_saved"), True),
        ("which is not that on flash",
         time_of(kept, "clock") - time_of(kept, "clock_on_flash") > AHEAD_SECONDS // 2, True),
        ("time of a boot without rofs is that on flash",
         0 <= time_of(off, "clock") - time_of(kept, "clock_on_flash") < AHEAD_SECONDS // 2, True),
    ]


def rows_off(boot: Boot) -> architecture.Rows:
    return [
        ("without rofs: status", lines(boot, "status", 1)[-1], "4"),
        ("without rofs: root", mode(lines(boot, "layout", 1)[0]), ["ext4", "rw"]),
        ("without rofs: writable", boot["writable"].status, 0),
    ]
