"""What is booted, one module for each subject: each has SCENARIOS, and its test module the answers.
"""

from __future__ import annotations

from typing import Dict

from ..scenario import Scenario
from . import basic, firstboot, fstab, gpt, kernel, links, persist, recovery, refused, roots, runtime

SCENARIOS: Dict[str, Scenario] = {
    scenario.name: scenario
    for module in (basic, firstboot, fstab, gpt, kernel, links, persist, recovery, refused, roots, runtime)
    for scenario in module.SCENARIOS
}
