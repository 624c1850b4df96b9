"""The settings file: what it may say, what it says wrongly, and that what it says for one host reaches that host and no other."""

from __future__ import annotations

from pathlib import Path

import pytest

from archiver.cli import main
from archiver.commands.config import read
from archiver.errors import UsageError
from archiver.model import FetchSettings
from archiver.pipeline.settings import Settings
from tests.servers import Server, response, routes, serve

ONE_HOST = """
per-host = 3
[archive]
operator = "me"
[host."cdn.example.org"]
headers = {"X-Key" = "hidden-word", Accept = "image/png"}
cookies = "cookies.txt"
per-host = 2
delay = 0.5
"""


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main([*arguments])
    assert isinstance(ended.value.code, int)
    return ended.value.code


def written(folder: Path, text: str) -> Path:
    path = folder / "archiver.toml"
    path.write_text(text)
    return path


WRONG: list[tuple[str, str, str]] = [
    ("a misspelt setting", "per-hots = 2", "there is no setting 'per-hots'; did you mean per-host?"),
    ("a misspelt command", '[archvie]\noperator = "me"', "there is no table 'archvie'; did you mean archive?"),
    ("a misspelt setting of a command", '[archive]\noperater = "me"', "[archive]: there is no setting 'operater'; did you mean operator?"),
    ("hosts misspelt", '[hots."a.example"]\ndelay = 1', "there is no table 'hots'; did you mean host?"),
    ("a misspelt key of a host", '[host."a.example"]\nheader = {}', "there is no setting 'header'; did you mean headers?"),
    ("a host's key with a low line", '[host."a.example"]\nper_hots = 1', "[host.\"a.example\"]: there is no setting 'per_hots'"),
    ("headers as a text", '[host."a.example"]\nheaders = "X: y"', "headers must be a table of texts"),
    ("a header as a number", '[host."a.example"]\nheaders = {X = 1}', "headers must be a table of texts"),
    ("no connections", '[host."a.example"]\nper-host = 0', "per-host must be a whole number from 1 on"),
    ("a switch for a number", '[host."a.example"]\nper-host = true', "per-host must be a whole number from 1 on"),
    ("a pause before now", '[host."a.example"]\ndelay = -1', "delay must be a number of seconds"),
    ("an endless pause", '[host."a.example"]\ndelay = inf', "delay must be a number of seconds"),
    ("no file of cookies", '[host."a.example"]\ncookies = ""', "cookies must be the name of a file"),
    ("a host's dots without quotes", "[host.a.example]\ndelay = 1", "there is no setting 'example'"),
    ("settings in no host's table", "[host]\ndelay = 1", "settings for a host stand in a table of its own"),
    ("no TOML", "per-host = ", "cannot read the settings"),
]


