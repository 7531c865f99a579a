"""Changes that need more than the RAM: what is not used goes to swap on zram."""

from __future__ import annotations

from typing import List

import pytest
from vm.lab import Outcome
from vm.machine import Boot

pytestmark = [pytest.mark.vm, pytest.mark.scenario("compressed-ram")]

MIB = 1024 * 1024
WRITTEN = 550 * MIB


def statistics(line: str) -> List[int]:
    """Of /sys/block/zram0/mm_stat: bytes of data, compressed, and in use for that."""
    return [int(word) for word in line.split()[:3]]


def memory(boot: Boot) -> List[int]:
    """RAM, swap, and what is in tmpfs and in RAM, in bytes."""
    return [1024 * int(word) for word in boot["memory"].out.split()]


def test_pool_larger_than_the_ram_is_an_error_without_swap(first: Boot) -> None:
    assert first["without"].status == 1
    assert "the RAM pool /rofs may grow to 600 MiB, but the machine has" in first["without"].out


@pytest.mark.parametrize("section", ["install", "declare"])
def test_machine_is_set_up(first: Boot, section: str) -> None:
    assert first[section].status == 0, first[section]


def test_swap_is_active_without_a_reboot(first: Boot) -> None:
    assert "/dev/zram0" in first["install"].out
    assert "[SWAP]" in first["install"].out


def test_check_accepts_the_pool_with_swap(first: Boot, second: Boot) -> None:
    for answer in (first["declare"].out, second["check"].out):
        assert "0 errors" in answer
        assert "may grow to" not in answer


def test_machine_is_protected_with_swap(first: Boot, second: Boot) -> None:
    assert first["status"].out.startswith("protected: ")
    verdicts = [line for line in second["use"].out.splitlines() if line.startswith("protected: ")]
    assert len(verdicts) == 2, second["use"]
    assert second["running"].line == "running", second["failed"]
    assert second["journal_warnings"].line == ""


def test_more_is_written_than_the_ram_holds(second: Boot) -> None:
    """What is not in RAM is in zram, which takes less than half of that, as rofs check assumes."""
    ram, swap, in_ram = memory(second)
    assert second["use"].status == 0, second["use"]
    assert ram < WRITTEN < swap
    data, _, used = statistics(second["statistics"].out)
    assert in_ram < ram
    assert in_ram + data > WRITTEN
    assert data > 100 * MIB
    assert used < data * 0.5


def test_what_was_swapped_is_intact(second: Boot) -> None:
    assert second["intact"].status == 0, second["intact"]
    assert second["intact"].line == str(WRITTEN)


def test_nothing_is_killed(second: Boot) -> None:
    assert second["killed"].out == ""
    assert second["alive"].out.split() == ["active"] * 4


def test_another_algorithm_compresses_more(first: Boot) -> None:
    assert first["algorithms"].status == 0, first["algorithms"]
    rows = [line.split(maxsplit=1) for line in first["algorithms"].out.splitlines()]
    (lzo, lzo_data, _, lzo_used), (zstd, zstd_data, _, zstd_used) = (
        (name, *statistics(line)) for name, line in rows)
    assert (lzo, zstd) == ("lzo-rle", "zstd")
    assert lzo_data == zstd_data == 32 * MIB
    assert zstd_used < lzo_used < lzo_data * 0.7


def test_data_that_does_not_compress_gains_nothing(second: Boot) -> None:
    before, after = (statistics(line) for line in second["noise"].out.splitlines())
    data, _, used = (new - old for new, old in zip(after, before))
    assert data > 80 * MIB
    assert used > data * 0.95


def test_flash_is_not_written(outcome: Outcome, second: Boot) -> None:
    assert second["sectors"].line == "0"
    assert outcome.identical[1]


def test_machine_powers_off_with_more_in_the_pool_than_the_ram_holds(outcome: Outcome) -> None:
    for boot in outcome.boots:
        assert "Power down" in boot.console
        assert boot.trouble == [], boot.log
        swap = boot.console.index("Deactivating swap /dev/zram0.")
        assert boot.console.index("Unmounting '/rofs'.") < swap
    assert outcome.data_state == ["clean", "clean"]
