//! Mail that the PBX sends for us.

use shared::ports::{Mail, Mailer as _, PhoneSystemError};

use crate::support::World;

const MAIL: Mail<'_> = Mail {
    to: "it@contoso.example",
    subject: "Sync fails",
    content: "Two runs failed.\nSince noon.",
};

#[tokio::test]
async fn a_mail_is_handed_to_the_mail_server_of_the_pbx() {
    let world = World::with(|config| config.firmware = "83.23.0.123".to_owned()).await;
    world.client().send_mail(&MAIL).await.unwrap();
    let outbox = world.pbx().outbox();
    assert_eq!((outbox.len(), outbox[0].kind), (1, "plain"));
    let sent = (
        outbox[0].to.as_str(),
        outbox[0].subject.as_str(),
        outbox[0].content.as_str(),
    );
    assert_eq!(sent, (MAIL.to, MAIL.subject, MAIL.content));
}

#[tokio::test]
async fn a_firmware_without_the_call_says_so() {
    let world = World::with(|_| {}).await;
    let refused = world.client().send_mail(&MAIL).await;
    assert!(
        matches!(&refused, Err(PhoneSystemError::NotInThisFirmware { call }) if call == "system/sendemail"),
        "{refused:?}"
    );
}

#[tokio::test]
async fn an_address_that_the_pbx_does_not_take_is_refused_and_sends_nothing() {
    let world = World::with(|config| config.firmware = "83.23.0.123".to_owned()).await;
    let wrong = Mail { to: "nobody", ..MAIL };
    let refused = world.client().send_mail(&wrong).await;
    assert!(
        matches!(&refused, Err(PhoneSystemError::Invalid { .. })),
        "{refused:?}"
    );
    assert!(world.pbx().outbox().is_empty());
}
