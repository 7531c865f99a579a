"""`rofs check` on trees in which other software mounts an overlay on /."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from support import make_tree, run_program

OVERLAYROOT = "usr/share/initramfs-tools/scripts/init-bottom/overlayroot"
LOCKFS = "usr/share/initramfs-tools/scripts/local-bottom/bilibop-lockfs"


def warnings(rofs: Path, root: Path, files: dict[str, str]) -> list[str]:
    make_tree(root, {"etc/rofs.conf": "[Overlay /var]\n", "etc/fstab": "/dev/a / ext4 ro 0 0\n",
                     **files})
    return re.findall(r"^.*warning: .*$", run_program(rofs, "check", f"--root={root}").stdout, re.M)


@pytest.mark.parametrize(("cmdline", "who"), [
    ("overlayroot=tmpfs", "overlayroot"), ("overlayroot=device:dev=/dev/sdb", "overlayroot"),
    ("boot=overlay", "the overlay of raspi-config"), ("lockfs", "bilibop-lockfs"),
    ("lockfs=hard", "bilibop-lockfs"), ("fsprotect", "fsprotect"), ("fsprotect=1G", "fsprotect"),
    ("aufs=tmpfs", "the initramfs"), ("rootovl", "dracut"), ("rd.overlay=1", "dracut"),
    ("rd.live.overlay.overlayfs", "dracut"), ("boot=live", "live-boot"),
    ("systemd.volatile=overlay", "systemd.volatile="), ("systemd.volatile", "systemd.volatile="),
])
def test_word_is_told(cmdline: str, who: str, rofs: Path, tmp_path: Path) -> None:
    line, = warnings(rofs, tmp_path / "root", {"proc/cmdline": f"quiet {cmdline} ro\n"})
    assert line.startswith("/proc/cmdline: warning: ") and f"{who} mounts " in line


@pytest.mark.parametrize("cmdline", [
    "overlayroot=disabled", "overlayroot=", "overlayroot=tmpfs overlayroot=disabled", "boot=local",
    "lockfs nolockfs", "rd.overlay=0", "rd.live.overlay.overlayfs=no", "systemd.volatile=no",
    "xoverlayroot=tmpfs", "boot=overlays",
])
def test_word_that_does_nothing_is_not(cmdline: str, rofs: Path, tmp_path: Path) -> None:
    assert warnings(rofs, tmp_path / "root", {"proc/cmdline": f"quiet {cmdline} ro\n"}) == []


@pytest.mark.parametrize(("files", "place"), [
    ({OVERLAYROOT: "", "etc/overlayroot.conf": '# x\noverlayroot_cfgdisk="disabled"\n'
      'overlayroot="tmpfs:swap=1"\n'}, "/etc/overlayroot.conf:3: "),
    ({OVERLAYROOT: "", "etc/overlayroot.conf": "overlayroot=\n",
      "etc/overlayroot.local.conf": "overlayroot=tmpfs\n"}, "/etc/overlayroot.local.conf:1: "),
    ({LOCKFS: "", "etc/bilibop/bilibop.conf": "BILIBOP_LOCKFS=true\n"},
     "/etc/bilibop/bilibop.conf:1: "),
])
def test_file_is_told(files: dict[str, str], place: str, rofs: Path, tmp_path: Path) -> None:
    line, = warnings(rofs, tmp_path / "root", files)
    assert line.startswith(f"{place}warning: ") and line.endswith(" here")


@pytest.mark.parametrize("files", [
    {"etc/overlayroot.conf": "overlayroot=tmpfs\n"},  # removed, not purged
    {OVERLAYROOT: "", "etc/overlayroot.conf": 'overlayroot=""\n'},
    {OVERLAYROOT: "", "etc/overlayroot.conf": "overlayroot=tmpfs\n",
     "etc/overlayroot.local.conf": "overlayroot=disabled\n"},
    {OVERLAYROOT: "", "etc/overlayroot.conf": "overlayroot=tmpfs\n",
     "proc/cmdline": "ro overlayroot=disabled\n"},
    {LOCKFS: "", "etc/bilibop/bilibop.conf": "BILIBOP_LOCKFS=\"false\"\n"},
    {LOCKFS: "", "etc/bilibop/bilibop.conf": "BILIBOP_LOCKFS=true\n", "proc/cmdline": "nolockfs\n"},
])
def test_file_that_does_nothing_is_not(files: dict[str, str], rofs: Path, tmp_path: Path) -> None:
    assert warnings(rofs, tmp_path / "root", files) == []
