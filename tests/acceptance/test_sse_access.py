"""Who may follow what, and for how long: tokens, several models, limits, and readers that take nothing."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.acceptance.frames import following
from tests.acceptance.streams import EVERYTHING, field, model, status, user

TOKEN = "answer = dynamo.stream_token(User.objects.get(username={!r}), seconds={})"


def token(site, name: str = "admin", seconds: float = 60) -> dict[str, str]:
    """The header by which a service follows as that user."""
    return {"Authorization": f"Bearer {site.writer.run(TOKEN.format(name, seconds))}"}


@pytest.fixture
def service(site):
    """A client that never logs in."""
    with site.client() as client:
        yield client


def test_service_follows_with_a_token_and_without_a_session(site, service):
    service.headers.update(token(site))
    with following(service) as frames:
        end = site.writer.change(model("Told"))
        assert [frame.data["model"] for frame in frames.upto(end)] == ["dynamic.Told"]
    assert "sessionid" not in service.cookies


def test_token_opens_what_its_user_may_see_and_nothing_else(site, service):
    site.writer.change(model("Shown") + "\n" + model("Unshown") + user("bearer", "view_shown"))
    service.headers.update(token(site, "bearer"))
    assert status(service)[0] == 403
    assert status(service, "/dynamo/events/dynamic.Unshown/")[0] == 403
    assert status(service, "/dynamo/events/dynamic.Shown/")[0] == 200
    # It is for the stream, and no log-in.
    assert service.get("/dynamo/live/").status_code == 302
    assert service.get("/admin/").status_code == 302


NOT_OURS = "none of this server's"
FORGED = {
    "empty": (lambda good: "dynamo_", NOT_OURS),
    "nonsense": (lambda good: "dynamo_x:y:z", NOT_OURS),
    "long": (lambda good: "dynamo_" + "9" * 5000, NOT_OURS),
    "altered": (lambda good: good[:-2] + ("AA" if good[-2:] != "AA" else "BB"), NOT_OURS),
    # Somebody else's, and for us as if there were none.
    "no prefix": (lambda good: good.removeprefix("dynamo_"), "log in, or send a token"),
    "none": (lambda good: "none", "log in, or send a token"),
}


@pytest.mark.parametrize("forged", FORGED)
def test_forged_token_is_refused_with_401(site, service, forged):
    made, said = FORGED[forged]
    good = token(site)["Authorization"].removeprefix("Bearer ")
    service.headers["Authorization"] = f"Bearer {made(good)}"
    code, text = status(service)
    assert (code, said in text) == (401, True)
    assert service.get(EVERYTHING).headers["www-authenticate"] == "Bearer"


def test_token_of_another_project_or_purpose_is_refused(site, service):
    for forged in site.writer.run("""
from django.core import signing
u = User.objects.get(username="admin")
said = {"user": str(u.pk), "until": 9e12, "hash": u.get_session_auth_hash()}
answer = ["dynamo_" + signing.dumps(said, salt=salt, key=key) for salt, key in (
    ("password reset", None), ("dynamo.stream", "another project"))]
