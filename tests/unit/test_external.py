"""Pager and editor: which command is taken, what it gets, what is left behind."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from aa_tui.backend.support.errors import UsageError
from aa_tui.host import external

SEE = (
    "import os, sys; p = sys.argv[1]; print(open(p).read(), oct(os.stat(p).st_mode & 0o777), os.environ['LESSSECURE'])"
)


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is the whole PATH, with the programs `less`, `mine` and `vi`."""
    for name in ("less", "mine", "vi"):
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def test_what_is_set_comes_first_then_the_environment_then_what_is_there(tools: Path) -> None:
    assert external.pager_command({}) == ["less", "-+F"]
    assert external.pager_command({"PAGER": "mine -S"}) == ["mine", "-S"]
    assert external.pager_command({"PAGER": "mine"}, "less -R") == ["less", "-R", "-+F"]
    assert external.pager_command({"PAGER": "no-such"}, "an 'open quote") == ["less", "-+F"]
    assert external.editor_command({"EDITOR": "mine"}) == ["mine"]
    assert external.editor_command({"EDITOR": "mine", "VISUAL": "vi"}) == ["vi"]
    assert external.editor_command({"EDITOR": "mine"}, "vi -n") == ["vi", "-n"]
    for name in ("less", "vi"):
        (tools / name).unlink()
    with pytest.raises(UsageError, match="No pager"):
        external.pager_command({})
    with pytest.raises(UsageError, match="No editor"):
        external.editor_command({})


def test_the_file_is_private_and_gone_afterwards(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    keep = f"import shutil,sys; shutil.copy(sys.argv[1], {str(tmp_path / 'seen')!r}); open(sys.argv[1], 'a').write('!')"
    assert external.run_on_text([sys.executable, "-c", keep], "hällo") == "hällo!"
    assert (tmp_path / "seen").read_text() == "hällo"
    external.run_on_text([sys.executable, "-c", SEE], "words")
    assert capfd.readouterr().out.split() == ["words", "0o600", "1"]
    name = "import sys; print(sys.argv[1])"
    external.run_on_text([sys.executable, "-c", name], "words")
    assert not Path(capfd.readouterr().out.strip()).exists()


def test_failures_are_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="did not start"):
        external.run_on_text([str(tmp_path / "nothing")], "words")
    with pytest.raises(UsageError, match="ended with code 3"):
        external.run_on_text([sys.executable, "-c", "raise SystemExit(3)"], "words")


def test_a_pager_that_ends_at_once_is_waited_for(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "__stdin__", io.StringIO("first\nsecond\n"))
    monkeypatch.setattr(external, "_AT_ONCE_SECONDS", 60.0)
    external.run_on_text([sys.executable, "-c", ""], "words", wait=True)
    assert sys.__stdin__ is not None and sys.__stdin__.readline() == "second\n"
    monkeypatch.setattr(external, "_AT_ONCE_SECONDS", 0.0)
    external.run_on_text([sys.executable, "-c", ""], "words", wait=True)
    assert sys.__stdin__.readline() == ""
