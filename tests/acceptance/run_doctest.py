"""Run the marked examples of one page as a single session: `python -m tests.acceptance.run_doctest PAGE`."""

from __future__ import annotations

import doctest
import sys
from pathlib import Path

import django

from tests.acceptance.pages import blocks


def main() -> int:
    page = Path(sys.argv[1])
    django.setup()
    text = "\n".join(block.text for block in blocks(page) if block.action == "doctest")
    examples = doctest.DocTestParser().get_doctest(text, {}, page.name, str(page), 0)
    return doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(examples).failed


if __name__ == "__main__":
    sys.exit(main())
