# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One secret in an Azure Key Vault for each record, as JSON text."""

from __future__ import annotations

import json
import logging
import os
import re
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from ansible.module_utils.basic import missing_required_lib
from ansible.parsing.dataloader import DataLoader

from ....module_utils._engine.errors import InvalidOptions, Overtaken, Reason, SecretStoreError

AZURE_IMPORT_ERROR = None
try:
    from azure.core.exceptions import (
        ClientAuthenticationError,
        HttpResponseError,
        ResourceNotFoundError,
        ServiceRequestError,
        ServiceResponseError,
    )
    from azure.core.pipeline.policies import RetryPolicy
    from azure.identity import ClientSecretCredential, DefaultAzureCredential
    from azure.keyvault.secrets import SecretClient
    from requests.exceptions import SSLError
except ImportError:
    AZURE_IMPORT_ERROR = traceback.format_exc()

LIBRARIES = "azure-keyvault-secrets and azure-identity"
URL_VARIABLE = "AZURE_KEY_VAULT_URL"
ACCOUNT = ("client_id", "client_secret", "tenant_id")
SETTINGS = {"url", "ca_path", "authority", *ACCOUNT}

URL = re.compile(r"https://[A-Za-z0-9.-]+(:[0-9]+)?/?")
LOCATION = re.compile(r"[0-9a-z]+(-[0-9a-z]+)*(/[0-9a-z]+(-[0-9a-z]+)*)*")
LONGEST_NAME = 127
ERROR_CODE = re.compile(r"[A-Za-z]{1,60}")
LOGIN_ERROR_CODE = re.compile(r"AADSTS[0-9]+")

# A call can take the sum of these. Retries matter: a minted key exists only in memory until it is written.
CONNECT_SECONDS = 10
READ_SECONDS = 20
TOTAL_SECONDS = 60
RETRIES = 3
BACKOFF_SECONDS = 0.8
LONGEST_PAUSE_SECONDS = 10

BLOCKED = "a deleted secret blocks its name"
UNBLOCK = (
    "purge the deleted secret with az keyvault secret purge, or recover it with its old value with "
    "az keyvault secret recover, and run again"
)
LOGIN = (
    "check client_id, client_secret and tenant_id, or the AZURE_* variables, and that the login service is "
    "reachable"
)
PERMIT = (
    "give this identity the permissions get, set and delete on secrets, for example as Key Vault Secrets "
    "Officer, and allow this machine in the vault's firewall"
)


class VaultSecret(NamedTuple):
    """The current version of a secret: its text, its version, and the tags that an operator may have set."""

    text: str
    version: str
    tags: dict[str, str]


