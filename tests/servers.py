"""Run a command beside throwaway database servers: `python -m tests.servers postgres mariadb -- COMMAND...`.

A server that its environment variable names already (DYNAMO_TEST_POSTGRES=postgres://user:password@host:port,
DYNAMO_TEST_MARIADB=mysql://...) is used as it is; each other one is started in a temporary folder, which goes
with it. Their commits do not wait for the disk, unless --durable stands before the names, as benchmarks need.
The packages that did this for tests, such as testing.postgresql, are no longer maintained.
"""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

USER: Final = "dynamo"
# Lines of a crashed server's log that are shown.
LAST_LINES: Final = 60
# Seconds for a server to come up, and for a command or server to go when told to.
PATIENCE: Final = 30
SIGNALS: Final = (signal.SIGTERM, signal.SIGHUP)
# Debian keeps servers where only root, or nobody, looks for commands.
FOLDERS: Final = [
    *os.get_exec_path(),
    *map(str, sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)),
    "/usr/sbin",
    "/usr/local/sbin",
]


@dataclass(frozen=True, kw_only=True, slots=True)
class Server:
    """How one kind of server is set up, started, asked whether it is ready, and stopped."""

    scheme: str
    package: str
    account: str
    stop: signal.Signals
    prepare: Callable[[Path, str], list[str]]
    start: Callable[[Path, str], list[str]]
    # What makes hundreds of schema changes quick, and a crash of the machine fatal.
    careless: list[str]
    ready: Callable[[str], list[str]]


def postgres_prepare(folder: Path, password: str) -> list[str]:
    (folder / "password").write_text(password)
    command = f"initdb --pgdata={folder}/data --username={USER} --pwfile={folder}/password --no-sync"
    return [*command.split(), "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8"]


def postgres_start(folder: Path, port: str) -> list[str]:
    settings = {
        "listen_addresses": "127.0.0.1",
        "unix_socket_directories": "",
        "max_connections": 200,
    }
    return [
        "postgres",
        f"-D{folder}/data",
        f"--port={port}",
        *(f"--{name}={value}" for name, value in settings.items()),
    ]


def mariadb_prepare(folder: Path, password: str) -> list[str]:
    (folder / "users.sql").write_text(
        f"CREATE USER {USER}@'127.0.0.1' IDENTIFIED BY '{password}';\n"
        f"GRANT ALL ON *.* TO {USER}@'127.0.0.1' WITH GRANT OPTION;\n"
        "DELETE FROM mysql.global_priv WHERE User = 'root';\n"
        "FLUSH PRIVILEGES;\n"
    )
    command = f"mariadb-install-db --no-defaults --datadir={folder}/data --skip-test-db"
    return [*command.split(), "--auth-root-authentication-method=normal"]


def mariadb_start(folder: Path, port: str) -> list[str]:
    options = {
        "datadir": f"{folder}/data",
        "socket": f"{folder}/socket",
        "pid-file": f"{folder}/pid",
        "init-file": f"{folder}/users.sql",
        "bind-address": "127.0.0.1",
        "port": port,
        "max-connections": 200,
        "character-set-server": "utf8mb4",
        "innodb-buffer-pool-size": "128M",
    }
    given = [f"--{name}={value}" for name, value in options.items()]
    return ["mariadbd", "--no-defaults", *given, "--skip-log-bin", "--skip-name-resolve"]


SERVERS: Final = {
    "postgres": Server(
        scheme="postgres",
        package="postgresql",
        account="postgres",
        stop=signal.SIGQUIT,  # at once, without a last checkpoint
        prepare=postgres_prepare,
        start=postgres_start,
        careless=["--fsync=off", "--synchronous_commit=off", "--full_page_writes=off"],
        ready=lambda port: f"pg_isready --host=127.0.0.1 --port={port}".split(),
    ),
    "mariadb": Server(
        scheme="mysql",
        package="mariadb-server",
        account="mysql",
        stop=signal.SIGTERM,
        prepare=mariadb_prepare,
        start=mariadb_start,
        careless=[
            "--innodb-flush-log-at-trx-commit=0",
            "--innodb-flush-method=nosync",
            "--innodb-doublewrite=OFF",
        ],
        ready=lambda port: f"mariadb-admin --no-defaults --host=127.0.0.1 --port={port} ping".split(),
    ),
}


@dataclass(slots=True)
class Running:
    """A server that was started: where it is, and whether it still runs."""

    url: str
    process: subprocess.Popen[bytes]
    log: Path
    again: Callable[[], subprocess.Popen[bytes]]

    def revive(self) -> bool:
        """Start it again if it crashed, on the data that it had; says whether that was so."""
        if self.process.poll() is None:
            return False
        lines = self.log.read_text(errors="replace").splitlines()[-LAST_LINES:]
        print("The server crashed. The end of its log:", *lines, sep="\n    ", file=sys.stderr)
        self.process = self.again()
        return True


