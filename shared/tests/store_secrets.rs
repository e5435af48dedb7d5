//! Sealing: a key file that is private and whole however many start at once, and a key service that is told the
//! connection and refuses another's.
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail the test")]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::{Arc, Barrier, Mutex};

use aws_sdk_kms::config::{BehaviorVersion, Credentials, Region};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::{Json, Router};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use shared::domain::ids::ConnectionId;
use shared::secrets::{FileKeyError, FileKeySealer, KmsSealer, SealError, Sealed, Sealer};
use uuid::Uuid;

const PLAIN: &str = "canary-secret";

fn connection(n: u128) -> ConnectionId {
    ConnectionId::from(Uuid::from_u128(n))
}

fn plain() -> SecretString {
    PLAIN.into()
}

async fn opens(sealer: &dyn Sealer, context: ConnectionId, secret: &Sealed) -> bool {
    match sealer.open(context, secret).await {
        Ok(text) => {
            assert_eq!(text.expose_secret(), PLAIN);
            true
        }
        Err(SealError::DoesNotOpen) => false,
        Err(other) => panic!("{other:?}"),
    }
}

fn key_file(path: &Path, length: usize, mode: u32) {
    fs::write(path, vec![5; length]).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[tokio::test]
async fn a_key_file_is_made_private_and_whole_and_used_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("secrets.key");
    let first = FileKeySealer::load_or_create(&path).unwrap();
    let found = fs::metadata(&path).unwrap();
    assert_eq!((found.permissions().mode() & 0o7777, found.len()), (0o600, 32));
    assert_ne!(fs::read(&path).unwrap(), [0; 32]);
    let secret = first.seal(connection(1), &plain()).await.unwrap();
    let again = FileKeySealer::load_or_create(&path).unwrap();
    assert!(opens(&again, connection(1), &secret).await);
    assert!(!opens(&again, connection(2), &secret).await);
    // Nothing is left over.
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_key_file_that_others_may_touch_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("secrets.key");
    for mode in [0o640, 0o604, 0o620, 0o602, 0o610, 0o644, 0o666, 0o777] {
        key_file(&path, 32, mode);
        let refused = FileKeySealer::load_or_create(&path).err();
        assert!(
            matches!(&refused, Some(FileKeyError::OpenToOthers { mode: found, .. }) if *found == mode),
            "{refused:?}"
        );
    }
    for mode in [0o600, 0o400] {
        key_file(&path, 32, mode);
        FileKeySealer::load_or_create(&path).unwrap();
        fs::remove_file(&path).unwrap();
    }
}

#[test]
fn a_key_file_of_another_length_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("secrets.key");
    for length in [0, 1, 31, 33, 64, 100_000] {
        key_file(&path, length, 0o600);
        let refused = FileKeySealer::load_or_create(&path).err();
        assert!(
            matches!(refused, Some(FileKeyError::WrongLength { .. })),
            "{refused:?}"
        );
        assert_eq!(fs::read(&path).unwrap(), vec![5; length]);
    }
}

#[test]
fn a_key_file_that_cannot_be_made_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("missing").join("secrets.key");
    let refused = FileKeySealer::load_or_create(&path).err().unwrap();
    assert!(refused.to_string().contains("missing/secrets.key"), "{refused}");
}

