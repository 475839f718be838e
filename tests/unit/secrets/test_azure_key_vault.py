# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Key Vault: Microsoft's own client against a stand-in for the vault and its login service, over TLS."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader
from azure.identity import ClientSecretCredential, DefaultAzureCredential

from ansible_collections.otsec.defender_iot.plugins.module_utils._engine.errors import (
    InvalidOptions,
    Overtaken,
    SecretStoreError,
)
from ansible_collections.otsec.defender_iot.plugins.plugin_utils._secrets.store import open_store
from ansible_collections.otsec.defender_iot.plugins.plugin_utils._secrets.stores import azure_key_vault
from ansible_collections.otsec.defender_iot.plugins.plugin_utils._secrets.stores.azure_key_vault import (
    AzureKeyVault,
)
from ansible_collections.otsec.defender_iot.tests.support.fake_key_vault import (
    CLIENT_ID,
    CLIENT_SECRET,
    TENANT,
    FakeKeyVault,
    Switches,
    failure,
    running_key_vault,
)

NAME = "fgt--key"
RECORD = {"value": "s3cr3t", "pending": {"since": "now"}}
URL = "https://example.vault.azure.net"
ACCOUNT = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "tenant_id": TENANT}
FORBIDDEN = failure(403, "Forbidden", "ForbiddenByRbac")
HTML = b"<html>s3cr3t</html>"


@pytest.fixture
def vault(fake_key_vault: FakeKeyVault) -> FakeKeyVault:
    """Return the vault of these tests."""
    return fake_key_vault


@pytest.fixture
def unknown_vault(tmp_path: Path, vault: FakeKeyVault) -> Iterator[FakeKeyVault]:
    """Run a vault that the client does not know: it caches the login service of each vault."""
    with running_key_vault(tmp_path) as fresh:
        yield fresh


@pytest.fixture
def store(vault: FakeKeyVault) -> AzureKeyVault:
    """Open the store of one secret in it."""
    return opened(vault.settings())


def opened(settings: dict[str, Any], location: str = "fgt/key") -> AzureKeyVault:
    """Open a store."""
    return AzureKeyVault(location, settings, DataLoader())


def refusal(store: AzureKeyVault) -> str:
    """Return the message of a failed read, which must not contain the value."""
    with pytest.raises(SecretStoreError) as caught:
        store.read()
    assert "s3cr3t" not in str(caught.value)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    return str(caught.value)


def test_deleted_secrets_are_checked_before_a_name_counts_as_free(
    store: AzureKeyVault, vault: FakeKeyVault
) -> None:
    store.read()
    assert vault.calls == [f"GET /secrets/{NAME}", f"GET /deletedsecrets/{NAME}"]


def test_a_record_is_a_version_of_the_vault_and_says_that_it_is_json(
    store: AzureKeyVault, vault: FakeKeyVault
) -> None:
    assert store.write(RECORD, None) == vault.version(NAME)
    assert vault.bodies == [
        {"value": '{"pending": {"since": "now"}, "value": "s3cr3t"}', "contentType": "application/json"}
    ]


def test_each_write_is_a_version_and_keeps_the_tags_that_an_operator_has_set(
    store: AzureKeyVault, vault: FakeKeyVault
) -> None:
    vault.put(NAME, '{"value": "old"}', tags={"owner": "plant"})
    version = store.write(RECORD, vault.version(NAME))
    assert store.write({"value": "new"}, version) == vault.version(NAME) != version
    assert vault.bodies[-1]["tags"] == {"owner": "plant"}
    assert vault.value(NAME) == {"value": "new"}


def test_a_write_that_another_one_overtakes_is_noticed(store: AzureKeyVault, vault: FakeKeyVault) -> None:
    version = store.write(RECORD, None)
    reads = iter(range(2))

    def overtake() -> None:
        """Write at the second read of the store, which is after its write."""
        if next(reads):
            vault.put(NAME, '{"value": "theirs"}')
        else:
            vault.switches.before["GET"] = overtake

    vault.switches.before["GET"] = overtake
    with pytest.raises(Overtaken, match="was changed after this run read it; run again"):
        store.write({"value": "mine"}, version)


