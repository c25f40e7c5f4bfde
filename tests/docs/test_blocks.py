"""The blocks of README.md and docs/ run: Python in order, page by page, and commands as far as they are cheap.

Each page has a folder of its own with a small photo. Searches are cut to a few strokes, sizes and counts to small
ones; what the page says is checked as it stands. A comment before a Python block changes it:

    <!-- test: 1_000_000 becomes 192 -->     other text, for speed
    <!-- test: skip, needs a GPU -->         it is not run, and why
"""

from __future__ import annotations

import dataclasses
import functools
import inspect
import re
import shlex
import shutil
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch
import typer
from PIL import Image

import neuralpaint
from neuralpaint import search
from neuralpaint.cli import app

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"(?:<!-- test: (?P<note>[^\n]*) -->\n)?```(?P<language>\w+)\n(?P<code>.*?)```", re.DOTALL)
OPTIONAL = {"torchdata", "webdataset"}  # the extra `data`
STROKES = 12
QUICK = dataclasses.replace(search.PRESETS["fast"], stages=2, steps=4, rounds=1, refine=4, block_pixels=16)
# What is cheap enough to run, and options that make it expensive or need what is not here.
RUN = {"paint", "render", "info", "brushes", "stylize", "strokes"}
LEFT_OUT = {
    "--jobs",
    "--ray",
    "--engine",
    "--style-image",
    "--renderer",
    "--measure",
    "--all",
    "--sweep",
    "more-styles",
}
LARGEST = {"--size": 96, "--count": 200, "--strokes": STROKES, "--seconds": 1, "--fps": 5}


class Block(NamedTuple):
    page: Path
    line: int
    code: str
    note: str


def blocks(page: Path, language: str) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    found = [match for match in BLOCK.finditer(text) if match["language"] == language]
    return [Block(page, text[: m.start("code")].count("\n"), m["code"], m["note"] or "") for m in found]


def commands(page: Path) -> list[list[str]]:
    """The arguments of every `neuralpaint …` of a page's shell blocks, launched by whatever."""
    found = []
    for block in blocks(page, "sh"):
        for line in block.code.replace("\\\n", " ").splitlines():
            words = shlex.split(line, comments=True)
            if words[:1] == ["neuralpaint"]:
                found.append(words[1:])
            elif "-m" in words and words[words.index("-m") + 1] == "neuralpaint":
                found.append(words[words.index("-m") + 2 :])
    return found


WITH_PYTHON = [page for page in PAGES if blocks(page, "python")]
WITH_COMMANDS = [page for page in PAGES if commands(page)]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder to work in: a photo, and whatever else the pages name. Searches are quick in it."""
    monkeypatch.chdir(tmp_path)
    original = search.paint
    signature = inspect.signature(original)

    @functools.wraps(original)
    def quick(*arguments, **named):
        bound = signature.bind(*arguments, **named)
        bound.apply_defaults()
        given = bound.arguments
        given["strokes"] = min(given["strokes"], STROKES)
        given["preset"] = QUICK
        return original(*bound.args, **bound.kwargs)

    monkeypatch.setattr(search, "paint", quick)
    torch.manual_seed(0)
    y, x = np.mgrid[:32, :40] / 32
    picture = np.stack([0.2 + 0.5 * x, 0.3 + 0.4 * y, 0.5 - 0.3 * x], axis=-1)
    photo = Image.fromarray((picture * 255).astype(np.uint8))
    Path("photos").mkdir()
    for name in ("photo.jpg", "wave.jpg", "mural.tif", "wall.tif", "photos/a.jpg"):
        photo.save(name)
    Image.fromarray((255 * (np.hypot(x - 0.6, y - 0.5) < 0.4)).astype(np.uint8)).save("my_brush.png")
    Path("pens.yaml").write_text('- {name: black, color: "#1a1a1a", width_mm: 2}\n')
    Path("paints.txt").write_text("#d83a24 vermilion\n#231f20 ivory black\n")
    Path("mine.yaml").write_text("brush: knife\nstrokes: 5\nrelief: 0.7\n")
    neuralpaint.paint("photo.jpg", "tape", 4).save("painting.safetensors")
    shutil.copytree(Path(neuralpaint.__file__).parent / "weights" / "oil", "my-renderer")
    return tmp_path


@pytest.mark.parametrize("page", WITH_PYTHON, ids=lambda page: page.name)
def test_python(page: Path, folder) -> None:
    names: dict[str, object] = {"__name__": "__main__"}
    for block in blocks(page, "python"):
        code = block.code
        if block.note.startswith("skip"):
            assert block.note.removeprefix("skip").strip(", "), f"{page.name}:{block.line}: say why it is not run"
            continue
        if block.note:
            old, new = block.note.split(" becomes ")
            assert old in code, f"{page.name}:{block.line}: there is no {old}"
            code = code.replace(old, new)
        try:
            # Line numbers are the page's.
            exec(compile("\n" * block.line + code, str(page), "exec", dont_inherit=True), names)
        except ModuleNotFoundError as error:
            if error.name not in OPTIONAL:
                raise


@pytest.mark.parametrize("page", WITH_COMMANDS, ids=lambda page: page.name)
def test_commands_parse(page: Path, folder) -> None:
    """Each command and each of its options exists, and takes the values that the page gives it."""
    group = typer.main.get_command(app)
    for words in commands(page):
        context = group.make_context("neuralpaint", list(words))
        name, command, rest = group.resolve_command(context, [*context._protected_args, *context.args])
        command.make_context(name, rest, parent=context)


@pytest.mark.parametrize("page", WITH_COMMANDS, ids=lambda page: page.name)
def test_cheap_commands_run(page: Path, folder, capsys) -> None:
    for words in commands(page):
        if words[0] not in RUN or LEFT_OUT.intersection(words):
            continue
        words = list(words)
        for index, word in enumerate(words):
            if word in LARGEST:
                words[index + 1] = str(min(int(words[index + 1]), LARGEST[word]))
        if words[0] != "info" and "--resume" not in words:
            words.append("--overwrite")
        with pytest.raises(SystemExit) as stop:
            app(words, prog_name="neuralpaint")
        assert stop.value.code in (0, None), f"neuralpaint {shlex.join(words)}\n{capsys.readouterr().err}"
