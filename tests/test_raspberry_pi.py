"""The card of the Raspberry Pi's guide, without a machine: cross/raspberry_pi.py boots from it."""

from __future__ import annotations

from pathlib import Path

import pytest
from cross import architecture, raspberry_pi
from cross.boot import BOOTS
from support import need_programs
from vm import disk, guide, image, volume
from vm.disk import MIB, File
from vm.machine import Boot
from vm.probe import Section

ROOT_MIB, SMALL_MIB, GROWN_MIB = 40, 48, 32


@pytest.fixture
def card(tmp_path: Path) -> Path:
    """One that the first boot has filled with its root, and what the guide makes of it."""
    need_programs("losetup", "mcopy", "mkfs.vfat", "resize2fs", "sfdisk")
    root, firmware, made = (tmp_path / f"{name}.img" for name in ("root", "firmware", "card"))
    disk.mke2fs(root, ROOT_MIB * MIB, "rootfs")
    disk.write_files(root, {"/etc/hostname": File("pi\n")})
    sizes = raspberry_pi.card_sizes(root, SMALL_MIB)
    raspberry_pi.grow(root, GROWN_MIB)
    raspberry_pi.make_firmware(firmware, SMALL_MIB, b"kernel", b"initramfs")
    raspberry_pi.write_card(root, firmware, made)
    first, second = raspberry_pi.partitions(made)
    assert (first[0], second[1]) == (raspberry_pi.FIRST_MIB * MIB, (ROOT_MIB + GROWN_MIB) * MIB)
    assert len(raspberry_pi.split_card(made, sizes)) == 5
    return made


@pytest.mark.root
@pytest.mark.plain
def test_guide_makes_room_for_a_third_partition(card: Path, tmp_path: Path) -> None:
    first, second, third = raspberry_pi.partitions(card)
    assert second == (first[0] + first[1], ROOT_MIB * MIB)
    assert third[0] > sum(second)
    assert third[1] > 16 * MIB
    for number, (offset, size) in enumerate((second, third), start=2):
        part = tmp_path / f"part{number}"
        volume.run(["dd", f"if={card}", f"of={part}", "bs=1M", f"skip={offset // MIB}",
                    f"count={size // MIB}", "conv=sparse", "status=none"])
        assert disk.fsck(part)[0] == 0
    assert disk.debugfs(tmp_path / "part2", "cat /etc/hostname") == b"pi\n"
    label = volume.run(["blkid", "-p", "-s", "LABEL", "-o", "value", str(tmp_path / "part3")])
    assert label == "data\n"


@pytest.mark.root
@pytest.mark.plain
def test_what_the_firmware_loads(card: Path, tmp_path: Path) -> None:
    names = ("image", "kernel", "initrd")
    base = image.Base("bookworm", *(tmp_path / name for name in names), True)
    firmware = raspberry_pi.Firmware(card, tmp_path)
    firmware.add_word("rofs=off")
    system, cmdline = firmware.load(base)
    assert cmdline == f"{raspberry_pi.CMDLINE} rofs=off"
    assert (system.kernel.read_bytes(), system.initrd.read_bytes()) == (b"kernel", b"initramfs")
    # The kernel finds the root by the number of the disk and of the partition.
    assert f"root=PARTUUID={raspberry_pi.DISK_ID}-02 " in cmdline
    assert f"label-id: 0x{raspberry_pi.DISK_ID}\n" in volume.run(["sfdisk", "--dump", str(card)])


@pytest.mark.root
@pytest.mark.plain
def test_change_before_the_data_is_seen(card: Path, tmp_path: Path) -> None:
    pristine = tmp_path / "pristine.img"
    disk.copy_sparse(card, pristine)
    offsets = [offset for offset, _ in raspberry_pi.partitions(card)]
    for offset, same in ((offsets[2], True), (offsets[1], False)):
        with card.open("r+b") as f:
            f.seek(offset)
            f.write(b"written")
        assert raspberry_pi.same_before_data(card, pristine) == same


def boot(tmp_path: Path, **answers: str) -> Boot:
    sections = {name: Section(name, 0, 0, out, "") for name, out in answers.items()}
    return Boot(sections, "", 0.0, tmp_path)


def clock_faults(
    tmp_path: Path, second: int, third: int, off: int = 1310, devices: str = ""
) -> list[str]:
    """Of boots whose clocks begin so."""
    boots = [
        boot(tmp_path, clock="1000\n", clock_saved="1200\n"),
        boot(tmp_path, clock=f"{second}\n{devices}", ahead="9000\n", clock_saved="9100\n"),
        boot(tmp_path, clock=f"{third}\n", clock_on_flash="1300\n"),
        boot(tmp_path, clock=f"{off}\n"),
    ]
    faults = architecture.faults(raspberry_pi.rows_of_clock(boots))
    return [fault.split(":")[0] for fault in faults]


def test_clock_that_goes_back_is_found(tmp_path: Path) -> None:
    assert clock_faults(tmp_path, 1250, 9150) == []
    assert clock_faults(tmp_path, 1100, 9150) == ["time of the second boot"]
    assert clock_faults(tmp_path, 1250, 1301) == ["time of the third boot",
                                                  "which is not that on flash"]
    assert clock_faults(tmp_path, 1250, 9150, 9200) == [
        "time of a boot without rofs is that on flash"]
    assert clock_faults(tmp_path, 1250, 9150, devices="/dev/rtc0\n") == ["boot 2"]


def test_section_of_the_guide_that_is_not_suggested_is_found() -> None:
    section, = guide.blocks(raspberry_pi.PAGE, "ini")
    with_reasons = section.replace("\n", "\n# Why.\n")
    assert raspberry_pi.not_suggested(f"[Overlay /var]\n\n{with_reasons}") == []
    assert raspberry_pi.not_suggested(section.replace("Populate=yes\n", "")) == [section]


def test_machine_that_answers_nothing_has_faults(tmp_path: Path) -> None:
    """And whatever is judged is asked."""
    pi, plain = ([boot(tmp_path, **dict.fromkeys(asked, "")) for asked in boots]
                 for boots in (raspberry_pi.BOOTS, BOOTS))
    assert len(architecture.faults(architecture.rows(*plain))) == 9
    assert len(architecture.faults(raspberry_pi.rows(pi))) > 25
