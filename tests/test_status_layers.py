"""rofs status and rofs-verify between real mounts: the layers of an overlay, lowers, subvolumes."""

from __future__ import annotations

import json
import re

import pytest
from mounted_status import CONF, KEPT
from support import need_programs

pytestmark = pytest.mark.root

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
