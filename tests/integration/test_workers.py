"""Processes without requests: they fork, they get tasks, and each task begins with the committed schema."""

from __future__ import annotations

# What a server that loads the project before it forks does, with threads of its own that use models.
FORK = """
    from projections.registry import registry
    going = True
    def use():
        while going:
            with registry.lock:
                dynamo.get_model("Book")._meta.get_fields()
    dynamo.get_model("Book")
    connections.close_all()
    threads = [threading.Thread(target=use) for _ in range(2)]
    for thread in threads:
        thread.start()
    children = []
    for n in range(20):
        told, tell = os.pipe()
        child = os.fork()
        if child == 0:
            # It ends also when the test does not get to the end.
            signal.alarm(100)
            os.read(told, 1)
            dynamo.catch_up()
            Book = dynamo.get_model("Book")
            Book.objects.create(title=f"by child {n}", pages=n)
            names = {f.name for f in Book._meta.local_fields}
            connections.close_all()
            os._exit(0 if names == {"id", "title", "pages"} else 1)
        children.append((child, tell))
    print("forked", flush=True)
    sys.stdin.readline()
    going = False
    for thread in threads:
        thread.join()
    for child, tell in children:
        os.write(tell, b"!")
    print(*(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child, _ in children))
    dynamo.catch_up()
    print(dynamo.get_model("Book").objects.count())
"""


def test_children_of_a_process_that_knew_the_schema_follow_it_by_themselves(project):
    project.run("make('Book', title='CharField')")
    parent = project.start(FORK)
    assert parent.stdout.readline() == "forked\n", parent.communicate()[1]
    project.run("add(MetaModel.objects.get(), 'pages', 'IntegerField')")
    out, errors = parent.communicate("go on\n", timeout=120)
    assert out.splitlines() == [" ".join("0" * 20), "20"], errors


WORK = """
    from django.dispatch import Signal
    task_prerun = Signal()
    task_prerun.connect(dynamo.catch_up, weak=False)
    for line in sys.stdin:
        task_prerun.send(sender=None, task_id=line)
        Book = dynamo.get_model("Book")
        Book.objects.create(**{f.name: line.strip() for f in Book._meta.local_fields[1:]})
        print(*(getattr(Book.objects.latest("pk"), f.name) for f in Book._meta.local_fields[1:]), flush=True)
"""


def test_each_task_of_a_worker_begins_with_the_committed_schema(project):
    project.run("make('Book', title='CharField')")
    worker = project.start(WORK)
    changes = (
        "add(MetaModel.objects.get(), 'author', 'CharField')",
        "rename(MetaField.objects.get(name='title'), 'label')",
        "MetaField.objects.get(name='label').delete()",
    )
    said = []
    for n, change in enumerate(("pass", *changes)):
        project.run(change)
        worker.stdin.write(f"{n}\n")
        worker.stdin.flush()
        said.append(worker.stdout.readline())
    _, errors = worker.communicate(timeout=60)
    assert said == ["0\n", "1 1\n", "2 2\n", "3\n"], errors
