# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One secret of an Azure Key Vault for each record, as JSON text."""

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

from ....module_utils._engine.errors import InvalidOptions, Overtaken, SecretStoreError

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

# One call may take all of these together. A freshly minted key waits in memory for its write, hence retries.
CONNECT_SECONDS = 10
READ_SECONDS = 20
TOTAL_SECONDS = 60
RETRIES = 3
BACKOFF_SECONDS = 0.8
LONGEST_PAUSE_SECONDS = 10

BLOCKED = (
    "its name is held by a deleted secret: purge that, or recover it, which brings its old value back, "
    "with az keyvault secret purge or recover, and run again"
)
FORBIDDEN = (
    "check that this identity may get, set and delete secrets, as a Key Vault Secrets Officer may, and that "
    "the vault's firewall lets this machine in"
)
LOGIN = (
    "the login was not accepted: check client_id, client_secret and tenant_id, or the AZURE_* variables, and "
    "that the login service can be reached"
)


class VaultSecret(NamedTuple):
    """What the vault holds under a name: the text, its version, and tags that an operator may have set."""

    text: str
    version: str
    tags: dict[str, str]


class AzureKeyVault:
    """The secret of a Key Vault that LOCATION names; its version is that of the vault.

    A Key Vault has no compare-and-set: between the last look and the write another may write, too.
    """

    compare_and_set = False

    def __init__(self, location: str, settings: Mapping[str, Any], loader: DataLoader) -> None:
        """Take a location such as host/name; see `_name` for the secret's name. Raises InvalidOptions.

        The settings are url, or the variable AZURE_KEY_VAULT_URL; ca_path, the authorities to trust in
        place of the public ones; and client_id, client_secret and tenant_id of a service principal, with
        authority where the login service is not the public one. Without a service principal it is
        DefaultAzureCredential that finds out who this is.
        """
        if AZURE_IMPORT_ERROR is not None:
            raise InvalidOptions(missing_required_lib(LIBRARIES, reason="for azure_key_vault"))
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
        """Name the secret for messages."""
        return f"the secret {self.name} in {self.url}"

    def read(self) -> tuple[dict[str, Any] | None, str | None]:
        """Return the record and its version."""
        current = self._current()
        return (None, None) if current is None else (self._record(current.text), current.version)

    def write(self, record: dict[str, Any], expected: str | None) -> str:
        """Add a version with the record, unless someone else did since; make sure that it is the current."""
        current = self._expected(expected)
        text = json.dumps(record, sort_keys=True)
        with self._failing_plainly("written"):
            written = self.client.set_secret(
                self.name, text, content_type="application/json", tags=current.tags if current else None
            )
            version = str(written.properties.version)
        self._confirm(text, version, expected)
        return version

    def delete(self, expected: str | None) -> None:
        """Add an empty version, unless someone else wrote since.

        Deleting would block the name until an operator purges it. Older versions stay readable in the vault
        either way, to whoever may read it.
        """
        if self._expected(expected) is not None:
            self.write({}, expected)

    def _current(self) -> VaultSecret | None:
        current: VaultSecret | None = self._found(self.client.get_secret, _taken)
        # A deleted name cannot be written: whoever took it for a free one would mint a key and lose it.
        if current is None and self._found(self.client.get_deleted_secret, bool):
            raise SecretStoreError(f"{self} cannot be read: {BLOCKED}")
        return current

    def _found(self, get: Callable[[str], Any], take: Callable[[Any], Any]) -> Any:
        """Return what the vault answers, None only if it says clearly that there is no such secret."""
        with self._failing_plainly("read"):
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
            raise SecretStoreError(f'{self} does not hold a JSON object, such as {{"value": "..."}}')
        return record

    def _expected(self, expected: str | None) -> VaultSecret | None:
        """Return what is there now, which must still be the expected version."""
        current = self._current()
        if (current.version if current else None) != expected:
            raise self._overtaken()
        return current

    def _confirm(self, text: str, version: str, expected: str | None) -> None:
        """Make sure that the current version is the one just written."""
        current = self._current()
        if current is not None and current.version not in (version, expected):
            raise self._overtaken()
        if current is None or (current.text, current.version) != (text, version):
            raise SecretStoreError(
                f"{self} was written, as the vault says, but holds something else: see the vault's log"
            )

    def _overtaken(self) -> Overtaken:
        return Overtaken(f"{self} was changed by someone else meanwhile: run again")

    @contextmanager
    def _failing_plainly(self, doing: str) -> Iterator[None]:
        try:
            yield
        # Whatever it is: the texts of exceptions may quote the value, and a traceback would show them.
        except Exception as error:
            reason = f"{self} cannot be {doing}: {_reason(error)}"
            raise SecretStoreError(reason, status=_status(error)) from None


def _silence() -> None:
    """Keep the libraries from logging: they warn of failed logins with all that the other side said."""
    for library in ("azure", "msal"):
        logging.getLogger(library).setLevel(logging.CRITICAL)


def _name(location: str) -> str:
    """Return the name of the secret: the location's parts, joined by two dashes.

    Key Vault names are letters, digits and dashes, and upper and lower case are the same to it. Parts of
    lower-case letters, digits and single dashes inside make sure that no two locations share a name.
    """
    name = location.replace("/", "--")
    if not LOCATION.fullmatch(location) or len(name) > LONGEST_NAME:
        raise InvalidOptions(
            "azure_key_vault needs a location of lower-case letters and digits, with single dashes inside "
            f'and "/" between parts, that makes a name of at most {LONGEST_NAME} characters, not "{location}"'
        )
    return name


