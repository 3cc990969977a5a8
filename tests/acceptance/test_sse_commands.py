"""The subcommands about the stream, as somebody on another machine runs them."""

from __future__ import annotations

import json
import signal
import subprocess
import sys

import pytest

from tests.acceptance.site import ROOT
from tests.acceptance.streams import model, user


def manage(site, *arguments: str, **environment: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "django", "dynamo", *arguments]
    pipe = subprocess.PIPE
    given = site.environment | environment
    return subprocess.Popen(command, env=given, cwd=ROOT, stdout=pipe, stderr=pipe, text=True)


def answered(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, errors = process.communicate(timeout=60)
    return process.returncode, out.strip(), errors.strip()


@pytest.fixture
def elsewhere(site, tmp_path):
    """Another project, whose own log is empty."""
    environment = site.environment | {"DYNAMO_TEST_FOLDER": str(tmp_path)}
    return type("Elsewhere", (), {"environment": environment})


def test_tail_follows_another_server_and_keeps_its_place(site, elsewhere, tmp_path):
    code, token, errors = answered(manage(site, "token", "admin", "--seconds", "600"))
    assert (code, token.startswith("dynamo_")) == (0, True), errors
    secret, place = tmp_path / "secret", tmp_path / "place"
    secret.write_text(f"{token}\n")
    url = f"{site.server.url}/dynamo/events/"
    before = site.writer.change(model("Tailed", "a"))
    ask = ("tail", "--json", "--url", url, "--token-file", str(secret), "--place", str(place))
    tail = manage(elsewhere, *ask, "--after", str(before - 2))
    found = [json.loads(tail.stdout.readline()) for _ in range(2)]
    assert [(one["position"], one["model"], one["field"]) for one in found] == [
        (before - 1, "dynamic.Tailed", None),
        (before, "dynamic.Tailed", "a"),
    ]
    tail.send_signal(signal.SIGTERM)
    assert answered(tail) == (0, "", "")
    last = site.writer.change('m.description = "x"; m.save()')
    tail = manage(elsewhere, *ask)
    # The place is that of what was done with, so the one before the interruption may come again.
    lines = iter(tail.stdout.readline, "")
    assert any(json.loads(line)["position"] == last for line in lines)
    tail.send_signal(signal.SIGTERM)
    assert answered(tail)[0] == 0


LONG = """
with dynamo.batch():
    meta = MetaModel.objects.create(name="Read")
    for n in range(20):
        MetaField.objects.create(meta_model=meta, name=f"f{n}", type="TextField", help="x" * 9_000)
"""


def test_who_has_read_enough_of_the_log_closes_it_without_a_complaint(site):
    # More than a pipe holds, so that the command cannot have written all of it before it is closed.
    site.writer.change(LONG)
    with manage(site, "log", "--json") as log:
        assert "model.created" in log.stdout.readline()
        log.stdout.close()
        assert log.wait(60) == 1
        assert log.stderr.read() == ""


def test_tail_says_why_a_server_refuses_it(site, elsewhere):
    url = f"{site.server.url}/dynamo/events/"
    code, _, errors = answered(manage(elsewhere, "tail", "--url", url, DYNAMO_STREAM_TOKEN="dynamo_x"))
    assert (code, "answers 401" in errors, "Traceback" in errors) == (1, True, False)
    code, _, errors = answered(manage(elsewhere, "tail", "--url", url, "--token-file", "nowhere"))
    assert (code, "nowhere cannot be read" in errors) == (1, True)
    code, _, errors = answered(manage(elsewhere, "tail", "--url", "nope"))
    assert (code, errors) == (
        1,
        "CommandError: 'nope' is no address of a stream; give one such as https://example.org/dynamo/events/",
    )


def test_token_is_for_users_who_may_log_in(site):
    site.writer.run(user("sleeping", active=False))
    for name, said in (("sleeping", "not active"), ("nobody", "no user 'nobody'")):
        code, out, errors = answered(manage(site, "token", name))
        assert (code, out, said in errors) == (1, "", True)


@pytest.mark.parametrize("option", ["--place", "--token-file"])
def test_what_is_for_another_server_is_refused_without_one(site, option):
    code, _, errors = answered(manage(site, "tail", option, "file"))
    assert (code, f"{option} is for the stream of another server" in errors) == (1, True)