class AzureKeyVault:
    """The secret of a Key Vault that LOCATION names. Its version is the vault's.

    A Key Vault has no compare-and-set: between the last read and the write, another writer can write too.
    """

    compare_and_set = False

    def __init__(self, location: str, settings: Mapping[str, Any], loader: DataLoader) -> None:
        """``location`` is a path such as host/name; see `_name` for the secret's name. Raises InvalidOptions.

        The settings are ``url`` (default: AZURE_KEY_VAULT_URL); ``ca_path``, which replaces the public CAs;
        ``client_id``, ``client_secret`` and ``tenant_id`` of a service principal; and ``authority`` if its
        login service is not the public one. Without a service principal, DefaultAzureCredential logs in.
        """
        if AZURE_IMPORT_ERROR is not None:
            raise InvalidOptions(
                missing_required_lib(LIBRARIES, reason="for azure_key_vault"),
                f"install {LIBRARIES} for the Python that runs Ansible",
            )
        _silence()
        _check(settings)
        self.name = _name(location)
        self.url = _url(settings)
        self.client = SecretClient(
            self.url,
            _credential(settings),
            retry_policy=_retries(),
            logging_enable=False,
            **_connection(settings),
        )

    def __str__(self) -> str:
        return f"the secret {self.name} in {self.url}"

    def read(self) -> tuple[dict[str, Any] | None, str | None]:
        """Return the record and its version."""
        current = self._current()
        return (None, None) if current is None else (self._record(current.text), current.version)

    def write(self, record: dict[str, Any], expected: str | None) -> str:
        """Add a version with the record, and check that it is the current one. Raises Overtaken."""
        current = self._expected(expected)
        text = json.dumps(record, sort_keys=True)
        with self._store_errors("written"):
            written = self.client.set_secret(
                self.name, text, content_type="application/json", tags=current.tags if current else None
            )
            version = str(written.properties.version)
        self._confirm(text, version, expected)
        return version

    def delete(self, expected: str | None) -> None:
        """Add an empty version. Raises Overtaken.

        Deleting the secret would block its name until an operator purges it. Either way, older versions stay
        readable for every account that can read the vault.
        """
        if self._expected(expected) is not None:
            self.write({}, expected)

    def _current(self) -> VaultSecret | None:
        current: VaultSecret | None = self._found(self.client.get_secret, _vault_secret)
        # A deleted name cannot be written. Treating it as free would mint a key and lose it.
        if current is None and self._found(self.client.get_deleted_secret, bool):
            raise SecretStoreError(f"{self} cannot be read: {BLOCKED}", UNBLOCK)
        return current

    def _found(self, get: Callable[[str], Any], take: Callable[[Any], Any]) -> Any:
        """Return the vault's answer, None only if it says explicitly that the secret does not exist."""
        with self._store_errors("read"):
            try:
                return take(get(self.name))
            except ResourceNotFoundError as error:
                if "SecretNotFound" not in _codes(error):
                    raise
                return None

    def _record(self, text: str) -> dict[str, Any]:
        try:
            record = json.loads(text)
        except ValueError:
            record = None
        if not isinstance(record, dict):
            raise SecretStoreError(
                f"{self} does not contain a JSON object",
                'set the secret to a JSON object such as {"value": "..."}',
            )
        return record

    def _expected(self, expected: str | None) -> VaultSecret | None:
        """Return the current version, which must be the expected one."""
        current = self._current()
        if (current.version if current else None) != expected:
            raise self._overtaken()
        return current

    def _confirm(self, text: str, version: str, expected: str | None) -> None:
        """Check that the current version is the one just written."""
        current = self._current()
        if current is not None and current.version not in (version, expected):
            raise self._overtaken()
        if current is None or (current.text, current.version) != (text, version):
            raise SecretStoreError(
                f"the vault reports that {self} was written, but it reads back differently",
                "check the vault's log",
            )

    def _overtaken(self) -> Overtaken:
        return Overtaken(f"{self} was changed after this run read it", "run again")

    @contextmanager
    def _store_errors(self, verb: str) -> Iterator[None]:
        """Raise each exception as a SecretStoreError: the secret cannot be ``verb`` (a past participle)."""
        try:
            yield
        # Every exception: its text can quote the value, and a traceback would show it.
        except Exception as error:
            why, remedy = _reason(error)
            raise SecretStoreError(f"{self} cannot be {verb}: {why}", remedy, status=_status(error)) from None


def _silence() -> None:
    """Stop the libraries' logs: their warnings about failed logins quote the whole answer."""
    for library in ("azure", "msal"):
        logging.getLogger(library).setLevel(logging.CRITICAL)


def _name(location: str) -> str:
    """Return the name of the secret: the location's parts, joined by two dashes.

    Key Vault names consist of letters, digits and dashes, and ignore case. A part has only lower-case
    letters, digits and single inner dashes, so that no two locations share a name.
    """
    name = location.replace("/", "--")
    if not LOCATION.fullmatch(location) or len(name) > LONGEST_NAME:
        raise InvalidOptions(
            f'"{location}" is not a location of azure_key_vault',
            'use lower-case letters, digits and single inner dashes, with "/" between parts and at most '
            f"{LONGEST_NAME} characters in the secret's name",
        )
    return name


def _check(settings: Mapping[str, Any]) -> None:
    unknown = ", ".join(sorted(str(name) for name in settings.keys() - SETTINGS))
    if unknown:
        raise InvalidOptions(
            f"azure_key_vault has no setting {unknown}", f"use only {', '.join(sorted(SETTINGS))}"
        )
    wrong = ", ".join(sorted(name for name, value in settings.items() if not isinstance(value, str)))
    if wrong:
        raise InvalidOptions(f"settings of azure_key_vault are not strings: {wrong}", "set them to strings")
    missing = ", ".join(name for name in ACCOUNT if not settings.get(name))
    if missing and any(settings.get(name) for name in (*ACCOUNT, "authority")):
        raise InvalidOptions(
            f"the service principal of azure_key_vault lacks {missing}",
            f"set {', '.join(ACCOUNT)} together, or none of them and no authority to use "
            "DefaultAzureCredential",
        )
    path = settings.get("ca_path")
    if path and not Path(path).is_file():
        raise InvalidOptions(
            f"the ca_path of azure_key_vault is not a file: {path}",
            "set the path of a CA file",
        )


