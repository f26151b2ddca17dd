"""Addresses under /usage/ that show runs and projects."""

from django.urls import path

from agents import usage_views

urlpatterns = [
    path("", usage_views.usage, name="usage"),
    path("export.csv", usage_views.export, name="usage-export"),
    path("runs/<uuid:pk>/", usage_views.run_cost, name="run-cost"),
]
