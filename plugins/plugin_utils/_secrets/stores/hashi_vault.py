# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Secrets in a KV version 2 secrets engine of HashiCorp Vault or OpenBao."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NoReturn

from ansible.module_utils.basic import missing_required_lib
from ansible.parsing.dataloader import DataLoader

from ....module_utils._engine.errors import InvalidOptions, Overtaken, SecretStoreError
from ....module_utils._wire.https import base_url
from ....module_utils._wire.tls import trust

try:
    import hvac
    import requests
except ImportError:
    HAS_HVAC = False
else:
    HAS_HVAC = True

ENVIRONMENT = {
    "url": "VAULT_ADDR",
    "token": "VAULT_TOKEN",
    "role_id": "VAULT_ROLE_ID",
    "secret_id": "VAULT_SECRET_ID",
    "namespace": "VAULT_NAMESPACE",
    "ca_path": "VAULT_CACERT",
}
"""The environment variable that is the default of each setting."""

SETTINGS = (*ENVIRONMENT, "mount", "timeout")
TIMEOUT_SECONDS = 30
MEANINGS = {
    429: ("received too many requests", "run again later"),
    503: ("is sealed or in maintenance", "unseal it and run again"),
}
"""What each HTTP status means, and the remedy."""
BROKEN = ("reported an error", "check its log, and run again once it works")
ODD = ("did not accept the request", "check its log")
REDIRECTED = (
    "redirects, which is not followed so that the token reaches no other server",
    "set url to the address of the active node",
)
NO_HVAC = "install hvac for the Python that runs Ansible"
CHECK_VAULT = "check that url is the address of Vault"
CHANGES = ("write", "delete")
CAS_MISMATCH = "check-and-set parameter did not match the current version"


