# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""HashiCorp Vault: nothing is taken for empty that is not, and no secret is in a message."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trustme
from ansible.parsing.dataloader import DataLoader

from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.errors import (
    InvalidOptions,
    SecretStoreError,
)
from ansible_collections.otsec.defender_iot.plugins.plugin_utils._secrets.stores import hashi_vault
from ansible_collections.otsec.defender_iot.plugins.plugin_utils._secrets.stores.hashi_vault import HashiVault
from ansible_collections.otsec.defender_iot.tests.support.fake_vault import (
    ROLE_ID,
    FakeVault,
)

PLACE = "secret/ot/fgt-01"
DATA = ("GET", "secret/data/ot/fgt-01")
LOGIN = ("POST", "auth/approle/login")
RECORD = {
    "value": "s3cr3t",
    "created_at": "2026-11-02T09:30:00Z",
    "pending": {"since": "2026-11-02T09:30:00Z", "value": "p3nd1ng"},
    "verified": {"at": "2026-11-02T09:30:00Z", "fingerprint": "0123456789ab"},
    "delivered": {"forescout/a": "0123456789ab"},
}
NOWHERE = {"url": "https://vault.example", "token": "t0k3n"}

pytestmark = pytest.mark.usefixtures("_no_vault_variables")


@pytest.fixture
def vault(fake_vault: FakeVault) -> FakeVault:
    """Return the Vault of these tests."""
    return fake_vault


@pytest.fixture
def settings(vault: FakeVault) -> dict[str, Any]:
    """Return the settings of that Vault."""
    return {"url": vault.url, "ca_path": vault.ca_path, "token": vault.token, "timeout": 5}


@pytest.fixture
def store(settings: dict[str, Any]) -> HashiVault:
    """Open a secret of that Vault."""
    return opened(settings)


def opened(settings: Any, location: str = PLACE) -> HashiVault:
    """Open a secret."""
    return HashiVault(location, settings, DataLoader())


def by_role(vault: FakeVault, settings: dict[str, Any], **more: str) -> HashiVault:
    """Open a secret with an AppRole."""
    account = {"role_id": ROLE_ID, "secret_id": vault.secret_id, **more}
    return opened({**{name: settings[name] for name in settings if name != "token"}, **account})


def refusal(settings: Any, location: str = PLACE) -> str:
    """Return why a secret cannot be opened."""
    with pytest.raises(InvalidOptions) as caught:
        opened(settings, location)
    return str(caught.value)


def failure(act: Callable[[], Any]) -> SecretStoreError:
    """Return how something fails."""
    with pytest.raises(SecretStoreError) as caught:
        act()
    assert "\n" not in caught.value.reason
    return caught.value


def test_a_record_is_a_version_in_vault_with_the_number_that_vault_gives(
    store: HashiVault, vault: FakeVault
) -> None:
    assert store.write(RECORD, None) == "1"
    assert store.write({}, "1") == "2"
    assert [version.data for version in vault.versions(PLACE)] == [RECORD, {}]


@pytest.mark.parametrize("how", [FakeVault.soft_delete, FakeVault.destroy], ids=["deleted", "destroyed"])
def test_what_was_deleted_in_vault_is_no_record_but_can_be_written_again(
    store: HashiVault, vault: FakeVault, how: Callable[[FakeVault, str], None]
) -> None:
    version = store.write(RECORD, None)
    how(vault, PLACE)
    assert store.read() == (None, version)
    assert store.write({"value": "new"}, version) == "2"
    assert store.read() == ({"value": "new"}, "2")


def test_a_deletion_in_the_future_is_none_yet(store: HashiVault, vault: FakeVault) -> None:
    store.write(RECORD, None)
    metadata = vault.versions(PLACE)[-1].metadata(1) | {"deletion_time": "2999-01-01T00:00:00Z"}
    vault.canned = 200, {"data": {"data": RECORD, "metadata": metadata}}
    assert store.read() == (RECORD, "1")


