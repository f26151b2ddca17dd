"""Addresses under /runs/."""

from django.urls import path

from agents import views

urlpatterns = [
    path("<uuid:pk>/cancel/", views.run_cancel, name="run-cancel"),
    path("<uuid:pk>/retry/", views.run_retry, name="run-retry"),
    path("<uuid:pk>/continue/", views.run_continue, name="run-continue"),
    path("<uuid:pk>/plan/approve/", views.plan_approve, name="plan-approve"),
]