class HashiVault:
    """The latest version of the secret MOUNT/PATH. Its version is Vault's version number.

    The token needs "create", "update" and "read" on MOUNT/data/PATH, and "delete" on MOUNT/metadata/PATH.
    The token of an AppRole login is not revoked, because it may be a batch token. It expires with its TTL.
    """

    compare_and_set = True

    def __init__(self, location: str, settings: Mapping[str, Any], loader: DataLoader) -> None:
        """``location`` is MOUNT/PATH with a mount of one segment, or PATH if the setting ``mount`` is set.

        Raises InvalidOptions. The first request is sent by the first method call.
        """
        if not HAS_HVAC:
            raise InvalidOptions(
                missing_required_lib("hvac", reason="to keep secrets in HashiCorp Vault"), NO_HVAC
            )
        given = _given(settings)
        self.mount, self.path = _place(location, given.get("mount"))
        self.url = _url(given)
        self.timeout = _timeout(given.get("timeout"))
        self._account = _account(given)
        self._login_failure: SecretStoreError | None = None
        self._client = hvac.Client(
            url=self.url,
            token=self._account.get("token", ""),
            namespace=_header("namespace", _with_environment(given, "namespace")),
            verify=trust(True, _with_environment(given, "ca_path")),
            timeout=self.timeout,
            allow_redirects=False,
            adapter=hvac.adapters.RawAdapter,
            ignore_exceptions=True,
        )

    def read(self) -> tuple[dict[str, Any] | None, str | None]:
        """Return the record and its version. A deleted record has a version, which the next write needs."""
        answer = self._ask(
            "read",
            lambda kv: kv.read_secret_version(
                self.path, mount_point=self.mount, raise_on_deleted_version=True
            ),
        )
        if answer.status_code == 404:
            return None, self._version_of_nothing(answer)
        data = self._data(answer, "read")
        record, version = data.get("data"), _number(data.get("metadata"))
        if not isinstance(record, dict) or version is None:
            self._fail_as_no_kv2(answer)
        return record, version

    def write(self, record: dict[str, Any], expected: str | None) -> str:
        """Write a new version. Raises Overtaken."""
        answer = self._ask(
            "write",
            lambda kv: kv.create_or_update_secret(
                self.path, record, cas=int(expected or 0), mount_point=self.mount
            ),
        )
        if answer.status_code == 400 and CAS_MISMATCH in str(_body(answer).get("errors")):
            self._fail_as_overtaken()
        version = _number(self._data(answer, "write"))
        if version is None:
            self._fail_as_no_kv2(answer)
        return version

    def delete(self, expected: str | None) -> None:
        """Remove all versions and their metadata. Raises Overtaken.

        Vault removes without comparing. So the record is first written again by check-and-set: a writer that
        read it before can then no longer write, and if the removal fails, the record is still complete.
        """
        record, version = self.read()
        if version != expected:
            self._fail_as_overtaken()
        if version is None:
            return
        if record is not None:
            self.write(record, version)
        answer = self._ask(
            "delete", lambda kv: kv.delete_metadata_and_all_versions(self.path, mount_point=self.mount)
        )
        if answer.status_code != 204:
            self._fail(answer, "delete")

    def _ask(self, verb: str, send: Callable[[Any], Any]) -> requests.Response:
        """Send one request to the secrets engine, after logging in."""
        self._log_in()
        with self._store_errors(verb):
            answer: requests.Response = send(self._client.secrets.kv.v2)
            return answer

    def _log_in(self) -> None:
        """Log in if there is no token. A failed login is not retried: a secret ID may be valid only once."""
        if self._login_failure is not None:
            raise self._login_failure
        if not self._client.token:
            try:
                self._client.token = self._fresh_token()
            except SecretStoreError as error:
                self._login_failure = error
                raise

    def _fresh_token(self) -> str:
        with self._store_errors("log in"):
            answer = self._client.auth.approle.login(**self._account, use_token=False)
        if answer.status_code in (400, 401, 403, 404):
            raise SecretStoreError(
                f"{self.url} refused the AppRole login",
                "check that AppRole is enabled at auth/approle, and that role_id and secret_id are valid, "
                "not used up, and allowed from this address",
                status=answer.status_code,
            )
        if answer.status_code != 200:
            self._fail(answer, "log in")
        auth = _body(answer).get("auth")
        token = auth.get("client_token") if isinstance(auth, dict) else None
        if not isinstance(token, str) or not token:
            raise SecretStoreError(f"{self.url} answered the login without a token", CHECK_VAULT)
        return token

    def _version_of_nothing(self, answer: requests.Response) -> str | None:
        """Return the version of a deleted record, None if none was ever written.

        Any other 404 is an error: a missing mount, another engine and a proxy answer 404 too.
        """
        body = _body(answer)
        data = body.get("data")
        if body.get("errors") == [] and not data:
            return None
        metadata: Any = data.get("metadata") if isinstance(data, dict) else None
        version = _number(metadata)
        if version is None or not (metadata.get("deletion_time") or metadata.get("destroyed")):
            self._fail_as_no_kv2(answer)
        return version

    def _data(self, answer: requests.Response, verb: str) -> dict[str, Any]:
        """Return the data of a successful answer, and raise SecretStoreError for any other."""
        if answer.status_code not in (200, 204):
            self._fail(answer, verb)
        data = _body(answer).get("data")
        return data if isinstance(data, dict) else {}

    @contextmanager
    def _store_errors(self, verb: str) -> Iterator[None]:
        """Raise connection errors without the libraries' messages, which can quote the request."""
        doubt = ", and it is unknown whether Vault carried out the request" if verb in CHANGES else ""
        try:
            yield
        except requests.exceptions.SSLError:
            why = f"the TLS certificate of {self.url} is not trusted"
            remedy = (
                "set ca_path or VAULT_CACERT to the file of the CA that signed it, and check that the "
                "certificate is for the host in url"
            )
        except requests.Timeout:
            why = f"{self.url} did not answer within {self.timeout:g} s{doubt}"
            remedy = "check the address and the network, and run again"
        except (requests.RequestException, OSError):
            why = f"the connection to {self.url} failed{doubt}"
            remedy = "check that Vault runs and is reachable, and run again"
        else:
            return
        raise SecretStoreError(why, remedy) from None

    def _fail(self, answer: requests.Response, verb: str) -> NoReturn:
        """Raise the meaning of an error status. Vault's own text is not quoted: it can repeat the request."""
        status = answer.status_code
        if status == 404:
            self._fail_as_no_kv2(answer)
        if status in (401, 403):
            part = "metadata" if verb == "delete" else "data"
            meaning = "denied the request"
            remedy = f"use a valid token whose policies allow {verb} on {self.mount}/{part}/{self.path}"
        elif 300 <= status < 400:
            meaning, remedy = REDIRECTED
        else:
            meaning, remedy = MEANINGS.get(status, BROKEN if status >= 500 else ODD)
        raise SecretStoreError(f"{self.url} {meaning}", remedy, status=status)

    def _fail_as_no_kv2(self, answer: requests.Response) -> NoReturn:
        raise SecretStoreError(
            f"{self.url} did not answer like a KV version 2 secrets engine",
            f'check that one is mounted at "{self.mount}" in this namespace',
            status=answer.status_code,
        )

    def _fail_as_overtaken(self) -> NoReturn:
        raise Overtaken(f"{self.mount}/{self.path} was changed after this run read it", "run again")