@pytest.mark.parametrize("stored", [True, False], ids=["the old value", "nothing"])
def test_a_vault_that_reports_success_but_stores_nothing_is_noticed(
    store: AzureKeyVault, vault: FakeKeyVault, stored: bool
) -> None:
    version = store.write({"value": "old"}, None) if stored else None
    vault.switches.keeps_the_old = True
    with pytest.raises(SecretStoreError, match="was written, but it reads back differently") as caught:
        store.write(RECORD, version)
    assert "s3cr3t" not in str(caught.value)


def test_a_deleted_record_blocks_its_name_and_is_neither_recovered_nor_purged(
    store: AzureKeyVault, vault: FakeKeyVault
) -> None:
    store.write(RECORD, None)
    vault.delete(NAME)
    assert refusal(store) == (
        f"the secret {NAME} in {vault.url} cannot be read: a deleted secret blocks its name; purge the "
        "deleted secret with az keyvault secret purge, or recover it with its old value with az keyvault "
        "secret recover, and run again"
    )
    with pytest.raises(SecretStoreError, match="a deleted secret blocks its name"):
        store.write(RECORD, None)
    assert len(vault.bodies) == 1
    assert list(vault.deleted) == [NAME]


def test_a_record_is_removed_without_deleting_the_secret(store: AzureKeyVault, vault: FakeKeyVault) -> None:
    store.delete(store.write(RECORD, None))
    store.read()
    assert not any(call.startswith("DELETE") for call in vault.calls)


def test_nothing_is_deleted_where_nothing_is(store: AzureKeyVault, vault: FakeKeyVault) -> None:
    store.delete(None)
    assert vault.bodies == []


def test_a_name_that_is_deleted_just_before_the_write_is_an_error(
    store: AzureKeyVault, vault: FakeKeyVault
) -> None:
    vault.put(NAME, "{}")
    vault.switches.before["PUT"] = lambda: vault.delete(NAME) and None
    with pytest.raises(SecretStoreError, match="cannot be written: a deleted secret blocks its name"):
        store.write(RECORD, vault.version(NAME))


@pytest.mark.parametrize(
    ("answer", "status", "reason"),
    [
        (failure(400, "BadParameter"), 400, "the vault refused the request (BadParameter)"),
        (
            FORBIDDEN,
            403,
            "the vault denied the request (Forbidden ForbiddenByRbac); give this identity",
        ),
        (failure(403, "Forbidden", "SecretDisabled"), 403, "it is disabled; enable it and run again"),
        (failure(404, "VaultNotFound"), 404, "the vault refused the request (VaultNotFound); check the url"),
        ((404, {}), 404, "the vault refused the request (HTTP 404); check the url"),
        ((404, {"error": {"code": ["SecretNotFound"]}}), 404, "the vault refused the request (HTTP 404)"),
        (failure(404, "s3cr3t!"), 404, "the vault refused the request (HTTP 404)"),
        (failure(409, "Conflict", "ObjectIsBeingDeleted"), 409, "a deleted secret blocks its name"),
        (failure(429, "Throttled"), 429, "the vault received too many requests; run again later"),
        (failure(500, "InternalServerError"), 500, "the vault reported an error (InternalServerError); run"),
        ((503, {}), 503, "the vault reported an error (HTTP 503); run again later"),
        ((200, {}), None, "the answer is not that of a Key Vault"),
        ((200, {"id": 7, "value": ["s3cr3t"]}), None, "the answer is not that of a Key Vault"),
        (HTML, None, "the answer is not that of a Key Vault"),
    ],
)
def test_an_error_of_the_vault_is_not_an_empty_store(
    store: AzureKeyVault, vault: FakeKeyVault, answer: Any, status: int | None, reason: str
) -> None:
    vault.switches.answers["GET"] = answer
    with pytest.raises(SecretStoreError) as caught:
        store.read()
    assert f"the secret {NAME} in {vault.url} cannot be read: {reason}" in str(caught.value)
    assert "s3cr3t" not in str(caught.value)
    assert caught.value.status == status


