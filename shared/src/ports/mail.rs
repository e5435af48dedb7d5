//! Mail that a PBX sends for us.

use async_trait::async_trait;

use super::PhoneSystemError;

/// One mail to one address.
#[derive(Debug, Clone, Copy)]
pub struct Mail<'a> {
    /// The address.
    pub to: &'a str,
    /// One line.
    pub subject: &'a str,
    /// Plain text.
    pub content: &'a str,
}

/// Sends mail. [`PhoneSystemError::NotInThisFirmware`]: this firmware cannot. Repeating sends another one.
#[async_trait]
pub trait Mailer: Send + Sync {
    /// Hands a mail to the PBX's mail server.
    async fn send_mail(&self, mail: &Mail<'_>) -> Result<(), PhoneSystemError>;
}