def _given(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that have a value."""
    known = ", ".join(sorted(SETTINGS))
    if not isinstance(settings, Mapping):
        raise InvalidOptions("the settings of hashi_vault are not a mapping", f"use a mapping of {known}")
    unknown = sorted(str(name) for name in set(settings) - set(SETTINGS))
    if unknown:
        raise InvalidOptions(f'hashi_vault has no setting "{unknown[0]}"', f"use only {known}")
    given = {name: value for name, value in settings.items() if value not in (None, "")}
    for name, value in given.items():
        if name != "timeout" and not isinstance(value, str):
            raise InvalidOptions(f"the setting {name} of hashi_vault is not a text", f"set {name} to a text")
    return given


def _with_environment(given: Mapping[str, str], name: str) -> str | None:
    return given.get(name) or os.environ.get(ENVIRONMENT[name]) or None


def _place(location: str, mount: str | None) -> tuple[str, str]:
    """Return the mount and the path within it."""
    found, path = (mount.strip("/"), location) if mount else location.partition("/")[::2]
    segments = f"{found}/{path}".split("/")
    if not all(each.isprintable() and each not in ("", ".", "..") for each in segments):
        form = f"PATH below the mount {found}" if mount else "MOUNT/PATH"
        raise InvalidOptions(
            f'"{location}" is not a location of hashi_vault',
            f'use {form}, without empty segments, "." and ".."',
        )
    return found, path


def _url(given: Mapping[str, str]) -> str:
    url = _with_environment(given, "url")
    if url is None:
        raise InvalidOptions("hashi_vault has no address of Vault", "set url or VAULT_ADDR")
    try:
        return base_url(url)
    except InvalidOptions as error:
        raise InvalidOptions(
            f"the address of Vault, set by url or VAULT_ADDR: {error.why}", error.remedy
        ) from None


def _timeout(value: Any) -> float:
    try:
        seconds = TIMEOUT_SECONDS if value is None else float(value)
    except (TypeError, ValueError):
        seconds = 0
    if isinstance(value, bool) or not 0 < seconds < math.inf:
        raise InvalidOptions(
            f"the setting timeout of hashi_vault is {value!r}", "set timeout to a number of seconds above 0"
        )
    return seconds


def _account(given: Mapping[str, str]) -> dict[str, str]:
    """Return a token, or a role ID and a secret ID. Settings override environment variables."""
    by_role = "role_id" in given or "secret_id" in given
    if by_role and "token" in given:
        raise InvalidOptions(
            "hashi_vault has both a token and an AppRole", "set either token, or role_id and secret_id"
        )
    token = None if by_role else _header("token", _with_environment(given, "token"))
    if token:
        return {"token": token}
    account = {name: _with_environment(given, name) for name in ("role_id", "secret_id")}
    found = {name: value for name, value in account.items() if value}
    if len(found) < 2:
        raise InvalidOptions(
            "hashi_vault has no credentials",
            "set token, or role_id and secret_id, or VAULT_TOKEN, or VAULT_ROLE_ID and VAULT_SECRET_ID",
        )
    return found


def _header(name: str, value: str | None) -> str | None:
    """Return a value that is valid in an HTTP header."""
    if value and not (value.isascii() and value.isprintable() and " " not in value):
        raise InvalidOptions(
            f"the {name} of hashi_vault has characters that an HTTP header cannot contain",
            f"set {name} or {ENVIRONMENT[name]} to printable ASCII without spaces and line breaks",
        )
    return value


def _body(answer: requests.Response) -> dict[str, Any]:
    """Return the JSON object of an answer, or an empty one."""
    try:
        body = answer.json()
    except ValueError:
        body = None
    return body if isinstance(body, dict) else {}


def _number(metadata: Any) -> str | None:
    """Return the version in the metadata, None if there is none."""
    version = metadata.get("version") if isinstance(metadata, dict) else None
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        return None
    return str(version)
