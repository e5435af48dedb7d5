//! What happens in mailboxes: contacts come, change, move and go; folders are shared; accounts lose their mailbox.

use serde::Deserialize;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::Graph;
use super::admin::{AdminError, Done, tenant_of};
use super::mailbox::{Contact, Folder, Mailbox, MailboxState};
use super::mailbox_routes::{CONTACT_LISTS, CONTACT_TEXTS, default_folder_of};

/// What to change about a mailbox.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MailboxChange {
    pub state: Option<MailboxState>,
    pub default_listed: Option<bool>,
    pub distribution_lists: Option<usize>,
}

impl Graph {
    pub fn change_mailbox(&self, tenant: &str, user: Uuid, change: &MailboxChange) -> Done {
        self.in_mailbox(tenant, user, |mailbox| {
            mailbox.state = change.state.unwrap_or(mailbox.state);
            mailbox.default_listed = change.default_listed.unwrap_or(mailbox.default_listed);
            mailbox.distribution_lists = change.distribution_lists.unwrap_or(mailbox.distribution_lists);
            Ok(())
        })
    }

    pub fn set_mailbox_state(&self, tenant: &str, user: Uuid, state: MailboxState) -> Done {
        let change = MailboxChange {
            state: Some(state),
            ..MailboxChange::default()
        };
        self.change_mailbox(tenant, user, &change)
    }

    pub fn mailbox(&self, tenant: &str, user: Uuid) -> Result<Option<Mailbox>, AdminError> {
        Ok(tenant_of(&mut self.lock(), tenant)?.mailboxes.get(&user).cloned())
    }

    /// Answers the key of the folder.
    pub fn add_contact_folder(
        &self,
        tenant: &str,
        user: Uuid,
        (name, parent): (&str, Option<&str>),
    ) -> Result<String, AdminError> {
        let key = format!("AQMkFolder{}", self.lock().new_id().simple());
        self.in_mailbox(tenant, user, |mailbox| {
            mailbox
                .folders
                .insert(key.clone(), Folder::new(name, parent.map(str::to_owned)));
            mailbox.folder_log.push((key.clone(), true));
            Ok(())
        })?;
        Ok(key)
    }

    /// The folder goes with everything in it.
    pub fn delete_contact_folder(&self, tenant: &str, user: Uuid, folder: &str) -> Done {
        self.in_mailbox(tenant, user, |mailbox| {
            mailbox.folders.remove(folder).ok_or(AdminError::NoObject(user))?;
            mailbox.folder_log.push((folder.to_owned(), false));
            Ok(())
        })
    }

    /// Answers the immutable id of the contact, without what clients see around it.
    pub fn create_contact(
        &self,
        tenant: &str,
        user: Uuid,
        (folder, props): (Option<&str>, &Value),
    ) -> Result<String, AdminError> {
        let props = known_props(props)?;
        let id = self.lock().new_id().simple().to_string();
        self.in_mailbox(tenant, user, |mailbox| {
            let folder = mailbox.folder_mut(folder).ok_or(AdminError::NoObject(user))?;
            folder.put(&id, Contact { props, moves: 0 });
            Ok(())
        })?;
        Ok(id)
    }

    /// Sets properties; `null` empties one.
    pub fn update_contact(&self, tenant: &str, user: Uuid, (contact, props): (&str, &Value)) -> Done {
        let props = known_props(props)?;
        self.in_mailbox(tenant, user, |mailbox| {
            let folder = holder(mailbox, user, contact)?;
            let mut changed = folder
                .contacts
                .get(contact)
                .cloned()
                .ok_or(AdminError::NoObject(user))?;
            changed.props.extend(props);
            folder.put(contact, changed);
            Ok(())
        })
    }

    pub fn delete_contact(&self, tenant: &str, user: Uuid, contact: &str) -> Done {
        self.in_mailbox(tenant, user, |mailbox| {
            holder(mailbox, user, contact)?.take(contact);
            Ok(())
        })
    }

    pub fn move_contact(&self, tenant: &str, user: Uuid, (contact, to): (&str, Option<&str>)) -> Done {
        self.in_mailbox(tenant, user, |mailbox| {
            let mut moved = holder(mailbox, user, contact)?
                .take(contact)
                .ok_or(AdminError::NoObject(user))?;
            moved.moves += 1;
            let folder = mailbox.folder_mut(to).ok_or(AdminError::NoObject(user))?;
            folder.put(contact, moved);
            Ok(())
        })
    }

    /// Shares a folder with a person, or no longer.
    pub fn share_contacts(
        &self,
        tenant: &str,
        user: Uuid,
        (folder, with, shared): (Option<&str>, Uuid, bool),
    ) -> Done {
        self.in_mailbox(tenant, user, |mailbox| {
            let folder = mailbox.folder_mut(folder).ok_or(AdminError::NoObject(user))?;
            if shared {
                folder.shared_with.insert(with);
            } else {
                folder.shared_with.remove(&with);
            }
            Ok(())
        })
    }

    /// Makes a person a member of a shared mailbox, or no longer.
    pub fn set_mailbox_member(&self, tenant: &str, user: Uuid, (member, is_one): (Uuid, bool)) -> Done {
        self.in_mailbox(tenant, user, |mailbox| {
            if is_one {
                mailbox.members.insert(member);
            } else {
                mailbox.members.remove(&member);
            }
            Ok(())
        })
    }

    /// Most requests at once that any mailbox saw.
    pub fn most_at_one_mailbox(&self) -> u32 {
        self.lock().mailbox_limits.most_at_once()
    }

    fn in_mailbox(&self, tenant: &str, user: Uuid, change: impl FnOnce(&mut Mailbox) -> Done) -> Done {
        let mut world = self.lock();
        let tenant = tenant_of(&mut world, tenant)?;
        if !tenant.directory.users.live.contains_key(&user) {
            return Err(AdminError::NoObject(user));
        }
        let mailbox = tenant.mailboxes.entry(user);
        change(mailbox.or_insert_with(|| Mailbox::new(default_folder_of(user))))
    }
}

fn holder<'a>(mailbox: &'a mut Mailbox, user: Uuid, contact: &str) -> Result<&'a mut Folder, AdminError> {
    let key = mailbox.holder_of(contact).ok_or(AdminError::NoObject(user))?;
    mailbox.folders.get_mut(&key).ok_or(AdminError::NoObject(user))
}

fn known_props(props: &Value) -> Result<Map<String, Value>, AdminError> {
    let given = props
        .as_object()
        .ok_or(AdminError::Malformed("an object of properties"))?;
    let unknown = given
        .keys()
        .find(|name| !CONTACT_TEXTS.contains(&name.as_str()) && !CONTACT_LISTS.contains(&name.as_str()));
    match unknown {
        Some(name) => Err(AdminError::NoProperty(name.clone())),
        None => Ok(given.clone()),
    }
}
