"""The table at the end of a run: what was booted, on which systemd and kernel, with which verdict.

Rows are scenarios, columns are suites. Verdicts are counted from the tests' results, versions are
what the booted systems said.
"""

from __future__ import annotations

import re
from typing import Dict, List, Mapping, Optional, Sequence, Set, Tuple

from .machine import Boot

WIDTH_MAX = 100
GAP = 2

Pair = Tuple[str, str]  # scenario, suite


def versions(boot: Boot) -> Optional[Tuple[str, str]]:
    """systemd's and Linux's version as a boot has said them, without what distributions add."""
    section = boot.sections.get("versions")
    lines = section.out.splitlines() if section else []
    if len(lines) != 2:
        return None
    systemd = re.search(r"\((\d[^-~+)]*)", lines[0]) or re.search(r" (\d+)", lines[0])
    linux = re.match(r"\d+(\.\d+)*", lines[1])
    return (systemd.group(1) if systemd else lines[0], linux.group() if linux else lines[1])


class Table:
    """What is known so far. Suites and scenarios come out in the order in which they went in."""

    def __init__(self) -> None:
        self._results: Dict[Pair, Dict[str, str]] = {}
        self._cannot: Dict[Pair, str] = {}
        self._versions: Dict[str, Set[Tuple[str, str]]] = {}
        self._times: Dict[Pair, Tuple[float, Sequence[Boot]]] = {}

    def expect(self, scenario: str, suite: str) -> None:
        """A row and a column that are shown whatever comes."""
        self._results.setdefault((scenario, suite), {})

    def cannot(self, scenario: str, suite: str, reason: str) -> None:
        """The suite's system is not able to do it: the tests are not run there."""
        self._cannot[scenario, suite] = reason

    def count(self, scenario: str, suite: str, test: str, result: str) -> None:
        """One phase of a test: 'passed', 'failed' or 'skipped'. The worst phase counts."""
        results = self._results.setdefault((scenario, suite), {})
        worst = ("passed", "skipped", "failed")
        results[test] = max(results.get(test, "passed"), result, key=worst.index)

    def saw(self, suite: str, boot: Boot) -> None:
        """A boot, which may say its versions."""
        found = versions(boot)
        if found:
            self._versions.setdefault(suite, set()).add(found)

    def took(self, scenario: str, suite: str, seconds: float, boots: Sequence[Boot]) -> None:
        """All of it, with the work on its disks, and its boots from power-on to power-off."""
        self._times[scenario, suite] = seconds, boots

    def times(self) -> List[str]:
        """What each scenario took, the longest first: where to look for seconds to save.

        "waiting" is what QEMU did not compute, for timers of the machine or for a processor.
        """
        if not self._times:
            return []
        rows = sorted(([round(seconds), len(boots), *boot_times(boots), f"{scenario}, {suite}"]
                       for (scenario, suite), (seconds, boots) in self._times.items()),
                      key=lambda row: (-row[0], row[-1]))
        total = [sum(row[column] for row in rows) for column in range(4)]
        heads = ("seconds", "boots", "running", "waiting", "")
        return ["".join(f"{cell:>7}  " for cell in row[:-1]) + row[-1]
                for row in (heads, [*total, "all"], *rows)]

    def lines(self) -> List[str]:
        """The table as text, at most 100 columns wide; nothing if nothing was booted."""
        pairs = [*self._results, *self._cannot]
        if not pairs:
            return []
        suites = list(dict.fromkeys(suite for _, suite in pairs))
        scenarios = list(dict.fromkeys(scenario for scenario, _ in pairs))
        reasons = list(dict.fromkeys(self._cannot.values()))
        rows = [["", *suites],
                ["", *(self._version(suite, 0, "systemd") for suite in suites)],
                ["", *(self._version(suite, 1, "Linux") for suite in suites)]]
        rows += [[name, *(self._cell(name, suite, reasons) for suite in suites)]
                 for name in scenarios]
        notes = [line for number, reason in enumerate(reasons, start=1)
                 for line in note(number, reason)]
        return [*aligned(rows), *notes]

    def _version(self, suite: str, which: int, name: str) -> str:
        found = sorted({pair[which] for pair in self._versions.get(suite, ())})
        return f"{name} {' and '.join(found)}" if found else f"{name} ?"

    def _cell(self, scenario: str, suite: str, reasons: Sequence[str]) -> str:
        if (scenario, suite) in self._cannot:
            return f"cannot [{reasons.index(self._cannot[scenario, suite]) + 1}]"
        return verdict(self._results.get((scenario, suite), {}))


def boot_times(boots: Sequence[Boot]) -> Tuple[int, int]:
    """The seconds in which QEMU ran, and those of them in which it did not compute."""
    running = sum(boot.seconds for boot in boots)
    return round(running), round(running - sum(boot.processor_seconds for boot in boots))


def verdict(results: Mapping[str, str]) -> str:
    """What became of the tests that read one boot."""
    if not results:
        return "-"
    counts = {word: list(results.values()).count(word) for word in ("failed", "skipped", "passed")}
    if counts["failed"]:
        return f"FAILED {counts['failed']} of {len(results)}"
    if counts["skipped"]:
        return f"skipped {counts['skipped']} of {len(results)}"
    return f"{counts['passed']} passed"


def aligned(rows: Sequence[Sequence[str]]) -> List[str]:
    """Rows with their columns under each other, cut where they would be too wide."""
    first = max(len(row[0]) for row in rows) + GAP
    columns = len(rows[0]) - 1
    width = min(max(len(cell) for row in rows for cell in row[1:]) + GAP,
                (WIDTH_MAX - first) // columns)
    return [(row[0].ljust(first) + "".join(cell[:width - 1].ljust(width) for cell in row[1:]))
            .rstrip() for row in rows]


def note(number: int, reason: str) -> List[str]:
    """A reason as lines of text."""
    lines = [f"[{number}]"]
    for word in reason.split():
        if len(lines[-1]) + 1 + len(word) > WIDTH_MAX:
            lines.append("   ")
        lines[-1] += f" {word}"
    return lines
