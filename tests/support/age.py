# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Key pairs for age, generated as its specification says, so that the repository contains none."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

CHARACTERS = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
GENERATORS = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)


def key_pair() -> tuple[str, str]:
    """Return a new pair of age's identity (private key) and recipient (public key)."""
    key = X25519PrivateKey.generate()
    identity = _bech32("age-secret-key-", key.private_bytes_raw()).upper()
    return identity, _bech32("age", key.public_key().public_bytes_raw())


def _bech32(prefix: str, data: bytes) -> str:
    """Encode as in BIP 173, without its limit of the length."""
    bits = "".join(f"{byte:08b}" for byte in data)
    bits += "0" * (-len(bits) % 5)
    words = [int(bits[start : start + 5], 2) for start in range(0, len(bits), 5)]
    expanded = [ord(each) >> 5 for each in prefix] + [0] + [ord(each) & 31 for each in prefix]
    rest = _remainder(expanded + words + [0] * 6) ^ 1
    checksum = [rest >> shift & 31 for shift in range(25, -1, -5)]
    return prefix + "1" + "".join(CHARACTERS[word] for word in words + checksum)


def _remainder(words: list[int]) -> int:
    rest = 1
    for word in words:
        top = rest >> 25
        rest = (rest & 0x1FFFFFF) << 5 ^ word
        for place, generator in enumerate(GENERATORS):
            rest ^= generator if top >> place & 1 else 0
    return rest
