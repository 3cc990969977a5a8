"""What tests of the stream have in common: code for the writer, and answers that are no stream."""

from __future__ import annotations

import httpx

from tests.acceptance.site import PASSWORD

EVERYTHING = "/dynamo/events/"


def model(name: str, *fields: str) -> str:
    """Code that makes a model; it is called `m` afterwards."""
    made = [f'MetaField.objects.create(meta_model=m, name="{field}", type="TextField")' for field in fields]
    return "\n".join([f'm = MetaModel.objects.create(name="{name}")', *made])


def field(model_name: str, name: str) -> str:
    owner = f'MetaModel.objects.get(name="{model_name}")'
    return f'MetaField.objects.create(meta_model={owner}, name="{name}", type="TextField")'


def user(name: str, *permissions: str, active: bool = True) -> str:
    """Code that makes a user who may log in, with permissions by codename."""
    return f"""
u = User.objects.create_user({name!r}, password={PASSWORD!r}, is_staff=True, is_active={active})
u.user_permissions.set(Permission.objects.filter(codename__in={permissions!r}))
"""


def status(client: httpx.Client, path: str = EVERYTHING, **options: object) -> tuple[int, str]:
    """Status and text of an answer that is no stream."""
    with client.stream("GET", path, **options) as response:
        if response.status_code == 200:
            return 200, ""
        assert response.headers["content-type"] == "text/plain; charset=utf-8"
        return response.status_code, response.read().decode()