def test_an_account_that_cannot_list_deleted_secrets_fails(
    store: AzureKeyVault, vault: FakeKeyVault, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = FakeKeyVault.answer

    def refusing(self: FakeKeyVault, method: str, path: str, body: dict[str, Any]) -> Any:
        return FORBIDDEN if path.startswith("/deletedsecrets") else answer(self, method, path, body)

    monkeypatch.setattr(FakeKeyVault, "answer", refusing)
    assert "ForbiddenByRbac" in refusal(store)


@pytest.mark.parametrize("verb", ["write", "delete"])
def test_a_change_that_is_refused_is_an_error(store: AzureKeyVault, vault: FakeKeyVault, verb: str) -> None:
    version = store.write({"value": "old"}, None)
    vault.switches.answers["PUT"] = FORBIDDEN
    with pytest.raises(SecretStoreError, match="cannot be written: the vault denied the request") as caught:
        store.write(RECORD, version) if verb == "write" else store.delete(version)
    assert "s3cr3t" not in str(caught.value)
    assert vault.value(NAME) == {"value": "old"}


def test_a_busy_vault_is_asked_again_and_not_obeyed_for_an_hour(
    store: AzureKeyVault, vault: FakeKeyVault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(azure_key_vault, "LONGEST_PAUSE_SECONDS", 0.01)
    vault.switches = Switches({"PUT": failure(429, "Throttled")}, {"Retry-After": "3600"}, times=2)
    started = time.monotonic()
    assert store.write(RECORD, None) == vault.version(NAME)
    assert vault.calls.count(f"PUT /secrets/{NAME}") == 3
    assert time.monotonic() - started < 600


def test_a_vault_that_stays_busy_is_asked_a_few_times_only(store: AzureKeyVault, vault: FakeKeyVault) -> None:
    vault.switches.answers["GET"] = failure(503, "ServiceUnavailable")
    refusal(store)
    assert len(vault.calls) == 1 + azure_key_vault.RETRIES


def test_a_slow_vault_is_not_waited_for(vault: FakeKeyVault, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(azure_key_vault, "READ_SECONDS", 0.5)
    monkeypatch.setattr(azure_key_vault, "RETRIES", 1)
    store = opened(vault.settings())
    vault.switches.hangs = 60
    started = time.monotonic()
    assert "no complete answer arrived within 0.5 seconds; check the network" in refusal(store)
    assert time.monotonic() - started < 60


def test_a_vault_that_is_down_is_an_error(tmp_path: Path, vault: FakeKeyVault) -> None:
    with running_key_vault(tmp_path) as other:
        gone = other.url
    assert "it cannot be reached; check the url" in refusal(opened(vault.settings(url=gone)))


def test_an_untrusted_certificate_is_an_error(unknown_vault: FakeKeyVault) -> None:
    settings = {name: value for name, value in unknown_vault.settings().items() if name != "ca_path"}
    assert "its certificate is not trusted; check the url, and set ca_path" in refusal(opened(settings))


def test_a_vault_that_asks_for_a_login_elsewhere_gets_no_token(
    unknown_vault: FakeKeyVault,
) -> None:
    unknown_vault.switches.resource = "https://vault.example"
    store = opened(unknown_vault.settings())
    assert "the answer is not that of a Key Vault (ValueError); check the url" in refusal(store)
    assert not unknown_vault.tokens


def test_a_login_that_is_refused_is_an_error_that_says_which(vault: FakeKeyVault) -> None:
    message = refusal(opened(vault.settings(client_secret="s3cr3t")))
    assert "the login was refused (AADSTS7000215); check client_id, client_secret and tenant_id" in message


def test_a_login_service_that_is_down_is_an_error(tmp_path: Path, vault: FakeKeyVault) -> None:
    with running_key_vault(tmp_path) as other:
        gone = other.url
    store = opened(vault.settings(authority=gone))
    assert "the login was refused; check" in refusal(store)


def test_a_token_that_the_vault_refuses_is_an_error(store: AzureKeyVault, vault: FakeKeyVault) -> None:
    vault.switches.refuses_tokens = True
    with pytest.raises(SecretStoreError, match="the login was refused") as caught:
        store.read()
    assert caught.value.status == 401


def test_nothing_secret_is_logged(
    store: AzureKeyVault, vault: FakeKeyVault, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    store.write(RECORD, None)
    vault.delete(NAME)
    refusal(store)
    refusal(opened(vault.settings(client_secret="another-s3cr3t")))
    assert f"/secrets/{NAME}" in caplog.text
    assert not [each for each in ("s3cr3t", CLIENT_SECRET, *vault.tokens) if each in caplog.text]


@pytest.mark.parametrize(
    ("location", "name"),
    [
        ("key", "key"),
        ("fgt-01/key", "fgt-01--key"),
        ("a/b/c", "a--b--c"),
        ("7", "7"),
        ("x" * 127, "x" * 127),
    ],
)
def test_a_location_names_a_secret(location: str, name: str) -> None:
    assert opened({"url": URL, **ACCOUNT}, location).name == name


@pytest.mark.parametrize(
    "location",
    [
        *("/a", "a/", "a//b", "a--b", "-a", "a-", "a-/b", "a.b", "a_b", "a b", "a:b", "Key", "ä", "a\n"),
        "x" * 128,
        "/".join(["xxx"] * 26),
    ],
)
def test_a_location_that_may_name_the_same_secret_as_another_is_refused(location: str) -> None:
    with pytest.raises(InvalidOptions) as caught:
        opened({"url": URL, **ACCOUNT}, location)
    assert str(caught.value) == (
        f'"{location}" is not a location of azure_key_vault; use lower-case letters, digits and single inner '
        'dashes, with "/" between parts and at most 127 characters in the secret\'s name'
    )


@pytest.mark.parametrize(
    "url",
    ["", "http://example.vault.azure.net", "example", URL + "/secrets/x", "https://a@b", "https://a\\b"],
)
def test_what_is_not_the_url_of_a_vault_is_refused(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AZURE_KEY_VAULT_URL", raising=False)
    with pytest.raises(InvalidOptions) as caught:
        opened({"url": url, **ACCOUNT})
    assert "azure_key_vault " in caught.value.why
    # A URL can contain a password.
    assert not url or url not in str(caught.value)
    assert caught.value.remedy.startswith("set url or AZURE_KEY_VAULT_URL to an address such as")


def test_the_url_may_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_KEY_VAULT_URL", URL + "/")
    assert opened(ACCOUNT).url == URL
    assert opened({"url": "https://other.vault.azure.net", **ACCOUNT}).url == "https://other.vault.azure.net"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"vault": "x", "token": "y"},
            "use only authority, ca_path, client_id, client_secret, tenant_id, url",
        ),
        ({"vault": "x", "token": "y"}, "azure_key_vault has no setting token, vault"),
        ({"client_secret": 7, "url": None}, "are not strings: client_secret, url"),
        ({"client_id": "x"}, "lacks client_secret, tenant_id"),
        ({"client_id": "x", "tenant_id": "x", "client_secret": ""}, "lacks client_secret;"),
        ({"authority": "https://login.example"}, "lacks client_id, client_secret, tenant_id"),
        ({"ca_path": "/nowhere/ca.pem"}, "the ca_path of azure_key_vault is not a file: /nowhere/ca.pem"),
        (
            {**ACCOUNT, "tenant_id": "not a tenant"},
            "account settings of azure_key_vault are invalid; check tenant_id",
        ),
        ({**ACCOUNT, "authority": "http://login.example"}, "are invalid; check tenant_id"),
    ],
)
def test_invalid_settings_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidOptions) as caught:
        opened({"url": URL, **settings})
    assert message in str(caught.value)
    assert CLIENT_SECRET not in str(caught.value)


def test_without_a_service_principal_the_library_chooses_the_credential(
    vault: FakeKeyVault, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert isinstance(azure_key_vault._credential({}), DefaultAzureCredential)
    assert isinstance(azure_key_vault._credential(ACCOUNT), ClientSecretCredential)
    monkeypatch.setenv("AZURE_TOKEN_CREDENTIALS", "EnvironmentCredential")
    for name in ("AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET", "AZURE_TENANT_ID"):
        monkeypatch.delenv(name, raising=False)
    store = opened({"url": vault.url, "ca_path": vault.ca_path})
    assert "the login was refused; check client_id, client_secret and tenant_id, or" in refusal(store)


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(azure_key_vault, "AZURE_IMPORT_ERROR", "Traceback")
    with pytest.raises(InvalidOptions, match="azure-keyvault-secrets and azure-identity"):
        opened({"url": URL})


def test_a_reference_opens_this_store() -> None:
    settings = {"azure_key_vault": {"url": URL, **ACCOUNT}}
    store = open_store("azure_key_vault:fgt-01/key", DataLoader(), settings)
    assert str(store) == f"the secret fgt-01--key in {URL}"
