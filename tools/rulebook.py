# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Creates the environment of ansible-rulebook, in .cache/rulebook."""

from __future__ import annotations

from environment import ensure

if __name__ == "__main__":
    ensure("rulebook", "rulebook.txt")
