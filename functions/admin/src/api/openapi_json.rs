//! `GET /openapi.json`: the document that describes this API.

use axum::http::{HeaderName, header};

/// An OpenAPI 3.1 document.
#[derive(Debug, utoipa::ToSchema)]
#[schema(value_type = Object)]
#[expect(dead_code, reason = "names the shape in the document; the text is made once")]
pub struct OpenApiDocument(serde_json::Value);

/// The OpenAPI 3.1 document of this API.
#[utoipa::path(get, path = "/openapi.json", responses((status = 200, body = OpenApiDocument)))]
pub async fn openapi_json() -> ([(HeaderName, &'static str); 1], &'static str) {
    (
        [(header::CONTENT_TYPE, "application/json")],
        crate::openapi::json(),
    )
}
