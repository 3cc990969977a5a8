"""Who may do what: asked by the page, and again by what the page calls."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from django.contrib.admin.views.decorators import staff_member_required
from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_http_methods, require_safe

from dynamo.plans import Plan

VIEW_HISTORY: Final = "dynamo.view_history"
ROLL_BACK: Final = "dynamo.rollback_schema"
PURGE: Final = "dynamo.purge_schema"
RESTORE: Final = "dynamo.add_metamodel"
# What is neither of these changes something.
DEEDS: Final = {"created": "add", "added": "add", "restored": "add", "retired": "delete"}

View = Callable[..., HttpResponse]


def require(user: Any, *permissions: str) -> None:
    """Ask the database anew, as a permission may have been taken away since the user was loaded."""
    fresh: Any = get_user_model()._default_manager.filter(pk=user.pk).first()
    if fresh is None or not fresh.is_active or not fresh.is_staff or not fresh.has_perms(permissions):
        raise PermissionDenied


def require_for(user: Any, plan: Plan) -> None:
    """Require all that the operations of a plan need."""
    require(user, *sorted({_needed(operation.type) for operation in plan.operations}))


def _needed(event_type: str) -> str:
    kind, _, what = event_type.partition(".")
    return f"dynamo.{DEEDS.get(what, 'change')}_meta{'field' if kind == 'field' else 'model'}"


def reader(view: View) -> View:
    """A page that only reads, for staff who may see the history."""
    return _page(require_safe(view), VIEW_HISTORY)


def changer(*permissions: str) -> Callable[[View], View]:
    """A page that shows what it would do, and does it when that is posted; for who has one of these."""

    def wrap(view: View) -> View:
        # On MariaDB a change of the schema is none inside a transaction of the request.
        own = transaction.non_atomic_requests(csrf_protect(require_http_methods(["GET", "POST"])(view)))
        return _page(own, *permissions)

    return wrap


def _page(view: View, *permissions: str) -> View:
    def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not any(request.user.has_perm(permission) for permission in permissions):
            raise PermissionDenied
        return view(request, *args, **kwargs)

    # Names and marks of the view stay, Django looks for them.
    for name in ("__name__", "__doc__", "__module__"):
        setattr(checked, name, getattr(view, name))
    checked.__dict__.update(view.__dict__)
    done: View = never_cache(staff_member_required(checked, login_url="admin:login"))
    done.__dict__.update(view.__dict__)
    return done
