# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sphinx settings of the documentation site. The build needs no network."""

from __future__ import annotations

import re
from pathlib import Path

import yaml
from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

ROOT = Path(__file__).resolve().parent.parent.parent
GALAXY = yaml.safe_load((ROOT / "galaxy.yml").read_text())

project = f"{GALAXY['namespace']}.{GALAXY['name']}"
copyright = f"2026, {GALAXY['authors'][0]}"  # noqa: A001
version = release = GALAXY["version"]
html_title = f"{project} {version}"

extensions = ["myst_parser", "sphinx_antsibull_ext"]
default_role = "any"
highlight_language = "none"
myst_heading_anchors = 4
# smartquotes would turn the two hyphens of an option into a dash.
smartquotes = False

html_theme = "furo"
antsibull_ext_color_scheme = "none"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_copy_source = False
html_use_index = False

# Galaxy shows only the README, so its links to the guides point to GitHub.
ON_GITHUB = re.compile(rf"\]\({re.escape(GALAXY['repository'])}/blob/main/(docs/[^)#]*\.md)")

# Output of antsibull-docs: its own table of contents, and the entries of the sidebar.
CONTENTS = re.compile(r"^\.\. contents::\n(?: +.*\n)+", re.MULTILINE)
ENTRY = re.compile(r"^    (\w+)_(module|lookup|filter|callback|role)$", re.MULTILINE)
TITLE = re.compile(rf"^{re.escape(project.title())}\n=+", re.MULTILINE)

# The pages of Ansible's documentation to which antsibull-docs refers.
ANSIBLE = "https://docs.ansible.com/ansible-core/devel"
LABELS = {
    "action_plugins": f"{ANSIBLE}/plugins/action.html",
    "ansible_configuration_settings": f"{ANSIBLE}/reference_appendices/config.html",
    "callback_plugins": f"{ANSIBLE}/plugins/callback.html",
    "common_return_values": f"{ANSIBLE}/reference_appendices/common_return_values.html",
}


def link_to_this_site(_app: Sphinx, _name: str, source: list[str]) -> None:
    """Replace links to the guides on GitHub by links to the pages of this site."""
    source[0] = ON_GITHUB.sub(r"](/\1", source[0])


def fit_to_the_theme(_app: Sphinx, name: str, source: list[str]) -> None:
    """Remove the extra tables of contents, and shorten the names in the sidebar of the reference."""
    if name.startswith("reference/"):
        source[0] = CONTENTS.sub("", source[0])
    if name == "reference/index":
        title = "Modules, plugins and roles"
        source[0] = TITLE.sub(f"{title}\n{'=' * len(title)}", ENTRY.sub(r"    \1 \2 <\1_\2>", source[0]))


def link_to_ansible(
    _app: Sphinx, _env: BuildEnvironment, target: pending_xref, text: nodes.TextElement
) -> nodes.reference | None:
    """Resolve a label of Ansible's documentation, None for any other label."""
    url = LABELS.get(target["reftarget"])
    return nodes.reference("", "", text, refuri=url, internal=False) if url else None


def setup(app: Sphinx) -> None:
    app.connect("source-read", link_to_this_site)
    app.connect("source-read", fit_to_the_theme)
    app.connect("missing-reference", link_to_ansible)
