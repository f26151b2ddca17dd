"""Addresses under /usage/."""

from django.urls import path

from usage import views

urlpatterns = [path("", views.usage, name="usage")]
