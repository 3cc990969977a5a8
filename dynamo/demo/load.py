"""Play the demo's history into the registry, from wherever an earlier run stopped.

The log itself remembers the progress: each step is one change set whose reason names the step.
"""

from __future__ import annotations

from itertools import pairwise

import dynamo
from dynamo.demo.steps import STEPS, Step


def load() -> None:
    """Load what is missing and print each step."""
    done = {event.context.reason for event in dynamo.history()}
    if reason(STEPS[-1]) in done:
        print("The data is already loaded.")
        return
    for number, (step, following) in enumerate(pairwise([*STEPS, None]), start=1):
        assert step is not None
        # Rows fit the schema of their own step only, and once the next step is recorded they are complete.
        if following is None or reason(following) not in done:
            play(step, recorded=reason(step) in done, number=number)


def play(step: Step, *, recorded: bool, number: int) -> None:
    """Record the step's change set unless it is there, then load its rows."""
    print(f"[{number:2}/{len(STEPS)}] {step.title}", flush=True)
    if not recorded:
        with dynamo.batch(reason=reason(step)):
            step.schema()
    if step.rows:
        step.rows(show)


def reason(step: Step) -> str:
    return f"demo: {step.title}"


def show(what: str, done: int, total: int) -> None:
    print(f"        {done:,} of {total:,} {what}", flush=True)
