"""Serve the demo with uvicorn and say where everything is."""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import closing

import uvicorn
from django.urls import reverse

HOST = "127.0.0.1"
TRIES = 50
READY = "Stop with Ctrl-C."


class Server(uvicorn.Server):
    """A uvicorn server that speaks up once it accepts connections."""

    announce: Callable[[], None]

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self.announce()


def serve(port: int, *, password: str | None) -> None:
    """Serve until stopped, on `port` or the next free one (0: any free one)."""
    config = uvicorn.Config(
        "dynamo.demo.asgi:application",
        log_level="warning",
        lifespan="off",
    )
    server = Server(config)
    with closing(listen(port)) as listener:
        server.announce = lambda: announce(listener.getsockname()[1], password)
        server.run(sockets=[listener])


def listen(port: int) -> socket.socket:
    """Bind the first free port from `port` on."""
    for candidate in range(port, port + TRIES) if port else [0]:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, candidate))
        except OSError:
            listener.close()
            continue
        return listener
    raise SystemExit(f"No free port on {HOST} from {port} to {port + TRIES - 1}. Choose another with --port.")


def pages() -> dict[str, str]:
    """Return what each printed address shows, with its path."""
    return {
        "Admin": reverse("admin:index"),
        "Countries, a generated model": reverse("admin:dynamic_country_changelist"),
        "Models": reverse("admin:dynamo_metamodel_changelist"),
        "Schema history": reverse("dynamo:history"),
        "Live page": reverse("dynamo:live"),
        "Event stream (SSE)": "/dynamo/events/",
    }


def announce(port: int, password: str | None) -> None:
    print()
    for title, path in pages().items():
        print(f"  {title:30} http://{HOST}:{port}{path}")
    print(f"\n  Log in as admin with the password {password or 'that you chose'}")
    print(f"  {READY}\n", flush=True)
