"""rofs status and rofs-verify between real mounts: what services and ordinary users see of them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from mounted_status import CHECKS, CONF, USER
from support import SOURCE

pytestmark = pytest.mark.root


@pytest.mark.parametrize(("change", "own", "exit_status"), [
    ("true", "umount /srv; mount -t tmpfs scratch /home", ""),
    ("umount /srv", "mount --bind /rofs/overlay/srv /srv", "exit 1"),
    ("mount -o remount,rw /", "mount -o remount,bind,ro /", "exit 1"),
], ids=["nothing missing", "overlay missing", "root writable"])
def test_a_mount_namespace_of_its_own_changes_no_verdict(
        said, change: str, own: str, exit_status: str) -> None:
    """Of a service with ProtectSystem=, say: what counts are the mounts of the system."""
    all_said = said(
        f"{change}\nexport own='{own}'\n"
        "for program in '/rofs-bin status' /rofs-verify; do\n"
        "  echo \"== $program\"\n"
        "  unshare --mount --propagation private sh -c \"$own; $program 2>&1\" ||"
        " echo \"exit $?\"\n"
        "done\n")
    for program in ("/rofs-bin status", "/rofs-verify"):
        assert ("exit 1" if "exit" in all_said[program] else "") == exit_status, all_said


# As systemd does for rofs-verify.service: mounts of its own, and few capabilities.
SANDBOX = """unshare --mount --propagation private sh -c '
for path in / /rofs /rofs/ro /etc /home /srv /var /var/keep; do mount -o remount,bind,ro $path; done
exec setpriv --bounding-set=-all,{caps} --no-new-privs /rofs-verify 2>&1' || echo "exit $?"
"""


def service_capabilities(unit: str) -> str:
    """Those that a service keeps, as setpriv(1) takes them."""
    text = (SOURCE / "units" / f"{unit}.service.in").read_text()
    line = re.search("^CapabilityBoundingSet=(.*)$", text, re.M)
    assert line
    return ",".join("+" + name[4:].lower() for name in line.group(1).split())


@pytest.mark.parametrize("proc", ["hidepid=0", "hidepid=1,gid=4321", "hidepid=2,gid=4321"])
@pytest.mark.parametrize("unit", ["rofs-verify", "rofs-watch"])
def test_service_sees_the_mounts_of_the_system(said, unit: str, proc: str) -> None:
    """Also where /proc shows its processes to one group only."""
    sandbox = SANDBOX.format(caps=service_capabilities(unit))
    all_said = said(f"mount -o remount,{proc} /proc\necho '== healthy'\n{sandbox}"
                    f"umount /srv\necho '== broken'\n{sandbox}")
    assert all_said["healthy"].startswith("protected: ")
    assert all_said["broken"] == "/srv has no overlay: writes there fail\nexit 1\n"


def test_mounts_of_a_sandbox_are_not_taken_for_those_of_the_system(said) -> None:
    """The root file system is writable, but not in the sandbox."""
    sandbox = SANDBOX.format(caps="+dac_read_search")
    all_said = said("mount -o remount,hidepid=2,gid=4321 /proc; mount -o remount,rw /\n"
                    f"echo '== verify'\n{sandbox}")
    assert "cannot read the mounts of PID 1" in all_said["verify"]
    assert all_said["verify"].endswith("exit 1\n")


def test_ordinary_user_sees_the_same(said) -> None:
    all_said = said(f"echo '== status'; {USER} /rofs-bin status\n"
                    f"echo '== json'; {USER} /rofs-bin status --json\n"
                    "mount -o remount,rw /\n"
                    f"echo '== rw'; {USER} /rofs-bin status || echo \"exit $?\"\n")
    assert all_said["status"].startswith("protected: / read-only, /etc /home /var in RAM (")
    assert ("unavailable: rofs.conf on the root file system: only root may read /rofs"
            in all_said["status"])
    # Through the overlays, as /rofs itself is closed.
    assert [pool["size"] for pool in json.loads(all_said["json"])["pools"]] == [4 << 20, 1 << 20]
    assert all_said["rw"].startswith("partial: / is writable")


ROOT_DEVICE = "[Root]\nDevice=read-only\n" + CONF


def test_ordinary_user_who_may_not_see_the_devices_of_the_root(said) -> None:
    """What is unknown is no problem."""
    found = said(f"chmod 0700 /run/rofs\necho '== user'; {USER} /rofs-bin status\n",
                 conf=ROOT_DEVICE)["user"]
    assert found.startswith("protected: ")
    assert "unavailable: the devices of /: only root may read /run/rofs\n" in found


def test_ordinary_user_sees_the_devices_of_the_root(said) -> None:
    """Below what rofs-prepare has made for a persist."""
    found = said("echo set 7:99 /dev/loop99 >/run/rofs/root-devices\n"
                 f"echo '== user'; {USER} /rofs-bin status\n", conf=ROOT_DEVICE)["user"]
    assert re.search("/dev/loop99 +device +read-only ", found)
    assert "/run/rofs" not in found


def test_ordinary_user_sees_the_configuration_in_force(said) -> None:
    """As rofs-verify has found it on flash, whatever has become of it in the overlay since."""
    all_said = said(f"/rofs-verify 2>/dev/null\necho '== before'; {USER} /rofs-bin status\n"
                    "printf '[Overlay /opt]\\nSzie=1\\n' >>/etc/rofs.conf\n"
                    "/rofs-verify 2>/dev/null\n"  # keeps what it had
                    f"echo '== after'; {USER} /rofs-bin status\n"
                    f"echo '== plan'; {USER} /rofs-bin plan --output=/tmp/x &&"
                    " diff -r --no-dereference /tmp/x /run/systemd/generator.early\n"
                    "echo '== kept'; cd /run/rofs-watch/in-force && find . -type f\n")
    assert all_said["before"].startswith("protected: ")
    assert "unavailable: rofs.conf" not in all_said["before"]
    assert "warning" not in all_said["before"]
    assert all_said["after"].startswith("protected: ")
    assert "warning: /etc/rofs.conf differs from the one in force" in all_said["after"]
    assert all_said["plan"] == ""
    assert all_said["kept"] == "./etc/rofs.conf\n"


def test_configuration_that_is_not_for_all_is_not_copied(said) -> None:
    """Nor is what a user cannot read taken for a configuration without a section."""
    all_said = said("mount -o remount,rw /; mount -o remount,rw,bind /rofs/ro\n"
                    "chmod 600 /rofs/ro/etc/rofs.conf /etc/rofs.conf\n"
                    "mount -o remount,ro,bind /rofs/ro; mount -o remount,ro /\n"
                    "/rofs-verify 2>/dev/null\nchmod 600 /etc/rofs.conf\n"
                    "echo '== kept'; find /run/rofs-watch/in-force -type f 2>&1 || true\n"
                    f"echo '== user'; {USER} /rofs-bin status || true\n")
    assert "rofs.conf\n" not in all_said["kept"]
    assert "/etc/rofs.conf: cannot be read: Permission denied" in all_said["user"]


CLOSED = {
    "directory": ("mkdir -m 0750 etc/rofs.conf.d; {write} >etc/rofs.conf.d/20.conf",
                  "/etc/rofs.conf.d"),
    "file": ("mkdir etc/rofs.conf.d; {write} >etc/rofs.conf.d/20.conf;"
             " chmod 0640 etc/rofs.conf.d/20.conf", "/etc/rofs.conf.d/20.conf"),
    "link to a file in a closed directory": (
        "mkdir -m 0700 secret; {write} >secret/file; mkdir etc/rofs.conf.d;"
        " ln -s /secret/file etc/rofs.conf.d/20.conf", "/etc/rofs.conf.d/20.conf"),
    "link through a closed directory": (
        "mkdir -p open/d; {write} >open/d/20.conf; mkdir -m 0700 secret; ln -s ../open secret/way;"
        " ln -s /secret/way/d etc/rofs.conf.d", "/etc/rofs.conf.d"),
    "closed to one user": (
        "mkdir etc/rofs.conf.d; {write} >etc/rofs.conf.d/20.conf;"
        " setfacl -m u:1234:- etc/rofs.conf.d/20.conf", "/etc/rofs.conf.d/20.conf"),
    "directory closed to one user": (
        "mkdir etc/rofs.conf.d; {write} >etc/rofs.conf.d/20.conf;"
        " setfacl -m u:1234:- etc/rofs.conf.d", "/etc/rofs.conf.d"),
    "closed to its group": ("mkdir -m 0705 etc/rofs.conf.d; {write} >etc/rofs.conf.d/20.conf",
                            "/etc/rofs.conf.d"),
}


@pytest.mark.parametrize(("make", "named"), CLOSED.values(), ids=CLOSED.keys())
def test_what_some_cannot_read_is_not_copied(said, make: str, named: str) -> None:
    """Nor does status say that all is well without it."""
    write = r"printf '[Overlay /opt]\n# Confidential\n'"
    all_said = said("umount /opt\n/rofs-verify 2>/dev/null || true\n"
                    "echo '== found'; cd /run/rofs-watch/in-force\n"
                    "grep -rl Confidential . || echo nothing\n"
                    f"echo '== user'; {USER} /rofs-bin status || echo \"exit $?\"\n"
                    "echo '== kept'; find . -type f\n",
                    lower=f"; umask 022; mkdir opt; {make.format(write=write)}")
    assert all_said["found"] == "nothing\n"
    assert all_said["kept"] == "./etc/rofs.conf\n"
    assert all_said["user"].endswith("exit 1\n")
    assert f"{named}: cannot be read: Permission denied" in all_said["user"]


def test_drop_ins_for_all_are_copied(said) -> None:
    all_said = said("/rofs-verify 2>/dev/null\n"
                    "echo '== kept'; cd /run/rofs-watch/in-force; find . -type f | sort\n"
                    "echo '== modes'; stat -c %a . etc etc/rofs.conf.d etc/rofs.conf.d/*\n"
                    f"echo '== user'; {USER} /rofs-bin status\n",
                    lower="; umask 022; mkdir opt etc/rofs.conf.d;"
                          " echo '[Overlay /opt]' >etc/rofs.conf.d/20.conf")
    assert all_said["kept"] == "./etc/rofs.conf\n./etc/rofs.conf.d/20.conf\n"
    assert all_said["modes"] == "755\n755\n755\n644\n"
    assert all_said["user"].startswith("protected: / read-only, /etc /home /opt /var in RAM")


def test_copy_has_the_same_bytes(said) -> None:
    all_said = said("/rofs-verify 2>/dev/null || true\necho '== copy'\n"
                    "diff -r /rofs/ro/etc/rofs.conf.d /run/rofs-watch/in-force/etc/rofs.conf.d &&"
                    " ls /run/rofs-watch/in-force/etc/rofs.conf.d\n",
                    lower="; umask 022; mkdir opt etc/rofs.conf.d; : >etc/rofs.conf.d/30.conf;"
                          " printf 'X=a\\0b\\n[Overlay /opt]' >etc/rofs.conf.d/20.conf")
    assert all_said["copy"] == "20.conf\n30.conf\n"


UMASKS = """
modes() { (cd "$1" && find . -printf '%m %y %p\n' | sort -k 3); }
for mask in 022 000 077; do
    echo "== generator $mask"
    (umask $mask; rm -rf /run/g; mkdir -m 0755 /run/g; ROFS_LOG=stderr /rofs-generator /run/g)
    modes /run/g
    echo "== plan $mask"
    (umask $mask; rm -rf /tmp/p; /rofs-bin plan --output=/tmp/p); modes /tmp/p
    echo "== verify $mask"
    (umask $mask; rm -rf /run/rofs-watch /run/motd.d; /rofs-verify 2>/dev/null)
    modes /run/rofs-watch; modes /run/motd.d
done
"""


def test_umask_is_that_of_the_programs(said) -> None:
    found = said(UMASKS)
    for program in ("generator", "plan", "verify"):
        usual = found[f"{program} 022"]
        assert usual.count("644 f ") >= 3
        assert found[f"{program} 000"] == found[f"{program} 077"] == usual


PREPARED = r"""
cd /; find rofs/rw rofs/persist/data -xdev -printf '%m %y %p\n' | sort -k 3
stat -c '%a %n' /etc /var /var/keep /run/rofs /run/rofs/prepared /run/rofs/prepared/*
"""


def test_umask_of_rofs_prepare(said, tmp_path: Path) -> None:
    """What it makes on the pools, on the partition and in the overlays."""
    steps = "early_mounts; pools; prepare; merge\n"
    found = []
    for mask in ("022", "000", "077"):
        checks = CHECKS.replace(steps, f"umask {mask}\n{steps}umask 022\n")
        found.append(said(f"echo '== modes'{PREPARED}rm -r /rofs/persist/data/keep\n",
                          checks=checks)["modes"])
        (tmp_path / "sys").rmdir()
    assert found[0].count("\n") > 10
    assert found[1] == found[2] == found[0]
