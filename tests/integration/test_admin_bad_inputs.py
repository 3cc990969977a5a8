"""Hostile and odd input through the editor's form: an error on the form, never a crash, never a trace."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

import dynamo
from dynamo.models import MetaModel
from tests.integration.making import everything, make
from tests.integration.test_admin_meta import form
from tests.integration.test_bad_inputs import ENTRIES, decoded

# A checkbox or a number box cannot carry what these entries put there.
BOXES = {"unique", "unique_together", "required", "order"}
JSON_BOXES = {"choices", "default", "options"}


def carried(entry: dict[str, Any]) -> bool:
    """Whether a form can carry the entry: it trims the ends of a name."""
    name = entry["attrs"].get("name")
    trimmed = isinstance(name, str) and name.strip() and name != name.strip()
    return not trimmed and not entry.get("context") and "$op" not in entry["attrs"]


PLAIN = [entry for entry in ENTRIES if carried(entry)]


def typed(attributes: dict[str, Any]) -> dict[str, Any]:
    """What a person would type into the form's boxes."""
    out: dict[str, Any] = {}
    for name, value in attributes.items():
        if name in JSON_BOXES:
            out[name] = json.dumps(value)
        elif value is True:
            out[name] = "on"
        elif value is not False:
            out[name] = "" if value is None else str(value).encode("utf-8", "replace").decode()
    return out


@pytest.fixture
def client(transactional_db: None) -> Client:
    User.objects.create_superuser("root", password="root")
    found = Client()
    found.login(username="root", password="root")
    return found


@pytest.mark.parametrize("entry", PLAIN, ids=[entry["id"] for entry in PLAIN])
def test_the_form_gives_the_same_verdict_as_save(entry: dict[str, Any], client: Client) -> None:
    make("Other", name="CharField")
    probe = make("Probe", existing="CharField")
    attributes = decoded(entry["attrs"])
    before = everything()
    if entry["target"] == "model":
        response = client.post(reverse("admin:dynamo_metamodel_add"), {**form(""), **typed(attributes)})
    else:
        kept = {"id": str(probe.fields.get().pk), "name": "existing", "type": "CharField", "order": "0"}
        rows = {**kept, "options": '{"max_length": 255}'}, typed(attributes)
        url = reverse("admin:dynamo_metamodel_change", args=[probe.pk])
        response = client.post(url, form("Probe", *rows, initial=1))
    assert response.status_code in {200, 302}
    if entry["expect"] == "accept":
        assert response.status_code == 302, response.content.decode()
    elif not BOXES & attributes.keys():
        assert response.status_code == 200
        assert "errorlist" in response.content.decode()
        assert everything() == before
    assert dynamo.verify().problems == []
    assert MetaModel.objects.filter(pk=probe.pk).exists()
