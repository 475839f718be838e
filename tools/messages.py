# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lists every error message of the collection: `tools/run python tools/messages.py`.

An error is created by a call with a cause and a remedy: of a subclass of TaskError, or of a function that has
parameters of these names. A call that passes both on from its own parameters creates no new message. A call
that unpacks a pair takes it from one of its module's tables, whose pairs are listed.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, groupby
from pathlib import Path

PLUGINS = Path(__file__).resolve().parent.parent / "plugins"
BASE = "TaskError"
PARTS = ("why", "remedy")


@dataclass(frozen=True, order=True)
class Message:
    """One message: the file that creates it, its error class or function, its cause and its remedy.

    A placeholder in braces is the expression that fills it.
    """

    source: str
    creator: str
    why: str
    remedy: str


def messages(root: Path = PLUGINS) -> list[Message]:
    """Return the messages below a folder, sorted by file and text."""
    trees = {path: ast.parse(path.read_text()) for path in sorted(root.rglob("*.py"))}
    nodes = list(chain.from_iterable(ast.walk(tree) for tree in trees.values()))
    everywhere = {
        **_classes(nodes),
        **{name: place for name, place in _functions(nodes).items() if not name.startswith("_")},
    }
    found: set[Message] = set()
    for path, tree in trees.items():
        source = str(path.relative_to(root))
        creators = {**everywhere, **_functions(ast.walk(tree))}
        found.update(Message(source, *parts) for parts in _created(tree, creators))
    return sorted(found)


def _classes(nodes: list[ast.AST]) -> dict[str, int]:
    """Return the error classes, each with the position of the cause among its arguments."""
    bases = {
        node.name: {base.id for base in node.bases if isinstance(base, ast.Name)}
        for node in nodes
        if isinstance(node, ast.ClassDef)
    }
    known = {BASE}
    while more := {name for name, parents in bases.items() if parents & known} - known:
        known |= more
    return dict.fromkeys(known, 0)


def _functions(nodes: Iterable[ast.AST]) -> dict[str, int]:
    """Return the functions that take a cause and a remedy, each with the position of the cause."""
    found = {}
    for node in nodes:
        if isinstance(node, ast.FunctionDef):
            names = [argument.arg for argument in node.args.args]
            if set(PARTS) <= set(names) and names[0] != "self":
                found[node.name] = names.index(PARTS[0])
    return found


def _created(tree: ast.AST, creators: dict[str, int]) -> Iterator[tuple[str, str, str]]:
    constants = _constants(tree)
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in creators):
            continue
        given = node.args[creators[node.func.id] :]
        if given and isinstance(given[0], ast.Starred):
            yield from _pairs(constants)
            continue
        texts = [_text(each, constants) for each in given]
        texts += [_text(each.value, constants) for each in node.keywords if each.arg in PARTS]
        if texts[:2] != [f"{{{part}}}" for part in PARTS]:
            yield node.func.id, texts[0], (texts[1] if len(texts) > 1 else "")


def _pairs(constants: dict[str, ast.expr]) -> Iterator[tuple[str, str, str]]:
    """Yield the pairs of texts in a module's tables, each with the name of its table."""
    for name, value in constants.items():
        for node in ast.walk(value):
            if isinstance(node, ast.Tuple) and len(node.elts) == len(PARTS):
                why, remedy = (_text(each, constants) for each in node.elts)
                yield name, why, remedy


def _constants(tree: ast.AST) -> dict[str, ast.expr]:
    return {
        target.id: node.value
        for node in ast.iter_child_nodes(tree)
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }


def _text(node: ast.expr, constants: dict[str, ast.expr]) -> str:
    """Return a text as the source has it, each computed part in braces."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(part, constants) for part in node.values)
    if isinstance(node, ast.FormattedValue):
        return _text(node.value, constants)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _text(node.left, constants) + _text(node.right, constants)
    if isinstance(node, ast.Name) and isinstance(constants.get(node.id), ast.Constant | ast.JoinedStr):
        return _text(constants[node.id], constants)
    return f"{{{ast.unparse(node)}}}"


HEADER = """\
# Error messages

For operators on call: find the cause of a message and what to do. A message has the form
`HOST: what failed (status): why; what to do`, where the status and the appliance's error number are shown if
there are any. This page lists the causes and remedies by the file that creates them. A part in braces is
filled in at run time.
"""


def page() -> str:
    """Return the messages as a page of Markdown, with one table for each file."""
    parts = [HEADER]
    for source, group in groupby(messages(), lambda message: message.source):
        rows = "".join(f"| {cell(each.why)} | {cell(each.remedy)} |\n" for each in group)
        parts.append(f"## {source}\n\n| Why | What to do |\n|---|---|\n{rows}")
    return "\n".join(parts)


def cell(text: str) -> str:
    """Return a text for a cell of a table, on one line and as code, in which Markdown has no meaning."""
    line = " ".join(text.split()).replace("|", "\\|")
    return f"`` {line} ``" if "`" in line else f"`{line}`"


if __name__ == "__main__":
    print(page())
