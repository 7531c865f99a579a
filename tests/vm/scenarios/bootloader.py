"""`rofs chroot` installs a kernel, and the boot loader on the disk boots it.

GRUB, its hooks and those of initramfs-tools are Debian's. They have to find the devices of / and of
/boot, which differ unless /boot is a directory of the root.
"""

from __future__ import annotations

from typing import Dict, Sequence

from ..disk import File
from ..machine import KERNEL_ARGUMENTS
from ..scenario import MINIMAL_CONF, NO_NETWORK, RARELY, SYSTEM, Scenario
from ..volume import Partition, Volume
from .upgrade import DIRECTORY, RO, WAIT, begun

BIOS_BOOT = Partition("21686148-6449-6E6F-744E-656564454649", "bios", Volume("", size=1 << 20))
ROOT_FSTAB = "LABEL=root / ext4 errors=remount-ro 0 1\n"
SUBVOLUME_FSTAB = ("LABEL=root / btrfs defaults,subvol=@ 0 0\n"
                   "LABEL=root /home btrfs defaults,subvol=@home 0 0\n")
# update-grub names the root itself.
ARGUMENTS = ["console=ttyS0", *(w for w in KERNEL_ARGUMENTS if not w.startswith("root="))]
DEFAULT_GRUB = f"""\
GRUB_DEFAULT=0
GRUB_TIMEOUT=0
GRUB_TERMINAL=serial
GRUB_DISABLE_OS_PROBER=true
GRUB_CMDLINE_LINUX_DEFAULT=""
GRUB_CMDLINE_LINUX="{" ".join([*ARGUMENTS, "panic=-1", NO_NETWORK])}"
"""
# The package has one file, which /boot has as well: dpkg keeps a hard link to that meanwhile.
INSTALL = """\
#!/bin/sh -e
export DEBIAN_FRONTEND=noninteractive
mkdir -p /tmp/package/DEBIAN /tmp/package/boot
cat >/tmp/package/DEBIAN/control <<END
Package: rofs-boot
Version: 1
Architecture: all
Maintainer: nobody <nobody@localhost>
Description: test package
END
echo new >/tmp/package/boot/rofs-boot
dpkg-deb -b /tmp/package /tmp/rofs-boot.deb
apt-get -qy install /opt/kernel.deb /tmp/rofs-boot.deb
"""
# Each file system has a directory for transactions in its root. On btrfs, the size of a directory
# counts the names in it.
STATE = ("(cd /rofs/ro;"
         " find . \\( -path ./rofs -o -name .rofs \\) -prune -o"
         " -printf '%P %y %m %U %G %T@ %n %l ' -type d -printf '\\n' -o -printf '%s\\n' |"
         " sort | md5sum;"
         " cd /boot; find . -name .rofs -prune -o -type f -print0 | sort -z | xargs -0 md5sum)")

SET_UP = """\
#!/bin/sh -e
if mountpoint -q /boot; then
    mkdir /run/root
    mount --bind / /run/root
    cp -r /run/root/boot/. /boot
fi
echo old >/boot/rofs-boot
grub-install /dev/vda
update-grub
"""
SETUP: Dict[str, str] = {
    "begun": f"systemd-run -q -p Type=exec sh -c 'sh {DIRECTORY}/set-up >/run/said 2>&1;"
             " echo $? >/run/status'",
    **{f"wait_{i}": WAIT for i in range(4)},
    "status": "cat /run/status",
    "said": "cat /run/said; ls -A /boot",
}
FIRST: Dict[str, str] = {
    **SYSTEM,
    "kernel": "uname -r; cat /proc/cmdline; findmnt -no FSTYPE /boot",
    "before": STATE,
    "discarded": "rofs chroot sh -c 'echo x >/boot/rofs-boot; exit 7'; echo $?",
    "discarded_left": STATE,
    "name": "rofs chroot touch /boot/a:b; echo $?",
    "name_left": f"{STATE}; ls -A /boot",
    "begun": "rm -f /run/status; " + begun("install"),
    **{f"wait_{i}": WAIT for i in range(8)},
    "status": "cat /run/status",
    "said": "cat /run/said",
    "left": f"{RO}; ls /rofs/ro/rofs; ls -A /boot",
    "grub": "grep -E '^[^#]*(linux|initrd|search)' /boot/grub/grub.cfg",
    "package": "cat /boot/rofs-boot",
    "verdict": "rofs status",
}
SECOND: Dict[str, str] = {
    **SYSTEM,
    "kernel": "uname -r; cat /proc/cmdline",
    "status": "rofs status",
    "package": "cat /boot/rofs-boot",
    "modules": "modprobe -v vfat; modinfo -n vfat",
    "overlay": "cd /rofs/ro; getfattr -R -h -d -m trusted.overlay boot usr 2>/dev/null",
    "journal": "journalctl -b -p warning -o cat --no-pager",
    "sectors": "sync; awk '{print $7}' /sys/block/vda/vda1/stat",
}


def scenario(name: str, boot: str = "", root: str = "ext4", fstab: str = ROOT_FSTAB,
             arguments: Sequence[str] = ()) -> Scenario:
    """/boot is a partition of type `boot` or, if that is empty, a directory of the root."""
    own = [Partition("linux", "boot", Volume(boot, label="BOOT", size=256 << 20))] if boot else []
    fstab += f"LABEL=BOOT /boot {boot} defaults 0 2\n" if boot else ""
    return Scenario(
        f"bootloader-{name}", MINIMAL_CONF, (SETUP, FIRST, SECOND), root=root, routine=RARELY,
        packages="grub", memory=512, seconds=3000, partitions=(BIOS_BOOT, *own), setup_boots=1,
        loader=(2, 3), arguments=arguments, words=(("rofs=off",), (), ()),
        files={"/etc/fstab": File(fstab),
               "/etc/default/grub.d/test.cfg": File(DEFAULT_GRUB),
               f"{DIRECTORY}/set-up": File(SET_UP),
               f"{DIRECTORY}/install": File(INSTALL)})


SCENARIOS = (
    scenario("root"),
    scenario("ext4", boot="ext4"),
    scenario("vfat", boot="vfat"),
    # The root is a subvolume: GRUB needs its name in each path.
    scenario("btrfs", root="btrfs_loader", fstab=SUBVOLUME_FSTAB,
             arguments=("rootflags=subvol=@",)),
)
