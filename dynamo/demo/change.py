"""Make one schema change in a process of its own and print the position of its event."""

from __future__ import annotations

import os


def main() -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "dynamo.demo.settings"
    import django

    django.setup()

    import dynamo
    from dynamo.demo.steps import meta
    from dynamo.models import MetaField

    MetaField.objects.create(meta_model=meta("Country"), name="note", type="TextField")
    print(max(event.position for event in dynamo.history()))


if __name__ == "__main__":
    main()
