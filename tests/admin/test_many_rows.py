"""The rows by which the admin's lists are measured are ones that the admin shows."""

import pytest
from django.urls import reverse

from benchmarks import admin


@pytest.mark.django_db
def test_it_shows_every_list_of_the_figures(client, django_user_model, settings):
    settings.ADMIN_MFA = False
    client.force_login(django_user_model.objects.create_superuser("staff@example.com", None))
    admin._fill(0, 100)
    admin._fill(100, 100)
    for name, page in admin.PAGES.items():
        shown = client.get(reverse("admin:index") + page.format(half=30).replace("p=10", "p=1"))
        assert shown.status_code == 200, name
        assert name.startswith("users, nobody") or shown.context["cl"].result_list, name
