"""Print "PASSED FAILED SKIPPED" for a test log: meson's testlog.json or pytest's JUnit file.

Each further line names a test that failed.
"""

from __future__ import annotations

import json
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import List, Tuple

MESON_PASSED = ("OK", "EXPECTEDFAIL")
REASON_LENGTH_MAX = 120

Count = Tuple[int, int, List[str]]  # passed, skipped, failed


def count_meson(log: Path) -> Count:
    """Count the results in a log with one JSON object per test and line."""
    passed, skipped, failed = 0, 0, []
    for line in log.read_text().splitlines():
        test = json.loads(line)
        if test["result"] in MESON_PASSED:
            passed += 1
        elif test["result"] == "SKIP":
            skipped += 1
        else:
            failed.append(f"{test['name']}: {test['result']}")
    return passed, skipped, failed


def count_pytest(log: Path) -> Count:
    """Count the results in a JUnit file; an error in setup or teardown is a failure."""
    passed, skipped, failed = 0, 0, []
    for case in ElementTree.parse(log).iter("testcase"):
        trouble = [found for found in map(case.find, ("failure", "error")) if found is not None]
        if trouble:
            failed.append(f"{name(case)}: {reason(trouble[0])}")
        elif case.find("skipped") is not None:
            skipped += 1
        else:
            passed += 1
    return passed, skipped, failed


def name(case: ElementTree.Element) -> str:
    """The name by which pytest runs this test alone."""
    return f"{case.get('classname', '').replace('.', '/')}.py::{case.get('name')}"


def reason(trouble: ElementTree.Element) -> str:
    """The first line of the message, which ends where it is long."""
    lines = trouble.get("message", "").splitlines() or ["no message"]
    return lines[0][:REASON_LENGTH_MAX]


def main() -> int:
    """Exit with status 2 if the arguments are wrong, 1 if the log cannot be read."""
    kinds = {"meson": count_meson, "pytest": count_pytest}
    if len(sys.argv) != 3 or sys.argv[1] not in kinds:
        print("usage: count.py meson|pytest FILE", file=sys.stderr)
        return 2
    try:
        passed, skipped, failed = kinds[sys.argv[1]](Path(sys.argv[2]))
        print(passed, len(failed), skipped)
        for test in failed:
            print(test)
    except (OSError, ValueError, KeyError, ElementTree.ParseError) as e:
        print(f"{sys.argv[2]}: {e}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
