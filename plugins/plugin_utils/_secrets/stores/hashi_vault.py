# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Secrets in HashiCorp Vault or OpenBao, in a KV version 2 secrets engine."""

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
"""The settings that fall back to an environment variable."""

SETTINGS = (*ENVIRONMENT, "mount", "timeout")
TIMEOUT_SECONDS = 30
MEANINGS = {
    429: "has had too many requests: run again later",
    503: "is sealed or in maintenance: unseal it and run again",
}
BROKEN = "could not answer: look into its log, and run again when it is well"
ODD = "did not accept the request: look into its log"
REDIRECTED = (
    "redirects, which is not followed because the token would go along: set url to the address of the active "
    "node"
)
CAS_MISMATCH = "check-and-set parameter did not match the current version"


class HashiVault:
    """The latest version of the secret MOUNT/PATH; its version is the number that Vault gives it.

    The token needs "create", "update" and "read" on MOUNT/data/PATH, and "delete" on MOUNT/metadata/PATH.
    One of an AppRole login is not revoked, for it may be a batch token: it ends with its own, short, TTL.
    """

    compare_and_set = True

    def __init__(self, location: str, settings: Mapping[str, Any], loader: DataLoader) -> None:
        """Take MOUNT/PATH, whose first segment is the mount, or the PATH alone if a setting names the mount.

        Raises InvalidOptions for what cannot be right. Nothing is sent before the first method is called.
        """
        if not HAS_HVAC:
            raise InvalidOptions(missing_required_lib("hvac", reason="to keep secrets in HashiCorp Vault"))
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
        """Return the record and its version; of a deleted one the version alone, which the next follows."""
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
        """Write a new version, unless someone else wrote since."""
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
        """Remove all versions and what Vault notes about them, unless someone else wrote since.

        Vault removes without comparing. So the record is first written once more, by check-and-set: who read
        it before can then no longer write, and if the removal fails, nothing is lost.
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
        with self._failing_plainly(verb):
            answer: requests.Response = send(self._client.secrets.kv.v2)
            return answer

    def _log_in(self) -> None:
        """Have a token. A login that failed is not tried again: a secret ID may be good for one use only."""
        if self._login_failure is not None:
            raise self._login_failure
        if not self._client.token:
            try:
                self._client.token = self._fresh_token()
            except SecretStoreError as error:
                self._login_failure = error
                raise

    def _fresh_token(self) -> str:
        with self._failing_plainly("log in"):
            answer = self._client.auth.approle.login(**self._account, use_token=False)
        if answer.status_code in (400, 401, 403, 404):
            raise SecretStoreError(
                f"{self.url} refused the AppRole login: check that AppRole is enabled at auth/approle, and "
                "that role_id and secret_id are valid, not used up, and allowed from this address",
                status=answer.status_code,
            )
        if answer.status_code != 200:
            self._fail(answer, "log in")
        auth = _body(answer).get("auth")
        token = auth.get("client_token") if isinstance(auth, dict) else None
        if not isinstance(token, str) or not token:
            raise SecretStoreError(f"{self.url} answered the login without a token: check that it is Vault")
        return token

    def _version_of_nothing(self, answer: requests.Response) -> str | None:
        """Return the version of a deleted record, None where none was ever written.

        Fails for any other 404: a missing mount, another engine and a stray proxy have theirs too.
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
        """Return what a good answer holds."""
        if answer.status_code not in (200, 204):
            self._fail(answer, verb)
        data = _body(answer).get("data")
        return data if isinstance(data, dict) else {}

    @contextmanager
    def _failing_plainly(self, verb: str) -> Iterator[None]:
        """Say why there is no answer, without the libraries' messages, which may quote what was sent."""
        doubt = "; whether it was carried out is not known" if verb in ("write", "delete") else ""
        try:
            yield
        except requests.exceptions.SSLError:
            reason = (
                f"the TLS certificate of {self.url} is not trusted: name the file of the CA that signed it "
                "in ca_path or VAULT_CACERT, and check that url has the name it was made for"
            )
        except requests.Timeout:
            reason = (
                f"no answer from {self.url} within {self.timeout:g} s{doubt}: check the address and the "
                "network, and run again"
            )
        except (requests.RequestException, OSError):
            reason = (
                f"no connection to {self.url}, or it broke{doubt}: check that Vault runs and can be reached, "
                "and run again"
            )
        else:
            return
        raise SecretStoreError(reason) from None

    def _fail(self, answer: requests.Response, verb: str) -> NoReturn:
        """Say what an answer that is not a good one means. What Vault itself says may quote what was sent."""
        status = answer.status_code
        if status == 404:
            self._fail_as_no_kv2(answer)
        if status in (401, 403):
            part = "metadata" if verb == "delete" else "data"
            meaning = (
                "denied it: give a token that is valid and whose policies allow to "
                f"{verb} {self.mount}/{part}/{self.path}"
            )
        elif 300 <= status < 400:
            meaning = REDIRECTED
        else:
            meaning = MEANINGS.get(status, BROKEN if status >= 500 else ODD)
        raise SecretStoreError(f"{self.url} {meaning}", status=status)

    def _fail_as_no_kv2(self, answer: requests.Response) -> NoReturn:
        raise SecretStoreError(
            f"{self.url} did not answer as a KV version 2 secrets engine does: check that one is mounted at "
            f'"{self.mount}", in this namespace',
            status=answer.status_code,
        )

    def _fail_as_overtaken(self) -> NoReturn:
        raise Overtaken(f"{self.mount}/{self.path} was changed by someone else meanwhile: run again")