@contextmanager
def running(server: Server, *, durable: bool) -> Iterator[Running]:
    """Start a server of its own and yield it."""
    password, port = secrets.token_hex(16), free_port()
    with tempfile.TemporaryDirectory(prefix="dynamo-server-") as name:
        folder = Path(name)
        log = folder / "log"
        prepare = found(server.prepare(folder, password), server)
        account = unprivileged(server.account, folder)
        with log.open("w") as out:
            to: dict[str, Any] = {"cwd": folder, "stdout": out, "stderr": out, **account}
            if subprocess.run(prepare, stdin=subprocess.DEVNULL, check=False, **to).returncode:
                sys.exit(f"{prepare[0]} failed:\n{log.read_text()}")
            # A session of its own, so that Ctrl-C reaches the command only and the server outlives it.
            options = [] if durable else server.careless
            start = found([*server.start(folder, port), *options], server)

            def begin() -> subprocess.Popen[bytes]:
                process = subprocess.Popen(start, stdin=subprocess.DEVNULL, start_new_session=True, **to)
                try:
                    await_ready(process, found(server.ready(port), server), log)
                except BaseException:
                    end(process, server.stop)
                    raise
                return process

            url = f"{server.scheme}://{USER}:{password}@127.0.0.1:{port}"
            made = Running(url, begin(), log, begin)
            try:
                yield made
            finally:
                for number in (signal.SIGINT, *SIGNALS):  # a second Ctrl-C must not leave the server behind
                    signal.signal(number, signal.SIG_IGN)
                end(made.process, server.stop)


def await_ready(process: subprocess.Popen[bytes], ask: list[str], log: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while subprocess.run(ask, capture_output=True, check=False).returncode:
        if process.poll() is not None or time.monotonic() > deadline:
            sys.exit(f"The server did not come up:\n{log.read_text()}")
        time.sleep(0.02)


def end(process: subprocess.Popen[Any], number: signal.Signals) -> None:
    """Stop a process that may have ended already; kill it when it does not obey."""
    process.send_signal(number)
    try:
        process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def found(command: list[str], server: Server) -> list[str]:
    """Put the full path of the binary in front of its arguments."""
    path = shutil.which(command[0], path=os.pathsep.join(FOLDERS))
    if path is None:
        sys.exit(f"{command[0]} is not installed. On Debian: sudo apt-get install {server.package}")
    return [path, *command[1:]]


def unprivileged(account: str, folder: Path) -> dict[str, Any]:
    """Give the folder to an account that is not root, as servers refuse to run as root."""
    if os.geteuid() != 0:
        return {}
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    entry = known.get(account) or known["nobody"]
    for path in (folder, *folder.iterdir()):
        os.chown(path, entry.pw_uid, entry.pw_gid)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def free_port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


def run(command: list[str]) -> int:
    """Run the command to its end; when this process is told to stop, the command goes first."""
    process = subprocess.Popen(command)
    try:
        code = process.wait()
    except KeyboardInterrupt:
        # The terminal interrupts the command too, which may have things to put away.
        with suppress(subprocess.TimeoutExpired):
            process.wait(5)
        raise
    finally:
        end(process, signal.SIGTERM)
    return code if code >= 0 else 128 - code


def main(arguments: list[str]) -> int:
    durable = arguments[:1] == ["--durable"]
    names, command = split(arguments[durable:])
    for number in SIGNALS:
        signal.signal(number, lambda number, frame: sys.exit(128 + number))
    with ExitStack() as stack:
        started: list[Running] = []
        for name in names:
            variable = f"DYNAMO_TEST_{name.upper()}"
            if not os.environ.get(variable):
                started.append(stack.enter_context(running(SERVERS[name], durable=durable)))
                os.environ[variable] = started[-1].url
        code = run(command)
        # MariaDB 10.11 crashes now and then when tables change while others list them. A crash of the server
        # says nothing about the command, so that one is run once more, and has to pass then.
        crashed = [server for server in started if server.revive()] if code else []
        if crashed:
            print("Running the command again.", file=sys.stderr)
            code = run(command)
        return code


def split(arguments: list[str]) -> tuple[list[str], list[str]]:
    """The names of servers, and the command behind `--`."""
    at = arguments.index("--") if "--" in arguments else len(arguments)
    names, command = arguments[:at], arguments[at + 1 :]
    if not command or not set(names) <= set(SERVERS):
        sys.exit(f"usage: python -m tests.servers [--durable] [{'] ['.join(SERVERS)}] -- COMMAND...")
    return names, command


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