#[tokio::test]
async fn all_that_start_at_once_use_one_key() {
    const STARTERS: usize = 8;
    for _ in 0..20 {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secrets.key");
        let together = Barrier::new(STARTERS);
        let sealers: Vec<_> = std::thread::scope(|scope| {
            let start = || {
                together.wait();
                FileKeySealer::load_or_create(&path).unwrap()
            };
            let started: Vec<_> = (0..STARTERS).map(|_| scope.spawn(start)).collect();
            started
                .into_iter()
                .map(|starter| starter.join().unwrap())
                .collect()
        });
        let secret = sealers[0].seal(connection(1), &plain()).await.unwrap();
        for sealer in &sealers {
            assert!(opens(sealer, connection(1), &secret).await);
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}

/// A key service with one key. It wraps by remembering; what it gives out says nothing.
#[derive(Default)]
struct KeyService {
    wrapped: Mutex<BTreeMap<String, (Value, Value)>>,
    asked: Mutex<Vec<(String, Value)>>,
    /// Whether it opens for whoever asks, as a service that is told no context would.
    is_lenient: bool,
    is_denying: bool,
}

async fn serve(
    State(service): State<Arc<KeyService>>,
    headers: HeaderMap,
    body: String,
) -> (StatusCode, Json<Value>) {
    let call = headers["x-amz-target"].to_str().unwrap().to_owned();
    let request: Value = serde_json::from_str(&body).unwrap();
    let (context, key) = (request["EncryptionContext"].clone(), request["KeyId"].clone());
    service
        .asked
        .lock()
        .unwrap()
        .push((call.clone(), request.clone()));
    if service.is_denying {
        let denied = json!({ "__type": "AccessDeniedException", "message": "no" });
        return (StatusCode::BAD_REQUEST, Json(denied));
    }
    let mut wrapped = service.wrapped.lock().unwrap();
    if call == "TrentService.Encrypt" {
        let blob = format!("{:08}", wrapped.len());
        wrapped.insert(blob.clone(), (context, request["Plaintext"].clone()));
        return (
            StatusCode::OK,
            Json(json!({ "CiphertextBlob": blob, "KeyId": key })),
        );
    }
    assert_eq!(call, "TrentService.Decrypt");
    match wrapped.get(request["CiphertextBlob"].as_str().unwrap()) {
        Some((bound, plain)) if *bound == context || service.is_lenient => {
            (StatusCode::OK, Json(json!({ "Plaintext": plain, "KeyId": key })))
        }
        _ => {
            let refused = json!({ "__type": "InvalidCiphertextException", "message": null });
            (StatusCode::BAD_REQUEST, Json(refused))
        }
    }
}

async fn key_service(service: KeyService) -> (Arc<KeyService>, KmsSealer) {
    let service = Arc::new(service);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().fallback(serve).with_state(Arc::clone(&service));
    tokio::spawn(async move { axum::serve(listener, router).await });
    let config = aws_sdk_kms::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-central-1"))
        .credentials_provider(Credentials::new("local", "local", None, None, "local"))
        .endpoint_url(origin)
        .build();
    let sealer = KmsSealer::new(aws_sdk_kms::Client::from_conf(config), "alias/connector");
    (service, sealer)
}

#[tokio::test]
async fn the_key_service_is_told_the_connection_and_never_the_secret() {
    let (service, sealer) = key_service(KeyService::default()).await;
    let id = connection(1);
    let long = SecretString::from("x".repeat(20_000));
    let secret = sealer.seal(id, &plain()).await.unwrap();
    assert!(opens(&sealer, id, &secret).await);
    let long_secret = sealer.seal(id, &long).await.unwrap();
    let opened = sealer.open(id, &long_secret).await.unwrap();
    assert_eq!(opened.expose_secret(), long.expose_secret());
    let asked = service.asked.lock().unwrap();
    assert_eq!(asked.len(), 4);
    for (_, request) in asked.iter() {
        assert_eq!(
            request["EncryptionContext"],
            json!({ "connection_id": id.to_string() })
        );
        assert_eq!(request["KeyId"], "alias/connector");
    }
    // 32 bytes, each time others.
    let keys: Vec<_> = asked
        .iter()
        .filter_map(|(_, request)| request["Plaintext"].as_str())
        .collect();
    assert!(keys.len() == 2 && keys[0] != keys[1] && keys.iter().all(|key| key.len() == 44));
    let holds = |bytes: &[u8]| bytes.windows(PLAIN.len()).any(|part| part == PLAIN.as_bytes());
    assert!(!holds(secret.as_bytes()));
}

#[tokio::test]
async fn a_secret_moved_to_another_connection_does_not_open() {
    for is_lenient in [false, true] {
        let service = KeyService {
            is_lenient,
            ..KeyService::default()
        };
        let (service, sealer) = key_service(service).await;
        let secret = sealer.seal(connection(1), &plain()).await.unwrap();
        // Even where the service would give out the key: the connection is bound into the sealed bytes too.
        assert!(!opens(&sealer, connection(2), &secret).await);
        let told = service.asked.lock().unwrap()[1].1["EncryptionContext"].clone();
        assert_eq!(told, json!({ "connection_id": connection(2).to_string() }));
        assert!(opens(&sealer, connection(1), &secret).await);
    }
}

#[tokio::test]
async fn changed_and_cut_secrets_do_not_open() {
    let (_service, sealer) = key_service(KeyService::default()).await;
    let secret = sealer.seal(connection(1), &plain()).await.unwrap();
    let bytes = secret.as_bytes();
    for place in 0..bytes.len() {
        let mut changed = bytes.to_vec();
        changed[place] ^= 1;
        assert!(
            !opens(&sealer, connection(1), &Sealed::from_bytes(changed)).await,
            "{place}"
        );
        let cut = bytes[..place].to_vec();
        assert!(
            !opens(&sealer, connection(1), &Sealed::from_bytes(cut)).await,
            "{place}"
        );
    }
}

#[tokio::test]
async fn a_service_that_denies_is_no_wrong_key() {
    let service = KeyService {
        is_denying: true,
        ..KeyService::default()
    };
    let (_service, sealer) = key_service(service).await;
    let refused = sealer.seal(connection(1), &plain()).await.unwrap_err();
    assert!(matches!(refused, SealError::KeyService(_)), "{refused:?}");
    assert!(!format!("{refused} {refused:?}").contains(PLAIN));
}
