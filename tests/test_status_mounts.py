"""rofs status and rofs-verify between real mounts: pieces of a protected system are taken away.

The system is that of mounted_system.py.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from mounted_system import System

pytestmark = pytest.mark.root

CONF = """\
[Memory]
Size=4M
Inodes=1000
[Overlay /etc]
[Overlay /home]
[Overlay /var]
[Overlay /srv]
Size=1M
[Partition data]
Device=/dev/loop7
[Persist /var/keep]
Partition=data
Directory=/keep
"""

# say NAME: what each of them says now. There is no systemd that could be asked for unit states.
CHECKS = """
. /run/boot
generate 2>/dev/null
mkdir -p /run/systemd && cp -r /run/units /run/systemd/generator.early
early_mounts; pools; prepare; merge
mount -t tmpfs tmp /tmp
mount -o remount,ro /
say() {
    echo "== $1 status"; /rofs-bin status || echo "exit $?"
    echo "== $1 json"; /rofs-bin status --json || true
    echo "== $1 verify"; /rofs-verify 2>&1 || echo "exit $?"
    echo "== $1 motd"; cat /run/motd.d/rofs
}
"""


@pytest.fixture
def said(system: System, rofs: Path, verify: Path):
    """Runs steps in the protected system and gives what was said, by name."""
    def run(steps: str, conf: str = CONF) -> dict[str, str]:
        done = system(conf, CHECKS + steps, f"mkdir srv; cp {rofs} rofs-bin; cp {verify} .")
        assert done.returncode == 0, done.stdout + done.stderr
        parts = re.split(r"^== (.*)\n", done.stdout, flags=re.M)
        return dict(zip(parts[1::2], parts[2::2]))
    return run


def test_healthy(said) -> None:
    all_said = said("say all\n/rofs-bin plan --output=/tmp/x\n"
                    "echo '== plan'\n"
                    "diff -r --no-dereference /tmp/x /run/systemd/generator.early\n")
    status = all_said["all status"]
    assert re.match(r"protected: / read-only, /etc /home /var in RAM \(\S+ KiB of 4 MiB\), "
                    r"/srv in RAM \(0 B of 1 MiB\), /var/keep on ", status), status
    assert "exit" not in status
    assert "warning" not in status
    answer = json.loads(all_said["all json"])
    assert (answer["verdict"], answer["problems"]) == ("protected", [])
    assert {pool["name"]: pool["size"] for pool in answer["pools"]} == {
        "ram": 4 << 20, "/srv": 1 << 20}
    assert answer["pools"][0]["inodes"] == 1000
    assert 0 < answer["pools"][0]["inodes_used"] < 100
    assert {o["state"] for o in answer["overlays"]} == {"active"}
    assert all_said["all motd"] == (
        "changes to /etc /home /srv /var are lost at power-off; see rofs diff\n")
    assert all_said["plan"] == ""


@pytest.mark.parametrize(("step", "back", "sentence"), [
    ("umount /srv", "mount --bind /rofs/overlay/srv /srv",
     "/srv has no overlay: writes there fail"),
    ("umount /var/keep", "mount --bind /rofs/persist/data/keep /var/keep",
     "/var/keep is not on its partition data (/dev/loop7): writes there fail"),
    ("mount -o remount,rw /", "mount -o remount,ro /", "/ is writable: "),
    ("mount -t tmpfs scratch /home", "umount /home",
     "the overlay on /home is covered: scratch (tmpfs) is mounted over it, on /home"),
    ("mount -t tmpfs scratch /var", "umount /var",
     "the persist on /var/keep is covered: scratch (tmpfs) is mounted over it, on /var"),
    ("mount -o remount,rw,bind /rofs/ro; mount -o remount,rw /; mount -o remount,bind,ro /",
     "mount -o remount,ro /; mount -o remount,ro,bind /rofs/ro",
     "/ is mounted read-only, but its file system is writable through the mount on /rofs/ro"),
], ids=["overlay", "persist", "root", "covered", "covered above", "root by another mount"])
def test_a_piece_is_taken_away(said, step: str, back: str, sentence: str) -> None:
    all_said = said(f"{step}\nsay gone\n{back}\nsay back\n")
    status = all_said["gone status"]
    assert status.startswith("partial: ")
    assert sentence in status
    assert status.endswith("exit 1\n")
    answer = json.loads(all_said["gone json"])
    assert answer["verdict"] == "partial"
    assert [p for p in answer["problems"] if p["message"].startswith(sentence)]
    assert sentence in all_said["gone verify"]
    assert all_said["gone verify"].endswith("exit 1\n")
    assert all_said["gone motd"].startswith("rofs: partial: ")
    assert all_said["back status"].startswith("protected: ")
    assert "partial" not in all_said["back motd"]


def test_pool_runs_full(said) -> None:
    fill = "dd if=/dev/zero of=/var/big bs=1k count={} 2>/dev/null"
    watch = "/rofs-verify --watch 2>&1 | grep -v 'cannot restart' || true"
    all_said = said(
        f"/rofs-verify 2>/dev/null\n{fill.format(3350)}\n"
        f"echo '== 80'; {watch}\necho '== 80 again'; {watch}\n"
        f"{fill.format(3950)}\necho '== 95'; {watch}\necho '== 95 again'; {watch}\nsay full\n"
        f"rm /var/big\necho '== empty'; {watch}\n"
        "for i in $(seq 900); do touch /etc/$i || break; done\n"
        f"echo '== inodes'; {watch}\n")
    assert re.fullmatch(r"the shared RAM pool /rofs is 8\d% full \(3\.\d MiB of 4 MiB\); "
                        r"rofs diff --sort=size shows what fills it\n", all_said["80"])
    assert re.fullmatch(r"the shared RAM pool /rofs is 9\d% full .*\n", all_said["95"])
    assert all_said["80 again"] == all_said["95 again"] == all_said["empty"] == ""
    assert re.fullmatch(r"the shared RAM pool /rofs has used 9\d% of its inodes .*\n",
                        all_said["inodes"])
    # Full is not unprotected.
    assert all_said["full status"].startswith("protected: ")
    assert "warning: the shared RAM pool /rofs is 9" in all_said["full status"]
    assert "exit" not in all_said["full status"]
    assert json.loads(all_said["full json"])["problems"][0]["kind"] == "space-low"
    assert "rofs: the shared RAM pool /rofs is 9" in all_said["full motd"]


def test_ordinary_user_sees_the_same(said) -> None:
    user = "setpriv --reuid=1234 --regid=1234 --clear-groups"
    all_said = said(f"echo '== status'; {user} /rofs-bin status\n"
                    f"echo '== json'; {user} /rofs-bin status --json\n"
                    "mount -o remount,rw /\n"
                    f"echo '== rw'; {user} /rofs-bin status || echo \"exit $?\"\n")
    assert all_said["status"].startswith("protected: / read-only, /etc /home /var in RAM (")
    assert ("unavailable: rofs.conf on the root file system: only root may read /rofs"
            in all_said["status"])
    # Through the overlays, as /rofs itself is closed.
    assert [pool["size"] for pool in json.loads(all_said["json"])["pools"]] == [4 << 20, 1 << 20]
    assert all_said["rw"].startswith("partial: / is writable")


def test_ordinary_user_sees_the_configuration_in_force(said) -> None:
    """As rofs-verify has found it on flash, whatever has become of it in the overlay since."""
    user = "setpriv --reuid=1234 --regid=1234 --clear-groups"
    all_said = said(f"/rofs-verify 2>/dev/null\necho '== before'; {user} /rofs-bin status\n"
                    "printf '[Overlay /opt]\\nSzie=1\\n' >>/etc/rofs.conf\n"
                    "/rofs-verify 2>/dev/null\n"  # keeps what it had
                    f"echo '== after'; {user} /rofs-bin status\n"
                    f"echo '== plan'; {user} /rofs-bin plan --output=/tmp/x &&"
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
    user = "setpriv --reuid=1234 --regid=1234 --clear-groups"
    all_said = said("mount -o remount,rw /; mount -o remount,rw,bind /rofs/ro\n"
                    "chmod 600 /rofs/ro/etc/rofs.conf /etc/rofs.conf\n"
                    "mount -o remount,ro,bind /rofs/ro; mount -o remount,ro /\n"
                    "/rofs-verify 2>/dev/null\nchmod 600 /etc/rofs.conf\n"
                    "echo '== kept'; find /run/rofs-watch/in-force -type f 2>&1 || true\n"
                    f"echo '== user'; {user} /rofs-bin status || true\n")
    assert "rofs.conf\n" not in all_said["kept"]
    assert "/etc/rofs.conf: cannot be read: Permission denied" in all_said["user"]


HUNG = """
import socket, time
listening = []
for path in ("/run/systemd/private", "/run/dbus/system_bus_socket"):
    listening.append(socket.socket(socket.AF_UNIX))
    listening[-1].bind(path)
    listening[-1].listen()
