"""Roots that are not ext4, with the minimal rofs.conf and the fstab that such systems have."""

from __future__ import annotations

from types import MappingProxyType
from typing import Dict, Mapping, Sequence

from ..disk import File, Link
from ..image import PACKAGE_SETS, SUITES
from ..probe import UNITS, Snippets
from ..scenario import MINIMAL_CONF, NEWEST, ONE, RARELY, SECTORS, SYSTEM, Scenario
from .basic import EARLY_TEXT, OVERLAYS, permissions
from .commit import FLAGS

ROOT: Dict[str, str] = {
    **SYSTEM,
    "root": "findmnt -n -o FSTYPE,OPTIONS /",
    "bound": "for m in /etc /var /home /etc/machine-id; do findmnt -n -o FSTYPE $m; done",
    "sectors_early": "cat /run/test-sectors",
    **{f"permissions_{name}": permissions(name) for name in OVERLAYS},
    "change": (
        "echo changed >/etc/hostname; echo changed >/var/lib/rofs-lower;"
        " echo changed >/home/user/notes; rm /etc/hosts; mv /var/lib/rofs-lower /var/lib/moved"
    ),
    "merged": "cat /etc/hostname /var/lib/moved /home/user/notes; test ! -e /etc/hosts",
    "lower": "cd /rofs/ro; cat etc/hostname var/lib/rofs-lower home/user/notes etc/hosts",
    "readonly": "touch /new; touch /usr/new; touch /rofs/ro/etc/new",
    "early_before": EARLY_TEXT,
    "reload": "systemctl daemon-reload",
    "early_after": EARLY_TEXT,
    "running_after": "systemctl is-system-running --wait",
    **SECTORS,
    "commit": "rofs commit --yes /etc/hostname /etc/hosts /home/user; echo $?",
    "commit_flash": "cd /rofs/ro; cat etc/hostname home/user/notes; ls etc/hosts; ls -A rofs home",
    "commit_flags": FLAGS,
    "commit_readonly": "touch /new; touch /usr/new; touch /rofs/ro/etc/new",
    "chroot": "rofs chroot touch /etc/by-chroot; echo $?",
    "chroot_flash": "ls /rofs/ro/etc/by-chroot",
    "maintenance": "rofs maintenance; echo $?",
    "cancel": "rofs maintenance --cancel",
}


# What the initramfs has written by mounting, before anything of ours could.
EARLY_UNIT = """\
[Unit]
Description=Test of what was written before
DefaultDependencies=no
Before=systemd-remount-fs.service local-fs-pre.target
[Service]
Type=oneshot
ExecStart=/bin/sh -c "awk '{print $$7}' /sys/block/vda/stat >/run/test-sectors"
"""


NO_EROFS = "blkid of util-linux 2.36 does not know erofs, so that the initramfs finds no root"


AGAIN: Dict[str, str] = {
    **SYSTEM,
    "root": ROOT["root"],
    "readonly": ROOT["readonly"],
    "committed": "cat /etc/hostname /home/user/notes; ls /etc/hosts /etc/by-chroot",
    "diff": "rofs diff --noheadings /home",
}


def on(
    fstype: str, fstab: str, routine: Sequence[str], arguments: Sequence[str] = (),
    cannot: Mapping[str, str] = MappingProxyType({}), later: Sequence[Snippets] = (),
    packages: str = "",
) -> Scenario:
    """A root of one type. `later`: the questions of further boots."""
    return Scenario(f"root-{fstype}", MINIMAL_CONF, (ROOT, *later), root=fstype,
                    arguments=arguments, cannot=cannot, routine=routine, packages=packages,
                    suites=tuple(suite for suite in SUITES
                                 if not packages or suite in PACKAGE_SETS[packages]),
                    files={
                        "/etc/fstab": File(fstab),
                        f"{UNITS}/test-early.service": File(EARLY_UNIT),
                        f"{UNITS}/sysinit.target.wants/test-early.service":
                            Link("../test-early.service"),
                    })


SCENARIOS = (
    # As Ubuntu's and Debian's installers lay it out. On bookworm, the scenario "subvolumes" is,
    # when everything is booted.
    on("btrfs", "LABEL=root / btrfs defaults,subvol=@ 0 0\n"
                "LABEL=root /home btrfs defaults,subvol=@home 0 0\n",
       NEWEST, arguments=("rootflags=subvol=@",)),
    on("xfs", "LABEL=root / xfs defaults 0 0\n", RARELY),
    # Neither has a label. Firmware builders (Yocto) write "/dev/root / auto defaults 1 1".
    on("squashfs", "/dev/root / auto defaults 1 1\n", ONE, arguments=("root=/dev/vda",)),
    on("erofs", "/dev/vda / erofs defaults 0 0\n", ONE, arguments=("root=/dev/vda",),
       cannot={"bullseye": NO_EROFS}),
    # Kernels for clouds do not know it.
    on("f2fs", "LABEL=root / f2fs defaults,active_logs=2,nodiscard 0 0\n", RARELY,
       packages="more", later=(AGAIN,)),
)
