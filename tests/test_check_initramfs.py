"""`rofs check` on trees whose initramfs contains fsck or not, and the commands that it prints."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

import pytest
from support import Namespace, make_tree, parse_json, run_program

pytestmark = pytest.mark.sanitized

ROOT = "LABEL=root / ext4 errors=remount-ro 0 1\n"
TOOLS = {"usr/sbin/update-initramfs": ""}
DRACUT = {"usr/bin/dracut": ""}
MKINITCPIO = {"usr/bin/mkinitcpio": ""}
BOOSTER = {"usr/bin/booster": ""}
CONF = "etc/initramfs-tools/initramfs.conf"
CONF_D = "etc/initramfs-tools/conf.d/"
VENDOR_D = "usr/share/initramfs-tools/conf.d/"
DRACUT_D = "etc/dracut.conf.d/"
DRACUT_VENDOR = "usr/lib/dracut/dracut.conf.d/"
HOOKS = "etc/mkinitcpio.conf"
HOOKS_D = "etc/mkinitcpio.conf.d/"
PRESET = "etc/mkinitcpio.d/linux.preset"
FSCK = "HOOKS=(base udev filesystems fsck)\n"
NO_FSCK = "HOOKS=(base udev filesystems)\n"
OR_SKIP = "; or add fsck.mode=skip to the kernel command line"

OFF = "echo fastboot=y >/etc/initramfs-tools/conf.d/rofs && update-initramfs -u -k all (pass 0"
DRACUT_OFF = ("echo 'nofscks=\"yes\"' >/etc/dracut.conf.d/rofs.conf && "
              "dracut --regenerate-all --force" + OR_SKIP)
SET_IN = "set fastboot=y in /{} and run: update-initramfs -u -k all (pass 0"
DRACUT_SET_IN = "set nofscks=\"yes\" in /{} and run: dracut --regenerate-all --force" + OR_SKIP
REMOVE_IN = "remove fsck from HOOKS in /{} and run: mkinitcpio -P" + OR_SKIP


def problems_of(rofs: Path, root: Path, files: Dict[str, str], fstab: str, cmdline: str,
                kind: str) -> List[Dict[str, Any]]:
    make_tree(root, {"etc/rofs.conf": "[Overlay /var]\n", "etc/fstab": fstab,
                     "proc/cmdline": f"{cmdline}\n", **files}, ["var"])
    answer = parse_json(run_program(rofs, "check", "--json", root=root).stdout,
                        "check.schema.json")
    return [p for p in answer["problems"] + answer["notes"] if p["kind"] == kind]


def told(rofs: Path, root: Path, files: Dict[str, str], fstab: str, cmdline: str = "ro") -> str:
    """What to do against fsck in the initramfs; empty: nothing is said."""
    messages = [p["message"] for p in problems_of(rofs, root, files, fstab, cmdline,
                                                  "fsck-in-initramfs")]
    assert len(messages) < 2
    return messages[0].split("to prevent that, ")[1] if messages else ""


# How each maker is told to leave fsck out, and the cure where it is not.
CASES = {
    "quoted": ({**TOOLS, CONF_D + "a": "fastboot='y' # why\n"}, ""),
    "followed by a command": ({**TOOLS, CONF_D + "a": "fastboot=y; export fastboot\n"}, ""),
    "in the main file": ({**TOOLS, CONF: "MODULES=dep\nfastboot=y\n"}, ""),
    "by a package": ({**TOOLS, VENDOR_D + "a": "fastboot=y\n"}, ""),
    "masked": ({**TOOLS, VENDOR_D + "a": "fastboot=y\n", CONF_D + "a": ""}, "run: " + OFF),
    "by a package, behind another file": (
        {**TOOLS, CONF_D + "a": "fastboot=n\n", VENDOR_D + "b": "fastboot=y\n"}, ""),
    "main file before the others": (
        {**TOOLS, VENDOR_D + "a": "fastboot=n\n", CONF: "fastboot=y\n"},
        SET_IN.format(VENDOR_D + "a")),
    "left over by dpkg": ({**TOOLS, CONF_D + "a.dpkg-old": "fastboot=y\n"}, "run: " + OFF),
    "left over by an editor": ({**TOOLS, CONF_D + "a~": "fastboot=y\n"}, "run: " + OFF),
    "hidden": ({**TOOLS, CONF_D + ".a": "fastboot=y\n"}, "run: " + OFF),
    "other word": ({**TOOLS, CONF_D + "a": "fastboot=yes\n"}, SET_IN.format(CONF_D + "a")),
    "capital": ({**TOOLS, CONF_D + "a": "fastboot=Y\n"}, SET_IN.format(CONF_D + "a")),
    "later file": ({**TOOLS, CONF_D + "rofs": "fastboot=y\n", CONF_D + "z": "fastboot=n\n"},
                   SET_IN.format(CONF_D + "z")),
    "in a comment": ({**TOOLS, CONF_D + "a": "RESUME=none # fastboot=y\n"}, "run: " + OFF),
    "own file exists": ({**TOOLS, CONF_D + "rofs": "RESUME=none\n"},
                        "run: " + OFF.replace(" >", " >>")),
    "type is not ext4": ({**TOOLS, CONF_D + "a": "FSTYPE=xfs,btrfs\n"}, ""),
    "updates are off": (
        {**TOOLS, "etc/initramfs-tools/update-initramfs.conf": "update_initramfs=no\n"},
        "run: echo update_initramfs=yes >>/etc/initramfs-tools/update-initramfs.conf && " + OFF),
    "updates are on": (
        {**TOOLS, "etc/initramfs-tools/update-initramfs.conf": "update_initramfs=all\n"},
        "run: " + OFF),
    "dracut instead, in a newer place": (
        {**TOOLS, **DRACUT, "usr/share/kernel/postinst.d/dracut": ""}, "run: " + DRACUT_OFF),

    "dracut": (DRACUT, "run: " + DRACUT_OFF),
    "dracut, single quotes": ({**DRACUT, DRACUT_D + "a.conf": "nofscks='yes'\n"}, ""),
    "dracut, other word": ({**DRACUT, DRACUT_D + "a.conf": "nofscks=y\n"},
                           DRACUT_SET_IN.format(DRACUT_D + "a.conf")),
    "dracut, later file": (
        {**DRACUT, DRACUT_D + "rofs.conf": "nofscks=yes\n", DRACUT_D + "z.conf": "nofscks=no\n"},
        DRACUT_SET_IN.format(DRACUT_D + "z.conf")),
    "dracut, by version": (
        {**DRACUT, DRACUT_D + "9.conf": "nofscks=yes\n", DRACUT_D + "10.conf": "nofscks=no\n"},
        DRACUT_SET_IN.format(DRACUT_D + "10.conf")),
    "dracut, of a package behind": (
        {**DRACUT, DRACUT_D + "a.conf": "nofscks=no\n", DRACUT_VENDOR + "b.conf": "nofscks=yes\n"},
        ""),
    "dracut, of a package, masked": (
        {**DRACUT, DRACUT_D + "b.conf": "\n", DRACUT_VENDOR + "b.conf": "nofscks=yes\n"},
        "run: " + DRACUT_OFF),
    "dracut, other programs": ({**DRACUT, DRACUT_D + "a.conf": 'fscks="xfs_repair"\n'}, ""),
    "dracut, this program": (
        {**DRACUT, DRACUT_D + "a.conf": 'fscks=" umount /sbin/fsck.ext4 "\n'},
        "run: " + DRACUT_OFF),
    "dracut, all programs": ({**DRACUT, DRACUT_D + "a.conf": 'fscks=" "\n'}, "run: " + DRACUT_OFF),
    "dracut, module is left out": (
        {**DRACUT, DRACUT_D + "a.conf": 'omit_dracutmodules+=" plymouth "\n',
         DRACUT_D + "b.conf": 'omit_dracutmodules+=" fs-lib "\n'}, ""),
    "dracut, own file exists": ({**DRACUT, DRACUT_D + "rofs.conf": 'hostonly="yes"\n'},
                                "run: " + DRACUT_OFF.replace(" >", " >>")),

    "hooks in lines with comments": (
        {**MKINITCPIO, HOOKS: "HOOKS=(\n  base # first (of all)\n  # udev\n  fsck\n)\n"},
        REMOVE_IN.format(HOOKS)),
    "hook is a comment": ({**MKINITCPIO, HOOKS: "HOOKS=(base #fsck\n # fsck\n udev)\n"}, ""),
    "hooks in quotes": ({**MKINITCPIO, HOOKS: 'HOOKS="base udev fsck"\n'}, REMOVE_IN.format(HOOKS)),
    "hook is added": ({**MKINITCPIO, HOOKS: NO_FSCK, HOOKS_D + "a.conf": "HOOKS+=(fsck)\n"},
                      REMOVE_IN.format(HOOKS_D + "a.conf")),
    "other hook is added": ({**MKINITCPIO, HOOKS: FSCK, HOOKS_D + "a.conf": "HOOKS+=(lvm2)\n"},
                            REMOVE_IN.format(HOOKS)),
    "hooks are extended": (
        {**MKINITCPIO, HOOKS: FSCK, HOOKS_D + "a.conf": 'HOOKS=("${HOOKS[@]}" lvm2)\n'},
        REMOVE_IN.format(HOOKS)),
    "hook is removed": (
        {**MKINITCPIO, HOOKS: FSCK, HOOKS_D + "a.conf": 'HOOKS=("${HOOKS[@]/fsck}")\n'}, ""),
    "hooks, by version": (
        {**MKINITCPIO, HOOKS: FSCK, HOOKS_D + "9.conf": FSCK, HOOKS_D + "10.conf": NO_FSCK}, ""),
    "preset": ({**MKINITCPIO, HOOKS: FSCK, PRESET:
                "PRESETS=('default' 'fallback')\nfallback_options=\"-S autodetect\"\n"},
               REMOVE_IN.format(HOOKS)),
    "preset without the hook": (
        {**MKINITCPIO, HOOKS: FSCK, PRESET:
         "PRESETS=('default')\ndefault_options=(-S autodetect,fsck)\n"}, ""),
    "preset without the hook in one image": (
        {**MKINITCPIO, HOOKS: FSCK, PRESET:
         "PRESETS=('default' 'fallback')\ndefault_options='--skiphooks fsck'\n"},
        REMOVE_IN.format(HOOKS)),
    "preset with a configuration": (
        {**MKINITCPIO, HOOKS: NO_FSCK, "etc/own.conf": FSCK, PRESET:
         "ALL_config='/etc/own.conf'\nPRESETS=('default')\n"}, REMOVE_IN.format("etc/own.conf")),
    "preset with another configuration for one image": (
        {**MKINITCPIO, HOOKS: NO_FSCK, "etc/own.conf": FSCK, PRESET:
         "ALL_config='/etc/mkinitcpio.conf'\nPRESETS=('a' 'b')\nb_config=/etc/own.conf\n"},
        REMOVE_IN.format("etc/own.conf")),
    # With -c, mkinitcpio does not read the drop-ins.
    "preset that bypasses drop-ins": (
        {**MKINITCPIO, HOOKS: FSCK, HOOKS_D + "a.conf": NO_FSCK, PRESET:
         "ALL_config='/etc/mkinitcpio.conf'\nPRESETS=('default')\n"}, REMOVE_IN.format(HOOKS)),

    "booster": (BOOSTER, ""),
    "booster with fsck": (
        {**BOOSTER, "etc/booster.yaml": "compress: zstd\nextra_files: 'vim,fsck,fsck.ext4' # x\n"},
        "remove fsck from extra_files in /etc/booster.yaml and run: "
        "/usr/lib/booster/regenerate_images"),
    "booster with fsck by its path": (
        {**BOOSTER, "etc/booster.yaml": "extra_files: /usr/bin/fsck,fsck.ext4\n"},
        "remove fsck from extra_files in /etc/booster.yaml and run: "
        "/usr/lib/booster/regenerate_images"),
    "booster with other files": (
        {**BOOSTER, "etc/booster.yaml": "extra_files: vim,fsck.ext4\n"}, ""),
}


@pytest.mark.parametrize("name", CASES)
def test_cure(name: str, rofs: Path, tmp_path: Path) -> None:
    files, cure = CASES[name]
    found = told(rofs, tmp_path, files, ROOT)
    assert found.startswith(cure) and bool(found) == bool(cure)


@pytest.mark.parametrize(("fstab", "commands"), [
    (ROOT.replace("errors=remount-ro", "ro"), "mount -o remount,rw / && "),
    (ROOT + "LABEL=b /boot ext4 ro 0 2\n", "mount -o remount,rw /boot && "),
    (ROOT + "LABEL=b /boot ext4 noauto 0 2\n", "mount /boot && "),
    (ROOT + "LABEL=b /boot/firmware vfat ro,noauto 0 2\n", "mount -o rw /boot/firmware && "),
    (ROOT + "LABEL=b /boot ext4 noauto,x-systemd.automount 0 2\n", ""),
    (ROOT + "LABEL=b /boot ext4 defaults 0 2\nLABEL=s /srv ext4 ro 0 2\n", ""),
    (ROOT.replace("errors=remount-ro", "ro") + "LABEL=b /efi vfat ro 0 2\n",
     "mount -o remount,rw / && mount -o remount,rw /efi && "),
])
def test_what_is_not_writable_is_made_so(fstab: str, commands: str, rofs: Path,
                                         tmp_path: Path) -> None:
    assert told(rofs, tmp_path / "a", DRACUT, fstab) == (
        f"run: {commands}{DRACUT_OFF}, but then no partition is checked either")
    first = f"run: {commands[:-4]}; then " if commands else ""
    assert told(rofs, tmp_path / "b", {**MKINITCPIO, HOOKS: FSCK}, fstab).startswith(
        first + REMOVE_IN.format(HOOKS))


@pytest.mark.parametrize("word", ["fsck.mode=skip", "fastboot"])
def test_booster_does_not_read_the_kernel_command_line(word: str, rofs: Path,
                                                       tmp_path: Path) -> None:
    files = {**BOOSTER, "etc/booster.yaml": "extra_files: fsck,fsck.ext4\n"}
    assert told(rofs, tmp_path, files, ROOT, word).endswith("/usr/lib/booster/regenerate_images")


@pytest.mark.parametrize(("files", "is_told"), [
    ({"run/systemd/system/x": ""}, False),
    ({"run/systemd/system/x": "", "run/initramfs/x": ""}, True),
    ({"run/x": ""}, True),  # an image, which has not been booted
])
def test_a_machine_that_boots_without_initramfs(files: Dict[str, str], is_told: bool, rofs: Path,
                                                tmp_path: Path) -> None:
    assert bool(told(rofs, tmp_path, {**TOOLS, **files}, ROOT)) == is_told


@pytest.mark.parametrize(("fstab", "cmdline", "is_told"), [
    ("", "root=/dev/sda1 ro rootfstype=ext4", True),
    ("", "root=/dev/sda1 ro rootfstype=btrfs rootflags=subvol=@", False),
    ("", "root=/dev/sda1 ro rootfstype=squashfs", False),
    ("LABEL=root / auto defaults 0 1\n", "ro rootfstype=f2fs", False),
    ("LABEL=root / ext4 defaults 0 1\n", "ro rootfstype=btrfs", True),
])
def test_type_of_the_root_on_the_kernel_command_line(fstab: str, cmdline: str, is_told: bool,
                                                     rofs: Path, tmp_path: Path) -> None:
    assert bool(told(rofs, tmp_path, DRACUT, fstab, cmdline)) == is_told


@pytest.mark.parametrize(("files", "fstab", "cmdline", "expected"), [
    ({}, ROOT, "ro fsck.mode=force", ("/proc/cmdline", "remove fsck.mode=force")),
    ({}, ROOT, "ro forcefsck", ("/proc/cmdline", "remove forcefsck")),
    ({}, ROOT, "ro fsck.mode=force fsck.mode=auto", None),
    ({}, ROOT, "ro fsck.repair=yes", None),
    ({}, ROOT.replace("ext4", "xfs"), "ro fsck.mode=force", None),
    ({}, ROOT.replace("0 1", "0 0"), "ro fsck.mode=force", None),
    (DRACUT, ROOT.replace("0 1", "0 0"), "ro fsck.mode=force",
     ("/proc/cmdline", "remove fsck.mode=force")),
    ({"forcefsck": ""}, ROOT, "ro", ("/forcefsck", "delete it")),
    ({"forcefsck": ""}, ROOT, "ro fsck.mode=skip", ("/forcefsck", "delete it")),
    ({"forcefsck": ""}, ROOT.replace("ext4", "btrfs"), "ro", None),
])
def test_forced_check(files: Dict[str, str], fstab: str, cmdline: str,
                      expected: Optional[Tuple[str, str]], rofs: Path, tmp_path: Path) -> None:
    found = problems_of(rofs, tmp_path, files, fstab, cmdline, "fsck-forced")
    assert len(found) == bool(expected)
    if expected is not None:
        assert (found[0]["file"], found[0]["severity"]) == (expected[0], "warning")
        assert expected[1] in found[0]["message"]


def test_no_check_because_of_a_file(rofs: Path, tmp_path: Path) -> None:
    conf = "[Overlay /var]\n[Partition d]\nDevice=LABEL=d\n[Persist /srv]\nPartition=d\n"
    found, = problems_of(rofs, tmp_path, {"fastboot": "", "etc/rofs.conf": conf, "srv/x": ""},
                         ROOT, "ro", "fsck-skipped")
    assert (found["file"], found["line"], found["partition"]) == ("/etc/rofs.conf", 2, "d")
    assert "/fastboot exists" in found["message"]


@pytest.mark.root
def test_forced_check_writes_to_a_clean_root(in_namespace: Namespace, tmp_path: Path) -> None:
    """What `rofs check` says of it: a check of the mounted root writes only if it is forced."""
    done = in_namespace(f"""
cd {tmp_path}
truncate -s 32M image
mkfs.ext4 -q image
device=$(losetup -f --show image)
trap 'losetup -d $device' EXIT
mkdir root
mount $device root
for file in /sbin/e2fsck $(ldd /sbin/e2fsck | grep -o '/[^ ]*'); do
    mkdir -p root$(dirname $file)
    cp $file root$file
done
mkdir -p root/dev root/proc
mount -o remount,ro root
mount --rbind /dev root/dev
mount -t proc proc root/proc
written() {{ sync; awk '{{ print $7 }}' /sys/class/block/${{device#/dev/}}/stat; }}
before=$(written)
chroot root /sbin/e2fsck -a $device >/dev/null
clean=$(written)
chroot root /sbin/e2fsck -a -f $device >/dev/null
echo $((clean - before)) $(($(written) - clean))
umount -l root
""")
    assert done.returncode == 0, done.stderr
    clean, forced = map(int, done.stdout.split())
    assert clean == 0 < forced
