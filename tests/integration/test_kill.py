"""A process that is killed at any statement: the next one sees all of the change, or none of it."""

from __future__ import annotations

import json
import signal

import pytest

from tests.integration.changes import CHANGES

KILLED = (
    "add a many-to-many",
    "rename a model",
    "convert a field",
    "make a field unique",
)
PREPARE = "from tests.integration.changes import prepare_every; prepare_every()"
# Each child makes the same change on a copy of its own and dies at its statement; 0 lives and counts.
DIE = """
    from pathlib import Path
    from tests.integration.changes import CHANGES
    from tests.integration.faults import failing, Countdown

    name = connection.settings_dict["NAME"]
    count = Path(os.environ["DYNAMO_TEST_FOLDER"], "count")
    connection.close()
    dynamo.verify()
    connection.close()

    def child(at):
        database.copy(name, f"{name}_{at}")
        pid = os.fork()
        if pid:
            return os.waitpid(pid, 0)[1]
        connection.settings_dict["NAME"] = f"{name}_{at}"
        counted = Countdown(at, lambda: os.kill(os.getpid(), signal.SIGKILL))
        with connection.execute_wrapper(counted):
            CHANGES[sys.argv[1]]()
        count.write_text("\\n".join(text.partition(" ")[0] for text in counted.seen))
        os._exit(0)

    assert child(0) == 0
    words = count.read_text().split()
    # Where schema statements commit, copies are slow to make, and all before the first is one transaction.
    first = words.index("SET") if "SET" in words else 1
    places = [at for at in range(1, len(words) + 1) if at % 5 == 0 or at >= first]
    for at in places:
        assert child(at) == signal.SIGKILL
    print(*places)
"""
# One process looks at every copy as a fresh one would: from nothing, by its log.
LOOK = """
    import json
    from projections import pipeline
    from projections.registry import registry

    name, out = connection.settings_dict["NAME"], []
    for at in (0, *map(int, sys.argv[1].split())):
        connection.close()
        connection.settings_dict["NAME"] = f"{name}_{at}"
        pipeline.reset()
        connection.check_constraints()
        assert database.sound()
        report = dynamo.verify()
        for schema in registry.live():
            assert len([str(row) for row in registry.model_class(schema.id).objects.all()]) in (1, 2)
        out.append([report.problems, report.events])
    print(json.dumps(out))
"""


# Some fifty databases are copied and looked at, which waits for the disk a thousand times.
@pytest.mark.timeout(600)
@pytest.mark.parametrize("change", KILLED)
def test_the_next_process_sees_all_or_nothing_wherever_the_last_one_was_killed(project, change):
    assert change in CHANGES
    project.run(PREPARE)
    places = project.run(DIE, change)
    seen = json.loads(project.run(LOOK, places, seconds=400))
    assert len(seen) > 8
    assert [problems for problems, _ in seen] == [[]] * len(seen)
    whole, untouched = seen[0][1], seen[1][1]
    assert untouched < whole
    assert {events for _, events in seen} == {whole, untouched}


def test_a_change_can_be_made_again_after_a_kill_in_the_middle_of_it(project):
    kill = """
        from tests.integration.changes import CHANGES, prepare_every
        from tests.integration.faults import Countdown
        if sys.argv[1] == "die":
            prepare_every()
            counted = Countdown(10, lambda: os.kill(os.getpid(), signal.SIGKILL))
            with connection.execute_wrapper(counted):
                CHANGES["convert a field"]()
        CHANGES["convert a field"]()
        pages = dynamo.get_model("Book").objects.order_by("pk").values_list("pages", flat=True)
        print(dynamo.verify().problems, list(pages))
    """
    process = project.start(kill, "die")
    _, errors = process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL, errors
    assert project.run(kill, "again") == "[] [12, 34]"


def test_a_process_that_is_killed_while_it_holds_the_lock_blocks_nobody(project):
    holder = project.start("""
        from tests.integration.faults import Countdown
        def wait():
            print("holding", flush=True)
            sys.stdin.read()
        with connection.execute_wrapper(Countdown(12, wait)):
            make("Book", title="CharField")
    """)
    assert holder.stdout.readline().strip() == "holding"
    holder.kill()
    holder.communicate(timeout=60)
    assert project.run("make('Book', title='CharField'); print(dynamo.verify().problems)") == "[]"
