"""The functional core is usable where Django is not installed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
EVENTS = (
    "chain",
    "codec",
    "diff",
    "exceptions",
    "fold",
    "layers",
    "lineage",
    "names",
    "replay",
    "schema",
    "types",
)
# A service that follows a stream has no Django.
CORE = (*(f"events.{name}" for name in EVENTS), "dynamo.client")
BLOCKED = """
import importlib, sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "django":
            raise ImportError(f"{name} is not to be imported here")

sys.meta_path.insert(0, Blocker())
for module in sys.argv[1:]:
    importlib.import_module(module)
assert not any(name.partition(".")[0] == "django" for name in sys.modules)
"""


@pytest.mark.parametrize("module", CORE)
def test_the_core_is_importable_without_django(module):
    subprocess.run([sys.executable, "-c", BLOCKED, module], cwd=ROOT, check=True, timeout=60)


def test_the_shell_is_what_needs_django():
    done = subprocess.run(
        [sys.executable, "-c", BLOCKED, "events.store"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "is not to be imported here" in done.stderr
