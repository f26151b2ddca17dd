"""Addresses under /settings/."""

from django.urls import path

from accounts import views

urlpatterns = [
    path("", views.settings, name="settings"),
    path("theme/", views.theme, name="theme"),
    path("code-theme/", views.code_theme, name="code-theme"),
    path("github/delete/", views.github_delete, name="github-delete"),
    path("tokens/", views.token_create, name="token-create"),
    path("tokens/<int:pk>/revoke/", views.token_revoke, name="token-revoke"),
]
