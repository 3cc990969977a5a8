"""The addresses of the test project, and one that changes the schema."""

from __future__ import annotations

import time

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

import dynamo
from dynamo.models import MetaField
from tests.urls import urlpatterns as of_tests


@csrf_exempt
def change(request: HttpRequest) -> HttpResponse:
    """Alter what a field is said to be, which is one event and no statement on its table.

    Answers with the moment of the commit, by the clock of the machine.
    """
    field = MetaField.objects.get(name="told")
    field.help = str(int(field.help or 0) + 1)
    committed: list[float] = []
    with dynamo.batch():
        field.save()
        transaction.on_commit(lambda: committed.append(time.perf_counter()))
    return HttpResponse(repr(committed[0]))


urlpatterns = [*of_tests, path("change/", change)]
