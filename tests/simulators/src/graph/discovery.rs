//! The discovery document and the key set of a tenant.

use serde_json::{Value, json};

use super::answer::Answer;
use super::sign_in::SignIn;
use super::sign_in_error::SignInError;

const SHARED_SEGMENTS: [&str; 3] = ["common", "organizations", "consumers"];

/// `GET /{tenant}/v2.0/.well-known/openid-configuration`.
pub fn document(sign_in: &SignIn, segment: &str) -> Result<Answer, SignInError> {
    let shared = SHARED_SEGMENTS.contains(&segment);
    let named = if shared {
        segment.to_owned()
    } else {
        sign_in.tenant(segment)?.id.clone()
    };
    let issuer = if shared { "{tenantid}" } else { named.as_str() };
    let origin = sign_in.origin;
    let body = json!({
        "token_endpoint": format!("{origin}/{named}/oauth2/v2.0/token"),
        "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt", "client_secret_basic"],
        "jwks_uri": format!("{origin}/{named}/discovery/v2.0/keys"),
        "response_modes_supported": ["query", "fragment", "form_post"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "issuer": format!("{origin}/{issuer}/v2.0"),
        "request_uri_parameter_supported": false,
        "userinfo_endpoint": "https://graph.microsoft.com/oidc/userinfo",
        "authorization_endpoint": format!("{origin}/{named}/oauth2/v2.0/authorize"),
        "device_authorization_endpoint": format!("{origin}/{named}/oauth2/v2.0/devicecode"),
        "http_logout_supported": true,
        "frontchannel_logout_supported": true,
        "end_session_endpoint": format!("{origin}/{named}/oauth2/v2.0/logout"),
        "claims_supported": [
            "sub", "iss", "cloud_instance_name", "cloud_instance_host_name", "cloud_graph_host_name", "msgraph_host",
            "aud", "exp", "iat", "auth_time", "acr", "nonce", "preferred_username", "name", "tid", "ver", "at_hash",
            "c_hash", "email"
        ],
        "kerberos_endpoint": format!("{origin}/{named}/kerberos"),
        "tenant_region_scope": "EU",
        "cloud_instance_name": "microsoftonline.com",
        "cloud_graph_host_name": "graph.windows.net",
        "msgraph_host": "graph.microsoft.com",
        "rbac_url": "https://pas.windows.net",
    });
    Ok(cached(body))
}

/// `GET /{tenant}/discovery/v2.0/keys`.
pub fn keys(sign_in: &SignIn, segment: &str) -> Result<Answer, SignInError> {
    let issuer = |id: &str| format!("{}/{id}/v2.0", sign_in.origin);
    let keys: Vec<Value> = if SHARED_SEGMENTS.contains(&segment) {
        sign_in
            .tenants
            .values()
            .flat_map(|tenant| tenant.keys.entries(&issuer("{tenantid}")))
            .collect()
    } else {
        let tenant = sign_in.tenant(segment)?;
        tenant.keys.entries(&issuer(&tenant.id))
    };
    Ok(cached(json!({ "keys": keys })))
}

fn cached(body: Value) -> Answer {
    Answer::json(body).header("Cache-Control", "max-age=86400, private")
}
