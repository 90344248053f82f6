"""Skips: only absent shared data excuses a test in CI."""

from pathlib import Path

import pytest

SKIPPING = """
    import pytest

    def test_with_data(shared_data):
        shared_data("never-there.csv")

    def test_lazy():
        pytest.skip("not today")

    @pytest.mark.skip(reason="not tomorrow")
    def test_lazier():
        pass

    @pytest.mark.xfail(reason="known")
    def test_known():
        raise AssertionError
"""


@pytest.fixture(name="project")
def _project(pytester: pytest.Pytester) -> pytest.Pytester:
    conftest = Path(__file__).parents[1] / "conftest.py"
    pytester.makeconftest(conftest.read_text(encoding="utf-8"))
    return pytester


def test_ci_fails_an_unexplained_skip(project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """With CI=true a skip fails by its name and reason; absent data and expected failures do not."""
    monkeypatch.setenv("CI", "true")
    project.makepyfile(SKIPPING)
    result = project.runpytest("-ra")
    result.assert_outcomes(skipped=1, failed=1, errors=1, xfailed=1)
    result.stdout.fnmatch_lines_random(
        ["SKIPPED*shared data absent: never-there.csv", "*test_lazy:*not today*", "*test_lazier:*not tomorrow*"]
    )
    assert result.ret == pytest.ExitCode.TESTS_FAILED


def test_ci_fails_a_skipped_module(project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """With CI=true a module that skips itself as a whole is an error."""
    monkeypatch.setenv("CI", "true")
    project.makepyfile("import pytest\npytest.importorskip('no_such_module')")
    result = project.runpytest()
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["*in CI a skip is a failure*no_such_module*"])


def test_a_person_may_skip(project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """Outside CI a skip stays a skip."""
    monkeypatch.delenv("CI", raising=False)
    project.makepyfile(SKIPPING)
    project.runpytest().assert_outcomes(skipped=3, xfailed=1)


def test_shared_data_is_found(project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A file in $SHARED_DATA is handed to the test."""
    (tmp_path / "small.csv").write_text("id\n1\n", encoding="utf-8")
    monkeypatch.setenv("SHARED_DATA", str(tmp_path))
    project.makepyfile("def test_it(shared_data):\n    assert shared_data('small.csv').read_text() == 'id\\n1\\n'")
    project.runpytest().assert_outcomes(passed=1)
