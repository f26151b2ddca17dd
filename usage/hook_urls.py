"""Addresses under /hooks/, where other systems send their events."""

from django.urls import path

from usage import hooks, payment_views

urlpatterns = [
    path("accounts/", hooks.accounts_hook, name="hook-accounts"),
    path("stripe/", payment_views.stripe_hook, name="hook-stripe"),
]
