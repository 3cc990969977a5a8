"""What the servers of test_crowd serve: all rows of all books, and which schema that was by."""

from __future__ import annotations

import logging
import os

import django
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.http import HttpRequest, JsonResponse
from django.urls import path

import dynamo


def seen() -> dict[str, object]:
    """Each value with the id of the field whose attribute it was read from."""
    from projections.registry import registry

    at = registry.mark.position
    values: dict[str, list[object]] = {}
    for name in ("Book", "Shelf"):
        model = dynamo.get_model(name)
        for row in model.objects.all():
            for field in row._meta.local_fields[1:]:
                values.setdefault(field.dynamo_id, []).append(row.__dict__.get(field.attname))
    return {"at": at, "values": values, "process": os.getpid()}


def books(request: HttpRequest) -> JsonResponse:
    return JsonResponse(seen())


urlpatterns = [path("", books)]


settings.ROOT_URLCONF = __name__
settings.MIDDLEWARE = ["dynamo.middleware.DynamoMiddleware"]
django.setup()
# The console tells why a page failed, which the test then shows.
logging.basicConfig()
application = get_asgi_application()
