//! Reads of mailboxes: who may, and what they get. Lists page by offset, change reads by a token of one folder.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::answer::{Answer, ApiError};
use super::call::Call;
use super::context::Context;
use super::mailbox::{Contact, Folder, Mailbox, MailboxState, shown_id};
use super::paging::link;

/// What of a mailbox is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailboxPath {
    pub user: String,
    pub what: MailboxPart,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MailboxPart {
    Purpose,
    /// Contacts of a folder, or of the default one.
    Contacts(Option<String>),
    ContactChanges(String),
    /// Folders at the top, or below one.
    Folders(Option<String>),
    FolderChanges,
}

const DEFAULT_PAGE: usize = 10;
const MOST_PER_PAGE: usize = 1_000;

impl MailboxPath {
    /// `parts` start after the user's key.
    pub fn of(user: &str, parts: &[&str]) -> Option<Self> {
        let what = match *parts {
            ["mailboxSettings", "userPurpose"] => MailboxPart::Purpose,
            ["contacts"] => MailboxPart::Contacts(None),
            ["contactFolders"] => MailboxPart::Folders(None),
            ["contactFolders", "delta" | "microsoft.graph.delta"] => MailboxPart::FolderChanges,
            ["contactFolders", folder, "childFolders"] => MailboxPart::Folders(Some(folder.to_owned())),
            ["contactFolders", folder, "contacts"] => MailboxPart::Contacts(Some(folder.to_owned())),
            [
                "contactFolders",
                folder,
                "contacts",
                "delta" | "microsoft.graph.delta",
            ] => MailboxPart::ContactChanges(folder.to_owned()),
            _ => return None,
        };
        Some(Self {
            user: user.to_owned(),
            what,
        })
    }

    /// Any one of these lets the call through; whose contacts is another question.
    pub fn roles(&self) -> &'static [&'static str] {
        match self.what {
            MailboxPart::Purpose => &["MailboxSettings.Read", "MailboxSettings.ReadWrite"],
            _ => &["Contacts.Read", "Contacts.ReadWrite", "Contacts.Read.Shared"],
        }
    }
}

pub fn denied() -> ApiError {
    ApiError::new(
        403,
        "ErrorAccessDenied",
        "Access is denied. Check credentials and try again.",
    )
}

fn no_mailbox() -> ApiError {
    let message = "The mailbox is either inactive, soft-deleted, or is hosted on-premise.";
    ApiError::new(404, "MailboxNotEnabledForRESTAPI", message)
}

fn no_item() -> ApiError {
    ApiError::new(
        404,
        "ErrorItemNotFound",
        "The specified object was not found in the store.",
    )
}

/// Reads of a mailbox.
pub fn read(context: &Context, call: &Call, path: &MailboxPath) -> Result<Answer, ApiError> {
    let user = owner(context, &path.user)?;
    let known = context.tenant.mailboxes.get(&user).map(Cow::Borrowed);
    let mailbox = known.unwrap_or_else(|| Cow::Owned(usual_mailbox(context, user)));
    match mailbox.state {
        MailboxState::None | MailboxState::OnPremises | MailboxState::SoftDeleted => return Err(no_mailbox()),
        MailboxState::Excluded => return Err(denied()),
        MailboxState::Normal | MailboxState::Shared | MailboxState::Room => {}
    }
    let desk = Desk {
        context,
        call,
        user,
        mailbox: &mailbox,
        immutable: call.prefers("IdType=\"ImmutableId\""),
    };
    match &path.what {
        MailboxPart::Purpose => Ok(desk.purpose()),
        MailboxPart::Contacts(folder) => desk.contacts(folder.as_deref()),
        MailboxPart::ContactChanges(folder) => desk.contact_changes(folder),
        MailboxPart::Folders(parent) => desk.folders(parent.as_deref()),
        MailboxPart::FolderChanges => desk.folder_changes(),
    }
}

/// The account; an id or address that names nobody is told in the Outlook service's own words.
pub fn owner(context: &Context, key: &str) -> Result<Uuid, ApiError> {
    let directory = context.directory();
    let found = directory
        .find_user(key)
        .filter(|id| directory.users.live.contains_key(id));
    found.ok_or_else(|| {
        ApiError::new(
            404,
            "ErrorInvalidUser",
            format!("The requested user '{key}' is invalid."),
        )
    })
}

