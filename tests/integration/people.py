"""Who visits pages, and what they take from a page to send it back."""

from __future__ import annotations

import re

from django.contrib.auth.models import Permission, User


def person(*permissions: str, **given) -> User:
    user = User.objects.create_user("person", is_staff=True, **given)
    user.user_permissions.add(*Permission.objects.filter(codename__in=permissions))
    return user


def token(text: str) -> str:
    found = re.search(r'name="token" value="([^"]+)"', text)
    assert found is not None, text
    return found[1]
