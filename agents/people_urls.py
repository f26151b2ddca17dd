"""Addresses under /settings/ that concern everything a person has."""

from django.urls import path

from agents import people_views

urlpatterns = [
    path("export/", people_views.account_export, name="account-export"),
    path("delete/", people_views.account_delete, name="account-delete"),
]
