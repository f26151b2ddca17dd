"""Addresses under /usage/ that change an account."""

from django.urls import path

from usage import views

urlpatterns = [
    path("promo/", views.promo_redeem, name="promo-redeem"),
    path("cap/", views.cap_set, name="cap-set"),
]
