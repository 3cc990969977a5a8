"""The demo's command line: `python -m dynamo.demo [--check] [--reset] [--port N]`."""

from __future__ import annotations

import argparse
import os
import sys

from dynamo.demo import home


def main() -> int:
    arguments = parse()
    if arguments.check:
        from dynamo.demo.check import check

        return check()
    try:
        lock = home.occupy()
    except home.AlreadyRunning as error:
        print(error, file=sys.stderr)
        return 1
    with lock:
        if arguments.reset:
            home.empty()
        run(arguments.port)
    return 0


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m dynamo.demo", description="Dynamo on real data.")
    parser.add_argument("--check", action="store_true", help="check the demo from outside and exit")
    parser.add_argument("--reset", action="store_true", help="start over, without the data of earlier runs")
    parser.add_argument("--port", type=int, default=8000, help="the next free one is taken; 0 takes any")
    return parser.parse_args()


def run(port: int) -> None:
    """Set up what is missing, then serve until stopped."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "dynamo.demo.settings"
    import django

    django.setup()

    from django.core.management import call_command

    from dynamo.demo.load import load
    from dynamo.demo.serve import serve

    print(f"Data folder: {home.path()}", flush=True)
    call_command("migrate", verbosity=0)
    load()
    try:
        serve(port, password=superuser())
    except KeyboardInterrupt:
        # uvicorn has shut down and hands the signal on; a stopped demo is a success.
        print("Stopped.")


def superuser() -> str | None:
    """Make sure that there is an admin; return the password, or None when its owner has changed it."""
    from django.contrib.auth import get_user_model

    password = home.secret(home.PASSWORD, length=12)
    users = get_user_model()._default_manager
    user = users.filter(username="admin").first() or users.create_superuser("admin", "", password)
    return password if user.check_password(password) else None


if __name__ == "__main__":
    sys.exit(main())