/// Members with a mail address have a mailbox though nobody said so.
fn usual_mailbox(context: &Context, user: Uuid) -> Mailbox {
    let props = context.directory().users.live.get(&user);
    let text = |name: &str| {
        props
            .and_then(|props| props.get(name))
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    let mut mailbox = Mailbox::new(default_folder_of(user));
    if text("mail").is_empty() || text("userType").eq_ignore_ascii_case("guest") {
        mailbox.state = MailboxState::None;
    }
    mailbox
}

/// Key of a mailbox's default folder.
pub fn default_folder_of(user: Uuid) -> String {
    format!("AQMkDefault{}", user.simple())
}

/// How far a change read has got.
#[derive(Clone, Serialize, Deserialize)]
struct RoundState {
    user: Uuid,
    /// `None`: of folders.
    folder: Option<String>,
    /// First round: everything after this id.
    after: Option<String>,
    first: bool,
    position: usize,
    /// Where the round ends.
    until: usize,
    select: Option<String>,
    immutable: bool,
    epoch: u32,
    at: i64,
}

struct Desk<'a> {
    context: &'a Context<'a>,
    call: &'a Call,
    user: Uuid,
    mailbox: &'a Mailbox,
    immutable: bool,
}

impl Desk<'_> {
    fn purpose(&self) -> Answer {
        let word = match self.mailbox.state {
            MailboxState::Shared => "shared",
            MailboxState::Room => "room",
            _ => "user",
        };
        let context = format!(
            "{}/$metadata#users('{}')/mailboxSettings/userPurpose",
            self.context.base(),
            self.user
        );
        Answer::json(json!({ "@odata.context": context, "value": word }))
    }

    /// An app sees what its role is for; a person their own mailbox, one they are a member of, or a shared folder.
    fn may_read(&self, folder: Option<&str>) -> bool {
        let Some(person) = self.context.caller.person else {
            return self
                .context
                .caller
                .has_any(&["Contacts.Read", "Contacts.ReadWrite"]);
        };
        if person == self.user {
            return self
                .context
                .caller
                .has_any(&["Contacts.Read", "Contacts.ReadWrite"]);
        }
        let shared = folder.and_then(|key| self.mailbox.folders.get(key));
        let is_shared = shared.is_some_and(|folder| folder.shared_with.contains(&person));
        self.context.caller.has_any(&["Contacts.Read.Shared"])
            && (self.mailbox.members.contains(&person) || is_shared)
    }

    fn folder(&self, key: &str) -> Result<&Folder, ApiError> {
        let folder = self.mailbox.folders.get(key).ok_or_else(no_item)?;
        // What is not shared is not there.
        if self.may_read(Some(key)) {
            Ok(folder)
        } else {
            Err(no_item())
        }
    }

    fn contacts(&self, folder: Option<&str>) -> Result<Answer, ApiError> {
        if self.context.caller.person.is_none() && !self.may_read(None) {
            return Err(denied());
        }
        let key = folder.unwrap_or(&self.mailbox.default_folder);
        let found = self.folder(key)?;
        let top = self.number("$top")?.unwrap_or(DEFAULT_PAGE);
        if !(1..=MOST_PER_PAGE).contains(&top) {
            return Err(bad_query("The limit of items per page is 1000."));
        }
        let skip = self.number("$skip")?.unwrap_or_default();
        let select = self.call.option("$select").map(str::to_owned);
        let rows: Vec<Value> = found
            .contacts
            .iter()
            .skip(skip)
            .take(top)
            .map(|(id, contact)| render((id, contact), key, select.as_deref(), self.immutable))
            .collect();
        let more = skip + rows.len() < found.contacts.len();
        let mut page = json!({ "@odata.context": format!("{}/$metadata#users('{}')/contacts", self.context.base(), self.user) });
        if self.call.counts() {
            let lists = if folder.is_none() {
                self.mailbox.distribution_lists
            } else {
                0
            };
            page["@odata.count"] = json!(found.contacts.len() + lists);
        }
        if more {
            page["@odata.nextLink"] = json!(self.offset_link(skip + rows.len()));
        }
        page["value"] = json!(rows);
        Ok(Answer::json(page))
    }

    fn folders(&self, parent: Option<&str>) -> Result<Answer, ApiError> {
        if !self.may_read(None) {
            return Err(denied());
        }
        if let Some(parent) = parent {
            self.folder(parent)?;
        }
        let top = self
            .number("$top")?
            .unwrap_or(DEFAULT_PAGE)
            .clamp(1, MOST_PER_PAGE);
        let skip = self.number("$skip")?.unwrap_or_default();
        let all: Vec<Value> = self
            .mailbox
            .children(parent)
            .map(|(key, folder)| shown_folder(key, folder))
            .collect();
        let rows: Vec<Value> = all.iter().skip(skip).take(top).cloned().collect();
        let mut page = json!({ "@odata.context": format!("{}/$metadata#users('{}')/contactFolders", self.context.base(), self.user) });
        if skip + rows.len() < all.len() {
            page["@odata.nextLink"] = json!(self.offset_link(skip + rows.len()));
        }
        page["value"] = json!(rows);
        Ok(Answer::json(page))
    }

    fn contact_changes(&self, key: &str) -> Result<Answer, ApiError> {
        if self.context.caller.person.is_none() && !self.may_read(None) {
            return Err(denied());
        }
        let folder = self.folder(key)?;
        let mut state = self.round(Some(key), folder.log.len())?;
        let size = self.page_size();
        let (select, immutable) = (state.select.clone(), state.immutable);
        let shown = |id: &String| match folder.contacts.get(id) {
            Some(contact) => render((id, contact), key, select.as_deref(), immutable),
            None => json!({ "id": shown_id(id, None, immutable), "@removed": { "reason": "deleted" } }),
        };
        let value: Vec<Value> = if state.first {
            let after = state.after.clone();
            let mut rest = folder
                .contacts
                .keys()
                .filter(|id| after.as_ref().is_none_or(|after| *id > after));
            let ids: Vec<&String> = rest.by_ref().take(size).collect();
            let value = ids.iter().map(|id| shown(id)).collect();
            state.after = ids.last().map(|id| (*id).clone());
            state.first = rest.next().is_some();
            value
        } else {
            changed(&folder.log, &mut state, size).iter().map(shown).collect()
        };
        Ok(self.round_page(state, &value, &format!("/contactFolders/{key}/contacts/delta")))
    }

    fn folder_changes(&self) -> Result<Answer, ApiError> {
        if !self.may_read(None) {
            return Err(denied());
        }
        let mut state = self.round(None, self.mailbox.folder_log.len())?;
        let shown = |key: &String| match self.mailbox.folders.get(key) {
            Some(folder) => shown_folder(key, folder),
            None => json!({ "id": key, "@removed": { "reason": "deleted" } }),
        };
        let value: Vec<Value> = if state.first {
            state.first = false;
            let hidden = (!self.mailbox.default_listed).then_some(&self.mailbox.default_folder);
            self.mailbox
                .folders
                .keys()
                .filter(|key| Some(*key) != hidden)
                .map(shown)
                .collect()
        } else {
            changed(&self.mailbox.folder_log, &mut state, usize::MAX)
                .iter()
                .map(shown)
                .collect()
        };
        Ok(self.round_page(state, &value, "/contactFolders/delta"))
    }

    fn round(&self, folder: Option<&str>, head: usize) -> Result<RoundState, ApiError> {
        for refused in ["$top", "$skip", "$filter", "$expand", "$search"] {
            if self.call.option(refused).is_some() {
                return Err(bad_query(
                    "The query parameter is not supported in change tracking.",
                ));
            }
        }
        let token = self
            .call
            .option("$deltatoken")
            .or_else(|| self.call.option("$skiptoken"));
        let Some(token) = token else {
            return Ok(RoundState {
                user: self.user,
                folder: folder.map(str::to_owned),
                after: None,
                first: true,
                position: head,
                until: head,
                select: self.call.option("$select").map(str::to_owned),
                immutable: self.immutable,
                epoch: self.context.tenant.delta_epoch,
                at: self.context.now.as_second(),
            });
        };
        let lost = || ApiError::new(410, "SyncStateNotFound", "The sync state is not found.");
        let state: Option<RoundState> = self.context.sealer.open(self.context.tenant_id(), token);
        let mut state = state
            .filter(|state| state.user == self.user && state.folder.as_deref() == folder)
            .ok_or_else(|| {
                ApiError::new(
                    400,
                    "ErrorInvalidSyncStateData",
                    "The sync state data is corrupted.",
                )
            })?;
        let age = self.context.now.as_second() - state.at;
        let too_old = age > self.context.behaviour.delta.lifetime_seconds;
        if self.context.expire_delta.is_some() || too_old || state.epoch != self.context.tenant.delta_epoch {
            return Err(lost());
        }
        if state.immutable != self.immutable {
            return Err(bad_query("The id type of a round cannot change."));
        }
        if self.call.option("$deltatoken").is_some() {
            state.until = head;
        }
        Ok(state)
    }

    fn round_page(&self, mut state: RoundState, value: &[Value], path: &str) -> Answer {
        let more = state.first || state.position < state.until;
        let (name, option) = if more {
            ("@odata.nextLink", "$skiptoken")
        } else {
            ("@odata.deltaLink", "$deltatoken")
        };
        state.at = self.context.now.as_second();
        let token = self.context.sealer.seal(self.context.tenant_id(), &state);
        let url = link(
            self.context,
            &format!("/users/{}{path}", self.user),
            &[(option, token)],
        );
        let context = format!(
            "{}/$metadata#Collection(microsoft.graph.contact)",
            self.context.base()
        );
        Answer::json(json!({ "@odata.context": context, name: url, "value": value }))
    }

    fn offset_link(&self, skip: usize) -> String {
        let mut options: Vec<(&str, String)> = self
            .call
            .query
            .iter()
            .filter(|(name, _)| !name.eq_ignore_ascii_case("$skip"))
            .map(|(name, value)| (name.as_str(), value.clone()))
            .collect();
        options.push(("$skip", skip.to_string()));
        let path = self.call.path.strip_prefix("/v1.0").unwrap_or(&self.call.path);
        link(self.context, path, &options)
    }

    fn page_size(&self) -> usize {
        let headers = self.call.headers.get_all("prefer").into_iter();
        let wishes = headers
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','));
        let wish = wishes
            .filter_map(|part| part.trim().strip_prefix("odata.maxpagesize="))
            .find_map(|size| size.parse::<usize>().ok());
        wish.unwrap_or(DEFAULT_PAGE).clamp(1, MOST_PER_PAGE)
    }

    fn number(&self, option: &str) -> Result<Option<usize>, ApiError> {
        let text = self.call.option(option);
        text.map(|text| text.parse().map_err(|_| bad_query("A whole number is expected.")))
            .transpose()
    }
}

