"""The list of models: what each is, how large, and who changed it last."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Final

from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.html import format_html
from django.utils.text import Truncator
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from dynamo import actors, documents, live
from dynamo.models import MetaModel
from dynamo.overview import Overview, gone, overviews
from dynamo.pages import access
from dynamo.rebuilding import rebuild
from events import store, streams
from projections import conf
from projections.ddl.sizes import Size
from projections.stream.channels import may_read

# What the list says of a change; the history says all of it.
LONGEST: Final = 80
# How many retired models stand below the list.
GONE: Final = 20
LIST_STYLE: Final = {"all": ("dynamo/list.css",)}
SINCE: Final = {"1": _("Today"), "7": _("Past 7 days"), "30": _("Past 30 days")}


class ModelList(ChangeList):
    """Its results carry what the columns show, asked for a whole page at once."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        rows: list[Any] = list(self.result_list)
        found = overviews(rows)
        allowed = request.user.has_perm
        for row in rows:
            row.overview = found[str(row.pk)]
            row.linked = {
                "history": allowed(access.VIEW_HISTORY),
                "rows": any(allowed(f"{row.app}.{deed}_{row.name.lower()}") for deed in ("view", "change")),
            }
        # Django takes any sequence here.
        self.result_list = rows


class ChangedWhen(admin.SimpleListFilter):
    title = _("changed")
    parameter_name = "changed"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        return list(SINCE.items())

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() not in SINCE:
            return queryset
        using = conf.database()
        begin = datetime.now(UTC) - timedelta(days=int(str(self.value())))
        after = store.last_before(using, begin.isoformat(timespec="microseconds"))
        return queryset.filter(pk__in=streams.changed(using, after=after))


class ChangedBy(admin.SimpleListFilter):
    title = _("changed by")
    parameter_name = "by"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Any:
        named = actors.names(streams.recent_actors(conf.database()))
        return sorted(named.items(), key=lambda pair: pair[1])

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() is None:
            return queryset
        return queryset.filter(pk__in=streams.changed(conf.database(), actor=self.value()))


class ModelListing(admin.ModelAdmin):  # type: ignore[type-arg]  # generic only in the stubs
    """The list's columns, filters and actions."""

    list_display = (
        "__str__",
        "version_shown",
        "fields_shown",
        "rows_shown",
        "status",
        "last_change",
        "history",
    )
    list_filter = ("app", ChangedWhen, ChangedBy, "admin")
    search_fields = ("name", "fields__name")
    actions = ("duplicate_chosen", "export_chosen", "rebuild_chosen")
    list_per_page = 100

    class Media:
        css: ClassVar = LIST_STYLE

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return ModelList

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        """With what was retired, and the stream of newer changes for who may follow it."""
        put_aside, count = gone(GONE) if request.method == "GET" else ([], 0)
        own = {
            "following": _following(request),
            "gone": [(one, "?" if one.size is None else rows_text(one.size)) for one in put_aside],
            "more_gone": count - len(put_aside),
        }
        return super().changelist_view(request, {**(extra_context or {}), **own})

    def get_actions(self, request: HttpRequest) -> Any:
        """Deleting is retiring here, and is called so."""
        found: Any = super().get_actions(request)
        if "delete_selected" in found:
            call, name, _description = found["delete_selected"]
            found["delete_selected"] = (call, name, gettext("Retire selected models"))
        return found

    @admin.display(description=_("Version"))
    def version_shown(self, row: Any) -> int:
        return _of(row).version

    @admin.display(description=_("Fields"))
    def fields_shown(self, row: Any) -> str:
        found = _of(row)
        counts = {"live": found.fields, "retired": found.retired}
        return gettext("%(live)d (%(retired)d retired)") % counts if found.retired else str(found.fields)

    @admin.display(description=_("Rows"), empty_value="?")
    def rows_shown(self, row: Any) -> str | None:
        size = _of(row).size
        if size is None:
            return None
        text = rows_text(size)
        address = _rows_page(row)
        return format_html('<a href="{}">{}</a>', address, text) if address else text

    @admin.display(description=_("Status"))
    def status(self, row: Any) -> object:
        return _of(row).status

    @admin.display(description=_("Last change"))
    def last_change(self, row: Any) -> str:
        found = _of(row)
        if found.when is None or found.last is None:
            return ""
        shown = date_format(timezone.localtime(found.when), "DATETIME_FORMAT")
        what = '{} <span class="quiet">{}, <time datetime="{}">{}</time></span>'
        told = Truncator(found.what).chars(LONGEST)
        return format_html(what, told, found.who, found.last.recorded_at, shown)

    @admin.display(description=_("History"))
    def history(self, row: Any) -> str:
        if not row.linked["history"]:
            return ""
        try:
            address = reverse("dynamo:model-history", args=[str(row)])
        except NoReverseMatch:
            return ""
        link = '<a href="{}">{}<span class="visually-hidden"> {}</span></a>'
        return format_html(link, address, _("History"), row)

    @admin.action(description=_("Export selected models"), permissions=["view"])
    def export_chosen(self, request: HttpRequest, queryset: QuerySet[MetaModel]) -> HttpResponse:
        document = documents.export(models=[str(row) for row in queryset])
        response = HttpResponse(documents.encode(document), content_type="application/json")
        response.headers["Content-Disposition"] = 'attachment; filename="schema.json"'
        return response

    @admin.action(description=_("Duplicate the selected model"), permissions=["add"])
    def duplicate_chosen(self, request: HttpRequest, queryset: QuerySet[MetaModel]) -> HttpResponse | None:
        chosen = list(queryset[:2])
        if len(chosen) == 1:
            name, site = "admin:dynamo_metamodel_duplicate", self.admin_site.name
            return redirect(reverse(name, args=[chosen[0].pk], current_app=site))
        messages.warning(request, gettext("Select one model: each copy is asked for its name."))
        return None

    @admin.action(description=_("Rebuild selected models from the log"), permissions=["change"])
    def rebuild_chosen(self, request: HttpRequest, queryset: QuerySet[MetaModel]) -> None:
        rows = rebuild_models(request.user, [str(row.pk) for row in queryset])
        text = ngettext(
            "%(count)d row was written anew from the log.",
            "%(count)d rows were written anew from the log.",
            rows,
        )
        messages.success(request, text % {"count": rows})


def _following(request: HttpRequest) -> dict[str, Any] | None:
    try:
        return live.following(request) if may_read(request.user) else None
    except NoReverseMatch:
        return None


def rebuild_models(user: Any, keys: Collection[str]) -> int:
    """Write the meta rows of these models anew, for who may change them; how many."""
    access.require(user, "dynamo.change_metamodel", "dynamo.change_metafield")
    count, _position = rebuild(keys)
    return count


def rows_text(size: Size) -> str:
    """How many rows, with a mark where that is an estimate."""
    shown = number_format(size.rows, use_l10n=True, force_grouping=True)
    return shown if size.exact else f"~{shown}"


def _of(row: Any) -> Overview:
    found: Overview = row.overview
    return found


def _rows_page(row: Any) -> str:
    if not row.admin or not row.linked["rows"]:
        return ""
    try:
        return reverse(f"admin:{row.app}_{row.name.lower()}_changelist")
    except NoReverseMatch:
        return ""
