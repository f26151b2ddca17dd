"""A copy of a project: the files of its newest version, and a life of its own."""

from projects import versions
from projects.models import Project


def test_it_copies_the_newest_files_and_nothing_else(as_user, alice, project):
    versions.save_file(project, "app.js", b"2")
    answer = as_user(alice).post(f"/projects/{project.pk}/duplicate/")
    copy = Project.objects.exclude(pk=project.pk).get()
    assert answer.headers["Location"] == copy.get_absolute_url()
    assert (copy.owner, copy.name, copy.framework) == (alice, f"{project.name} (copy)", "html")
    version, original = copy.versions.get(), project.versions.get(number=2)
    assert (version.number, versions.files(version)) == (1, versions.files(original))
    versions.save_file(copy, "app.js", b"3")
    assert versions.read(project.versions.get(number=2), "app.js") == b"2"
    assert copy.messages.count() == 0


def test_it_copies_a_project_without_files(as_user, alice, project):
    project.versions.all().delete()
    as_user(alice).post(f"/projects/{project.pk}/duplicate/")
    assert Project.objects.exclude(pk=project.pk).get().versions.count() == 0


def test_it_keeps_long_names_within_bounds(as_user, alice, project):
    Project.objects.update(name="x" * 80)
    as_user(alice).post(f"/projects/{project.pk}/duplicate/")
    assert len(Project.objects.exclude(pk=project.pk).get().name) == 80
