"""What is booted, one module for each subject: each has SCENARIOS, and its test module the answers.
"""

from __future__ import annotations

import importlib
import pkgutil
from typing import Dict, List

from ..scenario import Scenario

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
NOT_QUICK = ("bootloader", "commit", "commit_at", "device", "finish", "gpt", "kernel", "links",
             "maintenance", "package", "partitions", "powercut", "recovery", "roots", "server",
             "subvolumes", "upgrade")


def chosen(suite: str, boots: str) -> List[Scenario]:
    """The scenarios that are booted on a suite; `boots`: one of BOOTS."""
    return [scenario for scenario in SCENARIOS.values()
            if scenario.boots_on(suite, boots != "routine")
            and (boots != "quick" or scenario.name in QUICK)]