def test_a_deleted_record_leaves_no_version(store: HashiVault, vault: FakeVault) -> None:
    store.delete(store.write({"value": "new"}, store.write(RECORD, None)))
    assert vault.versions(PLACE) == []
    assert store.write(RECORD, None) == "1"


def test_the_old_versions_of_a_record_deleted_in_vault_go_too(store: HashiVault, vault: FakeVault) -> None:
    version = store.write(RECORD, None)
    vault.soft_delete(PLACE)
    store.delete(version)
    assert vault.versions(PLACE) == []


def test_deleting_nothing_sends_no_deletion(store: HashiVault, vault: FakeVault) -> None:
    store.delete(None)
    assert vault.calls == [DATA]


def test_a_write_between_the_read_and_the_removal_is_not_lost(store: HashiVault, vault: FakeVault) -> None:
    version = store.write(RECORD, None)

    def interfere(method: str) -> None:
        if method == "POST":
            vault.meanwhile = None
            vault.put(PLACE, {"value": "theirs"})

    vault.meanwhile = interfere
    assert "changed after this run read it" in failure(lambda: store.delete(version)).reason
    assert store.read() == ({"value": "theirs"}, "2")


def test_a_removal_that_is_denied_loses_nothing(store: HashiVault, vault: FakeVault) -> None:
    version = store.write(RECORD, None)
    vault.tokens[vault.token] = frozenset({"read", "write"})
    error = failure(lambda: store.delete(version))
    assert error.status == 403
    assert "policies allow delete on secret/metadata/ot/fgt-01" in error.reason
    assert store.read()[0] == RECORD


@pytest.mark.parametrize(
    ("canned", "expected"),
    [
        ((403, {"errors": ["permission denied"]}), "allow read on secret/data/ot/fgt-01"),
        ((401, {"errors": []}), "use a valid token"),
        ((503, {"errors": ["Vault is sealed"]}), "unseal it and run again"),
        ((429, {"errors": ["request path is rate limited"]}), "run again later"),
        ((307, None), "set url to the address of the active node"),
        (
            (500, {"errors": ["internal error: s3cr3t"]}),
            "reported an error; check its log, and run again once it works",
        ),
        ((502, b"<html>"), "reported an error; check its log, and run again once it works"),
        ((473, {"errors": []}), "check its log"),
        ((400, {"errors": ["s3cr3t"]}), "check its log"),
        ((404, {"errors": ['no handler for route "x"']}), 'check that one is mounted at "secret"'),
        ((404, {"errors": [], "data": {"data": {"value": "s3cr3t"}}}), "check that one is mounted"),
        ((404, {"data": None, "errors": None}), 'check that one is mounted at "secret"'),
        ((404, {"data": {"data": None, "metadata": {"version": 1}}}), "check that one is mounted"),
        ((404, {"data": {"data": None, "metadata": {"deletion_time": "x"}}}), "check that one is mounted"),
        ((404, {"data": None, "warnings": ["Invalid path"]}), "check that one is mounted"),
        ((404, b"<html>not found</html>"), "check that one is mounted"),
        ((404, []), "check that one is mounted"),
        ((200, b"<html>log in</html>"), "check that one is mounted"),
        ((200, []), "check that one is mounted"),
        ((200, {"data": {"value": "s3cr3t"}}), "check that one is mounted"),
        ((200, {"data": {"data": {"value": "s3cr3t"}}}), "check that one is mounted"),
        ((200, {"data": {"data": "s3cr3t", "metadata": {"version": 1}}}), "check that one is mounted"),
        ((200, {"data": {"data": {}, "metadata": {"version": True}}}), "check that one is mounted"),
        ((204, None), "check that one is mounted"),
    ],
)
def test_only_an_explicit_answer_means_that_there_is_no_record(
    store: HashiVault, vault: FakeVault, canned: tuple[int, Any], expected: str
) -> None:
    vault.canned = canned
    for act in (store.read, lambda: store.delete("1")):
        error = failure(act)
        assert expected in error.reason
        assert error.status == canned[0]
        assert "s3cr3t" not in str(error)


