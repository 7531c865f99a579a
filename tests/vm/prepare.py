"""Put what is booted into the cache: base images, rofs compiled for them, roots that are not ext4.
"""

from __future__ import annotations

import argparse
import sys
from functools import partial
from pathlib import Path
from typing import Callable, Iterator, List, Sequence, Set, Tuple

from . import image, root, volume
from .progress import Progress, exit_status
from .scenario import Scenario, scenario_files
from .scenarios import BOOTS, chosen

# With no scenario, a machine that is not a test's can be booted.
NONE = "none"

Step = Tuple[Path, Callable[[], object]]  # what is to be in the cache, and how it is made


def parts(scenarios: Sequence[Scenario]) -> Set[str]:
    """The directories that have a partition of their own in one of the scenarios."""
    return {disk.part for scenario in scenarios for disk in scenario.disks
            if isinstance(disk, volume.Volume) and disk.part}


def steps(suites: Sequence[str], boots: str, source: Path, progress: Progress) -> Iterator[Step]:
    """All that booting needs, each item after those that it is made from."""
    names = image.source_files(source)
    for suite in suites:
        scenarios: List[Scenario] = [] if boots == NONE else chosen(suite, boots)
        yield image.base_path(suite), partial(image.base, suite, progress)
        yield (image.installed_path(suite, source, names),
               partial(image.installed, suite, source, progress))
        for part in sorted(parts(scenarios)):
            yield image.part_path(suite, part), partial(image.part, suite, part, progress)
        for packages in sorted({scenario.packages for scenario in scenarios} - {""}):
            yield (image.base_path(suite, packages),
                   partial(image.base, suite, progress, packages))
        others = [scenario for scenario in scenarios if scenario.root != "ext4"]
        for scenario in others:
            base = image.base(suite, progress, scenario.packages)
            rofs = image.tree_as_files(image.installed(suite, source, progress), base.merged_usr)
            files = scenario_files(scenario, rofs)
            yield (root.path_of(base, scenario.root, files),
                   partial(root.have, base, scenario.root, files, progress))


def main() -> int:
    """Exit with status 0, or 1 with a message."""
    parser = argparse.ArgumentParser(prog="vm.prepare", description=__doc__)
    parser.add_argument("suites", nargs="+", choices=image.SUITES, metavar="SUITE",
                        help="Debian suites: " + ", ".join(image.SUITES))
    parser.add_argument("--boots", choices=(NONE, *BOOTS), default=NONE,
                        help="which scenarios are booted (%(default)s)")
    parser.add_argument("--source", type=Path, required=True,
                        help="compile rofs from this directory")
    parser.add_argument("--ready", action="store_true",
                        help="make nothing; exit status 1 if something is still to be made")
    options = parser.parse_args()

    def run() -> bool:
        progress = Progress(image.logs_dir())
        for path, make in steps(options.suites, options.boots, options.source.resolve(), progress):
            if not path.is_dir():
                if options.ready:
                    return False
                make()
        return True

    return exit_status(run)


if __name__ == "__main__":
    sys.exit(main())