"""):
        service.headers["Authorization"] = f"Bearer {forged}"
        assert status(service)[0] == 401


def test_token_whose_time_is_over_is_refused_and_ends_an_open_stream(site, service):
    service.headers.update(token(site, seconds=1.5))
    with following(service) as frames:
        error = frames.named("stream-error")
        assert (error.data["condition"], "time is over" in error.data["text"]) == ("forbidden", True)
        assert list(frames.every()) == []
    code, text = status(service)
    assert (code, "time is over" in text) == (401, True)


@pytest.mark.parametrize(
    "lost", ["u.is_active = False; u.save()", "u.set_password('x'); u.save()", "u.delete()"]
)
def test_token_ends_with_its_user(site, service, lost):
    site.writer.run(user("passing", "follow_stream"))
    service.headers.update(token(site, "passing"))
    with following(service) as frames:
        site.writer.run(lost)
        assert frames.named("stream-error").data["condition"] == "forbidden"
    assert status(service)[0] == 401
    site.writer.run("User.objects.filter(username='passing').delete()")


def test_tokens_are_for_active_users_and_some_time(site):
    site.writer.run(user("asleep", active=False))
    for name, seconds in (("asleep", 60), ("admin", 0), ("admin", -1), ("admin", "float('nan')")):
        with pytest.raises(AssertionError, match="ValueError"):
            site.writer.run(TOKEN.format(name, seconds))


def test_right_that_is_lost_before_an_event_keeps_it_from_the_reader(site):
    """However seldom idle streams are checked: each is, before it is sent anything."""
    site.writer.run(user("former", "follow_stream"))
    with site.client("former") as client, following(client) as frames:
        end = site.writer.change("u.user_permissions.clear()\n" + model("Afterwards"))
        error = frames.named("stream-error")
        assert error.data["condition"] == "forbidden"
        assert error.id < end


def test_several_models_come_in_one_stream_in_the_order_of_the_log(site, admin):
    start = site.writer.change("\n".join(map(model, ("Left", "Middle", "Right"))))
    asked = {"model": ["dynamic.Left", "dynamic.Right"]}
    with following(admin, **asked) as frames:
        for number, name in enumerate(("Right", "Middle", "Left", "Middle", "Right")):
            end = site.writer.change(field(name, f"f{number}"))
        found = frames.upto(end)
    assert [frame.data["model"] for frame in found] == ["dynamic.Right", "dynamic.Left", "dynamic.Right"]
    # The same from history as from what is new.
    with following(admin, **asked, **{"from": start}) as frames:
        assert [frame.id for frame in frames.upto(end)] == [frame.id for frame in found]


def test_one_model_that_one_may_not_see_closes_all_that_are_asked_for(site):
    site.writer.change(model("Public") + "\n" + model("Private") + user("half", "view_public"))
    with site.client("half") as half:
        assert status(half, params={"model": "dynamic.Public"})[0] == 200
        refused = {
            status(half, params={"model": ["dynamic.Public", other]})
            for other in (
                "dynamic.Private",
                "dynamic.Nothing",
                "events",
                "",
                "x" * 5000,
                "../..",
                "a\r\nb: c",
            )
        }
    ((code, text),) = refused
    assert (code, "Private" in text) == (403, False)


def test_another_models_position_opens_nothing_of_it(site):
    site.writer.change(model("Mine") + user("own", "view_mine"))
    end = site.writer.change(model("Theirs", "a", "b"))
    with site.client("own") as own, following(own, "/dynamo/events/dynamic.Mine/", last=end - 2) as frames:
        last = site.writer.change(field("Mine", "c"))
        assert [frame.data["model"] for frame in frames.upto(last)] == ["dynamic.Mine"]


@pytest.mark.parametrize("kind", ["post_field_creation", "field.added"])
def test_kinds_are_filtered_live_and_from_history(site, admin, kind):
    start = site.writer.change("")
    name = f"Kind{kind.replace('.', '').replace('_', '')}"
    with following(admin, kind=kind) as frames:
        end = site.writer.change(model(name, "a") + '\nm.description = "x"; m.save()\n' + field(name, "b"))
        found = [frame.data["field"] for frame in frames.upto(end)]
    with following(admin, kind=kind, **{"from": start}) as frames:
        assert [frame.data["field"] for frame in frames.upto(end)] == found == ["a", "b"]


def test_unknown_kind_is_a_bad_request(admin):
    code, text = status(admin, params={"kind": "stream-reset"})
    assert (code, "stream-reset" in text) == (400, True)


def test_forged_headers_of_a_proxy_gain_nothing(site, service):
    """django-eventstream believes these when GRIP_URL is set without a key."""
    site.writer.run(user("grip"))
    forged = {"Grip-Sig": "x.y.z", "Grip-Last": "events-events; last-id=0", "X-Forwarded-User": "admin"}
    assert status(service, headers=forged)[0] == 401
    with site.client("grip") as grip:
        assert status(grip, headers=forged)[0] == 403
    with site.client("admin") as admin, admin.stream("GET", EVERYTHING, headers=forged) as answer:
        assert answer.headers["content-type"] == "text/event-stream"
        assert not [name for name in answer.headers if name.lower().startswith("grip")]


def test_other_sites_are_not_told_that_they_may_read(site, admin):
    with admin.stream("GET", EVERYTHING, headers={"Origin": "https://elsewhere.example"}) as answer:
        assert "access-control-allow-origin" not in answer.headers


@pytest.fixture
def limited(own_site):
    """A site whose server allows three streams, two for a user."""
    own_site.server.close()
    own_site.environment["DYNAMO_TEST_SETTINGS"] = json.dumps(
        {"DYNAMO_STREAM_LIMIT": 3, "DYNAMO_STREAM_LIMIT_PER_USER": 2}
    )
    own_site.serve()
    return own_site


def test_limits_are_counted_for_the_process_and_for_each_user(limited):
    limited.writer.run(user("second", "follow_stream"))
    with limited.client("admin") as admin, limited.client("second") as second, ExitStack() as stack:
        opened = [stack.enter_context(following(admin)) for _ in range(2)]
        code, text = status(admin)
        assert (code, "of this user" in text) == (503, True)
        opened.append(stack.enter_context(following(second)))
        code, text = status(second)
        assert (code, "of this server process" in text) == (503, True)
        assert admin.get(EVERYTHING).headers["retry-after"] == "5"
        # A place is free as soon as its reader has gone.
        opened[0].response.close()
        until_open(second)


def until_open(client: httpx.Client) -> None:
    for _ in range(200):
        if status(client)[0] == 200:
            return
    raise AssertionError("no place became free")


@contextmanager
def until_followed(client: httpx.Client, **query: int) -> Iterator[Any]:
    """The place of a reader that went is free a moment later: its server has to notice."""
    with ExitStack() as stack:
        for attempt in range(200):
            try:
                frames = stack.enter_context(following(client, **query))
            except AssertionError:
                if attempt == 199:
                    raise
            else:
                break
        yield frames


def test_readers_that_go_at_once_leave_no_place_taken(limited):
    header = token(limited)["Authorization"]
    address = urlsplit(limited.server.url)
    request = f"GET {EVERYTHING} HTTP/1.1\r\nHost: localhost\r\nAuthorization: {header}\r\n\r\n"
    for _ in range(30):
        with socket.create_connection((address.hostname, address.port)) as hasty:
            hasty.sendall(request.encode())
    with limited.client("admin") as admin:
        until_open(admin)


def test_limit_of_an_address_holds_for_all_users_there(own_site):
    own_site.server.close()
    own_site.environment["DYNAMO_TEST_SETTINGS"] = json.dumps({"DYNAMO_STREAM_LIMIT_PER_ADDRESS": 1})
    own_site.serve()
    own_site.writer.run(user("second", "follow_stream"))
    with own_site.client("admin") as admin, own_site.client("second") as second, following(admin) as frames:
        code, text = status(second)
        assert (code, "from this address" in text) == (503, True)
        assert frames.named("keep-alive")


def test_reader_that_takes_nothing_is_cut_off_and_costs_little(own_site):
    own_site.server.close()
    own_site.environment["DYNAMO_TEST_SETTINGS"] = json.dumps(
        {"DYNAMO_STREAM_SEND_SECONDS": 0.5, "DYNAMO_STREAM_LIMIT": 3}
    )
    own_site.serve()
    header = token(own_site)["Authorization"]
    address = urlsplit(own_site.server.url)
    request = f"GET {EVERYTHING}?from=0 HTTP/1.1\r\nHost: localhost\r\nAuthorization: {header}\r\n\r\n"
    # More than what lies between two sockets.
    own_site.writer.change(
        model("Long") + "\nfor n in range(500): m.description = str(n) * 3333; m.save()",
    )
    with ExitStack() as stack:
        for _ in range(3):
            silent = stack.enter_context(socket.socket())
            silent.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            silent.connect((address.hostname, address.port))
            silent.sendall(request.encode())
        with own_site.client("admin") as admin:
            until_open(admin)
            with until_followed(admin, **{"from": 0}) as frames:
                assert [frame.id for frame in frames.upto(501)] == list(range(1, 502))
