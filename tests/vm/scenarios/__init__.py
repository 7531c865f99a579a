"""What is booted, one module for each subject: each has SCENARIOS, and its test module the answers.
"""

from __future__ import annotations

import importlib
import pkgutil
from typing import Dict, Iterable, List, Tuple

from ..scenario import QUESTIONS_PER_BOOT, Scenario

SCENARIOS: Dict[str, Scenario] = {
    scenario.name: scenario
    for module in pkgutil.iter_modules(__path__)
    for scenario in importlib.import_module(f"{__name__}.{module.name}").SCENARIOS
}

# Which are booted in a suite: one or two of each subject, those whose results are likely to differ
# between suites, or all that can be.
BOOTS = ("quick", "routine", "every")
QUICK = ("minimal", "broken", "firstboot", "fstab-split", "installed", "kept", "missing", "persist",
         "refused", "runtime", "torn")
# Subjects (modules) without one: what needs many boots or other images, has its part in another,
# or is a matter of paths and types, for which golden trees and mount namespaces do.
NOT_QUICK = ("bootloader", "commit", "commit_at", "compressed_ram", "device", "finish", "gpt",
             "kernel", "links", "maintenance", "package", "partitions", "powercut", "recovery",
             "roots", "server", "subvolumes", "upgrade", "verity")


# Of two machines at a time, without KVM and beside other tests.
SECONDS_PER_BOOT = 20


def chosen(suite: str, boots: str) -> List[Scenario]:
    """The scenarios that are booted on a suite; `boots`: one of BOOTS."""
    return [scenario for scenario in SCENARIOS.values()
            if scenario.boots_on(suite, boots != "routine")
            and (boots != "quick" or scenario.name in QUICK)]


def within(seconds: int, pairs: Iterable[Tuple[str, str]]) -> List[Tuple[str, str]]:
    """Those of (scenario, suite) that are likely to be booted in this time.

    `minimal` comes first, on all suites and in any case, then what QUICK names.
    """
    fitting: List[Tuple[str, str]] = []
    for name, suite in sorted(pairs, key=lambda pair: (pair[0] != "minimal", pair[0] not in QUICK)):
        seconds -= SCENARIOS[name].weight * SECONDS_PER_BOOT // QUESTIONS_PER_BOOT
        if seconds >= 0 or name == "minimal":
            fitting.append((name, suite))
    return fitting
