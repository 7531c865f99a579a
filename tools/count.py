"""Print "PASSED FAILED SKIPPED" for a test log: meson's testlog.json or pytest's JUnit file."""

from __future__ import annotations

import json
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Tuple

MESON_PASSED = ("OK", "EXPECTEDFAIL")


def count_meson(log: Path) -> Tuple[int, int, int]:
    """Count the results in a log with one JSON object per test and line."""
    results = [json.loads(line)["result"] for line in log.read_text().splitlines()]
    passed = sum(result in MESON_PASSED for result in results)
    skipped = results.count("SKIP")
    return passed, len(results) - passed - skipped, skipped


def count_pytest(log: Path) -> Tuple[int, int, int]:
    """Count the results in a JUnit file; an error in setup or teardown is a failure."""
    passed = failed = skipped = 0
    for case in ElementTree.parse(log).iter("testcase"):
        if case.find("failure") is not None or case.find("error") is not None:
            failed += 1
        elif case.find("skipped") is not None:
            skipped += 1
        else:
            passed += 1
    return passed, failed, skipped


def main() -> int:
    """Exit with status 2 if the arguments are wrong, 1 if the log cannot be read."""
    kinds = {"meson": count_meson, "pytest": count_pytest}
    if len(sys.argv) != 3 or sys.argv[1] not in kinds:
        print("usage: count.py meson|pytest FILE", file=sys.stderr)
        return 2
    try:
        print(*kinds[sys.argv[1]](Path(sys.argv[2])))
    except (OSError, ValueError, KeyError, ElementTree.ParseError) as e:
        print(f"{sys.argv[2]}: {e}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
