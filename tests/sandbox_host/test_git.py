"""The SDK's git helper, which is commands and files."""

from e2b import Sandbox


def test_it_keeps_a_repository(sandbox: Sandbox) -> None:
    sandbox.git.init("/home/user/repo", initial_branch="main")
    sandbox.git.configure_user("Ann", "ann@example.com")
    sandbox.files.write("repo/a.txt", "one")
    status = sandbox.git.status("/home/user/repo")
    assert [(file.name, file.status) for file in status.file_status] == [("a.txt", "untracked")]
    sandbox.git.add("/home/user/repo")
    sandbox.git.commit("/home/user/repo", "First")
    sandbox.git.create_branch("/home/user/repo", "next")
    branches = sandbox.git.branches("/home/user/repo")
    assert (sorted(branches.branches), branches.current_branch) == (["main", "next"], "next")
    assert sandbox.git.status("/home/user/repo").is_clean
    assert sandbox.commands.run("git -C repo log --format='%an %s'").stdout == "Ann First\n"