@pytest.mark.parametrize(("text", "words"), [row[1:] for row in WRONG], ids=[row[0] for row in WRONG])
def test_what_is_wrong_in_the_file_is_said_with_what_was_meant(text: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as refused:
        read(written(tmp_path, text))
    assert words in str(refused.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('retries = "many"', "archiver.toml: retries: 'many' is not a valid"),
        ('[archive]\nwacz = "perhaps"', "archiver.toml: [archive]: wacz: 'perhaps' is not a valid boolean"),
        ('strictness = "very"', "archiver.toml: strictness: 'very' is not one of"),
        ('max-size = "big"', "archiver.toml: max-size: 'big' is no size"),
        ("allow-address = 3", "archiver.toml: allow-address must be a list"),
        ("retries = [1]", "archiver.toml: retries must be one value"),
    ],
)
def test_a_value_of_the_wrong_kind_is_said_with_the_file_it_stands_in(text: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as refused:
        read(written(tmp_path, text))
    assert words in str(refused.value)


def test_one_word_for_an_option_that_takes_several_is_a_list_of_one(tmp_path: Path) -> None:
    assert read(written(tmp_path, 'allow-address = "127.0.0.1/32"')).defaults["archive"]["allow_address"] == ["127.0.0.1/32"]


def test_a_misspelt_variable_is_an_error_with_what_was_meant(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("ARCHIVER_OF_ANOTHER_PROGRAM", "1")
    monkeypatch.setenv("ARCHIVER_RETRIES", "1")
    assert run("config", "show") == 0
    monkeypatch.setenv("ARCHIVER_RETIRES", "1")
    assert run("config", "show") == 2
    assert "ARCHIVER_RETIRES, which is no setting; did you mean ARCHIVER_RETRIES?" in capsys.readouterr().err


def test_both_spellings_of_a_key_are_the_same_key(tmp_path: Path) -> None:
    found = read(written(tmp_path, '[host."a.example"]\nper_host = 2\n[archive]\nmax-size = "1M"'))
    assert found.hosts == {"a.example": {"per_host": 2}}
    assert found.defaults["archive"] == {"max_size": "1M"}


def test_config_show_tells_each_value_and_where_it_comes_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    written(tmp_path, ONE_HOST)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ARCHIVER_RETRIES", "7")
    assert run("config", "show") == 0
    rows = {line.split()[0]: line.split(None, 1)[1] for line in capsys.readouterr().out.splitlines()}
    assert rows["per-host"].split() == ["3", "settings", "file"]
    assert rows["operator"].split() == ["me", "settings", "file"]
    assert rows["retries"].split() == ["7", "environment", "ARCHIVER_RETRIES"]
    assert rows["timeout"].split() == ["120.0", "default"]
    assert rows['host."cdn.example.org".per-host'].split() == ["2", "settings", "file"]
    assert rows['host."cdn.example.org".delay'].split() == ["0.5", "settings", "file"]
    assert rows['host."cdn.example.org".cookies'].split() == ["cookies.txt", "settings", "file"]
    assert rows['host."cdn.example.org".headers'].split("  ")[0] == "X-Key, Accept (values not shown)"
    assert run("config", "show", "dedup") == 0
    assert "host." not in capsys.readouterr().out, "what fetches nothing has no settings for hosts"


def test_secrets_for_hosts_stay_out_of_report_and_warcinfo() -> None:
    fetch = FetchSettings(host_headers={"a.example": (("X-Key", "hidden-word"),)}, host_cookies={"a.example": "/home/me/hidden-word.txt"})
    shown = Settings(fetch=fetch).shown()["fetch"]
    assert shown["host_headers"] == {"a.example": [["X-Key", "(blanked)"]]}
    assert shown["host_cookies"] == {"a.example": "(given)"}


def archived(web: Server, folder: Path, settings: str, monkeypatch: pytest.MonkeyPatch) -> int:
    """The exit code of a run whose pictures stand on this server, under two names."""
    written(folder, settings)
    monkeypatch.chdir(folder)
    (folder / "post.md").write_text("![](http://one.example/a.png)\n\n![](http://two.example/b.png)\n")
    reaching = ["--allow-address", "127.0.0.0/8", "--connect-to", f"::127.0.0.1:{web.port}", "--no-wacz", "--retries", "0"]
    return run("archive", "post.md", "-q", "-o", "out", *reaching)


def test_what_the_file_says_for_a_host_reaches_that_host_and_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "jar.txt").write_text("one.example\tFALSE\t/\tFALSE\t0\tone\t1\ntwo.example\tFALSE\t/\tFALSE\t0\ttwo\t2\n")
    settings = '[host."One.Example"]\nheaders = {X-Key = "hidden-word"}\ncookies = "jar.txt"\ndelay = 0.01\nper-host = 1\n'
    with serve(routes({"/a.png": response(b"words"), "/b.png": response(b"words")})) as web:
        assert archived(web, tmp_path, settings, monkeypatch) == 4  # what came is no picture
    asked = {request.host: request.headers for request in web.requests}
    assert (asked["one.example"].get("x-key"), asked["one.example"].get("cookie")) == ("hidden-word", "one=1")
    assert (asked["two.example"].get("x-key"), asked["two.example"].get("cookie")) == (None, None), "the jar was given for one host"
    assert "hidden-word" not in (tmp_path / "out" / "report.json").read_text()


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ('[host."https://one.example/"]\ndelay = 1', "https://one.example/"),
        ('[host."one.example"]\ncookies = "none.txt"', "none.txt"),
        ('[host."one.example"]\nheaders = {Host = "x"}', "Host"),
        ('[host."one.example"]\nheaders = {"a b" = "x"}', "a b"),
    ],
    ids=["no host", "no file", "a header that is ours", "no header"],
)
def test_what_cannot_be_used_for_a_host_ends_the_run_in_one_sentence(
    settings: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with serve(routes({})) as web:
        assert archived(web, tmp_path, settings, monkeypatch) == 2
    assert words in capsys.readouterr().err
    assert not web.requests
