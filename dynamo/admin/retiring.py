"""Retiring models in the admin: what deleting their rows means here, and whether that can be."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib import messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from dynamo import api
from dynamo.admin.change_sets import WholeChangeSet
from dynamo.admin.listing import rows_text
from dynamo.changeset import current
from dynamo.models import MetaModel
from dynamo.overview import overviews
from events.exceptions import DynamoError
from projections import conf
from projections.ddl.sizes import Size


class Retiring(WholeChangeSet):
    """Its confirmation pages. What these list as protected cannot be retired, with the reason."""

    delete_confirmation_template = "admin/dynamo/metamodel/retire.html"
    delete_selected_confirmation_template = "admin/dynamo/metamodel/retire.html"

    def response_delete(self, request: HttpRequest, obj_display: str, obj_id: Any) -> Any:
        """Django's own says that it was deleted."""
        messages.success(request, _("The model %(model)s was retired.") % {"model": obj_display})
        sees = self.has_view_or_change_permission(request)
        page = "admin:dynamo_metamodel_changelist" if sees else "admin:index"
        return HttpResponseRedirect(reverse(page, current_app=self.admin_site.name))

    def message_user(
        self, request: HttpRequest, message: Any, level: int | str = messages.INFO, *args: Any, **kwargs: Any
    ) -> None:
        """As for one; the action's own text comes from Django."""
        done = level == messages.SUCCESS and "post" in request.POST
        if done and request.POST.get("action") == "delete_selected":
            count = len(request.POST.getlist(ACTION_CHECKBOX_NAME))
            message = ngettext("%(count)d model was retired.", "%(count)d models were retired.", count) % {
                "count": count
            }
        super().message_user(request, message, level, *args, **kwargs)

    def get_deleted_objects(self, objs: Iterable[Any], request: HttpRequest) -> Any:
        """Rows of the registry are retired one by one, nothing cascades."""
        rows = list(objs)
        plural, single = self.model._meta.verbose_name_plural, self.model._meta.verbose_name
        missing = set() if self.has_delete_permission(request) else {single}
        return described(rows), {plural: len(rows)}, missing, refusals(rows)


def described(rows: list[MetaModel]) -> list[str]:
    """Each with the number of its rows, as far as that is known."""
    found = overviews(rows)
    return [_with_rows(str(row), found[str(row.pk)].size) for row in rows]


def _with_rows(name: str, size: Size | None) -> str:
    if size is None:
        return name
    return ngettext("%(name)s, %(rows)s row", "%(name)s, %(rows)s rows", size.rows) % {
        "name": name,
        "rows": rows_text(size),
    }


def refusals(rows: list[MetaModel]) -> list[str]:
    """Why they cannot be retired together. In a change set it is tried and not planned."""
    if current(conf.database()) is not None:
        return []
    try:
        api.plan(lambda: [row.delete() for row in rows])
    except ValidationError as error:
        return list(error.messages)
    except DynamoError as error:
        return [str(error)]
    return []
