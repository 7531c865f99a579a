"""rofs status and rofs-verify between real mounts: pieces of a protected system are taken away.

The system is that of mounted_system.py.
"""

from __future__ import annotations

import json
import re

import pytest
from mounted_status import CONF, KEPT
from support import need_programs

pytestmark = pytest.mark.root


def test_healthy(said) -> None:
    all_said = said("say all\necho '== copy'; unshare --mount /rofs-bin status\n"
                    "/rofs-bin plan --output=/tmp/x\n"
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
    assert all_said["copy"].startswith("protected: ")
    assert "warning" not in all_said["copy"]


@pytest.mark.parametrize(("step", "back", "sentence"), [
    ("umount /srv", "mount --bind /rofs/overlay/srv /srv",
     "/srv has no overlay: writes there fail"),
    ("umount /var/keep", "mount --bind /rofs/persist/data/keep /var/keep",
     "/var/keep is not on its partition data (DISK): writes there fail"),
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


POOL = "mount -t tmpfs -o mode=0700,nosuid,nodev,noexec rofs"
DISK = "mount -o nosuid,nodev,private"
# What is mounted in place of what is declared, or over it: label, steps, kind, path, sentence.
WRONG = [
    ("another disk",
     f"umount /var/keep /rofs/persist/data; {DISK} OTHER /rofs/persist/data;"
     " mkdir /rofs/persist/data/keep; mount --bind /rofs/persist/data/keep /var/keep",
     "partition-wrong-device", "/rofs/persist/data",
     "partition data is not mounted from DISK: OTHER (ext4) is mounted on /rofs/persist/data"),
    ("another disk on top", f"{DISK} OTHER /rofs/persist/data",
     "partition-wrong-device", "/rofs/persist/data",
     "partition data is not mounted from DISK: OTHER (ext4) is mounted on /rofs/persist/data"),
    ("no disk",
     "umount /var/keep /rofs/persist/data; mount -t tmpfs -o nosuid,nodev DISK /rofs/persist/data;"
     " mkdir /rofs/persist/data/keep; mount --bind /rofs/persist/data/keep /var/keep",
     "partition-wrong-device", "/rofs/persist/data",
     "partition data is not mounted from DISK: DISK (tmpfs) is mounted on /rofs/persist/data"),
    ("a directory of the disk",
     "mkdir -p /rofs/persist/data/x/keep; umount /var/keep;"
     " mount --bind /rofs/persist/data/x /tmp; umount -l /rofs/persist/data;"
     " mount --move /tmp /rofs/persist/data;"
     " mount --bind /rofs/persist/data/keep /var/keep",
     "partition-wrong-directory", "/rofs/persist/data",
     "/rofs/persist/data shows only the directory /x of partition data (DISK)"),
    ("another directory",
     "mkdir /rofs/persist/data/x; umount /var/keep; mount --bind /rofs/persist/data/x /var/keep",
     "persist-wrong-directory", "/var/keep",
     "/var/keep shows the directory /x of partition data instead of /keep"),
    ("another directory on top",
     "mkdir -p '/rofs/persist/data/keep/a b'; mount --bind '/rofs/persist/data/keep/a b' /var/keep",
     "persist-wrong-directory", "/var/keep",
     "/var/keep shows the directory /keep/a b of partition data instead of /keep"),
    ("persist is read-only", "mount -o remount,bind,ro,nosuid,nodev /var/keep",
     "persist-read-only", "/var/keep", "the persist on /var/keep is read-only: writes there fail"),
    ("persist with devices", "mount -o remount,bind,nosuid,dev /var/keep",
     "flags-missing", "/var/keep",
     "/var/keep is mounted without nodev, which rofs.conf or fstab requires"),
    ("partition with everything", "mount -o remount,bind,suid,dev /rofs/persist/data",
     "flags-missing", "/rofs/persist/data",
     "/rofs/persist/data is mounted without nosuid,nodev, which rofs.conf or fstab requires"),
    ("foreign overlay",
     "umount /srv /rofs/overlay/srv; mkdir /tmp/u /tmp/w; mount -t overlay"
     " -o private,lowerdir=/rofs/ro/srv,upperdir=/tmp/u,workdir=/tmp/w rofs /rofs/overlay/srv;"
     " mount --bind /rofs/overlay/srv /srv",
     "overlay-wrong-layers", "/srv",
     "the overlay on /srv is not the declared one: it has "
     "lowerdir=/rofs/ro/srv,upperdir=/tmp/u,workdir=/tmp/w"),
    ("foreign overlay on top",
     "mkdir /tmp/u /tmp/w; mount -t overlay"
     " -o private,lowerdir=/rofs/ro/srv,upperdir=/tmp/u,workdir=/tmp/w rofs /srv",
     "overlay-covered", "/srv",
     "the overlay on /srv is covered: rofs (overlay) is mounted over it, on /srv"),
    ("overlay without an upper",
     "umount /srv /rofs/overlay/srv; mkdir /tmp/u; mount -t overlay"
     " -o private,lowerdir=/rofs/ro/srv:/tmp/u rofs /rofs/overlay/srv;"
     " mount --bind /rofs/overlay/srv /srv",
     "overlay-wrong-layers", "/srv",
     "the overlay on /srv is not the declared one: it has lowerdir=/rofs/ro/srv:/tmp/u"),
    ("a directory of the overlay", "mkdir /srv/x; mount --bind /srv/x /srv",
     "overlay-wrong-directory", "/srv", "/srv shows only the directory /x of its overlay"),
    ("overlay moved away", "mount --move /srv /tmp", "overlay-missing", "/srv",
     "/srv has no overlay: writes there fail"),
    ("own pool is gone", "umount -l /rofs/rw/srv", "pool-not-mounted", "/rofs/rw/srv",
     "the RAM pool of /srv is not mounted: /rofs/rw/srv is on rofs (tmpfs), which is mounted on "
     "/rofs"),
    ("own pool comes too late", f"{POOL} /rofs/rw/srv", "overlay-outside-pool", "/srv",
     "the changes to /srv are not in the RAM pool of /srv, which was mounted after the overlay"),
    ("own pool is a disk",
     "umount -l /rofs/rw/srv; mount -o nosuid,nodev,noexec OTHER /rofs/rw/srv",
     "pool-wrong", "/rofs/rw/srv",
     "the RAM pool of /srv is not a tmpfs of rofs: OTHER (ext4) is mounted on /rofs/rw/srv"),
    ("own pool is in the shared one",
     "umount -l /rofs/rw/srv; mount --bind /rofs/rw/etc /rofs/rw/srv",
     "pool-wrong", "/rofs/rw/srv",
     "the RAM pool of /srv is not a tmpfs of rofs: rofs (tmpfs) is mounted on /rofs/rw/srv"),
    ("shared pool is read-only", "mount -o remount,ro,nosuid,nodev,noexec /rofs",
     "pool-read-only", "/rofs",
     "the shared RAM pool /rofs is read-only: changes to what it serves fail"),
    ("shared pool runs programs", "mount -o remount,bind,nosuid,nodev,exec /rofs",
     "flags-missing", "/rofs",
     "/rofs is mounted without noexec, which rofs.conf or fstab requires"),
    ("a lower is covered", "mount -t tmpfs -o ro scratch /rofs/ro/var",
     "lower-covered", "/rofs/ro/var",
     "/rofs/ro/var, a lower, is covered: scratch (tmpfs) is mounted over it, on /rofs/ro/var"),
    ("another root", "mount -o ro,private OTHER /rofs/ro", "lower-root-wrong", "/rofs/ro",
     "/rofs/ro is not the root file system: OTHER (ext4) is mounted there"),
    ("a directory of the root", "mount --bind /opt /rofs/ro; mount -o remount,bind,ro /rofs/ro",
     "lower-root-wrong", "/rofs/ro",
     "/rofs/ro is not the root file system: sys (tmpfs) is mounted there"),
    ("/tmp on a disk", "umount /tmp; mount -o nosuid,nodev OTHER /tmp", "tmp-missing", "/tmp",
     "/tmp has no tmpfs: writes there go to OTHER"),
    ("/tmp with everything", "umount /tmp; mount -t tmpfs -o suid,dev x /tmp", "flags-missing",
     "/tmp", "/tmp is mounted without nosuid,nodev, which rofs.conf or fstab requires"),
    ("/tmp for root only", "umount /tmp; mount -t tmpfs -o nosuid,nodev,mode=0755 x /tmp",
     "tmp-wrong", "/tmp",
     "/tmp is not a tmpfs of its own with mode=1777: x (tmpfs) is mounted there"),
    ("/tmp is /run", "umount /tmp; mount --bind /run /tmp;"
     " mount -o remount,bind,nosuid,nodev /tmp", "tmp-wrong", "/tmp",
     "/tmp is not a tmpfs of its own with mode=1777: run (tmpfs) is mounted there"),
]


def test_partition_that_appears_later_does_not_keep_what_is_in_ram(said) -> None:
    conf = KEPT.replace("[Overlay /srv]", "[Overlay /srv]\nIfMissing=volatile")
    all_said = said("umount /srv /rofs/fallback/srv; mkdir /run/u /run/w; mount -t overlay"
                    " -o lowerdir=/rofs/ro/srv,upperdir=/run/u,workdir=/run/w rofs /srv\n"
                    "say later\n", conf)
    assert ("/srv is not kept on its partition data (DISK): writes there go to RAM and are lost at"
            " power-off") in all_said["later status"]


@pytest.mark.parametrize(("steps", "kind", "path", "sentence"), [row[1:] for row in WRONG],
                         ids=[row[0] for row in WRONG])
def test_something_else_is_there(said, steps: str, kind: str, path: str, sentence: str) -> None:
    all_said = said(f"{steps}\nsay wrong\n", lower="; mkdir opt")
    answer = json.loads(all_said["wrong json"])
    assert (kind, path, sentence) in [
        (p["kind"], p["path"], p["message"]) for p in answer["problems"]]
    assert answer["verdict"] == "partial"
    for who in ("status", "user"):
        assert all_said[f"wrong {who}"].startswith("partial: ")
        assert sentence in all_said[f"wrong {who}"]
    assert sentence in all_said["wrong verify"]
    assert all_said["wrong verify"].endswith("exit 1\n")
    assert all_said["wrong motd"].startswith("rofs: partial: ")
    states = {item["path"]: item["state"] for item in answer["overlays"] + answer["persists"]}
    if kind.startswith(("partition", "persist")):
        assert states["/var/keep"] == "missing"
    if kind.startswith(("pool", "overlay")):
        assert states["/srv" if "srv" in path else "/etc"] == "missing"


def test_tmp_may_be_bound_elsewhere(said) -> None:
    all_said = said("mkdir -p /var/tmp; mount --bind /tmp /var/tmp\nsay all\n")
    assert all_said["all status"].startswith("protected: ")


def test_configuration_that_is_covered_does_not_turn_rofs_off(said) -> None:
    all_said = said("mount -t tmpfs -o ro scratch /rofs/ro/etc\nsay gone\n")
    sentence = ("rofs (tmpfs) is mounted on /rofs, but rofs.conf declares nothing: it has been "
                "removed, or something is mounted over it")
    assert all_said["gone status"].startswith(f"partial: {sentence}\n")
    assert json.loads(all_said["gone json"])["problems"][0]["kind"] == "nothing-declared"
    assert all_said["gone verify"] == f"{sentence}\nexit 1\n"
    assert all_said["gone motd"] == f"rofs: partial: {sentence}; see rofs status\n"
    # Who reads it in /etc sees what covers it.
    assert "/rofs/ro/etc, a lower, is covered: scratch (tmpfs) is" in all_said["gone user"]


# Another mount of the same peer group, or one that it gets mounts from.
REACHED = ("mount --make-shared {0}; mkdir /tmp/peer; mount --bind {0} /tmp/peer",
           "mount --make-shared {0}; mkdir /tmp/master; mount --bind {0} /tmp/master;"
           " mount --make-slave {0}")


@pytest.mark.parametrize("path", ["/rofs/ro", "/rofs/overlay/srv", "/rofs/persist/data"])
@pytest.mark.parametrize("steps", REACHED, ids=["peer", "slave"])
def test_mounts_that_others_reach_are_told(said, path: str, steps: str) -> None:
    status = said(steps.format(path) + "\nsay shared\n")["shared status"]
    assert status.startswith("protected: ")
    assert f"warning: {path} is not a private mount: " in status


def test_mounts_that_have_become_shared_alone_are_private(said) -> None:
    """As after a soft reboot, in which systemd makes all mounts shared, each on its own."""
    status = said("mount --make-rshared /\nsay shared\n")["shared status"]
    assert status.startswith("protected: ")
    assert "private" not in status


def test_device_that_is_gone_is_not_taken_for_the_declared_one(said) -> None:
    """As after pulling it out: nothing says that what is mounted is that device."""
    all_said = said("sed -i s,DISK,/dev/none, /etc/rofs.conf\n"
                    "mount -o remount,rw,bind /rofs/ro; mount -o remount,rw /\n"
                    "cp /etc/rofs.conf /rofs/ro/etc\n"
                    "mount -o remount,ro /; mount -o remount,ro,bind /rofs/ro\nsay gone\n")
    assert all_said["gone status"].startswith(
        "partial: partition data is not mounted from /dev/none: DISK (ext4) is mounted on")


@pytest.mark.parametrize(("device", "verdict"), [
    ("LABEL=disk", "protected: "),
    ("LABEL=other", "partial: partition data is not mounted from LABEL=other: DISK (ext4) is"),
])
def test_label_is_that_of_the_device(said, device: str, verdict: str) -> None:
    """Here, no udev makes links in /dev/disk."""
    mount = f"umount /var/keep /rofs/persist/data; {DISK} DISK /rofs/persist/data;"
    all_said = said(f"{mount} mkdir -p /rofs/persist/data/keep;"
                    " mount --bind /rofs/persist/data/keep /var/keep\nsay all\n",
                    CONF.replace("DISK", device))
    assert all_said["all status"].startswith(verdict)


@pytest.mark.parametrize(("name", "verdict"), [
    ("disk/by-label/my\\x20disk", "protected: "),
    ("disk/by-label/my", "partial: "),
], ids=["its label", "another label"])
def test_name_that_another_device_has_taken(said, name: str, verdict: str) -> None:
    """Of two devices with the same label, udev lets the link in /dev/disk lead to one.

    What else it knows, an ordinary user and a service without access to devices can read too.
    """
    mount = f"umount /var/keep /rofs/persist/data; {DISK} DISK /rofs/persist/data;"
    all_said = said(f"{mount} mkdir -p /rofs/persist/data/keep /run/udev/data;"
                    " mount --bind /rofs/persist/data/keep /var/keep\n"
                    "number=$(mountpoint -d /rofs/persist/data)\n"
                    f"echo 'S:{name}' >/run/udev/data/b$number\nsay all\n",
                    CONF.replace("Device=DISK", 'Device=LABEL="my disk"'))
    for who in ("status", "user"):
        assert all_said[f"all {who}"].startswith(verdict)
    assert ("exit 1\n" in all_said["all verify"]) == (verdict == "partial: ")


def test_partition_after_an_error(said) -> None:
    """Since Linux 6.15, ext4 does not call itself ro then, but emergency_ro."""
    conf = CONF.replace("DISK", "DISK\nOptions=nosuid,nodev,errors=remount-ro")
    all_said = said("say before\nmkdir /run/sys; mount -t sysfs sys /run/sys\n"
                    "echo 1 >/run/sys/fs/ext4/$(basename DISK)/trigger_fs_error\nsay after\n", conf)
    assert all_said["before status"].startswith("protected: ")
    for who in ("status", "user", "verify"):
        assert "partition data (DISK) has become read-only, as happens after a file system " in (
            all_said[f"after {who}"])


XFS = """
truncate -s 300M ../flash; mkfs.xfs -q ../flash; l=$(losetup -f --show ../flash); mkdir ../m
mount $l ../m
# Gone with the mounts of this namespace.
losetup -d $l; sed -i "s,FLASH,$l," etc/rofs.conf
"""


@pytest.mark.parametrize("conf", [CONF, KEPT], ids=["persist", "overlay"])
def test_xfs_that_has_shut_down(said, conf: str) -> None:
    """It stays rw in the table of mounts, but answers each request with EIO."""
    need_programs("mkfs.xfs", "xfs_io")
    if conf == KEPT:
        conf = conf.split("[Persist")[0]
    conf = conf.replace("DISK", "FLASH\nType=xfs")
    all_said = said("say before\nxfs_io -x -c shutdown /rofs/persist/data\nsay after\n"
                    "umount -l /rofs/persist/data\nsay unmounted\n", conf, lower=f"; {XFS}")
    assert all_said["before status"].startswith("protected: ")
    for who in ("status", "verify"):
        assert " has become read-only, as happens after a file system error" in (
            all_said[f"after {who}"])
        assert all_said[f"after {who}"].endswith("exit 1\n")
    assert "the path cannot be resolved: Input/output error" in all_said["after user"]
    assert all_said["unmounted verify"].endswith("exit 1\n")


def test_blanks_and_backslashes_in_paths(said) -> None:
    conf = CONF.replace("Directory=/keep", "Directory=/a b\\c") + "User=alice\n"
    all_said = said("say all\nmkdir '/rofs/persist/data/a bc'\n"
                    "mount --bind '/rofs/persist/data/a bc' /var/keep\nsay wrong\n", conf)
    assert all_said["all status"].startswith("protected: ")
    assert "shows the directory /a bc of partition data instead of /a b\\c" in (
        all_said["wrong status"])


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


HUNG = """
import signal, socket
listening = []
for path in ("/run/systemd/private", "/run/dbus/system_bus_socket"):
    listening.append(socket.socket(socket.AF_UNIX))
    listening[-1].bind(path)
    listening[-1].listen()
signal.pause()
"""


def test_systemd_that_does_not_answer_is_not_waited_for(said) -> None:
    """Connections are taken, by the kernel, and nobody says a word."""
    all_said = said(f"""
mkdir -p /run/dbus
cat >/run/hung <<'END'{HUNG}END
/usr/bin/python3 /run/hung & hung=$!
until [ -e /run/dbus/system_bus_socket ]; do sleep 0.1; done
umount /srv
echo '== status'; timeout -s KILL 300 /rofs-bin status || true
kill $hung
""")
    assert all_said["status"].startswith("partial: /srv has no overlay: writes there fail\n")
    assert "unavailable: unit states: Connection timed out" in all_said["status"]


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
