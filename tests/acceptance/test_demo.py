"""The demo: it survives a kill, resumes, and loads what it says."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest

from dynamo.demo import home, iso
from dynamo.demo.check import read_until_ready


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("DYNAMO_DEMO_HOME", str(tmp_path / "demo"))
    return tmp_path / "demo"


@pytest.fixture
def start(folder):
    """Start demos and leave none behind."""
    started = []

    def start_one(*arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-u", "-m", "dynamo.demo", "--port", "0", *arguments]
        environment = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
        started.append(subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True))
        return started[-1]

    yield start_one
    for process in started:
        process.kill()
        process.communicate()


def stop(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 0


def count(folder, query):
    with closing(sqlite3.connect(folder / home.DATABASE)) as database:
        return database.execute(f"SELECT count(*) FROM {query}").fetchone()[0]


@pytest.mark.parametrize("moment", ["languages\n", "rename WritingSystem", "add Subdivision.country"])
def test_killed_load_resumes_and_loads_every_row(folder, start, moment):
    first = start()
    for line in first.stdout:
        if moment in line:
            first.kill()
            break
    # The lock on the folder goes with the process, which may take a moment to die.
    first.wait()
    second = start()
    read_until_ready(second)
    stop(second)

    assert count(folder, "dynamic_country") == len(iso.countries())
    assert count(folder, "dynamic_currency") == len(iso.currencies())
    assert count(folder, "dynamic_language") == len(iso.languages()) + len(iso.language_families())
    assert count(folder, "dynamic_script") == len(iso.scripts())
    assert count(folder, "dynamic_subdivision") == len(iso.subdivisions())
    assert count(folder, "dynamic_subdivision WHERE country_id IS NULL") == 0
    assert count(folder, "dynamic_subdivision WHERE parent_id IS NOT NULL") == len(iso.subdivision_parents())
    assert count(folder, "dynamo_events_schemaevent") >= 20


def test_second_run_loads_nothing_and_prints_the_same_password(start):
    first = start()
    printed = read_until_ready(first)
    stop(first)
    second = start()
    again = read_until_ready(second)
    stop(second)
    assert "already loaded" in again
    assert password(printed) == password(again)


def password(output: str) -> str:
    return next(line for line in output.splitlines() if "password" in line)


def test_second_demo_on_the_same_folder_is_refused(folder):
    with home.occupy(), pytest.raises(home.AlreadyRunning, match="DYNAMO_DEMO_HOME"):
        home.occupy()


def test_reset_removes_only_what_the_demo_made(folder):
    home.secret(home.PASSWORD, length=12)
    (folder / "thesis.txt").write_text("mine")
    home.empty()
    assert [file.name for file in folder.iterdir()] == ["thesis.txt"]


def test_secrets_are_readable_by_their_owner_only(folder):
    first = home.secret(home.PASSWORD, length=12)
    assert home.secret(home.PASSWORD, length=12) == first
    assert (folder / home.PASSWORD).stat().st_mode & 0o777 == 0o600


def test_currencies_pair_with_countries_by_letters_or_number():
    countries = [("US", 840), ("GH", 288)]
    currencies = [("USD", 840), ("USN", 997), ("GHS", 936), ("EUR", 978), ("XXX", 288)]
    assert list(iso.namesake_currencies(countries, currencies)) == [
        ("US", "USD"),
        ("US", "USN"),
        ("GH", "GHS"),
        ("GH", "XXX"),
    ]