@pytest.mark.parametrize("status", [204, 301, 400, 403, 404, 429, 500, 503])
def test_a_write_that_is_not_confirmed_is_an_error(store: HashiVault, vault: FakeVault, status: int) -> None:
    vault.canned = status, None if status == 204 else {"errors": ["s3cr3t"]}
    error = failure(lambda: store.write(RECORD, None))
    assert error.status == status
    assert "s3cr3t" not in str(error)


def test_a_redirect_is_not_followed(store: HashiVault, vault: FakeVault) -> None:
    vault.canned = 307, None
    failure(store.read)
    assert vault.calls == [DATA]


def test_a_sealed_vault_is_not_an_empty_store(store: HashiVault, vault: FakeVault) -> None:
    store.write(RECORD, None)
    vault.sealed = True
    assert failure(store.read).status == 503
    vault.sealed = False
    assert store.read() == (RECORD, "1")


def test_another_engine_is_refused(settings: dict[str, Any], vault: FakeVault) -> None:
    old = opened(settings, "old/ot/fgt-01")
    assert old.read() == (None, None), "a version 1 engine answers no differently"
    assert 'check that one is mounted at "old"' in failure(lambda: old.write(RECORD, None)).reason
    assert 'check that one is mounted at "old"' in failure(old.read).reason


def test_a_missing_mount_is_no_empty_store(settings: dict[str, Any]) -> None:
    assert 'mounted at "other"' in failure(opened(settings, "other/x").read).reason


def test_what_vault_says_it_kept_is_read_back_from_vault(store: HashiVault, vault: FakeVault) -> None:
    version = store.write(RECORD, None)
    vault.forgetful = True
    assert store.write({"value": "new"}, version) == "2"
    assert store.read() == (RECORD, "1")


@pytest.mark.parametrize(
    ("verb", "doubt"), [("read", ""), ("write", ", and it is unknown whether Vault carried out the request")]
)
def test_a_broken_connection_is_an_error(store: HashiVault, vault: FakeVault, verb: str, doubt: str) -> None:
    vault.down = True
    error = failure(store.read if verb == "read" else lambda: store.write(RECORD, None))
    assert error.reason == (
        f"the connection to {vault.url} failed{doubt}; check that Vault runs and is reachable, and run again"
    )


def test_an_unreachable_vault_is_not_an_empty_store(settings: dict[str, Any]) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"https://127.0.0.1:{unused.getsockname()[1]}"
        assert f"the connection to {url} failed" in failure(opened({**settings, "url": url}).read).reason


def test_a_slow_vault_is_not_waited_for(settings: dict[str, Any], vault: FakeVault) -> None:
    vault.slow_seconds = 1
    store = opened({**settings, "timeout": "0.2"})
    assert failure(store.read).reason == (
        f"{vault.url} did not answer within 0.2 s; check the address and the network, and run again"
    )
    assert (
        "unknown whether Vault carried out the request" in failure(lambda: store.write(RECORD, None)).reason
    )


@pytest.mark.parametrize("known", [True, False], ids=["another CA", "the default CAs"])
def test_a_certificate_of_another_ca_is_refused(
    settings: dict[str, Any], vault: FakeVault, tmp_path: Path, known: bool
) -> None:
    trustme.CA().cert_pem.write_to_path(tmp_path / "other.pem")
    store = opened({**settings, "ca_path": str(tmp_path / "other.pem") if known else ""})
    assert "set ca_path or VAULT_CACERT to the file of the CA that signed it" in failure(store.read).reason
    assert vault.calls == []


def test_a_certificate_of_another_name_is_refused(settings: dict[str, Any], vault: FakeVault) -> None:
    store = opened({**settings, "url": vault.url.replace("127.0.0.1", "localhost")})
    assert "check that the certificate is for the host in url" in failure(store.read).reason
    assert vault.calls == []


