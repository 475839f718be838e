# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What several test modules start from."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.parsing.vault import VaultSecret


@pytest.fixture
def vault_loader() -> Callable[..., DataLoader]:
    """Make the loader of a run with these vault passwords."""

    def loader(*passwords: str) -> DataLoader:
        made = DataLoader()
        made.set_vault_secrets([("default", VaultSecret(password.encode())) for password in passwords])
        return made

    return loader
