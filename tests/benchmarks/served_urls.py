"""The addresses of the test project, and one that changes the schema."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from dynamo.models import MetaField
from tests.urls import urlpatterns as of_tests


@csrf_exempt
def change(request: HttpRequest) -> HttpResponse:
    """Alter what a field is said to be, which is one event and no statement on its table."""
    field = MetaField.objects.get(name="told")
    field.help = str(int(field.help or 0) + 1)
    field.save()
    return HttpResponse(status=204)


urlpatterns = [*of_tests, path("change/", change)]
