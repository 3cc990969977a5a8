"""A process of its own that works on the served database: it runs what it reads, and answers each time.

A request is a line with the JSON string of Python code, the answer a line of JSON: the value of the name
`answer` after it, the position of the log's head, and the traceback if it failed.
"""

from __future__ import annotations

import json
import sys
import traceback
from typing import Any

import django


def main() -> None:
    django.setup()
    names: dict[str, Any] = {}
    for line in sys.stdin:
        names["answer"] = None
        error = run(json.loads(line), names)
        print(json.dumps({"answer": names["answer"], "head": head(), "error": error}), flush=True)


def run(code: str, names: dict[str, Any]) -> str | None:
    try:
        exec(code, names)
    except Exception:  # noqa: BLE001  # whatever the code raises is the answer
        return traceback.format_exc()
    return None


def head() -> int:
    from events import store

    return store.head("default").position if store.installed("default") else 0


if __name__ == "__main__":
    main()
