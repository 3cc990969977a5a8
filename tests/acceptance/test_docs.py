"""The documentation is true: its examples run, its links lead somewhere."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from tests.acceptance.pages import ROOT, anchors, blocks, links, pages
from tests.acceptance.site import Server

QUICKSTART = ROOT / "docs" / "quickstart.md"
EXAMPLES = [ROOT / "README.md", QUICKSTART, ROOT / "docs" / "changing.md", ROOT / "docs" / "history.md"]


def environment(project: Path) -> dict[str, str]:
    path = os.pathsep.join([str(project), str(ROOT)])
    return os.environ | {"DJANGO_SETTINGS_MODULE": "shop.settings", "PYTHONPATH": path}


def run(*arguments: str | Path, project: Path) -> str:
    result = subprocess.run(
        [sys.executable, *arguments],
        cwd=project,
        env=environment(project),
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


@pytest.fixture
def project(tmp_path):
    """A project made as the quickstart says."""
    run("-m", "django", "startproject", "shop", tmp_path, project=tmp_path.parent)
    for block in blocks(QUICKSTART):
        if block.action in {"append", "write"}:
            with (tmp_path / block.file).open("a" if block.action == "append" else "w") as file:
                file.write(block.text)
    run("manage.py", "migrate", "--verbosity", "0", project=tmp_path)
    return tmp_path


@pytest.mark.parametrize("page", EXAMPLES, ids=lambda page: page.name)
def test_examples_do_what_the_page_says(project, page):
    assert any(block.action == "doctest" for block in blocks(page))
    run("-m", "tests.acceptance.run_doctest", page, project=project)


def test_project_of_the_quickstart_passes_its_checks(project):
    run("manage.py", "check", "--fail-level", "WARNING", project=project)
    run("manage.py", "makemigrations", "--check", "--dry-run", project=project)


def test_project_of_the_quickstart_serves_the_live_page_and_its_script_under_uvicorn(project):
    with closing(Server(environment(project), application="shop.asgi:application")) as server:
        assert httpx.get(f"{server.url}/dynamo/live/").status_code == 302
        for name in ("dynamo/live.js", "dynamo/stream.js", "admin/css/base.css"):
            assert httpx.get(f"{server.url}/static/{name}").status_code == 200


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_pages_and_headings_that_exist(page):
    for link in links(page):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{link} leads nowhere"
        assert not anchor or anchor in anchors(target), f"{link} names no heading"