fn render((id, contact): (&String, &Contact), folder: &str, select: Option<&str>, immutable: bool) -> Value {
    let names: Option<Vec<&str>> = select.map(|text| text.split(',').map(str::trim).collect());
    let wanted = |name: &str| names.as_ref().is_none_or(|names| names.contains(&name));
    let mut object = Map::new();
    object.insert("@odata.etag".into(), json!(format!("W/\"{}\"", contact.moves)));
    object.insert("id".into(), json!(shown_id(id, Some(contact), immutable)));
    if wanted("parentFolderId") {
        object.insert("parentFolderId".into(), json!(folder));
    }
    for name in CONTACT_TEXTS
        .iter()
        .chain(&CONTACT_LISTS)
        .filter(|name| wanted(name))
    {
        let empty = if CONTACT_LISTS.contains(name) {
            json!([])
        } else {
            Value::Null
        };
        let value = contact.props.get(*name).cloned().unwrap_or(empty);
        object.insert((*name).to_owned(), value);
    }
    Value::Object(object)
}

/// Texts of a contact.
pub const CONTACT_TEXTS: [&str; 12] = [
    "displayName",
    "givenName",
    "middleName",
    "surname",
    "nickName",
    "title",
    "fileAs",
    "companyName",
    "department",
    "jobTitle",
    "mobilePhone",
    "personalNotes",
];
/// Lists of a contact.
pub const CONTACT_LISTS: [&str; 4] = ["emailAddresses", "businessPhones", "homePhones", "categories"];

/// The objects of the next stretch of a log, each once.
fn changed(log: &[(String, bool)], state: &mut RoundState, size: usize) -> Vec<String> {
    let end = state.until.min(state.position.saturating_add(size));
    let mut found: Vec<String> = Vec::new();
    for (id, _) in log.get(state.position..end).unwrap_or_default() {
        if !found.contains(id) {
            found.push(id.clone());
        }
    }
    state.position = end;
    found
}

fn shown_folder(key: &str, folder: &Folder) -> Value {
    json!({ "id": key, "displayName": folder.name, "parentFolderId": folder.parent })
}

fn bad_query(message: &str) -> ApiError {
    ApiError::new(400, "ErrorInvalidUrlQuery", message)
}
