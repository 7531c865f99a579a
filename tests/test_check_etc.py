"""`rofs check` on trees with services that write to /etc for themselves."""

from __future__ import annotations

from pathlib import Path
from typing import Dict, List, Tuple

import pytest
from support import make_tree, parse_json, run_program

FSTAB = "LABEL=root / ext4 ro 0 1\n"
UNITS = "usr/lib/systemd/system/"
ETC, VAR = "[Overlay /etc]\n", "[Overlay /var]\n"
DISK = "[Partition data]\nDevice=LABEL=data\n"


def enabled(*names: str) -> Dict[str, str]:
    tree = {UNITS + name: "[Unit]\n" for name in names}
    tree.update({f"etc/systemd/system/multi-user.target.wants/{name}": "" for name in names})
    return tree


SSH = enabled("ssh.service")
KEY = "etc/ssh/ssh_host_ed25519_key"
CLOCK = enabled("fake-hwclock.service")
MANAGER = {**enabled("NetworkManager.service"), "etc/resolv.conf": "nameserver 192.0.2.1\n"}
MANAGER_CONF = "etc/NetworkManager/NetworkManager.conf"
INTERFACES = "etc/network/interfaces"
IFUPDOWN = {**enabled("networking.service"), "etc/resolv.conf": "",
            INTERFACES: "auto lo eth0\niface lo inet loopback\niface eth0 inet dhcp\n"}
DHCPCD = {**enabled("dhcpcd.service"), "etc/resolv.conf": ""}


def found(rofs: Path, root: Path, files: Dict[str, str], conf: str) -> List[Tuple[str, str, str]]:
    make_tree(root, {"etc/rofs.conf": conf, "etc/fstab": FSTAB, "etc/ssh/moduli": "",
                     **files}, ["var/lib"])
    answer = parse_json(run_program(rofs, "check", "--json", root=root).stdout,
                        "check.schema.json")
    return [(p["kind"], f"{p['file']}:{p['line']}" if p["file"] else "", p["message"])
            for p in answer["problems"]
            if p["kind"] in ("host-keys-missing", "write-fails", "write-lost")]


# (files, configuration, kind, place, what the message holds)
CASES = {
    "host keys are lost": (SSH, ETC, "host-keys-missing", "/etc/rofs.conf:1",
                           "[Overlay /etc]: sshd has no host key in /etc/ssh: one that is made at"),
    "host keys cannot be made": (SSH, VAR, "host-keys-missing", "",
                                 "no host key in /etc/ssh, which is read-only"),
    "public half of a host key": ({**SSH, KEY + ".pub": ""}, ETC, "host-keys-missing",
                                  "/etc/rofs.conf:1", "no host key in /etc/ssh"),
    "host key of another name": (
        {**enabled("sshd.service"), KEY: "", "etc/ssh/sshd_config.d/a.conf":
         "hostkey /etc/keys//rsa\nHostKey /etc/keys/ed25519\n"}, ETC, "host-keys-missing",
        "/etc/rofs.conf:1", "no host key in /etc/keys: "),
    "host key on an overlay": (
        {**enabled("ssh.socket"), "etc/ssh/sshd_config": "HostKey /var/lib/ssh/key\n"}, ETC + VAR,
        "host-keys-missing", "/etc/rofs.conf:2", "[Overlay /var]: sshd has no host key in /var/"),
    "clock is lost": (CLOCK, ETC, "write-lost", "/etc/rofs.conf:1",
                      "fake-hwclock saves the time in /etc/fake-hwclock.data, which is lost"),
    "clock cannot be saved": (enabled("fake-hwclock-save.service"), VAR, "write-fails", "",
                              "in /etc/fake-hwclock.data, which is read-only"),
    "clock elsewhere": ({**CLOCK, "etc/default/fake-hwclock": "FORCE=force\nFILE=/var/clock\n"},
                        ETC + VAR, "write-lost", "/etc/rofs.conf:2", "in /var/clock, which is"),
    "name servers of NetworkManager": (
        MANAGER, VAR, "write-fails", "",
        "NetworkManager writes name servers to /etc/resolv.conf, which is read-only"),
    "name servers of NetworkManager, other plugins": (
        {**MANAGER, MANAGER_CONF: "[main]\nplugins=keyfile\ndns=default\n[x]\ndns=none\n"}, VAR,
        "write-fails", "", "a link to /run/NetworkManager/resolv.conf"),
    "name servers of dhcpcd": (DHCPCD, VAR, "write-fails", "",
                               "dhcpcd writes name servers to /etc/resolv.conf, which is read-"),
    "name servers of ifupdown": (
        IFUPDOWN, VAR, "write-fails", "",
        "the DHCP client of ifupdown writes name servers to /etc/resolv.conf, which is read-only"),
    "name servers of ifupdown, several files": (
        {**IFUPDOWN, INTERFACES: "iface lo inet loopback\n",
         "etc/network/interfaces.d/eth0": "auto eth0\n\tiface  eth0\tinet6  auto\n"
         "iface eth0 inet dhcp # why\n"}, VAR,
        "write-fails", "", "the DHCP client of ifupdown"),
    "missing resolv.conf": (enabled("dhcpcd.service"), VAR, "write-fails", "",
                            "dhcpcd writes name servers to /etc/resolv.conf"),
}