def _url(settings: Mapping[str, Any]) -> str:
    url = settings.get("url") or os.environ.get(URL_VARIABLE, "")
    if not URL.fullmatch(url):
        raise InvalidOptions(
            "the URL of azure_key_vault is not the address of a vault"
            if url
            else "azure_key_vault has no URL",
            f"set url or {URL_VARIABLE} to an address such as https://NAME.vault.azure.net",
        )
    return str(url).rstrip("/")


def _connection(settings: Mapping[str, Any]) -> dict[str, Any]:
    bounds = {"connection_timeout": CONNECT_SECONDS, "read_timeout": READ_SECONDS}
    return {**bounds, "connection_verify": settings["ca_path"]} if settings.get("ca_path") else bounds


def _retries() -> RetryPolicy[Any, Any]:
    """Retry as the library does, but limit the pause: a server can ask for an hour."""

    class Bounded(RetryPolicy[Any, Any]):
        def get_retry_after(self, response: Any) -> Any:
            asked = super().get_retry_after(response)
            return asked and min(asked, LONGEST_PAUSE_SECONDS)

    return Bounded(retry_total=RETRIES, retry_backoff_factor=BACKOFF_SECONDS, timeout=TOTAL_SECONDS)


def _credential(settings: Mapping[str, Any]) -> Any:
    """Return the library's credential. It logs in on the first request."""
    # With status retries, the library would wait for any Retry-After of the login service.
    retries = {"retry_total": RETRIES, "retry_status": 0, "retry_backoff_factor": BACKOFF_SECONDS}
    options = {**_connection(settings), **retries}
    try:
        if not settings.get("client_id"):
            return DefaultAzureCredential(**options)
        if settings.get("authority"):
            # An explicit authority is trusted. Discovery would ask the public one, which may be unreachable.
            options |= {"authority": settings["authority"], "disable_instance_discovery": True}
        return ClientSecretCredential(**{name: settings[name] for name in ACCOUNT}, **options)
    except ValueError:
        raise InvalidOptions(
            "the account settings of azure_key_vault are invalid",
            "check tenant_id, authority and the AZURE_* variables",
        ) from None


def _vault_secret(secret: Any) -> VaultSecret:
    text, version = secret.value, secret.properties.version
    if not isinstance(text, str) or not version:
        raise ValueError("neither value nor version")
    return VaultSecret(text, version, dict(secret.properties.tags or {}))


def _reason(error: Exception) -> Reason:
    """Return the cause and the remedy without the error's own text, which can quote the value."""
    if isinstance(error, ClientAuthenticationError):
        code = LOGIN_ERROR_CODE.search(str(error))
        return f"the login was refused ({code[0]})" if code else "the login was refused", LOGIN
    if isinstance(error, HttpResponseError) and (status := _status(error)):
        return _refusal(status, _codes(error))
    if isinstance(error, ServiceRequestError):
        if isinstance(error.inner_exception, SSLError):
            return (
                "its certificate is not trusted",
                "check the url, and set ca_path if a proxy inspects the connection",
            )
        return "it cannot be reached", "check the url, the name resolution and the proxy"
    if isinstance(error, ServiceResponseError):
        why = f"no complete answer arrived within {READ_SECONDS} seconds"
        return why, "check the network and run again"
    return f"the answer is not that of a Key Vault ({type(error).__name__})", "check the url"


def _status(error: Exception) -> int | None:
    """Return the HTTP status of a refusal, None for any other error."""
    status = error.status_code if isinstance(error, HttpResponseError) else None
    return status if status and status >= 400 else None


def _refusal(status: int, codes: list[str]) -> Reason:
    shown = " ".join(codes) or f"HTTP {status}"
    if "SecretDisabled" in codes:
        return "it is disabled", "enable it and run again"
    if any(code.startswith("ObjectIs") for code in codes):
        return BLOCKED, UNBLOCK
    if status == 403:
        return f"the vault denied the request ({shown})", PERMIT
    if status == 429:
        return "the vault received too many requests", "run again later, or on fewer hosts at a time"
    if status >= 500:
        return f"the vault reported an error ({shown})", "run again later"
    return f"the vault refused the request ({shown})", "check the url and the vault's log"


def _codes(error: HttpResponseError) -> list[str]:
    """Return the vault's error code and its inner, more exact code, if they are plain words."""
    inner = getattr(error.error, "innererror", None)
    codes = [getattr(error.error, "code", None), inner.get("code") if isinstance(inner, dict) else None]
    return [code for code in codes if isinstance(code, str) and ERROR_CODE.fullmatch(code)]
