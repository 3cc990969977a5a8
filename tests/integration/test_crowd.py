"""Four processes: one changes the schema at random, two servers and a plain loop read. Nobody is ever behind.

`DYNAMO_TEST_CROWD_SECONDS` has it go on for so long, instead of the seconds that the tests take.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random

import httpx
import pytest

from tests.acceptance.site import Server

SECONDS = float(os.environ.get("DYNAMO_TEST_CROWD_SECONDS", "8"))
# From when on the memory of a process may not grow any more, and by how much it may all the same.
WARM, GROWTH = 120, 1.15

# Values say whose they are: "v-" and the id of their field.
START = """
    def fill(field):
        field.meta_model.get_model().objects.update(**{field.name: f"v-{field.pk}"})
    with dynamo.batch():
        for name in ("Book", "Shelf"):
            make(name, a="CharField", b="TextField", c="CharField")
    for meta in MetaModel.objects.all():
        meta.get_model().objects.bulk_create(meta.get_model()() for _ in range(5))
        for field in meta.fields.all():
            fill(field)
"""
# One change, and then its position; the values of a new field come in a transaction of their own.
WRITE = """
    import random, time
    def fill(field):
        field.meta_model.get_model().objects.update(**{field.name: f"v-{field.pk}"})
    chosen = random.Random(int(sys.argv[1]))
    count = 0
    def some(meta):
        return chosen.choice(list(meta.fields.all()))
    def do(meta):
        global count
        count += 1
        kind = chosen.choice("add rename type drop swap help batch".split())
        fields = list(meta.fields.all())
        if kind == "add" or len(fields) < 3:
            return lambda: add(meta, f"n{count}", "CharField"), True
        if kind == "rename":
            return lambda: rename(some(meta), f"r{count}"), False
        if kind == "type":
            to = chosen.choice(["CharField", "TextField"])
            return lambda: alter(some(meta), type=to, options={}), False
        if kind == "drop" and len(fields) > 3:
            return lambda: some(meta).delete(), False
        if kind == "swap":
            one, other = chosen.sample(fields, 2)
            def swap():
                names = one.name, other.name
                rename(one, f"s{count}"); rename(other, names[0]); rename(one, names[1])
            return swap, False
        if kind == "batch":
            def several():
                with dynamo.batch():
                    for n, field in enumerate(fields):
                        rename(field, f"b{count}_{n}")
            return several, False
        return lambda: alter(some(meta), help=str(count)), False
    until = time.monotonic() + float(sys.argv[2])
    while time.monotonic() < until:
        change, new = do(chosen.choice(list(MetaModel.objects.all())))
        made = change()
        print(store_head(), flush=True)
        if new:
            fill(made)
    print("end", flush=True)
"""
LOOP = """
    import json
    from tests.integration.served import seen
    @dynamo.retry_read
    def look():
        return seen()
    for line in sys.stdin:
        dynamo.catch_up()
        print(json.dumps(look()), flush=True)
"""
HEAD = """
    from events import store
    def store_head():
        return store.head("default").position
"""


class Reader(threading.Thread):
    """Asks one process again and again; what it read has to be of the last commit before, or a later one."""

    def __init__(self, committed: list[int]) -> None:
        super().__init__()
        self.committed = committed
        self.wrong: list[object] = []
        self.looks: Counter[int] = Counter()
        self.going = True

    def ask(self) -> dict[str, object]:
        raise NotImplementedError

    def run(self) -> None:
        while self.going and len(self.wrong) < 5:
            least = self.committed[-1]
            try:
                self.judge(self.ask(), least)
            except Exception as error:  # noqa: BLE001  # whatever it is, the test tells it
                self.wrong.append(repr(error))
        self.close()

    def close(self) -> None:
        pass

    def judge(self, answer: dict[str, object], least: int) -> None:
        at, values = answer["at"], answer["values"]
        assert isinstance(at, int)
        assert isinstance(values, dict)
        self.looks[at] += 1
        if at < least:
            self.wrong.append(f"read by {at}, after {least} was committed")
        for key, found in values.items():
            self.wrong += [(key, value) for value in found if value not in ("", f"v-{key}")]


class Asked(Reader):
    def __init__(self, committed: list[int], url: str) -> None:
        super().__init__(committed)
        self.client = httpx.Client(base_url=url, timeout=30)

    def ask(self) -> dict[str, object]:
        answer = self.client.get("/")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def close(self) -> None:
        self.client.close()


class Looping(Reader):
    def __init__(self, committed: list[int], process: subprocess.Popen[str]) -> None:
        super().__init__(committed)
        self.process = process

    def ask(self) -> dict[str, object]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write("look\n")
        self.process.stdin.flush()
        return dict(json.loads(self.process.stdout.readline()))


def memory(process: subprocess.Popen[str]) -> int:
    """Resident KiB."""
    found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{process.pid}/status").read_text())
    assert found is not None
    return int(found[1])


@pytest.fixture
def servers() -> Iterator[list[Server]]:
    """Servers that end with the test."""
    started: list[Server] = []
    yield started
    for server in started:
        server.close()


@pytest.fixture
def processes() -> Iterator[list[subprocess.Popen[str]]]:
    """Processes that end with the test."""
    started: list[subprocess.Popen[str]] = []
    yield started
    for process in started:
        process.kill()
        process.communicate()


@pytest.mark.timeout(SECONDS + 170)
def test_four_processes_agree_while_one_changes_the_schema(project, servers, processes):
    project.run(START)
    committed = [0]
    for _ in range(2):
        servers.append(Server(project.environment(), application="tests.integration.served:application"))
    loop = project.start(LOOP)
    processes.append(loop)
    readers = [*(Asked(committed, server.url) for server in servers), Looping(committed, loop)]
    seed = Random().randrange(10**6)
    print("seed", seed)
    writer = project.start(HEAD + WRITE, str(seed), str(SECONDS))
    processes.append(writer)
    watched = [*(server.process for server in servers), loop]
    sizes: list[list[int]] = []
    began = time.monotonic()
    for reader in readers:
        reader.start()
    for line in writer.stdout:
        if line == "end\n":
            break
        committed.append(int(line))
        if time.monotonic() - began > WARM * (len(sizes) + 1):
            sizes.append([memory(process) for process in watched])
    for reader in readers:
        reader.going = False
    for reader in readers:
        reader.join(60)
    _, errors = writer.communicate(timeout=60)
    print(
        len(committed) - 1, "changes;", *(sum(reader.looks.values()) for reader in readers), "looks;", sizes
    )
    assert writer.returncode == 0, errors
    wrong = [reader.wrong for reader in readers]
    if wrong != [[], [], []]:
        loop.kill()
        told = [*("".join(server.output) for server in servers), loop.communicate()[1]]
        pytest.fail("\n".join([str(wrong), *(text[-5000:] for text in told)]))
    assert all(len(reader.looks) > 1 for reader in readers)
    assert project.run("print(*dynamo.verify().problems)") == ""
    for first, last in zip(sizes[:1], sizes[-1:], strict=True):
        assert all(late < early * GROWTH for early, late in zip(first, last, strict=True)), sizes
