"""The test project's URLs: the default admin, a second admin site, and Dynamo's own pages."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

backoffice = admin.AdminSite(name="backoffice")

urlpatterns = [
    path("admin/", admin.site.urls),
    path("backoffice/", backoffice.urls),
    path("dynamo/", include("dynamo.urls")),
]