def _check(settings: Mapping[str, Any]) -> None:
    unknown = ", ".join(sorted(str(name) for name in settings.keys() - SETTINGS))
    if unknown:
        raise InvalidOptions(
            f"azure_key_vault has the settings {', '.join(sorted(SETTINGS))}, and not {unknown}"
        )
    wrong = ", ".join(sorted(name for name, value in settings.items() if not isinstance(value, str)))
    if wrong:
        raise InvalidOptions(f"the settings of azure_key_vault are texts, which these are not: {wrong}")
    missing = ", ".join(name for name in ACCOUNT if not settings.get(name))
    if missing and any(settings.get(name) for name in (*ACCOUNT, "authority")):
        raise InvalidOptions(
            f"azure_key_vault needs {', '.join(ACCOUNT)} together, or none of them and no authority for "
            f"DefaultAzureCredential; missing: {missing}"
        )
    path = settings.get("ca_path")
    if path and not Path(path).is_file():
        raise InvalidOptions(f"the ca_path of azure_key_vault is no file: {path}")


def _url(settings: Mapping[str, Any]) -> str:
    url = settings.get("url") or os.environ.get(URL_VARIABLE, "")
    if not URL.fullmatch(url):
        raise InvalidOptions(
            "azure_key_vault needs the url of the vault, https://NAME.vault.azure.net, in its settings or in "
            f'{URL_VARIABLE}, not "{url}"'
        )
    return str(url).rstrip("/")


def _connection(settings: Mapping[str, Any]) -> dict[str, Any]:
    bounds = {"connection_timeout": CONNECT_SECONDS, "read_timeout": READ_SECONDS}
    return {**bounds, "connection_verify": settings["ca_path"]} if settings.get("ca_path") else bounds


def _retries() -> RetryPolicy[Any, Any]:
    """Retry as the library does, but never pause for as long as a server likes: it may ask for an hour."""

    class Bounded(RetryPolicy[Any, Any]):
        def get_retry_after(self, response: Any) -> Any:
            asked = super().get_retry_after(response)
            return asked and min(asked, LONGEST_PAUSE_SECONDS)

    return Bounded(retry_total=RETRIES, retry_backoff_factor=BACKOFF_SECONDS, timeout=TOTAL_SECONDS)


def _credential(settings: Mapping[str, Any]) -> Any:
    """Return what logs in; nothing is sent yet."""
    # Without retry_status, a Retry-After of the login service would be obeyed, however long it is.
    retries = {"retry_total": RETRIES, "retry_status": 0, "retry_backoff_factor": BACKOFF_SECONDS}
    options = {**_connection(settings), **retries}
    try:
        if not settings.get("client_id"):
            return DefaultAzureCredential(**options)
        if settings.get("authority"):
            # Who names a login service trusts it; to ask the public one about it fails where that is away.
            options |= {"authority": settings["authority"], "disable_instance_discovery": True}
        return ClientSecretCredential(**{name: settings[name] for name in ACCOUNT}, **options)
    except ValueError:
        raise InvalidOptions(
            "azure_key_vault cannot log in like this: check tenant_id, authority and the AZURE_* variables"
        ) from None


def _taken(secret: Any) -> VaultSecret:
    text, version = secret.value, secret.properties.version
    if not isinstance(text, str) or not version:
        raise ValueError("neither value nor version")
    return VaultSecret(text, version, dict(secret.properties.tags or {}))


def _reason(error: Exception) -> str:
    """Say in one sentence what went wrong and what to do, without the error's own text."""
    if isinstance(error, ClientAuthenticationError):
        code = LOGIN_ERROR_CODE.search(str(error))
        return f"{LOGIN} ({code[0]})" if code else LOGIN
    if isinstance(error, HttpResponseError) and (status := _status(error)):
        return _answered(status, _codes(error))
    if isinstance(error, ServiceRequestError):
        if isinstance(error.inner_exception, SSLError):
            return (
                "its certificate is not trusted: check the url, and ca_path if a proxy opens the connection"
            )
        return "it cannot be reached: check the url, the name resolution and the proxy"
    if isinstance(error, ServiceResponseError):
        return f"there was no whole answer within {READ_SECONDS} seconds: check the network and run again"
    return f"the answer is not that of a Key Vault ({type(error).__name__}): check the url"


def _status(error: Exception) -> int | None:
    """Return the HTTP status of a refusal; an answer that cannot be read has another one, or none."""
    status = error.status_code if isinstance(error, HttpResponseError) else None
    return status if status and status >= 400 else None


def _answered(status: int, codes: list[str]) -> str:
    said = " ".join(codes) or f"HTTP {status}"
    if "SecretDisabled" in codes:
        return "it is disabled: enable it and run again"
    if any(code.startswith("ObjectIs") for code in codes):
        return BLOCKED
    if status == 403:
        return f"the vault does not permit it ({said}): {FORBIDDEN}"
    if status == 429:
        return "the vault has had too many requests: run again later, or on fewer hosts at a time"
    if status >= 500:
        return f"the vault is not well ({said}): run again later"
    return f"the vault refused it ({said}): check the url and what the vault's log says"


def _codes(error: HttpResponseError) -> list[str]:
    """Return the vault's error code and the more exact one inside, as far as they are plain words."""
    inner = getattr(error.error, "innererror", None)
    codes = [getattr(error.error, "code", None), inner.get("code") if isinstance(inner, dict) else None]
    return [code for code in codes if isinstance(code, str) and ERROR_CODE.fullmatch(code)]
