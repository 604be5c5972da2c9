"""Options that contradict each other, or that would do nothing."""

from __future__ import annotations

import pytest

from hub.cli.exits import Exit
from tests.fakes.api import FakeApi
from tests.hub.cli.conftest import Run


@pytest.mark.parametrize("options", [("--with-secrets", "--without-secrets"), ("--without-secrets", "--with-secrets")])
def test_an_export_is_told_one_thing_about_secrets(run: Run, options: tuple[str, ...]) -> None:
    done = run("export", *options)
    assert (done.code, done.out) == (Exit.USAGE, "")
    assert "contradict each other" in done.err


@pytest.mark.parametrize(
    "command", [("apply", "-f", "-"), ("rollback", "2"), ("import", "zenbatchload", "-")], ids=" ".join
)
def test_a_dry_run_has_nothing_to_wait_for(run: Run, fake: FakeApi, command: tuple[str, ...]) -> None:
    done = run(*command, "--dry-run", "--wait", stdin="kind: ProcessSet\nid: x\n")
    assert (done.code, done.out) == (Exit.USAGE, "")
    assert "nothing that --wait could wait for" in done.err
    assert fake.state.requests == []


@pytest.mark.parametrize(
    "command",
    [
        ("apply", "-f", "-"),
        ("rollback", "2"),
        ("device", "add", "new", "--address", "x"),
        ("device", "change", "web1", "--address", "x"),
        ("device", "move", "web1", "--collector", "c2"),
        ("device", "remove", "web1"),
        ("component", "lock", "web1", "process_set/sshd", "delete"),
        ("import", "zenbatchload", "-"),
    ],
    ids=" ".join,
)
def test_a_timeout_without_anything_that_waits_is_refused(run: Run, fake: FakeApi, command: tuple[str, ...]) -> None:
    done = run(*command, "--timeout", "3", stdin="kind: ProcessSet\nid: x\n")
    assert (done.code, done.out) == (Exit.USAGE, "")
    assert "give it with --wait" in done.err
    assert fake.state.requests == []


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--reset", "nothing_s"), "--reset nothing_s: there is no such property. There are: "),
        (("--state", "foo"), "'foo' is not one of 'production', 'maintenance'"),
    ],
)
def test_a_word_that_can_be_known_here_is_not_asked_of_the_hub(
    run: Run, fake: FakeApi, options: tuple[str, str], sentence: str
) -> None:
    done = run("device", "change", "web1", *options)
    assert (done.code, done.out) == (Exit.USAGE, "")
    assert sentence in done.err
    assert fake.state.requests == []


@pytest.mark.parametrize("other", ["--bind", "--unbind"])
def test_a_template_is_bound_or_unbound_or_inherited(run: Run, fake: FakeApi, other: str) -> None:
    done = run("device", "change", "web1", other, "t", "--inherit", "t")
    assert (done.code, fake.state.requests) == (Exit.USAGE, [])
    assert f"{other} and --inherit both name t" in done.err