def _given(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that have a value."""
    if not isinstance(settings, Mapping):
        raise InvalidOptions("the settings of hashi_vault must be a dictionary")
    unknown = sorted(str(name) for name in set(settings) - set(SETTINGS))
    if unknown:
        known = ", ".join(sorted(SETTINGS))
        raise InvalidOptions(f'hashi_vault has no setting "{unknown[0]}", only {known}')
    given = {name: value for name, value in settings.items() if value not in (None, "")}
    for name, value in given.items():
        if name != "timeout" and not isinstance(value, str):
            raise InvalidOptions(f"the setting {name} of hashi_vault must be a string")
    return given


def _with_environment(given: Mapping[str, str], name: str) -> str | None:
    return given.get(name) or os.environ.get(ENVIRONMENT[name]) or None


def _place(location: str, mount: str | None) -> tuple[str, str]:
    """Return the mount and the path within it."""
    found, path = (mount.strip("/"), location) if mount else location.partition("/")[::2]
    segments = f"{found}/{path}".split("/")
    if not all(each.isprintable() and each not in ("", ".", "..") for each in segments):
        form = "PATH below the mount that is set" if mount else "MOUNT/PATH"
        raise InvalidOptions(
            f'hashi_vault needs {form}, without empty segments, "." and "..", not "{location}"'
        )
    return found, path


def _url(given: Mapping[str, str]) -> str:
    url = _with_environment(given, "url")
    if url is None:
        raise InvalidOptions("hashi_vault needs the address of Vault: set url or VAULT_ADDR")
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
        raise InvalidOptions("the setting timeout of hashi_vault must be a number of seconds above 0")
    return seconds


def _account(given: Mapping[str, str]) -> dict[str, str]:
    """Return a token, or a role ID and a secret ID. What is set counts before what the environment has."""
    by_role = "role_id" in given or "secret_id" in given
    if by_role and "token" in given:
        raise InvalidOptions("hashi_vault takes either token, or role_id and secret_id, but not both")
    token = None if by_role else _header("token", _with_environment(given, "token"))
    if token:
        return {"token": token}
    account = {name: _with_environment(given, name) for name in ("role_id", "secret_id")}
    found = {name: value for name, value in account.items() if value}
    if len(found) < 2:
        raise InvalidOptions(
            "hashi_vault needs a token, or a role_id and a secret_id: set them, or VAULT_TOKEN, or "
            "VAULT_ROLE_ID and VAULT_SECRET_ID"
        )
    return found


def _header(name: str, value: str | None) -> str | None:
    """Return a value that can go into an HTTP header."""
    if value and not (value.isascii() and value.isprintable() and " " not in value):
        raise InvalidOptions(
            f"the {name} of hashi_vault, or {ENVIRONMENT[name]}, must be printable ASCII without spaces and "
            "line breaks"
        )
    return value


def _body(answer: requests.Response) -> dict[str, Any]:
    """Return the JSON object of an answer, an empty one if it holds none."""
    try:
        body = answer.json()
    except ValueError:
        body = None
    return body if isinstance(body, dict) else {}


def _number(metadata: Any) -> str | None:
    """Return the version that metadata names, None if they name none."""
    version = metadata.get("version") if isinstance(metadata, dict) else None
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        return None
    return str(version)
