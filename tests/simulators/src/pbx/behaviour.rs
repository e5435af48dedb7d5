//! Every choice the documentation leaves open, as one switch each.
//! The defaults are the harsher reading wherever two are plausible.

use serde::{Deserialize, Serialize};

use super::envelope::code;

/// How this PBX behaves where its documentation is silent.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "each is an independent switch")]
pub struct Behaviour {
    /// Close the TCP connection after every answer.
    pub close_connections: bool,
    /// Answer to a request without a `User-Agent`.
    pub missing_user_agent_errcode: i64,
    /// Answer to a POST that does not say it carries JSON; `None` accepts it.
    pub missing_content_type_errcode: Option<i64>,
    /// Answer to a parameter of the wrong JSON type.
    pub wrong_type_errcode: i64,
    /// Answer to a wrong Client ID or Client Secret.
    pub wrong_credentials_errcode: i64,
    /// Wrong credentials from one address before it is blocked.
    pub failures_before_block: u32,
    /// A good sign-in forgets the failures of its address.
    pub success_clears_failures: bool,
    /// A call from outside the allow-list counts as a failed sign-in.
    pub forbidden_calls_count_as_failures: bool,
    /// Life of an access token.
    pub access_token_seconds: i64,
    /// Life of a refresh token.
    pub refresh_token_seconds: i64,
    /// Access tokens one application may hold at once.
    pub token_cap: usize,
    /// Refreshing ends the old access token at once.
    pub refresh_drops_old_access: bool,
    /// Answer to an unknown or expired refresh token.
    pub wrong_refresh_token_errcode: i64,
    /// The ordinary API token may call `sign/create`.
    pub api_token_may_sign: bool,
    /// A Linkus SDK token may call everything else too.
    pub sdk_token_may_call_api: bool,
    /// `sign/create` takes an end; otherwise 0 alone.
    pub signatures_may_end: bool,
    /// Deleting an extension ends its login signatures.
    pub delete_ends_signatures: bool,
    /// Rows on a page when the caller does not say (contacts: always `contact_page_size_max`).
    pub page_size_default: usize,
    /// Most rows on a page of any list but contacts; larger wishes are cut down to it.
    pub page_size_max: usize,
    /// Most rows on a page of contacts, and their default.
    pub contact_page_size_max: usize,
    /// Refuse a `sort_by` that the endpoint does not list.
    pub reject_unknown_sort: bool,
    /// Members of an extension group in an update replace all; otherwise they are added.
    pub group_members_replace: bool,
    /// How `extensiongroup/get` and `query` write members.
    pub group_member_shape: MemberShape,
    /// Most ids in one `query` call, and what becomes of a call with more.
    pub max_query_ids: Option<usize>,
    pub too_many_query_ids: TooMany,
    /// Answer when the object of a call does not exist.
    pub unknown_object_errcode: i64,
    /// The same for company contacts.
    pub unknown_contact_errcode: i64,
    /// Creates answer with the id of what they made.
    pub create_returns_id: bool,
    /// Count lengths in UTF-8 bytes, not in characters.
    pub lengths_in_bytes: bool,
    /// `""` clears a text on update; otherwise it leaves the text alone.
    pub empty_text_clears: bool,
    /// Length of a job title.
    pub title_length: usize,
    /// Passwords: no four digits in a row, none equal to number or names.
    pub strict_passwords: bool,
    /// `number` in `extension/update` is refused instead of ignored.
    pub refuse_number_on_update: bool,
    /// Answer when the licence holds no more extensions.
    pub capacity_errcode: i64,
    /// Answer to a number outside the range of Preferences.
    pub number_out_of_range_errcode: i64,
    /// `presence_list` changes only the presences it names; otherwise it replaces all six.
    pub presence_list_merges: bool,
    /// Setting the presence that is set already raises 30009 again.
    pub same_presence_raises_event: bool,
    /// Changes made through the API raise events, not only those made in the portal.
    pub api_changes_raise_events: bool,
    /// `group_list` of `extension/create` and `update` sets extension groups.
    pub group_list_on_extension: bool,
    /// Extensions added later raise events without a human switching monitoring on.
    pub monitor_new_extensions: bool,
    /// First firmware with `extensiongroup/*`.
    pub extension_groups_since: String,
    /// First firmware with `extension/getpassword`, `system/sendemail`, `extension_status_monitor/*`,
    /// custom presence, 8-digit numbers, and without `user_password` in `extension/get`.
    pub newer_api_since: String,
    /// First firmware with webhooks.
    pub webhooks_since: String,
    /// First firmware with `sign/create`.
    pub sign_since: String,
    /// Extension groups: most of them, length of a name, and whether update obeys `name`.
    pub max_extension_groups: usize,
    pub group_name_length: usize,
    pub group_rename_honoured: bool,
    /// `organization/list` takes a `sort_by`; its documentation names no key.
    pub organizations_sortable: bool,
    /// `system/information` tells `sn`.
    pub tells_serial_number: bool,
    /// Organizations: most of them, how deep, and whether deleting one takes its branch along.
    pub max_organizations: usize,
    pub max_organization_depth: usize,
    pub organization_delete_cascades: bool,
    /// Most company contacts and phonebooks.
    pub max_contacts: usize,
    pub max_phonebooks: usize,
    /// `number_list` of `company_contact/update` replaces all numbers; otherwise only the slots it names.
    pub number_list_replaces: bool,
    /// A contact selected by a phonebook cannot be deleted.
    pub selected_contact_stays: bool,
    /// A `del_contacts_id_list` that removes nobody is refused.
    pub nothing_to_delete_refused: bool,
    /// Requests at once before the PBX calls itself busy.
    pub max_in_flight: Option<usize>,
    /// A WebSocket ends with the token it was opened with.
    pub token_expiry_closes_socket: bool,
    /// Seconds without a client frame before a WebSocket is closed.
    pub socket_idle_seconds: i64,
    /// Webhooks carry `X-Signature`.
    pub sign_webhooks: bool,
}

