"""rofs status and rofs-verify between real mounts: pieces of a protected system are taken away.

The system is that of mounted_system.py.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from mounted_system import System
from support import SOURCE, need_programs

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
Device=DISK
[Persist /var/keep]
Partition=data
Directory=/keep
"""

KEPT = CONF.replace("Size=1M", "Partition=data")

# say NAME: what each of them says now. There is no systemd that could be asked for unit states.
CHECKS = """
. /run/boot
generate 2>/dev/null
mkdir -p /run/systemd && cp -r /run/units /run/systemd/generator.early
early_mounts; pools; prepare; merge
mount -t tmpfs -o nosuid,nodev tmp /tmp
mount -o remount,ro /
say() {
    echo "== $1 status"; /rofs-bin status || echo "exit $?"
    echo "== $1 json"; /rofs-bin status --json || true
    echo "== $1 user"; USER /rofs-bin status || true
    echo "== $1 verify"; /rofs-verify 2>&1 || echo "exit $?"
    echo "== $1 motd"; cat /run/motd.d/rofs
}
""".replace("USER", "setpriv --reuid=1234 --regid=1234 --clear-groups")


USER = "setpriv --reuid=1234 --regid=1234 --clear-groups"


def attach(image: Path, make: str) -> str:
    """A file system on a loop device."""
    with image.open("wb") as file:
        file.truncate(16 << 20)
    subprocess.run(["sh", "-euc", f"{make} {image}"], check=True, stdout=subprocess.DEVNULL)
    done = subprocess.run(["losetup", "-f", "--show", str(image)], text=True, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if done.returncode:
        pytest.skip(f"no loop device: {done.stderr.strip()}")
    return done.stdout.strip()


@pytest.fixture
def disks(tmp_path: Path) -> Iterator[dict[str, str]]:
    """Two disks, by the names that the steps have for them."""
    need_programs("mkfs.ext4", "losetup")
    found = {name: attach(tmp_path / name, f"mkfs.ext4 -q -L {name.lower()}")
             for name in ("DISK", "OTHER")}
    yield found
    for device in found.values():
        subprocess.run(["losetup", "-d", device], check=True)


@pytest.fixture
def said(system: System, rofs: Path, verify: Path, disks: dict[str, str]):
    """Runs steps in the protected system and gives what was said, by name."""
    def run(steps: str, conf: str = CONF, checks: str = CHECKS, **more: str) -> dict[str, str]:
        script = checks + steps
        for name, device in disks.items():
            conf, script = conf.replace(name, device), script.replace(name, device)
            more = {key: text.replace(name, device) for key, text in more.items()}
        lower = f"mkdir srv; cp {rofs} rofs-bin; cp {verify} ." + more.pop("lower", "")
        done = system(conf, script, lower, **more)
        assert done.returncode == 0, done.stdout + done.stderr
        for name, device in disks.items():
            done.stdout = done.stdout.replace(device, name)
        parts = re.split(r"^== (.*)\n", done.stdout, flags=re.M)
        return dict(zip(parts[1::2], parts[2::2]))
    return run


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


# An extension image as a directory, merged over a path by the program of systemd itself.
EXTENSION = """
printf 'ID=test\\n' >/etc/os-release
mkdir -p /run/extensions/more/usr/lib/extension-release.d /run/extensions/more/srv /run/x
printf 'ID=_any\\n' >/run/extensions/more/usr/lib/extension-release.d/extension-release.more
echo extended >/run/extensions/more/srv/added
# It mounts in a namespace of its own, from where the mount comes back as PID 1 has set it up.
mount --make-shared /; mount --make-shared /srv; mount --make-shared /run
export SYSTEMD_SYSEXT_HIERARCHIES=/srv
systemd-sysext merge >/dev/null
echo '== merged'; cat /srv/added; findmnt -n -o SOURCE --mountpoint /srv
"""


def test_extension_image_over_an_overlay_is_read_only(said) -> None:
    """Writes there fail, so it is not what is declared; and the sentence says what to do."""
    need_programs("systemd-sysext")
    all_said = said(f"{EXTENSION}\nsay merged\nsystemd-sysext unmerge\nsay back\n")
    assert all_said["merged"].split() == ["extended", "rofs", "sysext"], all_said
    sentence = ("extension images (sysext) are merged over the overlay on /srv, read-only: writes "
                "there fail; systemd-sysext unmerge removes them")
    for who in ("status", "user", "verify"):
        assert sentence in all_said[f"merged {who}"]
    answer = json.loads(all_said["merged json"])
    assert [(p["kind"], p["path"]) for p in answer["problems"]] == [
        ("overlay-extended-read-only", "/srv")]
    assert answer["verdict"] == "partial"
    assert all_said["back status"].startswith("protected: ")


WRITABLE = """
mkdir -p /run/ext/u /run/ext/w /run/ext/more
mount -t overlay -o lowerdir=/run/ext/more:/srv,upperdir=/run/ext/u,workdir=/run/ext/w sysext /srv
touch /srv/new
"""


def test_extension_image_that_is_mutable_is_in_force_with_a_warning(said) -> None:
    """As with --mutable=ephemeral of systemd 256."""
    all_said = said(f"{WRITABLE}\nsay merged\n")
    answer = json.loads(all_said["merged json"])
    assert (answer["verdict"], [(p["kind"], p["severity"]) for p in answer["problems"]]) == (
        "protected", [("overlay-extended", "warning")])
    sentence = ("extension images (sysext) are merged over the overlay on /srv: changes there go "
                "to their upper, and rofs diff does not show them")
    assert sentence in all_said["merged status"]
    assert "exit" not in all_said["merged verify"]


def test_extension_image_does_not_hide_what_is_beneath_it(said) -> None:
    """The overlay under it is another one, or there is none."""
    wrong = ("umount /srv /rofs/overlay/srv; mkdir /tmp/u /tmp/w; mount -t overlay -o private,"
             "lowerdir=/rofs/ro/srv,upperdir=/tmp/u,workdir=/tmp/w rofs /rofs/overlay/srv;"
             " mount --bind /rofs/overlay/srv /srv")
    all_said = said(f"{wrong}\n{WRITABLE}\nsay wrong\numount /srv /srv\n{WRITABLE}\nsay none\n")
    for name, kind in (("wrong", "overlay-wrong-layers"), ("none", "overlay-missing")):
        answer = json.loads(all_said[f"{name} json"])
        assert kind in {p["kind"] for p in answer["problems"]}, all_said
        assert answer["verdict"] == "partial"


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


@pytest.mark.parametrize("path", ["/rofs/ro", "/rofs/overlay/srv", "/rofs/persist/data"])
def test_mounts_that_others_reach_are_told(said, path: str) -> None:
    status = said(f"mount --make-shared {path}\nsay shared\n")["shared status"]
    assert status.startswith("protected: ")
    assert f"warning: {path} is not a private mount: " in status


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


# Mounts the overlay of /srv again, after {steps} and with {more} options.
AGAIN = """
options=$(sed -n s/^Options=//p /run/units/rofs-overlay-srv.mount)
umount /srv /rofs/overlay/srv
{steps}
mount -t overlay -o $options{more} rofs /rofs/overlay/srv
mount --bind /rofs/overlay/srv /srv
"""


@pytest.mark.parametrize("features", ["metacopy=on,redirect_dir=on", "redirect_dir=on",
                                      "volatile"])
@pytest.mark.parametrize("conf", [CONF, KEPT], ids=["in RAM", "kept"])
def test_features_that_no_overlay_of_ours_has(said, conf: str, features: str) -> None:
    again = AGAIN.format(steps="", more=f",{features}")
    all_said = said(f"{again}say wrong\n", conf)
    shown = "fsync=volatile" if "fsync" in all_said["wrong status"] else features
    words = re.search("the overlay on /srv is mounted with (.*), which rofs never uses\n",
                      all_said["wrong status"])
    assert words and sorted(words.group(1).split(",")) == sorted(shown.split(","))
    for who in ("status", "user", "verify"):
        assert words.group() in all_said[f"wrong {who}"]
    overlays = json.loads(all_said["wrong json"])["overlays"]
    assert {"/srv": "missing"} == {o["path"]: o["state"] for o in overlays
                                   if o["state"] != "active"}


UPPERS = {
    "in RAM, on a disk": (
        CONF.replace("Size=1M\n", ""), "mount -o private OTHER /rofs/rw/srv",
        "the changes to /srv may not be in the shared RAM pool /rofs: OTHER (ext4) is mounted "
        "over its upper, on /rofs/rw/srv\n"),
    "kept, in RAM": (
        KEPT, "mount -t tmpfs ram /rofs/persist/data/overlay",
        "the changes to /srv may not be in partition data: ram (tmpfs) is mounted over its "
        "upper, on /rofs/persist/data/overlay\n"),
}


@pytest.mark.parametrize(("conf", "steps", "sentence"), UPPERS.values(), ids=UPPERS.keys())
def test_upper_that_is_not_in_its_storage(said, conf: str, steps: str, sentence: str) -> None:
    layers = f"mkdir -p {steps.split()[-1]}{{}}/upper {steps.split()[-1]}{{}}/work"
    layers = layers.replace("{}", "/srv" if "persist" in steps else "")
    all_said = said(f"{AGAIN.format(steps=f'{steps}; {layers}', more='')}say wrong\n", conf)
    for who in ("status", "user", "verify"):
        assert sentence in all_said[f"wrong {who}"]


def test_lower_that_comes_after_its_overlay(said) -> None:
    again = AGAIN.replace("srv", "home").format(steps="umount /rofs/ro/home", more="")
    all_said = said(f"{again}mount -o ro,nosuid,private OTHER /rofs/ro/home\nsay wrong\n",
                    lower="; echo 'OTHER /home ext4 defaults,nosuid 0 2' >etc/fstab")
    for who in ("status", "user", "verify"):
        assert ("the overlay on /home does not show OTHER (ext4), which was mounted on "
                "/rofs/ro/home after it\n") in all_said[f"wrong {who}"]


def test_overlay_inside_one_with_a_pool_of_its_own(said) -> None:
    all_said = said("say all\n", CONF + "[Overlay /srv/x]\n", lower="; mkdir srv/x")
    assert all_said["all status"].startswith("protected: ")


@pytest.mark.parametrize(("declared", "steps", "path"), [
    (("Size=1M", "Size=1M\nOptions=ro"), "mount -o remount,rw /rofs/overlay/srv", "/srv"),
    (("DISK", "DISK\nOptions=ro,nosuid,nodev"),
     "mount -o remount,rw,nosuid,nodev /rofs/persist/data; mkdir /rofs/persist/data/keep;"
     " mount --bind /rofs/persist/data/keep /var/keep", "/rofs/persist/data"),
], ids=["overlay", "partition"])
def test_declared_read_only_but_writable(said, declared: "tuple[str, str]", steps: str,
                                         path: str) -> None:
    conf = CONF.replace(*declared)
    all_said = said(f"{steps}; mount -o remount,rw,bind {path}\nsay wrong\n", conf)
    for who in ("status", "user", "verify"):
        assert f"{path} is mounted without ro, which rofs.conf or fstab requires\n" in (
            all_said[f"wrong {who}"])


LOWER = [
    ("healthy", "true", None, ""),
    ("writable", "mount -o remount,rw /rofs/ro/home", "lower-writable",
     "/rofs/ro/home, a lower, is writable: "),
    ("another disk", "mount --bind /rofs/persist/data /rofs/ro/home;"
     " mount -o remount,bind,ro /rofs/ro/home", "lower-wrong",
     "DISK (ext4) is mounted on /rofs/ro/home instead of OTHER, which fstab mounts on /home"),
    ("a directory", "mount --bind /rofs/ro/home/lost+found /rofs/ro/home", "lower-wrong-directory",
     "/rofs/ro/home shows only the directory /lost+found of OTHER, which fstab mounts on /home"),
]


@pytest.mark.parametrize(("steps", "kind", "sentence"), [row[1:] for row in LOWER],
                         ids=[row[0] for row in LOWER])
def test_lower_is_the_file_system_of_fstab(said, steps: str, kind: "str | None",
                                           sentence: str) -> None:
    all_said = said(f"{steps}\nsay all\n",
                    lower="; echo 'OTHER /home ext4 defaults,nosuid 0 2' >etc/fstab")
    answer = json.loads(all_said["all json"])
    assert answer["verdict"] == ("partial" if kind else "protected")
    found = [(p["kind"], p["message"]) for p in answer["problems"]]
    assert not kind and not found or [
        message for which, message in found if which == kind and message.startswith(sentence)]


@pytest.mark.parametrize(("steps", "kind"), [
    ("true", None),
    ("umount /rofs/ro/home; mount -o ro,loop,private DISK /rofs/ro/home", "lower-wrong"),
    ("mount -t tmpfs -o ro tmp /rofs/ro/home", "lower-wrong"),
], ids=["healthy", "another device behind it", "no device"])
def test_lower_behind_a_loop_device(said, steps: str, kind: "str | None") -> None:
    all_said = said("mount -t sysfs sys /sys\n"
                    f"{steps}\nsay all\n", CONF.split("[Partition")[0],
                    lower="; mkdir sys; echo 'OTHER /home ext4 loop 0 2' >etc/fstab")
    kinds = [p["kind"] for p in json.loads(all_said["all json"])["problems"]]
    assert (kind in kinds) if kind else kinds == []
    assert all_said["all status"].startswith("partial: " if kind else "protected: ")


FLASH = """
truncate -s 128M ../flash; mkfs.btrfs -q ../flash; l=$(losetup -f --show ../flash); mkdir ../m
mount $l ../m; btrfs -q subvolume create ../m/@data; btrfs -q subvolume create ../m/@other
# Gone with the mounts of this namespace.
losetup -d $l; sed -i "s,FLASH,$l," etc/rofs.conf
"""


@pytest.mark.parametrize("option", ["subvol=@data", "subvolid=256"])
def test_subvolumes_of_btrfs(said, option: str) -> None:
    conf = CONF.replace("DISK", f"FLASH\nType=btrfs\nOptions=nosuid,nodev,{option}")
    other = ("mount -o nosuid,nodev,private,subvol=@other"
             " $(findmnt -no SOURCE /rofs/persist/data | sed 's,\\[.*,,') /tmp;"
             " mount --move /tmp /rofs/persist/data")
    all_said = said(f"say all\n{other}\nsay wrong\n", conf, lower=f"; {FLASH}")
    assert all_said["all status"].startswith("protected: ")
    assert json.loads(all_said["all json"])["problems"] == []
    for who in ("status", "user", "verify"):
        assert "/rofs/persist/data shows only the directory /@other of partition data" in (
            all_said[f"wrong {who}"])


def test_directory_of_a_btrfs(said) -> None:
    """Its default subvolume, a directory of which is bound in its place."""
    conf = CONF.replace("DISK", "FLASH\nType=btrfs\nOptions=nosuid,nodev")
    wrong = ("mkdir -p /rofs/persist/data/x/keep; umount /var/keep;"
             " mount --bind /rofs/persist/data/x /tmp; umount -l /rofs/persist/data;"
             " mount --move /tmp /rofs/persist/data;"
             " mount --bind /rofs/persist/data/keep /var/keep")
    flash = FLASH.replace("# Gone", "btrfs subvolume set-default ../m/@data; umount ../m\n# Gone")
    flash = flash.replace("losetup -d $l", "mount $l ../m; losetup -d $l")
    all_said = said(f"say all\n{wrong}\nsay wrong\n", conf, lower=f"; {flash}")
    assert all_said["all status"].startswith("protected: ")
    assert "/rofs/persist/data shows only the directory /@data/x of partition data" in (
        all_said["wrong status"])


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