time.sleep(60)
"""


def test_systemd_that_does_not_answer_is_not_waited_for(said) -> None:
    """Connections are taken, by the kernel, and nobody says a word."""
    all_said = said(f"""
mkdir -p /run/dbus
cat >/run/hung <<'END'{HUNG}END
/usr/bin/python3 /run/hung & hung=$!
until [ -e /run/dbus/system_bus_socket ]; do sleep 0.1; done
umount /srv
begin=$(date +%s)
echo '== status'; /rofs-bin status || true
echo '== seconds'; echo $(($(date +%s) - begin))
kill $hung
""")
    assert all_said["status"].startswith("partial: /srv has no overlay: writes there fail\n")
    assert "unavailable: unit states: Connection timed out" in all_said["status"]
    assert int(all_said["seconds"]) < 20


def test_edited_configuration(said) -> None:
    all_said = said("echo '[Overlay /opt]' >>/etc/rofs.conf\nsay edited\n"
                    "echo '== check'; /rofs-bin check || true\n")
    assert all_said["edited status"].startswith("protected: ")
    assert ("warning: /etc/rofs.conf differs from the one in force, /rofs/ro/etc/rofs.conf: the "
            "change is in RAM and lost at power-off") in all_said["edited status"]
    # What was just written is what is checked.
    assert "/etc/rofs.conf:14: error: [Overlay /opt]: there is no such directory" in (
        all_said["check"])


def test_mistake(said) -> None:
    all_said = said("say all\n", CONF + "[Overlay /opt]\nSzie=1M\n")
    sentence = "/etc/rofs.conf:15: unknown key Szie= in [Overlay]; did you mean Size=?"
    assert all_said["all status"].startswith(f"partial: {sentence}\n")
    assert all_said["all verify"] == f"{sentence}\nexit 1\n"
    assert all_said["all motd"].startswith(f"rofs: partial: {sentence}; see rofs status\n")
