"""Check the demo from outside: a server process, every printed page, a schema change, its frame."""

from __future__ import annotations

import os
import queue
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from dynamo.demo.serve import READY

LOADED_WITHIN = 300
STOPPED_WITHIN = 20
FRAME_WITHIN = 30


class CheckFailed(Exception):
    """Something that the demo promises is not so."""


def check() -> int:
    """Run every check in a temporary folder; return the exit code."""
    with tempfile.TemporaryDirectory(prefix="dynamo-demo-") as folder:
        environment = os.environ | {"DYNAMO_DEMO_HOME": folder, "PYTHONUNBUFFERED": "1"}
        try:
            with serving(environment) as output:
                visit(output, environment)
        except (CheckFailed, httpx.HTTPError) as error:
            print(f"The demo check failed: {error}", file=sys.stderr)
            return 1
    print("The demo check passed.")
    return 0


@contextmanager
def serving(environment: dict[str, str]) -> Iterator[str]:
    """Run the demo's server; yield what it printed until it was ready; expect a clean exit."""
    command = [sys.executable, "-m", "dynamo.demo", "--port", "0"]
    server = subprocess.Popen(  # noqa: S603 - our own module
        command, env=environment, stdout=subprocess.PIPE, text=True
    )
    try:
        yield read_until_ready(server)
        server.send_signal(signal.SIGINT)
        if code := server.wait(STOPPED_WITHIN):
            raise CheckFailed(f"the server exited with {code}")
    except subprocess.TimeoutExpired:
        raise CheckFailed(f"the server did not stop within {STOPPED_WITHIN} s") from None
    finally:
        server.kill()
        server.wait()


def read_until_ready(server: subprocess.Popen[str]) -> str:
    """Pass the server's lines on until it says that it is ready; return them."""
    # The thread reads on to the end: a full pipe would stop the server.
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=pump, args=(server, lines), daemon=True).start()
    deadline = time.monotonic() + LOADED_WITHIN
    output = ""
    while READY not in output:
        try:
            line = lines.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            raise CheckFailed(f"the server was not ready within {LOADED_WITHIN} s") from None
        if not line:
            raise CheckFailed(f"the server exited with {server.wait()} before it was ready")
        print(line, end="", flush=True)
        output += line
    return output


def pump(server: subprocess.Popen[str], lines: queue.SimpleQueue[str]) -> None:
    """Move the server's lines into the queue, and an empty one when it ends."""
    assert server.stdout is not None
    for line in server.stdout:
        lines.put(line)
    lines.put("")


def visit(output: str, environment: dict[str, str]) -> None:
    """Request every printed address, then follow one schema change through the stream and into the admin."""
    urls = re.findall(r"http://\S+", output)
    found = re.search(r"Log in as admin with the password (\S+)", output)
    if not urls or not found:
        raise CheckFailed("the server printed no addresses or no password")
    stream = urls[-1]
    country = next(url for url in urls if url.endswith("/country/"))
    with httpx.Client(follow_redirects=True, timeout=30) as client:
        log_in(client, urls[0], found[1])
        for url in [str(httpx.URL(urls[0]).join("/")), *urls[:-1]]:
            expect_page(client, url)
        follow(client, stream, environment)
        expect_page(client, f"{country}add/", containing='name="note"')


def log_in(client: httpx.Client, admin: str, password: str) -> None:
    page = client.get(admin)
    response = client.post(
        page.url,
        data={
            "username": "admin",
            "password": password,
            "csrfmiddlewaretoken": client.cookies.get("csrftoken", ""),
        },
    )
    if response.status_code != 200 or "/login/" in response.url.path:
        raise CheckFailed(f"the printed password does not log in at {page.url}")
    print("logged in")


def expect_page(client: httpx.Client, url: str, *, containing: str = "") -> None:
    response = client.get(url)
    if response.status_code != 200 or "/login/" in response.url.path:
        raise CheckFailed(f"{url} answered {response.status_code} at {response.url}")
    if containing not in response.text:
        raise CheckFailed(f"{url} does not contain {containing}")
    print(f"200 {url}")


def follow(client: httpx.Client, url: str, environment: dict[str, str]) -> None:
    """Open the stream, change the schema in another process, and await the frame of that change."""
    with client.stream("GET", url, timeout=httpx.Timeout(30, read=FRAME_WITHIN)) as response:
        if response.status_code != 200 or "text/event-stream" not in response.headers["content-type"]:
            raise CheckFailed(f"{url} answered {response.status_code} {response.headers['content-type']}")
        print(f"200 {url}")
        # The first line shows that the stream is open and not merely accepted.
        lines = response.iter_lines()
        next(lines, None)
        position = change(environment)
        await_frame(lines, name="post_field_creation", position=position)


def change(environment: dict[str, str]) -> str:
    """Add a field in a process of its own; return the position of its event."""
    command = [sys.executable, "-m", "dynamo.demo.change"]
    result = subprocess.run(  # noqa: S603 - our own module
        command, env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    if result.returncode:
        raise CheckFailed(f"the schema change failed:\n{result.stderr}")
    return result.stdout.strip()


def await_frame(lines: Iterator[str], *, name: str, position: str) -> None:
    """Read frames until the one expected has come."""
    deadline = time.monotonic() + FRAME_WITHIN
    frame: dict[str, str] = {}
    for line in lines:
        key, _, value = line.partition(":")
        frame[key] = value.strip()
        if not line:
            if frame.get("id") == position and frame.get("event") == name:
                print(f"frame {name} at position {position} arrived")
                return
            frame = {}
        # Keep-alive frames keep coming, so the time-out of a single read is not enough.
        if time.monotonic() > deadline:
            break
    raise CheckFailed(f"no frame {name} with id {position} within {FRAME_WITHIN} s")
