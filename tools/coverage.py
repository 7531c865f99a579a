"""Prints the line coverage of each room of src/, and in total, from the table of `gcovr --csv`."""

from __future__ import annotations

import csv
import sys
from pathlib import PurePath
from typing import Dict, Iterable, List, Tuple

Lines = Tuple[int, int]  # covered, all


def rooms_of(table: Iterable[Dict[str, str]]) -> Dict[str, Lines]:
    """The lines of each folder below src/, by name."""
    rooms: Dict[str, Lines] = {}
    for row in table:
        room = str(PurePath(row["filename"]).parent.relative_to("src"))
        covered, total = rooms.get(room, (0, 0))
        rooms[room] = covered + int(row["line_covered"]), total + int(row["line_total"])
    return dict(sorted(rooms.items()))


def report(rooms: Dict[str, Lines]) -> List[str]:
    """A line for each room, and one for all of them."""
    covered, total = (sum(numbers) for numbers in zip(*rooms.values()))
    return [f"{name:14} {100 * some / every:5.1f}% of {every:5} lines"
            for name, (some, every) in {**rooms, "total": (covered, total)}.items()]


def main() -> int:
    """Exit status 2 for wrong arguments, 1 for a table that cannot be read."""
    if len(sys.argv) != 2:
        print("usage: coverage.py FILE", file=sys.stderr)
        return 2
    try:
        with open(sys.argv[1], newline="", encoding="utf-8") as file:
            print(*report(rooms_of(csv.DictReader(file))), sep="\n")
    except (OSError, ValueError, KeyError) as e:
        print(f"{sys.argv[1]}: {e}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
