"""`rofs check` on trees with software that writes, at boot or on its own, where it cannot."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest
from support import make_tree, parse_json, run_program

pytestmark = pytest.mark.sanitized

FSTAB = "LABEL=root / ext4 ro 0 1\n"
CONF = "[Overlay /etc]\n[Overlay /var]\n[Overlay /home]\n[Overlay /root]\n"
UNITS = "usr/lib/systemd/system/"
WANTS = "etc/systemd/system/{}.wants/{}"
CLOUD = {UNITS + "cloud-init.service": "[Unit]\n", "etc/passwd": "root:x:0:0::/root:/bin/bash\n",
         "var/lib/cloud/instance/x": ""}
MODULES = ("cloud_init_modules:\n - growpart\n - [resizefs, always]\n - mounts\n"
           "cloud_config_modules:\n- locale\n")
CFG = {**CLOUD, "etc/cloud/cloud.cfg": MODULES}
QUIET = {"etc/cloud/cloud.cfg.d/1.cfg": "growpart: {mode: off}\nresize_rootfs: false\n"}
LOCALE = {"usr/sbin/locale-gen": "", "usr/lib/locale/x": ""}
APT = {UNITS + "apt-daily.timer": "[Timer]\n", UNITS + "apt-daily-upgrade.timer": "[Timer]\n",
       WANTS.format("timers.target", "apt-daily.timer"): "",
       WANTS.format("timers.target", "apt-daily-upgrade.timer"): "",
       "usr/bin/unattended-upgrade": ""}
RPI_SWAP = {"usr/lib/systemd/system-generators/rpi-swap-generator": ""}
PERIODIC = "etc/apt/apt.conf.d/20auto-upgrades"


class Found(NamedTuple):
    kind: str
    file: str
    message: str


def found(rofs: Path, root: Path, files: dict[str, str], conf: str = CONF) -> list[Found]:
    make_tree(root, {"etc/rofs.conf": conf, "etc/fstab": FSTAB, **files}, ["root"])
    answer = parse_json(run_program(rofs, "check", "--json", root=root).stdout,
                        "check.schema.json")
    return [Found(p["kind"], p["file"] and f"{p['file']}:{p['line']}", p["message"])
            for p in answer["problems"] + answer["notes"] if p["kind"] != "root-unprotected"]


# (files, configuration, kind, place, what the message holds)
CASES = {
    "growpart": ({**CFG, "etc/cloud/cloud.cfg.d/1.cfg": "resize_rootfs: false\n"}, CONF,
                 "write-fails", None, "cloud-init grows the root partition (growpart)"),
    "resizefs": ({**CFG, "etc/cloud/cloud.cfg.d/1.cfg": "growpart:\n  mode: 'off'\n"}, CONF,
                 "write-fails", None, "cloud-init grows the root file system (resizefs)"),
    "locale": ({**CFG, **QUIET, **LOCALE, "etc/cloud/cloud.cfg.d/2.cfg": "locale: de_DE.UTF-8\n",
                "etc/default/locale": "LANG=C.UTF-8\n"}, CONF,
               "write-fails", None, "runs locale-gen for de_DE.UTF-8 at boot"),
    "swap of cloud-init on an overlay": (
        {**CFG, **QUIET, "etc/cloud/cloud.cfg.d/2.cfg": "swap:\n  filename: /var/swap\n"}, CONF,
        "write-fails", None, "/var/swap, which is on an overlay: the kernel refuses it"),
    "swap of cloud-init": ({**CFG, **QUIET, "etc/cloud/cloud.cfg.d/2.cfg":
                            "swap:\n  filename: /swap.img\n  size: auto\n"}, CONF,
                           "write-fails", None, "cloud-init swaps to the file /swap.img"),
    "keys of cloud-init": (CLOUD, "[Overlay /etc]\n[Overlay /var]\n", "write-fails", None,
                           "cloud-init writes SSH keys to /root/.ssh, which is read-only"),
    "modules in brackets": (
        {**CLOUD, "etc/cloud/cloud.cfg": "cloud_init_modules: [ssh, 'resizefs']\n"}, CONF,
        "write-fails", None, "cloud-init grows the root file system (resizefs)"),
    "module with its frequency in quotes": (
        {**CLOUD, "etc/cloud/cloud.cfg": "cloud_init_modules:\n- ['growpart', 'always']\n"}, CONF,
        "write-fails", None, "cloud-init grows the root partition (growpart)"),
    "growpart of other devices": (
        {**CFG, "etc/cloud/cloud.cfg.d/1.cfg": "resize_rootfs: false\n"
         "growpart: {devices: [/], mode: auto}\n"}, CONF,
        "write-fails", None, "cloud-init grows the root partition (growpart)"),
    "resizefs in the background": (
        {**CFG, "etc/cloud/cloud.cfg.d/1.cfg": "growpart: off\nresize_rootfs: noblock\n"}, CONF,
        "write-fails", None, "cloud-init grows the root file system (resizefs)"),
    "first run of cloud-init": (
        {UNITS + "cloud-init-main.service": "[Unit]\n"}, CONF, "write-lost", "/etc/rofs.conf:2",
        "cloud-init has not run yet, and its state in /var/lib/cloud is lost at power-off"),
    "state of cloud-init": ({UNITS + "cloud-init.service": "[Unit]\n"}, "[Overlay /etc]\n",
                            "write-fails", None, "cloud-init keeps its state in /var/lib/cloud"),
    "cloud-init without /etc": (
        {**CFG, **QUIET}, CONF.replace("[Overlay /etc]\n", ""), "write-fails", None,
        "cloud-init writes the host name, users and the network configuration to /etc"),
    "growfs by fstab": ({"etc/fstab": "LABEL=root / ext4 ro,x-systemd.growfs 0 1\n"}, CONF,
                        "write-fails", "/etc/fstab:1", "remove the option"),
    "growfs by a link": ({UNITS + "systemd-growfs-root.service": "[Unit]\n",
                          WANTS.format("-.mount", "systemd-growfs-root.service"): ""}, CONF,
                         "write-fails", None, "systemctl disable systemd-growfs-root.service"),
    "resize2fs_once": ({UNITS + "resize2fs_once.service": "[Unit]\n",
                        WANTS.format("multi-user.target", "resize2fs_once.service"): ""}, CONF,
                       "write-fails", None, "systemctl disable resize2fs_once.service"),
    "growth of Armbian": (
        {UNITS + "armbian-resize-filesystem.service": "[Unit]\n",
         WANTS.format("basic.target", "armbian-resize-filesystem.service"): ""}, CONF,
        "write-fails", None, "systemctl disable armbian-resize-filesystem.service"),
    "dphys-swapfile": ({UNITS + "dphys-swapfile.service": "[Unit]\n",
                        WANTS.format("multi-user.target", "dphys-swapfile.service"): ""}, CONF,
                       "write-fails", None, "to the file /var/swap, which is on an overlay"),
    "dphys-swapfile elsewhere": (
        {UNITS + "dphys-swapfile.service": "[Unit]\n", "etc/dphys-swapfile":
         "#CONF_SWAPSIZE=1\nCONF_SWAPFILE=/swap\n",
         WANTS.format("multi-user.target", "dphys-swapfile.service"): ""}, CONF,
        "write-fails", None, "to the file /swap, which is read-only"),
    "swap unit": ({"etc/systemd/system/swapfile.swap": "[Swap]\nWhat=/swapfile\n",
                   "etc/systemd/system/swap.target.wants/swapfile.swap": ""}, CONF,
                  "write-fails", None, "swapfile.swap swaps to the file /swapfile, which is read-"),
    "swap unit on an overlay": (
        {UNITS + "var-swap.swap": "[Swap]\nWhat=/dev/sda3\n",
         "etc/systemd/system/var-swap.swap.d/1.conf": "[Swap]\nWhat=/var//swap\n",
         WANTS.format("multi-user.target", "var-swap.swap"): ""}, CONF,
        "write-fails", None, "to the file /var/swap, which is on an overlay: the kernel refuses"),
    "swapspace": ({UNITS + "swapspace.service": "[Unit]\n",
                   WANTS.format("multi-user.target", "swapspace.service"): ""}, CONF,
                  "write-fails", "/etc/rofs.conf:2", "swapspace uses /var/lib/swapspace for swap"),
    "swapspace elsewhere": (
        {UNITS + "swapspace.service": "[Unit]\n", "etc/swapspace.conf": 'swappath="/swap"\n',
         WANTS.format("multi-user.target", "swapspace.service"): ""}, CONF,
        "write-fails", None, "swapspace uses /swap for swap, which is read-only"),
    "rpi-swap": (RPI_SWAP, CONF, "write-fails", "/etc/rofs.conf:2",
                 "[Overlay /var]: rpi-swap uses /var/swap for swap: in an overlay, that takes"),
    "rpi-swap with a file": (
        {**RPI_SWAP, "etc/rpi/swap.conf": "[Main]\nMechanism=zram\n[File]\nPath=/var//swap\n",
         "etc/rpi/swap.conf.d/a.conf": "[Main]\nMechanism=swapfile\n"}, CONF,
        "write-fails", "/etc/rofs.conf:2", "set Mechanism=zram in the section [Main] of"),
    "rpi-swap on /": ({**RPI_SWAP, "etc/rpi/swap.conf": "[File]\nPath=/swap\n"}, CONF,
                      "write-fails", None, "rpi-swap uses /swap for swap, which is read-only"),
    "unattended-upgrades": ({**APT, PERIODIC: 'APT::Periodic::Unattended-Upgrade "1";\n'}, CONF,
                            "write-fails", None, "unattended-upgrades installs packages"),
    "apt-daily": ({**APT, PERIODIC: 'APT::Periodic::Update-Package-Lists "7";\n'}, CONF,
                  "write-lost", "/etc/rofs.conf:2", "apt-daily.timer downloads package lists"),
    "unattended-upgrades in a block": (
        {**APT, PERIODIC: 'APT {\n  Periodic {\n    Unattended-Upgrade "1";\n  };\n};\n'}, CONF,
        "write-fails", None, "unattended-upgrades installs packages"),
    "apt-daily in a block on one line": (
        {**APT, PERIODIC: 'APT { Install-Recommends "0"; Periodic { Update-Package-Lists always; };'
         ' };\n'}, CONF, "write-lost", "/etc/rofs.conf:2", "downloads package lists"),
    "apt-daily, by apt.conf, which comes last": (
        {**APT, PERIODIC: 'APT::Periodic::Update-Package-Lists "0";\n',
         "etc/apt/apt.conf": 'APT::Periodic::Update-Package-Lists "1";\n'}, CONF,
        "write-lost", "/etc/rofs.conf:2", "downloads package lists"),
    "home": ({"etc/passwd": "ann:x:1000:1000::/home/ann:/bin/sh\n", "home/ann/x": ""},
             "[Overlay /var]\n", "home-read-only", None,
             "/home/ann is read-only: shells and other programs cannot save"),
    "home of root": ({"etc/passwd": "root:x:0:0::/root:/bin/bash\n"}, "[Overlay /var]\n",
                     "home-read-only", None, "add [Overlay /root]"),
    "keys": ({"etc/passwd": "root:x:0:0::/root:/bin/bash\n", UNITS + "ssh.service": "[Unit]\n"},
             "[Overlay /var]\n", "home-read-only", None,
             "SSH keys cannot be added to .ssh/authorized_keys, and shells"),
    "keys elsewhere in the home directory": (
        {"etc/passwd": "root:x:0:0::/root:/bin/bash\n", UNITS + "sshd.service": "[Unit]\n",
         "etc/ssh/sshd_config": "#AuthorizedKeysFile x\nauthorizedkeysfile %h/keys .ssh/b\n"},
        "[Overlay /var]\n", "home-read-only", None, "SSH keys cannot be added to keys, and"),
    "keys elsewhere": (
        {"etc/passwd": "root:x:0:0::/root:/bin/bash\n", UNITS + "sshd.service": "[Unit]\n",
         "etc/ssh/sshd_config.d/a.conf": "AuthorizedKeysFile /etc/ssh/keys/%u\n"},
        "[Overlay /var]\n", "home-read-only", None, "/root is read-only: shells and other"),
    "many homes": ({f"home/{name}/x": "" for name in "abcdef"}, "[Overlay /var]\n",
                   "home-read-only", None, "/home/a is read-only"),
}


@pytest.mark.parametrize("name", CASES)
def test_it_is_told(name: str, rofs: Path, tmp_path: Path) -> None:
    files, conf, kind, place, text = CASES[name]
    problem, = found(rofs, tmp_path, files, conf)
    assert (problem.kind, problem.file) == (kind, place)
    assert text in problem.message


SILENT = {
    "apt is off, in a block": (
        {**APT, PERIODIC: 'APT::Periodic { Enable "0"; Unattended-Upgrade "1"; };\n'}, CONF),
    "files that apt ignores": (
        {**APT, "etc/apt/apt.conf.d/20auto-upgrades.ucf-dist":
         'APT::Periodic::Unattended-Upgrade "1";\n'}, CONF),
    "cloud-init is disabled": ({**CFG, "etc/cloud/cloud-init.disabled": ""}, CONF),
    "cloud-init is disabled by the boot loader": (
        {**CFG, "proc/cmdline": "ro cloud-init=disabled\n"}, CONF),
    "only its configuration": ({"etc/cloud/cloud.cfg": MODULES}, CONF),
    "cloud-init does not grow": ({**CFG, **QUIET}, CONF),
    "growpart is off, in quotes": (
        {**CFG, "etc/cloud/cloud.cfg.d/1.cfg": "resize_rootfs: false\n"
         "growpart: {mode: \"off\"}\n"}, CONF),
    "growpart is off, among others": (
        {**CFG, "etc/cloud/cloud.cfg.d/1.cfg": "resize_rootfs: false\n"
         "growpart: { devices: ['/', /srv], \"mode\": off }\n"}, CONF),
    "growpart is off as a whole": (
        {**CFG, "etc/cloud/cloud.cfg.d/1.cfg": "resize_rootfs: false\ngrowpart: false\n"}, CONF),
    "no such module": ({**CLOUD, "etc/cloud/cloud.cfg":
                        "cloud_init_modules:\n - ssh\n# - growpart\n"}, CONF),
    "root is writable": ({**CFG, "etc/fstab": "LABEL=root / ext4 rw,x-systemd.growfs 0 1\n"},
                         "[Root]\nReadOnly=no\n" + CONF),
    "locale is set": ({**CFG, **QUIET, **LOCALE, "etc/cloud/cloud.cfg.d/2.cfg":
                       "locale: de_DE.UTF-8\n", "etc/default/locale": "LANG=de_DE.UTF-8\n"}, CONF),
    "locale is off": ({**CFG, **QUIET, **LOCALE,
                       "etc/cloud/cloud.cfg.d/2.cfg": "locale: false\n"}, CONF),
    "swap unit that is not pulled in": (
        {UNITS + "swapfile.swap": "[Swap]\nWhat=/swapfile\n"}, CONF),
    "swap unit of a device": (
        {"etc/systemd/system/dev-sda3.swap": "[Swap]\nWhat=/dev/sda3\n",
         "etc/systemd/system/swap.target.wants/dev-sda3.swap": ""}, CONF),
    "swapspace is not enabled": ({UNITS + "swapspace.service": "[Unit]\n"}, CONF),
    "rpi-swap without a file": (
        {**RPI_SWAP, "etc/rpi/swap.conf.d/a.conf": "[Main]\nMechanism=zram\n"}, CONF),
    "rpi-swap on a device": (
        {**RPI_SWAP, "etc/rpi/swap.conf": "[Main]\nMechanism=auto\n[File]\n"
         "Path=/dev/mmcblk0p3\n"}, CONF),
    "rpi-swap on a partition": (
        RPI_SWAP, CONF.replace("/var]", "/var]\nPartition=d") + "[Partition d]\nDevice=/dev/d\n"),
    "growfs is not pulled in": ({UNITS + "systemd-growfs-root.service": "[Unit]\n"}, CONF),
    "apt does nothing": (APT, CONF),
    "apt is told to do nothing": ({**APT, PERIODIC:
                                   'APT::Periodic::Unattended-Upgrade "0";\n'
                                   'APT::Periodic::Update-Package-Lists "0";\n'}, CONF),
    "apt is off": ({**APT, PERIODIC: 'APT::Periodic::Unattended-Upgrade "1";\n'
                    'APT::Periodic::Enable "0";\n'}, CONF),
    "homes of services": ({"etc/passwd": "www:x:33:33::/srv:/bin/sh\n"
                           "nobody:x:65534:65534::/usr:/bin/sh\n", "home/lost+found/x": ""},
                          "[Overlay /var]\n"),
    "homes of users without a shell": (
        {"etc/passwd": "a:x:1000:1000::/srv/a:/usr/sbin/nologin\n"
         "b:x:1001:1001::/srv/b:/bin/false\n", "srv/a/x": "", "srv/b/x": ""}, "[Overlay /var]\n"),
    "homes that can be written": ({"etc/passwd": "root:x:0:0::/root:/bin/bash\n"
                                   "ann:x:1000:1000::/home/ann:/bin/sh\n", "home/ann/x": ""},
                                  CONF),
}


@pytest.mark.parametrize("name", SILENT)
def test_it_is_not_told(name: str, rofs: Path, tmp_path: Path) -> None:
    files, conf = SILENT[name]
    kinds = {"write-fails", "write-lost", "home-read-only"}
    assert [p for p in found(rofs, tmp_path, files, conf) if p.kind in kinds] == []


@pytest.mark.parametrize("path", ["/etc/shadow", "/etc/locale.conf", "/etc/machine-info",
                                  "/etc/sudoers", "/var/lib/chrony/chrony.drift",
                                  "/etc/wpa_supplicant/wpa_supplicant.conf"])
def test_files_that_programs_replace(path: str, rofs: Path, tmp_path: Path) -> None:
    conf = CONF + (f"[Partition data]\nDevice=/dev/vdb\n[Persist {path}]\nPartition=data\n"
                   "Directory=/f\nKind=file\n")
    problem, = found(rofs, tmp_path, {path[1:]: "x\n"}, conf)
    assert (problem.kind, problem.file) == ("file-replaced", "/etc/rofs.conf:10")
