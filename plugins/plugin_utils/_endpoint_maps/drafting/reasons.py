# Copyright (c) 2026, the otsec.defender_iot authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a draft may lack: each reason with what to do about it.

The tutorial has a table of them, which a test keeps complete.
"""

from __future__ import annotations

from dataclasses import dataclass

from ....module_utils._wire.places import DECODERS

RECORD_AGAIN = "open a private window, start recording, sign in, and do all the steps again"


@dataclass(frozen=True)
class Reason:
    """Why a part of a map is missing, with places for what it is about, and the remedy."""

    says: str
    remedy: str

    def sentence(self, part: str, **about: str) -> str:
        """Return the line about a part of a map."""
        return f"{part}: {self.says.format(**about)}; {self.remedy}"


REASONS = {
    "no_login": Reason(
        "no request sends the password as you typed it",
        f"{RECORD_AGAIN}; if the page sends the password in another form, such as a hash, a map cannot "
        "sign in",
    ),
    "other_scheme": Reason(
        "{request} signs in by {scheme}, which a map cannot repeat",
        "if the appliance has a page to sign in with user name and password, record again with it; otherwise "
        "keep this manual",
    ),
    "password_change": Reason(
        "{request} changes the password, so the sign-in before it used another one",
        "sign out, then sign in with the new password and record again",
    ),
    "other_host": Reason(
        "the password was sent to {host}, which is single sign-on",
        "a map cannot repeat it: sign in with a local account of the appliance and record again",
    ),
    "other_port": Reason(
        "the password was sent to {host}, but all other requests to {address}",
        "a map has one address: sign in on the page of that address and record again, or keep this manual",
    ),
    "signed_in_before": Reason("the session began before the recording", RECORD_AGAIN),
    "sanitized": Reason(
        "the browser left cookies and credentials out of the recording",
        "in the developer tools, enable Settings > Preferences > Network > Allow to generate HAR with "
        "sensitive data, record again, and save with Export HAR (with sensitive data)",
    ),
    "no_session": Reason(
        "{request} sends no session value from an answer of the sign-in",
        f"{RECORD_AGAIN}; if that changes nothing, a script makes the session, which a map cannot repeat",
    ),
    "unknown_value": Reason(
        "{request} sends {field}, which neither you typed nor an answer gave, and which is left out",
        "if it is a one-time code, use an account that needs none; a map cannot send it, so try without it, "
        "and if the appliance refuses that, keep this step manual",
    ),
    "secret_part": Reason(
        "{request} sends {field}, which has a part of the password, the token or a session value, and which "
        "is left out",
        "if it is a fixed value, such as the name of a site, write it there; otherwise keep this step manual",
    ),
    "fresh_value": Reason(
        "{request} sends {field}, which a script makes up for each request, and which is left out",
        "a map cannot make it up; if the appliance refuses the request without it, keep this step manual",
    ),
    "fixed_time": Reason(
        "{request} sends {field}, a time of the recording, which the map would always send",
        "remove it if the appliance accepts the request without it; if it is the time at which the token "
        "expires, write a later one",
    ),
    "list_time": Reason(
        "{request} sends {field}, a time of the recording, which may leave tokens out of the list",
        "remove it if the list without it is whole; otherwise use no map",
    ),
    "value_in_text": Reason(
        "{request} sends {field}, which {source} has in a script or in another form that a map cannot read",
        "a map reads JSON, headers, cookies, meta tags and inputs, also encoded "
        f"({', '.join(DECODERS)}); keep this step manual",
    ),
    "unreadable_body": Reason(
        "{request} sends a body that is neither JSON nor a form",
        "a map cannot send it: keep this step manual",
    ),
    "no_username": Reason(
        "no field of the sign-in is the user name that you entered",
        "if it sends another user name, draft again with that one; otherwise write the placeholder username "
        "where it belongs",
    ),
    "same_username": Reason(
        "the user name and the password are the same text, so every field that has it is written as the "
        "password",
        "write the placeholder username where the user name belongs",
    ),
    "password_word": Reason(
        "the password was in more than one field of {request}, so the draft sends it in each of them",
        "if a field is only a fixed word that equals the password, write this word there instead of the "
        "placeholder",
    ),
    "no_create": Reason(
        "no answer contains the token",
        "generate a token while you record, and give the draft exactly the token that was shown",
    ),
    "create_polled": Reason(
        "the page waits for the appliance to generate the token, and reads it with {request}",
        "a map cannot wait for the token: generate tokens manually",
    ),
    "description_word": Reason(
        "{request} has the description more than once, in {field}, so the draft sends it in each place",
        "if a place is only a fixed word that equals the description, write this word there instead of the "
        "placeholder; or record again with a description that is in nothing else",
    ),
    "fixed_word": Reason(
        "{request} has the description in its path too, which the map keeps as a fixed word",
        "if the path names the token, write the placeholder description there",
    ),
    "create_not_json": Reason(
        "{request} shows the token, but not as a value in JSON",
        "a map cannot read it: generate tokens manually",
    ),
    "create_no_description": Reason(
        "{request} answers with the token, but neither it nor an earlier request sends the description",
        "give the draft exactly the description that you typed",
    ),
    "create_several": Reason(
        "{request} answers with the token, and {others} sends the description: it takes several requests",
        "a map cannot repeat it, because no value that it can send connects them: generate tokens manually",
    ),
    "no_list": Reason(
        "no answer lists a token of that description",
        "open the list of tokens after you generated yours, and give the draft exactly the description",
    ),
    "ambiguous_list": Reason(
        "the list may be any of {requests}, and nothing proves which",
        "record again with a description that nothing else has, and open the list before and after",
    ),
    "not_a_list": Reason(
        "{request} has the description, but not in a list of objects",
        "a map cannot read it: list tokens manually",
    ),
    "list_not_json": Reason(
        "{request} has the description, and its answer is not JSON",
        "a map cannot read it: list tokens manually",
    ),
    "cached_list": Reason(
        "no answer lists a token of that description, and the answer to {request} came from the browser's "
        "cache without its content",
        "enable Disable Cache in the developer tools, and record again",
    ),
    "filtered_list": Reason(
        "{request} searches for the description, so it does not list every token",
        "record again without a search",
    ),
    "changing_list": Reason(
        "the answers to {request} differ although nothing else was sent between, so it may change tokens",
        "a map must not repeat it: list tokens manually",
    ),
    "grouped_list": Reason(
        "{request} lists the tokens in groups, and {items} is only one of them",
        "a map cannot read several lists: list tokens manually",
    ),
    "split_list": Reason(
        "{request} lists some tokens in {items}, and others in {other}",
        "a map cannot read several lists: list tokens manually",
    ),
    "list_filter": Reason(
        "{request} sends {fields}, which may leave tokens out of the list",
        "if the page can show all tokens, record again with all of them; otherwise use no map",
    ),
    "no_first_page": Reason(
        "the recording lacks the first page of {request}",
        "open the first page while you record, and record again",
    ),
    "other_token": Reason(
        "{request} sends {field}, which has the id or the description of another token",
        "a map that repeats it could change that token: record it for the new token alone, or keep it manual",
    ),
    "row_value": Reason(
        "{request} sends {field}, a value of the token's row in the list that is not its id",
        "a map sends only the id and the description of a token: delete tokens manually",
    ),
    "position": Reason(
        "{request} names the token only by its description, and sends {field} with a number that may be the "
        "token's position in the list",
        "a map that repeats it would delete the token that has this position then: delete tokens manually",
    ),
    "fixed_position": Reason(
        "{request} sends {field}, a number that may be the token's position in the list, and which the map "
        "would always send",
        "remove it if the appliance accepts the request without it; otherwise delete tokens manually",
    ),
    "description_only": Reason(
        "{request} names the token only by its description, so the draft has provenance assumed for it",
        "make sure that it deletes no other token, such as the newest or one with a longer description; run "
        "check_endpoints with defender_iot_prove=true, then set its provenance to captured",
    ),
    "coinciding_id": Reason(
        "{request} sends the token's id in several places, {field}, and one of these may be the id of "
        "something else",
        "record again with another new token, whose id differs from the other number",
    ),
    "ambiguous_id": Reason("the id is one of {fields}", "see which it is in the answer, and write it there"),
    "token_is_id": Reason(
        "only {field} is different for each token, and it is the token itself",
        "use no map: with it, the token would be the id, and results show ids",
    ),
    "no_id": Reason(
        "no field of the list is different for each token",
        "a map cannot tell tokens apart: delete them manually",
    ),
    "ambiguous_used": Reason(
        "Used is one of {fields}",
        "see which it is in the answer, and write it there with never_used",
    ),
    "no_used": Reason(
        "no field of the list shows that the new token was never used",
        "set defender_iot_recorded_never_used to what the answer, not the page, has for it, such as null; if "
        "it has nothing, use no map",
    ),
    "used_before": Reason(
        "no field of the list shows that the new token was never used, and {fields} may be its first use",
        "record again, and do not use the token before the list is opened",
    ),
    "no_used_time": Reason(
        "no listed token was ever used, so the format of times is not known",
        "add used_format once one was used; check_endpoints reminds you",
    ),
    "used_pattern": Reason(
        "the times of use are text that fits {patterns}",
        "write the right one; until then Used is returned as it is and compared with nothing",
    ),
    "used_unreadable": Reason(
        "the times of use have no format that is known here",
        "write their strptime pattern, if they have one; without it Used is returned as it is and compared "
        "with nothing",
    ),
    "paging": Reason(
        "{request} is one page, and the recording does not show how the next one is requested ({why})",
        "a list that may be longer than one page is refused; to read all, add paging, or record two pages",
    ),
    "together": Reason(
        "{request} asks for a page by {fields}, in which several numbers change together",
        "a map changes only one, and refuses a list that is longer than this page: if the appliance allows "
        "it, write a size that fits all tokens on the first page",
    ),
    "cursor_null": Reason(
        "the request for the first page has no {field}, but {request} for later pages has it, so the map "
        "sends null for the first page",
        "run check_endpoints; if the appliance refuses null, use no map",
    ),
    "no_delete": Reason(
        "the recording does not show that the new token is deleted",
        "record again and delete the token at the end; a delete that you write yourself has provenance "
        "assumed, and check_endpoints proves it with defender_iot_prove=true",
    ),
    "delete_without_list": Reason(
        "without the list, no request is known to delete the new token", "complete tokens.list first"
    ),
    "unnamed_delete": Reason(
        "a later list lacks the new token, and no request before it contains the token's id or description",
        "a map cannot delete tokens here: delete them manually",
    ),
    "several_deletes": Reason(
        "a later list lacks the new token, and each of {requests} may have deleted it",
        "record again, and delete the token with as few steps as possible; if it takes several, delete "
        "tokens manually",
    ),
    "unproved_delete": Reason(
        "{request} names the new token, and no later list shows that the token is gone",
        "open the list once more after deleting, and record again",
    ),
    "kept_delete": Reason(
        "{request} names the new token, and the list that was read after it still has the token",
        "if the token was deleted, open the list once more after that, and record again; if tokens that are "
        "deleted or revoked stay in the list, delete tokens manually",
    ),
    "late_delete": Reason(
        "the list still had the token after {request}, and lacked it later, so the draft has provenance "
        "assumed for it",
        "run check_endpoints with defender_iot_prove=true; if it reports that the token is left, delete "
        "tokens manually, otherwise set its provenance to captured",
    ),
    "unlisted_delete": Reason(
        "no list was read after {request}, so the draft has provenance assumed for it",
        "run check_endpoints with defender_iot_prove=true, then set its provenance to captured",
    ),
    "no_read": Reason(
        "no request that only reads answers with the server address",
        "open the settings again after you applied them",
    ),
    "several_reads": Reason(
        "the settings may be read by any of {requests}, and nothing proves which",
        "record again, and open only the page of the settings after you applied them",
    ),
    "read_may_write": Reason(
        "only {requests} answers with the server address, by a method that may change something",
        "record again, and open the settings before you change them as well as after",
    ),
    "no_update": Reason(
        "no request sends both the server address and the token",
        "give the draft exactly the server address and the token that you typed; if the page sends one in "
        "another form, keep this manual",
    ),
    "several_changes": Reason(
        "{request} sends the server address, and {others} the token",
        "a map sends both in one request: keep this manual",
    ),
    "address_in_text": Reason(
        "{request} has the server address only inside a longer text",
        "if the module takes that text as its server address, enter it and record again; otherwise keep this "
        "manual",
    ),
    "later_writes": Reason(
        "after {request}, {others} was sent, which the map leaves out",
        "make sure that the settings have an effect without it; otherwise keep this manual",
    ),
    "several_updates": Reason(
        "each of {requests} sends the server address and the token, and one may only test them",
        "record again without testing the connection",
    ),
    "no_logout": Reason(
        "{request} seems to sign out, and sends what the login does not give",
        "the map leaves it out, so sessions end by the appliance's own time limit",
    ),
    "evicted": Reason(
        "the browser did not keep the content of {count} answers, such as that of {request}",
        "record again with the developer tools open from the start and only these pages; in Firefox, set "
        "devtools.netmonitor.responseBodyLimit to 0 in about:config",
    ),
    "invalid": Reason("{fault}", "correct this part of the drafted map"),
}
