# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lists the error messages of the collection: `tools/run python tools/messages.py`.

An error is created by a call with a cause and a remedy: of a subclass of TaskError, or of a function, method
or class that has parameters of these names. A call that only passes on what another one created is left out.
The pairs of a function that returns a Reason are listed. A call that unpacks a pair takes it from one of its
module's tables, whose pairs are listed.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, groupby
from pathlib import Path
from typing import TypeGuard

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


@dataclass(frozen=True)
class Creator:
    """A class or function that creates messages: the position of the cause, and the default of the remedy."""

    position: int
    remedy: ast.expr | None = None


def messages(root: Path = PLUGINS) -> list[Message]:
    """Return the messages below a folder, sorted by file and text."""
    trees = {path: ast.parse(path.read_text()) for path in sorted(root.rglob("*.py"))}
    nodes = list(chain.from_iterable(ast.walk(tree) for tree in trees.values()))
    public = {name: each for name, each in _functions(nodes).items() if not name.startswith("_")}
    found: set[Message] = set()
    exported = _exported(trees.values())
    for path, tree in trees.items():
        creators = {**_classes(nodes), **public, **_functions(ast.walk(tree))}
        constants = {**_imported(tree, exported), **_constants(tree)}
        created = chain(_created(tree, creators, constants), _returned(tree, constants))
        source = str(path.relative_to(root))
        found.update(Message(source, *parts) for parts in created if _says_something(*parts[1:]))
    return sorted(found)


def _says_something(why: str, remedy: str) -> bool:
    """Return whether a message has a text of its own, and is not another one that is passed on."""
    return bool(
        re.search(r"\w", re.sub(r"\{.*\}", "", why)) or re.search(r"\w", re.sub(r"\{.*\}", "", remedy))
    )


def _classes(nodes: list[ast.AST]) -> dict[str, Creator]:
    """Return the error classes."""
    bases = {
        node.name: {base.id for base in node.bases if isinstance(base, ast.Name)}
        for node in nodes
        if isinstance(node, ast.ClassDef)
    }
    known = {BASE}
    while more := {name for name, parents in bases.items() if parents & known} - known:
        known |= more
    return dict.fromkeys(known, Creator(0))


def _functions(nodes: Iterable[ast.AST]) -> dict[str, Creator]:
    """Return the functions, methods and classes that take a cause and a remedy."""
    found = {}
    for node in nodes:
        own = [each for each in node.body if _takes_parts(each)] if isinstance(node, ast.ClassDef) else [node]
        for function in own:
            if _takes_parts(function):
                found[node.name if function.name == "__init__" else function.name] = _creator(function)
    found.pop("__init__", None)
    return found


def _takes_parts(node: ast.AST) -> TypeGuard[ast.FunctionDef]:
    return isinstance(node, ast.FunctionDef) and set(PARTS) <= {each.arg for each in node.args.args}


def _creator(function: ast.FunctionDef) -> Creator:
    names = [argument.arg for argument in function.args.args]
    defaults = dict(zip(reversed(names), reversed(function.args.defaults), strict=False))
    position = [name for name in names if name != "self"].index(PARTS[0])
    return Creator(position, defaults.get(PARTS[1]))


def _created(
    tree: ast.AST, creators: dict[str, Creator], constants: dict[str, ast.expr]
) -> Iterator[tuple[str, str, str]]:
    scopes = {
        node: {**constants, **_constants(function)}
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef)
        for node in ast.walk(function)
    }
    for node in ast.walk(tree):
        creator = creators.get(_called(node))
        if not isinstance(node, ast.Call) or creator is None:
            continue
        known = scopes.get(node, constants)
        given = node.args[creator.position :]
        if given and isinstance(given[0], ast.Starred):
            yield from () if isinstance(given[0].value, ast.Call) else _pairs(constants)
            continue
        texts = [_text(each, known) for each in given]
        texts += [_text(each.value, known) for each in node.keywords if each.arg in PARTS]
        default = _text(creator.remedy, constants) if creator.remedy else ""
        if texts[:2] != [f"{{{part}}}" for part in PARTS]:
            yield _called(node), texts[0], (texts[1] if len(texts) > 1 else default)


def _called(node: ast.AST) -> str:
    """Return the name of a called function, or of a method of the same object."""
    function = node.func if isinstance(node, ast.Call) else None
    if isinstance(function, ast.Name):
        return function.id
    is_own = isinstance(function, ast.Attribute) and ast.unparse(function.value) == "self"
    return function.attr if is_own else ""


def _returned(tree: ast.AST, constants: dict[str, ast.expr]) -> Iterator[tuple[str, str, str]]:
    """Yield the pairs that functions return, each with the name of its function."""
    for function in ast.walk(tree):
        if not (isinstance(function, ast.FunctionDef) and function.returns):
            continue
        if not ast.unparse(function.returns).startswith("Reason"):
            continue
        known = {**constants, **_constants(function)}
        for node in ast.walk(function):
            if isinstance(node, ast.Return) and isinstance(node.value, ast.Tuple):
                why, remedy = (_text(each, known) for each in node.value.elts)
                yield function.name, why, remedy


def _pairs(constants: dict[str, ast.expr]) -> Iterator[tuple[str, str, str]]:
    """Yield the pairs of texts in a module's tables, each with the name of its table."""
    for name, value in constants.items():
        for node in ast.walk(value) if not isinstance(value, ast.Subscript) else ():
            if isinstance(node, ast.Tuple) and len(node.elts) == len(PARTS):
                why, remedy = (_text(each, constants) for each in node.elts)
                yield name, why, remedy


def _constants(tree: ast.AST) -> dict[str, ast.expr]:
    """Return what a module assigns to names outside of functions, or a function anywhere."""
    nodes = ast.walk(tree) if isinstance(tree, ast.FunctionDef) else ast.iter_child_nodes(tree)
    return {
        target.id: node.value
        for node in nodes
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }


def _exported(trees: Iterable[ast.AST]) -> dict[str, ast.expr]:
    """Return the text constants of all modules, except names with several meanings."""
    found: dict[str, dict[str, ast.expr]] = {}
    for tree in trees:
        for name, value in _constants(tree).items():
            if isinstance(value, ast.Constant | ast.JoinedStr):
                found.setdefault(name, {})[ast.unparse(value)] = value
    return {name: next(iter(values.values())) for name, values in found.items() if len(values) == 1}


def _imported(tree: ast.AST, exported: dict[str, ast.expr]) -> dict[str, ast.expr]:
    """Return the text constants that a module imports from others."""
    imports = (each for each in ast.walk(tree) if isinstance(each, ast.ImportFrom))
    names = {alias.name for each in imports for alias in each.names}
    return {name: exported[name] for name in names & exported.keys()}


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
        others = {name: value for name, value in constants.items() if name != node.id}
        return _text(constants[node.id], others)
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
