"""Whatever let somebody in: who is suspended meanwhile owns nothing."""

import pytest
from rest_framework.test import APIClient

from projects.services import create_project


@pytest.mark.django_db
@pytest.mark.parametrize(("is_active", "status"), [(True, 200), (False, 404)])
def test_it_shows_nothing_to_who_is_suspended(alice, is_active, status):
    project = create_project(alice, "A tea house", model="vibe-m")
    alice.is_active = is_active
    client = APIClient()
    client.force_authenticate(alice)
    assert client.get(f"/api/v1/projects/{project.pk}/messages/").status_code == status
