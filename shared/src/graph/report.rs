//! What is logged of a request: enough for Microsoft's support to find it again, by its own id or by the one that we gave it.
//! Neither addresses nor bodies.

use std::fmt::Display;

use reqwest::StatusCode;
use uuid::Uuid;

use crate::calls;

/// One request, from sending to the verdict on its answer.
pub(super) struct Report<'a> {
    /// In words.
    pub doing: &'a str,
    /// Sent as `client-request-id`; Microsoft keeps it beside the request, answered or not.
    pub client_request_id: Uuid,
}

impl Report<'_> {
    /// A request that goes out now.
    pub fn of(doing: &str) -> Report<'_> {
        calls::graph();
        Report {
            doing,
            client_request_id: Uuid::new_v4(),
        }
    }

    /// There is an answer. What went well is for whoever looks closely.
    pub fn answered(&self, status: StatusCode, request_id: &str) {
        if status == StatusCode::TOO_MANY_REQUESTS {
            calls::graph_throttled();
        }
        macro_rules! line {
            ($level:ident, $message:literal) => {
                tracing::$level!(
                    doing = self.doing,
                    graph.status = status.as_u16(),
                    graph.request_id = request_id,
                    graph.client_request_id = %self.client_request_id,
                    $message
                )
            };
        }
        if status.is_success() {
            line!(debug, "Microsoft Graph answered");
        } else {
            line!(info, "Microsoft Graph did not do what it was asked for");
        }
    }

    /// There is no answer, or none that can be read; `request_id` is empty where none came.
    pub fn failed(&self, request_id: &str, error: &dyn Display) {
        tracing::info!(
            doing = self.doing,
            graph.request_id = request_id,
            graph.client_request_id = %self.client_request_id,
            error = %error,
            "Microsoft Graph gave no answer that can be used"
        );
    }
}
