"""A password, a token or the key on a command line is refused by its option's name, and never repeated."""

import pytest
from typer.testing import CliRunner

from pledgebook.cli import app
from pledgebook.credentials import refuse_credentials, refuse_credentials_in_words, refuse_personal_data
from pledgebook.errors import InputError

CARRY = [
    "https://user:hunter2@store.example/exports",
    "https:/user:hunter2@store.example/exports",
    "tls://hunter2@scheduler.example:8786",
    "postgresql+psycopg://user:hunter2@db.example/x",
    "https%3A%2F%2Fuser%3Ahunter2%40store.example",
    "s3://bucket/exports?X-Amz-Signature=hunter2&X-Amz-Date=1",
    "s3://bucket/exports?X-Amz-Credential=hunter2",
    "s3://bucket/exports?X-Amz-Security-Token=hunter2",
    "az://container/exports?sv=2024&sig=hunter2",
    "gs://bucket/exports?X-Goog-Signature=hunter2",
    "https://store.example/exports#access_token=hunter2",
    "DefaultEndpointsProtocol=https;AccountName=a;AccountKey=hunter2",
    "password=hunter2",
    "db_passwd=hunter2",
    "apiKey=hunter2",
    "hunter2=eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3In0.c2ln",
    "hunter2=-----BEGIN RSA PRIVATE KEY-----",
    "hunter2=AKIAIOSFODNN7EXAMPLE",
    '{"password": "hunter2"}',
    "password: hunter2",
    "s3://bucket/exports?session_id=hunter2",
    "https://store.example/exports?pass=hunter2",
    "header=Bearer hunter2hunter2",
    "hunter2=glpat-abcdefghij0123456789",
]
CARRY_NOTHING = [
    "/srv/exports/2026@tokyo",
    "data/exports",
    "file:///srv/a@b/exports",
    "tls://scheduler.example:8786",
    "s3://bucket/exports?versionId=3",
    "campaign=token_drive",
    "keyword=secretary",
    "design=a=b",
    "signature=",
    "2026-09-15T12:00",
    "last-month",
    "bypass=true",
    "compass=north",
    "note=bearer of bad news",
    "/srv/author: a/x",
]


@pytest.mark.parametrize("value", CARRY)
def test_what_carries_a_secret_is_refused_without_repeating_it(value):
    with pytest.raises(InputError, match=r"^--exports: carries a password, a token or a signature") as fault:
        refuse_credentials("--exports", value)
    assert "hunter2" not in str(fault.value)


@pytest.mark.parametrize("value", CARRY_NOTHING)
def test_what_carries_none_passes(value):
    refuse_credentials("--exports", value, ["k" * 40])


@pytest.mark.parametrize("value", ["/home/taro@example.com/x", "０９０-1234-5678", "/srv/4111 1111 1111 1111.toml"])
def test_personal_data_is_no_parameter_of_a_report(value):
    with pytest.raises(InputError, match=r"^--out: holds an email, a phone or a card number") as fault:
        refuse_personal_data("--out", value)
    assert not any(part in str(fault.value) for part in ("taro", "1234", "1111"))


@pytest.mark.parametrize(
    "value",
    [
        "/srv/2026@tokyo/policy.toml",
        "s3://bucket/exports/2026-09-01",
        "/tmp/tmp0k_9x",
        "x",
        "/srv/run-1732650000008/1732650000000000000",
    ],
)
def test_a_path_without_personal_data_passes(value):
    refuse_personal_data("--out", value)


@pytest.mark.parametrize("text", ["k" * 40, f"x={'k' * 40}", "%6b" + "k" * 39])
def test_the_pseudonym_key_is_no_parameter(text):
    with pytest.raises(InputError, match="-p: this is the pseudonym key") as fault:
        refuse_credentials("-p", text, ["k" * 40])
    assert "kkk" not in str(fault.value)


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["run", "--exports", "https://u:hunter2@h/x"], "--exports"),
        (["run", "--out=https://u:hunter2@h/x"], "--out"),
        (["run", "-p", "password=hunter2"], "-p"),
        (["run", "-ppassword=hunter2"], "argument"),
        (["run", "https://u:hunter2@h/x"], "argument"),
        (["run", "--strict", "--https://u:hunter2@h/x"], "argument"),
        (["run", "--password=hunter2"], "--password"),
    ],
)
def test_every_word_of_a_command_line_is_looked_at(words, named):
    with pytest.raises(InputError) as fault:
        refuse_credentials_in_words(words)
    assert str(fault.value).startswith(f"{named}: ")
    assert "hunter2" not in str(fault.value)


@pytest.mark.parametrize(
    "words",
    [
        ["run", "--exports", "https://u:hunter2@h/x"],
        ["run", "--out", "s3://b/x?X-Amz-Signature=hunter2"],
        ["run", "-p", "db_password=hunter2"],
        ["check", "--exports", "x", "--policy", "https://u:hunter2@h/policy.toml"],
        ["run", "-p", f"note={'k' * 40}"],
    ],
)
def test_commands_refuse_before_anything_is_opened(words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 2
    assert f"error: {words[-2]}: " in done.output
    assert "hunter2" not in done.output
    assert "k" * 40 not in done.output
    assert list(tmp_path.iterdir()) == []
