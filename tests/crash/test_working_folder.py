"""dlt's working folder is a copy of what the database knows: whatever happens to it, nothing is fetched again."""

import shutil

import pytest

OPTIONS = ("--datasets", "klines", "--symbols", "SOLUSDT", "--start", "2025-02-11", "--source", "rest")
NOW = "2025-02-11T12:00:30"
GARBAGE = {
    "cut short": lambda content: content[: len(content) // 2],
    "empty": lambda content: b"",
    "binary": lambda content: bytes(range(256)) * 8,
    "text": lambda content: b"nothing of the kind\n",
    "other JSON": lambda content: b'{"engine_version": [], "_local": {}, "schema": null}',
    "a list": lambda content: b"[]",
}


@pytest.fixture
def folder(project, exchange):
    """The working folder of a project that has loaded something."""
    project.use(exchange).load(*OPTIONS)
    exchange.reset_stats()
    return project.folder / ".dlt" / ".var" / "dev" / "pipelines"


def assert_nothing_is_fetched_again(project, exchange, truth, said):
    done = project.run(*OPTIONS)
    assert (done.returncode, done.stderr) == (0, ""), (said, done.stdout)
    assert "/api/v3/klines" not in exchange.stats()["requests_by_path"], said
    project.assert_equals("klines", truth("klines", ["SOLUSDT"], "2025-02-11", NOW, ["1m"]))


def files_of(folder):
    return sorted(file for file in folder.rglob("*") if file.is_file())


def spoil(file, kind):
    file.write_bytes(GARBAGE[kind](file.read_bytes()))


def replace_by_folder(file):
    file.unlink()
    file.mkdir()


def test_a_working_folder_that_is_spoilt_as_a_whole_is_made_anew(project, exchange, truth, folder):
    for kind in GARBAGE:
        for file in files_of(folder):
            spoil(file, kind)
        assert_nothing_is_fetched_again(project, exchange, truth, kind)
    for file in files_of(folder):
        replace_by_folder(file)
    assert_nothing_is_fetched_again(project, exchange, truth, "folders in the place of files")
    shutil.rmtree(folder)
    folder.write_text("a file in the place of the folder")
    assert_nothing_is_fetched_again(project, exchange, truth, "a file in the place of the folder")
    shutil.rmtree(folder)
    assert_nothing_is_fetched_again(project, exchange, truth, "nothing there")


@pytest.mark.soak
@pytest.mark.parametrize("kind", [*GARBAGE, "folder", "gone"])
def test_each_spoilt_file_is_made_anew(project, exchange, truth, folder, kind):
    for name in [file.relative_to(folder) for file in files_of(folder) if "loaded" not in file.parts]:
        file = folder / name
        if kind == "folder":
            replace_by_folder(file)
        elif kind == "gone":
            file.unlink()
        else:
            spoil(file, kind)
        assert_nothing_is_fetched_again(project, exchange, truth, f"{name}: {kind}")