def test_an_approle_logs_in_with_the_first_request_and_once(
    settings: dict[str, Any], vault: FakeVault
) -> None:
    store = by_role(vault, settings)
    assert vault.calls == []
    assert store.read() == (None, None)
    store.write(RECORD, None)
    assert vault.calls == [LOGIN, DATA, ("POST", DATA[1])]


def test_a_refused_login_is_not_tried_again(settings: dict[str, Any], vault: FakeVault) -> None:
    store = by_role(vault, settings, secret_id="wr0ng")
    for _attempt in range(2):
        error = failure(store.read)
        assert error.status == 400
        assert "role_id and secret_id are valid, not used up" in error.reason
        assert "wr0ng" not in str(error)
    assert vault.calls == [LOGIN]


@pytest.mark.parametrize(
    ("canned", "expected"),
    [
        ((503, {"errors": ["Vault is sealed"]}), "unseal it"),
        ((404, {"errors": ["no handler for route"]}), "check that AppRole is enabled at auth/approle"),
        ((500, {"errors": []}), "check its log"),
        ((200, {"auth": None}), "without a token; check that url is the address of Vault"),
        ((200, {"auth": {"client_token": 7}}), "without a token"),
        ((200, b"<html>"), "without a token"),
    ],
)
def test_a_login_without_a_token_is_an_error(
    settings: dict[str, Any], vault: FakeVault, canned: tuple[int, Any], expected: str
) -> None:
    vault.canned = canned
    assert expected in failure(by_role(vault, settings).read).reason


def test_a_login_s_token_has_the_policies_of_its_role(settings: dict[str, Any], vault: FakeVault) -> None:
    vault.role_capabilities = frozenset({"read"})
    store = by_role(vault, settings)
    assert store.read() == (None, None)
    assert "allow write on secret/data/ot/fgt-01" in failure(lambda: store.write(RECORD, None)).reason


def test_a_wrong_token_is_refused_and_not_shown(settings: dict[str, Any]) -> None:
    error = failure(opened({**settings, "token": "hvs.wr0ng"}).read)
    assert error.status == 403
    assert "wr0ng" not in str(error)


def test_a_namespace_is_separate(settings: dict[str, Any], vault: FakeVault) -> None:
    vault.mounts["ot/plant", "secret"] = 2
    store = opened({**settings, "namespace": "ot/plant"})
    store.write(RECORD, None)
    assert [version.data for version in vault.versions(PLACE, "ot/plant")] == [RECORD]
    assert opened(settings).read() == (None, None)
    assert "in this namespace" in failure(opened({**settings, "namespace": "it"}).read).reason


def test_the_environment_of_vault_s_own_tools_is_used(
    vault: FakeVault, monkeypatch: pytest.MonkeyPatch
) -> None:
    vault.mounts["ot", "secret"] = 2
    for name, value in {
        "ADDR": vault.url,
        "CACERT": vault.ca_path,
        "TOKEN": vault.token,
        "NAMESPACE": "ot",
    }.items():
        monkeypatch.setenv(f"VAULT_{name}", value)
    opened({}).write(RECORD, None)
    assert vault.versions(PLACE, "ot")


