//! Every endpoint of `openapi/v1.0`, the method it takes and the firmware it needs. What is not here, or
//! not on this firmware, does not exist.

use super::call::Call;
use super::config::Settings;
use super::envelope::Reply;
use super::state::State;
use super::{
    contacts, extension_views, extensions, groups, linkus, organizations, phonebooks, system, tokens,
};

/// What carries out a call.
pub type Handler = fn(&mut State, &Call) -> Reply;

/// One endpoint.
pub struct Endpoint {
    pub path: &'static str,
    pub method: Method,
    since: Since,
    /// The call changes something and is logged as a write.
    pub writes: bool,
    pub handler: Handler,
}

/// The two methods there are; deletes are a GET.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Method {
    Get,
    Post,
}

#[derive(Clone, Copy)]
enum Since {
    Always,
    Newer,
    Groups,
    Sign,
}

const fn read(path: &'static str, handler: Handler) -> Endpoint {
    Endpoint {
        path,
        method: Method::Get,
        since: Since::Always,
        writes: false,
        handler,
    }
}

const fn remove(path: &'static str, handler: Handler) -> Endpoint {
    Endpoint {
        writes: true,
        ..read(path, handler)
    }
}

const fn write(path: &'static str, handler: Handler) -> Endpoint {
    Endpoint {
        method: Method::Post,
        ..remove(path, handler)
    }
}

impl Endpoint {
    const fn since(self, since: Since) -> Self {
        Self { since, ..self }
    }

    fn is_on(&self, settings: &Settings) -> bool {
        let behaviour = &settings.behaviour;
        match self.since {
            Since::Always => true,
            Since::Newer => settings.firmware_since(&behaviour.newer_api_since),
            Since::Groups => settings.firmware_since(&behaviour.extension_groups_since),
            Since::Sign => settings.firmware_since(&behaviour.sign_since),
        }
    }
}

/// The endpoint at a path, whatever the firmware.
pub fn any(path: &str) -> Option<&'static Endpoint> {
    ENDPOINTS.iter().find(|endpoint| endpoint.path == path)
}

/// The endpoint at a path, if this firmware has it.
pub fn lookup(path: &str, method: Method, settings: &Settings) -> Option<&'static Endpoint> {
    any(path).filter(|endpoint| endpoint.method == method && endpoint.is_on(settings))
}

static ENDPOINTS: &[Endpoint] = &[
    read("del_token", tokens::delete),
    read("system/information", system::information),
    read("system/capacity", system::capacity),
    read("system/get_menuoptions", system::menu_options),
    write("system/sendemail", system::send_email).since(Since::Newer),
    read("extension/list", extension_views::list),
    read("extension/search", extension_views::search),
    read("extension/get", extension_views::get),
    read("extension/query", extension_views::query),
    read("extension/getpassword", extension_views::get_password).since(Since::Newer),
    write("extension/create", extensions::create),
    write("extension/update", extensions::update),
    remove("extension/delete", extensions::delete),
    write("extension/send_welcome_email", system::send_welcome),
    read("extension_status_monitor/list", extension_views::monitors).since(Since::Newer),
    read("extensiongroup/list", groups::list).since(Since::Groups),
    read("extensiongroup/search", groups::list).since(Since::Groups),
    read("extensiongroup/get", groups::get).since(Since::Groups),
    read("extensiongroup/query", groups::query).since(Since::Groups),
    write("extensiongroup/create", groups::create).since(Since::Groups),
    write("extensiongroup/update", groups::update).since(Since::Groups),
    remove("extensiongroup/delete", groups::delete).since(Since::Groups),
    read("organization/list", organizations::list),
    read("organization/search", organizations::list),
    read("organization/get", organizations::get),
    read("organization/query", organizations::query),
    write("organization/create", organizations::create),
    write("organization/update", organizations::update),
    remove("organization/delete", organizations::delete),
    read("company_contact/list", contacts::list),
    read("company_contact/search", contacts::list),
    read("company_contact/get", contacts::get),
    read("company_contact/query", contacts::query),
    write("company_contact/create", contacts::create),
    write("company_contact/update", contacts::update),
    remove("company_contact/delete", contacts::delete),
    read("phonebook/list", phonebooks::list),
    read("phonebook/search", phonebooks::list),
    read("phonebook/get", phonebooks::get),
    read("phonebook/query", phonebooks::query),
    write("phonebook/create", phonebooks::create),
    write("phonebook/update", phonebooks::update),
    remove("phonebook/delete", phonebooks::delete),
    write("sign/create", linkus::create).since(Since::Sign),
];
