# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What each worker would load first, loaded once in the process that Ansible forks its workers from.

It must not affect the other plays of that process: it imports modules, and changes nothing else.
docs/performance.md publishes the gain.
"""

from __future__ import annotations

from ansible.template import Templar

try:
    from ansible.template import trust_as_template
except ImportError:  # before ansible-core 2.19 every text is trusted
    trust_as_template = str


def load_filters() -> None:
    """Render a template that uses a filter, because Ansible loads its filters with the first one used."""
    Templar(loader=None).template(trust_as_template("{{ '' | default('') }}"))
