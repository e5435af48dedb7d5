//! The environment, read once into one typed value per role. All problems are found together, each naming its variable
//! and the mend; no value is ever repeated in a message, for it may be a secret put in the wrong place.

mod reader;
mod roles;
mod values;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;

pub use roles::{
    AdminSettings, EngineSettings, FullSyncSettings, LocalMode, LocalSettings, NotificationsSettings,
    PresencePollSettings, SchedulerSettings, SsoSettings,
};
pub use values::{
    AddressPolicy, GraphAddresses, LogFormat, LogSettings, SecretsKey, TableName, TokenHash, TopicArn,
    WebOrigin,
};

/// Exit code of a process whose settings are wrong (`EX_CONFIG` of `sysexits.h`).
pub const EXIT_CODE: u8 = 78;

/// The variables of a process. An empty one counts as not set, as templates cannot leave a variable out.
#[derive(Clone, Default)]
pub struct Vars(BTreeMap<String, OsString>);

impl Vars {
    /// Takes what `std::env::vars_os` gives.
    pub fn new(all: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        let named = all
            .into_iter()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value)));
        Self(named.filter(|(_, value)| !value.is_empty()).collect())
    }

    /// The same with `name` set to `value` where it is not set.
    #[must_use]
    pub fn or_set(mut self, name: &str, value: &str) -> Self {
        if !value.is_empty() {
            self.0.entry(name.to_owned()).or_insert_with(|| value.into());
        }
        self
    }
}

impl<'a> FromIterator<(&'a str, &'a str)> for Vars {
    fn from_iter<T: IntoIterator<Item = (&'a str, &'a str)>>(all: T) -> Self {
        Self::new(
            all.into_iter()
                .map(|(name, value)| (OsString::from(name), OsString::from(value))),
        )
    }
}

impl fmt::Debug for Vars {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The environment holds credentials of the platform.
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// What is wrong with one variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The variable.
    pub name: &'static str,
    /// What is wrong and what would be right.
    pub mend: String,
}

/// Every problem of the environment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct SettingsError {
    /// At least one.
    pub problems: Vec<Problem>,
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the settings in the environment are not right:")?;
        for Problem { name, mend } in &self.problems {
            write!(f, "\n  {name}: {mend}")?;
        }
        Ok(())
    }
}

/// One line of the table of settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// Which programs read it.
    pub used_by: &'static str,
    /// What holds when it is not set; `-` where nothing does.
    pub default: &'static str,
    /// What it decides.
    pub meaning: &'static str,
}

/// Every variable that any program of the product reads, as `--help` and the README show them.
pub const VARIABLES: &[Variable] = &[
    Variable {
        name: "TABLE_NAME",
        used_by: "all",
        default: "connector",
        meaning: "DynamoDB table",
    },
    Variable {
        name: "AWS_ENDPOINT_URL_DYNAMODB",
        used_by: "Lambda binaries",
        default: "AWS",
        meaning: "other address of DynamoDB (read by the AWS SDK)",
    },
    Variable {
        name: "AWS_ENDPOINT_URL_SQS",
        used_by: "Lambda binaries",
        default: "AWS",
        meaning: "other address of SQS (read by the AWS SDK)",
    },
    Variable {
        name: "AWS_ENDPOINT_URL_SNS",
        used_by: "Lambda binaries",
        default: "AWS",
        meaning: "other address of SNS (read by the AWS SDK)",
    },
    Variable {
        name: "AWS_ENDPOINT_URL_KMS",
        used_by: "Lambda binaries",
        default: "AWS",
        meaning: "other address of KMS (read by the AWS SDK)",
    },
    Variable {
        name: "SYNC_QUEUE_URL",
        used_by: "scheduler, graph-notifications, admin, full-sync",
        default: "-",
        meaning: "SQS queue of sync hints; full-sync may do without it",
    },
    Variable {
        name: "PRESENCE_QUEUE_URL",
        used_by: "scheduler",
        default: "-",
        meaning: "SQS queue of presence hints; without it nobody polls presence",
    },
    Variable {
        name: "SECRETS_KEY",
        used_by: "all",
        default: "a file in the data directory (serve, demo)",
        meaning: "kms:<key id or ARN> or file:<path> (32 random bytes, mode 0600, made on first start of demo/serve)",
    },
    Variable {
        name: "PUBLIC_BASE_URL",
        used_by: "admin, sso-exchange, scheduler, serve, demo",
        default: "http://127.0.0.1:8080 (serve, demo)",
        meaning: "https origin at which the world reaches this installation; without it, or with http, the scheduler asks for no notifications",
    },
    Variable {
        name: "GRAPH_BASE_URL",
        used_by: "full-sync, presence-poll, scheduler, admin, serve",
        default: "https://graph.microsoft.com/v1.0",
        meaning: "Microsoft Graph",
    },
    Variable {
        name: "LOGIN_BASE_URL",
        used_by: "full-sync, presence-poll, scheduler, admin, sso-exchange, serve",
        default: "https://login.microsoftonline.com",
        meaning: "Microsoft sign-in",
    },
    Variable {
        name: "BOOTSTRAP_TOKEN_SHA256",
        used_by: "admin, serve",
        default: "-",
        meaning: "hex hash of an API token with role admin, for first use and automation",
    },
    Variable {
        name: "ALERT_TOPIC_ARN",
        used_by: "scheduler, admin",
        default: "-",
        meaning: "SNS topic on which every alert of every connection is published; without it none is",
    },
    Variable {
        name: "CONNECTOR_LISTEN",
        used_by: "serve, demo",
        default: "127.0.0.1:8080",
        meaning: "address and port to listen on",
    },
    Variable {
        name: "CONNECTOR_DATA_DIR",
        used_by: "serve, demo",
        default: "./data (serve), temporary (demo)",
        meaning: "where the embedded table and the key file live; for its owner alone (mode 0700)",
    },
    Variable {
        name: "LOG_FORMAT",
        used_by: "all",
        default: "json on Lambda, text in a terminal",
        meaning: "json or text",
    },
    Variable {
        name: "RUST_LOG",
        used_by: "all",
        default: "info (Lambda, serve), warn (demo)",
        meaning: "which log lines to print: a level, or target=level, or several of them with commas between",
    },
    Variable {
        name: "AWS_LAMBDA_FUNCTION_NAME",
        used_by: "Lambda binaries",
        default: "set by Lambda",
        meaning: "under which name CloudWatch shows the metrics in the log",
    },
    Variable {
        name: "PBX_ADDRESS_POLICY",
        used_by: "full-sync, presence-poll, scheduler, admin, sso-exchange, serve, demo",
        default: "public on Lambda, private in serve, loopback in demo",
        meaning: "public: public addresses over https only; private: private ranges too; loopback: this machine too, there also plain http",
    },
];

#[cfg(test)]
mod tests;