def test_an_approle_may_come_from_the_environment(
    vault: FakeVault, settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAULT_ROLE_ID", ROLE_ID)
    monkeypatch.setenv("VAULT_SECRET_ID", vault.secret_id)
    assert opened({**settings, "token": ""}).read() == (None, None)
    assert vault.calls[0] == LOGIN


def test_an_approle_in_the_settings_overrides_a_token_in_the_environment(
    vault: FakeVault, settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAULT_TOKEN", "hvs.wr0ng")
    assert by_role(vault, settings).read() == (None, None)
    assert vault.calls[0] == LOGIN


def test_a_token_in_the_settings_overrides_the_environment(
    settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("TOKEN", "ROLE_ID", "SECRET_ID"):
        monkeypatch.setenv(f"VAULT_{name}", "wr0ng")
    assert opened(settings).read() == (None, None)


@pytest.mark.parametrize(
    ("location", "mount", "place"),
    [
        ("secret/x", None, ("secret", "x")),
        ("secret/ot/a:b c", None, ("secret", "ot/a:b c")),
        ("ot/x", "teams/ot/kv/", ("teams/ot/kv", "ot/x")),
        ("x", "secret", ("secret", "x")),
        ("x", "", None),
        ("secret", None, None),
        ("secret/", None, None),
        ("/secret/x", None, None),
        ("secret//x", None, None),
        ("secret/x/", None, None),
        ("secret/../x", None, None),
        ("secret/./x", None, None),
        ("secret/x\ny", None, None),
        ("/x", "secret", None),
        ("x", "/", None),
    ],
)
def test_a_reference_names_a_mount_and_a_path(
    location: str, mount: str | None, place: tuple[str, str] | None
) -> None:
    settings = {**NOWHERE, "mount": mount}
    if place:
        store = opened(settings, location)
        assert (store.mount, store.path) == place
    else:
        form = f"PATH below the mount {mount.strip('/')}" if mount else "MOUNT/PATH"
        why = f'"{location}" is not a location of hashi_vault; use {form}, without empty segments'
        assert refusal(settings, location).startswith(why)


def test_strange_names_reach_vault_as_they_are(settings: dict[str, Any], vault: FakeVault) -> None:
    opened(settings, "secret/a b?c#d%2e%2e/ü").write(RECORD, None)
    assert vault.versions("secret/a b?c#d%2e%2e/ü")


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"url": None}, "hashi_vault has no address of Vault; set url or VAULT_ADDR"),
        (
            {"url": "http://vault.example"},
            "set by url or VAULT_ADDR: url is not an https address; set it to https://host",
        ),
        ({"url": "https://me:s3cr3t@vault.example"}, "without credentials or a query"),
        ({"token": None}, "hashi_vault has no credentials; set token, or role_id and"),
        ({"token": None, "role_id": "r"}, "hashi_vault has no credentials; set token, or role_id and"),
        ({"token": None, "secret_id": "s3cr3t"}, "hashi_vault has no credentials; set token, or role_id and"),
        ({"role_id": "r"}, "has both a token and an AppRole; set either token, or"),
        ({"token": "s3cr3t\n"}, "the token of hashi_vault has characters that an HTTP header cannot"),
        ({"token": "s3cr3t\u2013"}, "set token or VAULT_TOKEN to printable ASCII"),
        ({"namespace": "a b"}, "set namespace or VAULT_NAMESPACE to printable ASCII"),
        ({"token": 5}, "the setting token of hashi_vault is not a text"),
        ({"ca_path": "/no/such/file"}, 'ca_path names no file on this host: "/no/such/file"'),
        ({"timeout": 0}, "set timeout to a number of seconds above 0"),
        ({"timeout": "soon"}, "set timeout to a number of seconds above 0"),
        ({"timeout": True}, "set timeout to a number of seconds above 0"),
        ({"timeout": "nan"}, "set timeout to a number of seconds above 0"),
        ({"timeout": []}, "set timeout to a number of seconds above 0"),
        ({"adress": "x"}, 'has no setting "adress"; use only ca_path, mount, namespace,'),
    ],
)
def test_invalid_settings_are_refused(changed: dict[str, Any], expected: str) -> None:
    message = refusal({**NOWHERE, **changed})
    assert expected in message
    assert "s3cr3t" not in message


def test_settings_that_are_not_a_mapping_are_refused() -> None:
    assert refusal("https://vault.example").startswith(
        "the settings of hashi_vault are not a mapping; use a mapping of ca_path, mount,"
    )


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hashi_vault, "HAS_HVAC", False)
    assert "(hvac)" in refusal(NOWHERE)
