"""Checks what linters do not: the shape of the package. `python tools/check_structure.py [--graph] [FOLDER]`

- No module imports another's `_private` name.
- No circle of imports, between modules or between the folders of the package (imports for types alone do not count).
- No function is longer than 60 lines, and no command has more than 25 parameters, without a reason: a comment above the
  function that begins with "Long:" or "Many parameters:". Signature and docstring do not count as lines.

`--graph` prints folders, edges and circles instead, of any version of the package.
"""

from __future__ import annotations

import argparse
import ast
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

MAX_LINES, MAX_PARAMETERS = 60, 25


def modules(package: Path) -> dict[str, Path]:
    """Dotted name: file."""
    names = {}
    for path in sorted(package.rglob("*.py")):
        parts = [package.name, *path.relative_to(package).with_suffix("").parts]
        names[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return names


def imports(tree: ast.Module, known: Iterable[str]) -> Iterator[tuple[str, str, bool]]:
    """(module, name or "", for types alone) of what a module imports of the package."""
    package = next(iter(known)).split(".")[0]
    typing = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == package:
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                yield (
                    (whole, "", id(node) in typing) if whole in known else (node.module, alias.name, id(node) in typing)
                )
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name in known:
                    yield alias.name, "", id(node) in typing


def circles(edges: Iterable[tuple[str, str]]) -> list[list[str]]:
    """Groups of nodes of which each reaches each other (Tarjan's algorithm)."""
    following = defaultdict(set)
    for start, end in edges:
        if start != end:
            following[start].add(end)
    number: dict[str, int] = {}
    lowest: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(node: str) -> None:
        number[node] = lowest[node] = len(number)
        stack.append(node)
        for after in sorted(following[node]):
            if after not in number:
                visit(after)
                lowest[node] = min(lowest[node], lowest[after])
            elif after in stack:
                lowest[node] = min(lowest[node], number[after])
        if lowest[node] == number[node]:
            group = stack[stack.index(node) :]
            del stack[stack.index(node) :]
            if len(group) > 1:
                found.append(sorted(group))

    for node in sorted(following):
        if node not in number:
            visit(node)
    return found


def folder(module: str) -> str:
    """The folder or file of the package that a module is in."""
    return module.split(".")[1] if "." in module else "__init__"


def long_functions(path: Path) -> Iterator[str]:
    text = path.read_text()
    lines = text.splitlines()
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            continue
        first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)]) - 2
        reason = ""
        while first >= 0 and lines[first].lstrip().startswith("#"):
            reason, first = lines[first].lstrip("# ") + reason, first - 1
        body = node.body[1:] if ast.get_docstring(node) is not None else node.body
        length = (node.end_lineno or 0) - body[0].lineno + 1 if body else 0
        if length > MAX_LINES and "Long:" not in reason:
            yield f"{path}:{node.lineno}: {node.name} has {length} lines, more than {MAX_LINES}"
        count = len(node.args.args) + len(node.args.kwonlyargs)
        if count > MAX_PARAMETERS and "Many parameters:" not in reason:
            yield f"{path}:{node.lineno}: {node.name} has {count} parameters, more than {MAX_PARAMETERS}"


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("package", nargs="?", type=Path, default=Path("neuralpaint"))
    parser.add_argument("--graph", action="store_true", help="print the graph of imports")
    options = parser.parse_args()
    known = modules(options.package)
    edges: set[tuple[str, str]] = set()
    faults: list[str] = []
    for module, path in known.items():
        for target, name, typing in imports(ast.parse(path.read_text()), known):
            if not typing:
                edges.add((module, target))
            if name.startswith("_") and not name.startswith("__") and target != options.package.name:
                faults.append(f"{path}: imports the private name {name} of {target}")
        faults += long_functions(path)
    between = {(folder(a), folder(b)) for a, b in edges if folder(a) != folder(b)}
    rings = {"modules": circles(edges), "folders": circles(between)}
    if options.graph:
        lines = sum(len(path.read_text().splitlines()) for path in known.values())
        print(f"{len({folder(module) for module in known})} folders and files, {len(between)} edges between them")
        print(f"{len(known)} modules, {len(edges)} edges between them, {lines} lines")
        for what, groups in rings.items():
            print(f"circles of {what}: {'; '.join(', '.join(group) for group in groups) or 'none'}")
        for start, end in sorted(between):
            print(f"  {start} -> {end}")
        return 0
    for what, groups in rings.items():
        faults += [f"circle of {what}: {', '.join(group)}" for group in groups]
    print("\n".join(faults) or "the structure is as it should be")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