@pytest.mark.parametrize("name", CASES)
def test_it_is_told(name: str, rofs: Path, tmp_path: Path) -> None:
    files, conf, kind, place, text = CASES[name]
    problem, = found(rofs, tmp_path, files, conf)
    assert problem[:2] == (kind, place)
    assert text in problem[2]


SILENT = {
    "host key": ({**SSH, KEY: ""}, ETC),
    "host key that a link leads to": (
        {**SSH, "etc/ssh/sshd_config": "HostKey /etc/keys/rsa\n", "etc/keys/rsa": ""}, ETC),
    "one of several host keys": (
        {**SSH, "etc/ssh/sshd_config": "HostKey /etc/keys/rsa\nHostKey /etc/keys/dsa\n",
         "etc/keys/dsa": ""}, ETC),
    "host keys on a partition": (SSH, ETC + DISK + "[Persist /etc/ssh]\nPartition=data\n"),
    "overlay that is kept": (SSH, "[Overlay /etc]\nPartition=data\n" + DISK),
    "sshd is not enabled": ({UNITS + "ssh.service": "[Unit]\n"}, ETC),
    "cloud-init makes host keys": (
        {**SSH, UNITS + "cloud-init.service": "[Unit]\n", "var/lib/cloud/instance/x": ""},
        ETC + VAR),
    "no clock": ({UNITS + "fake-hwclock.service": "[Unit]\n"}, ETC),
    "clock on a partition": (
        {**CLOCK, "etc/default/fake-hwclock": "FILE=/var/lib/clock/time\n", "var/lib/clock/x": ""},
        ETC + DISK + "[Persist /var/lib/clock]\nPartition=data\n"),
    "resolv.conf on an overlay": (MANAGER, ETC),
    "NetworkManager without it": ({**MANAGER, MANAGER_CONF: "[main]\ndns=none\n"}, VAR),
    "NetworkManager with systemd-resolved": (
        {**MANAGER, "etc/NetworkManager/conf.d/a.conf": "[main]\ndns=systemd-resolved\n"}, VAR),
    "NetworkManager leaves it alone": (
        {**MANAGER, MANAGER_CONF: "[main]\nrc-manager=unmanaged\n"}, VAR),
    "static address of ifupdown": (
        {**IFUPDOWN, INTERFACES: "# iface eth0 inet dhcp\niface eth0 inet static\n"}, VAR),
    "ifupdown is not enabled": (
        {INTERFACES: "iface eth0 inet dhcp\n", UNITS + "networking.service": "[Unit]\n",
         "etc/resolv.conf": ""}, VAR),
    "nothing writes it": ({"etc/resolv.conf": "nameserver 192.0.2.1\n"}, VAR),
}


@pytest.mark.parametrize("name", SILENT)
def test_it_is_not_told(name: str, rofs: Path, tmp_path: Path) -> None:
    files, conf = SILENT[name]
    assert found(rofs, tmp_path, files, conf) == []


@pytest.mark.parametrize("target", ["/run/NetworkManager/resolv.conf",
                                    "../run/systemd/resolve/stub-resolv.conf", "/var/resolv.conf"])
def test_resolv_conf_that_is_a_link(target: str, rofs: Path, tmp_path: Path) -> None:
    files = enabled("NetworkManager.service")
    make_tree(tmp_path, {}, ["etc"])
    (tmp_path / "etc/resolv.conf").symlink_to(target)
    assert found(rofs, tmp_path, files, VAR) == []


def test_suggest_says_it_once(rofs: Path, tmp_path: Path) -> None:
    make_tree(tmp_path, {"etc/fstab": FSTAB, "usr/sbin/sshd": "", "etc/ssh/moduli": "", **SSH},
              ["var"])
    said = run_program(rofs, "suggest", root=tmp_path).stdout
    assert said.count("ssh-keygen") == 1