/// How members of an extension group are written; the documentation does not say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MemberShape {
    /// As in the portal's own API: objects under `members`.
    Portal,
    /// The same under the name that the portal uses, `member_list`.
    PortalList,
    /// Like other lists of this API: `value` and `text`, the key as a text.
    Options,
    /// Keys alone.
    Keys,
}

/// What becomes of a call that asks for too much.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TooMany {
    /// It is refused.
    Refuse,
    /// It brings the first of them, as if the others did not exist.
    Cut,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            close_connections: true,
            missing_user_agent_errcode: code::ACCESS_DENIED,
            missing_content_type_errcode: Some(code::SYNTAX),
            wrong_type_errcode: code::PARAMETER,
            wrong_credentials_errcode: code::PARAMETER,
            failures_before_block: 5,
            success_clears_failures: false,
            forbidden_calls_count_as_failures: false,
            access_token_seconds: 1_800,
            refresh_token_seconds: 86_400,
            token_cap: 8,
            refresh_drops_old_access: true,
            wrong_refresh_token_errcode: code::TOKEN_EXPIRED,
            api_token_may_sign: false,
            sdk_token_may_call_api: false,
            delete_ends_signatures: true,
            page_size_default: 20,
            page_size_max: 1_000,
            contact_page_size_max: 10_000,
            reject_unknown_sort: true,
            group_members_replace: true,
            group_member_shape: MemberShape::Portal,
            max_query_ids: None,
            too_many_query_ids: TooMany::Refuse,
            unknown_object_errcode: code::NOT_FOUND,
            unknown_contact_errcode: code::NO_CONTACT,
            create_returns_id: true,
            lengths_in_bytes: false,
            empty_text_clears: true,
            title_length: 127,
            strict_passwords: true,
            signatures_may_end: true,
            refuse_number_on_update: false,
            capacity_errcode: code::LIMIT,
            number_out_of_range_errcode: code::PARAMETER,
            presence_list_merges: true,
            same_presence_raises_event: false,
            api_changes_raise_events: true,
            group_list_on_extension: false,
            monitor_new_extensions: false,
            extension_groups_since: "83.23.0.123".to_owned(),
            newer_api_since: "83.20.0.21".to_owned(),
            webhooks_since: "83.20.0.21".to_owned(),
            sign_since: "83.8.0.25".to_owned(),
            max_extension_groups: 63,
            group_name_length: 127,
            group_rename_honoured: false,
            organizations_sortable: false,
            tells_serial_number: true,
            max_organizations: 1_000,
            max_organization_depth: 10,
            organization_delete_cascades: false,
            max_contacts: 200_000,
            max_phonebooks: 200,
            number_list_replaces: true,
            selected_contact_stays: true,
            nothing_to_delete_refused: true,
            max_in_flight: None,
            token_expiry_closes_socket: true,
            socket_idle_seconds: 60,
            sign_webhooks: true,
        }
    }
}
