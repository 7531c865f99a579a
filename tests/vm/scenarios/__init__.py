"""What is booted, one module for each subject: each has SCENARIOS, and its test module the answers.
"""

from __future__ import annotations

import importlib
import pkgutil
from typing import Dict

from ..scenario import Scenario

SCENARIOS: Dict[str, Scenario] = {
    scenario.name: scenario
    for module in pkgutil.iter_modules(__path__)
    for scenario in importlib.import_module(f"{__name__}.{module.name}").SCENARIOS
}
