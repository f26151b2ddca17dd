"""Addresses under /usage/ that change an account."""

from django.urls import path

from usage import payment_views, views

urlpatterns = [
    path("promo/", views.promo_redeem, name="promo-redeem"),
    path("cap/", views.cap_set, name="cap-set"),
    path("checkout/", payment_views.checkout, name="checkout"),
    path("portal/", payment_views.portal, name="portal"),
]
