//! What every invocation of a function has around it: a span that names the request and the trace in each log line, and the
//! trace's header at hand for hints to other functions.

mod batch;

use std::task::{Context, Poll};

use lambda_runtime::LambdaInvocation;
use shared::trace::{Carried, TraceHeader, carried};
use tower::{Layer, Service};
use tracing::instrument::Instrumented;
use tracing::{Instrument as _, Span, field};

pub use batch::each_message;

/// Goes around a runtime: `Runtime::new(handler).layer(Traced)`.
#[derive(Debug, Clone, Copy)]
pub struct Traced;

/// What [`Traced`] makes of a runtime's service.
#[derive(Debug, Clone)]
pub struct TracedService<S>(S);

impl<S> Layer<S> for Traced {
    type Service = TracedService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        TracedService(inner)
    }
}

impl<S: Service<LambdaInvocation>> Service<LambdaInvocation> for TracedService<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = Carried<Instrumented<S::Future>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, invocation: LambdaInvocation) -> Self::Future {
        let about = &invocation.context;
        let trace = about.xray_trace_id.as_deref().and_then(TraceHeader::parse);
        let span = span(&about.request_id, trace.as_ref());
        // Entered, so that spans which the service makes at once are within this one.
        let work = span.in_scope(|| self.0.call(invocation));
        carried(trace, work.instrument(span))
    }
}

/// Of the highest level, so that no filter that lets a line through takes its ids away.
fn span(request: &str, trace: Option<&TraceHeader>) -> Span {
    let span = tracing::error_span!("invocation", aws_request_id = request, trace.id = field::Empty);
    name_trace(&span, trace);
    span
}

/// Fills in the field that a span has for it.
fn name_trace(span: &Span, trace: Option<&TraceHeader>) {
    if let Some(trace) = trace {
        span.record("trace.id", field::display(trace));
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use lambda_runtime::Context;
    use shared::testing::logs::Logs;
    use shared::trace::current;
    use tower::service_fn;

    use super::*;

    const HEADER: &str = "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e708;Parent=9a9197af755a6419;Sampled=1";

    async fn invoke(trace: Option<&str>) -> Option<TraceHeader> {
        let mut context = Context::default();
        context.request_id = "8476a536-e9f4-11e8-9739-2dfe598c3fcd".to_owned();
        context.xray_trace_id = trace.map(str::to_owned);
        let (parts, ()) = http::Response::new(()).into_parts();
        let invocation = LambdaInvocation {
            parts,
            body: Vec::new().into(),
            context,
        };
        let handler = service_fn(|_: LambdaInvocation| async {
            tracing::info!("at work");
            Ok::<_, Infallible>(current())
        });
        Traced.layer(handler).call(invocation).await.unwrap()
    }

    #[tokio::test]
    async fn every_line_names_request_and_trace_and_work_has_the_header_at_hand() {
        let logs = Logs::of_function("stack-scheduler");
        let header = invoke(Some(HEADER)).await;
        assert_eq!(header.unwrap().as_str(), HEADER);
        let line = logs.line("at work");
        assert_eq!(line["aws_request_id"], "8476a536-e9f4-11e8-9739-2dfe598c3fcd");
        assert_eq!(line["trace.id"], "1-5bef4de7-ad49b0e87f6ef6c87fc2e708");
    }

    #[tokio::test]
    async fn a_trace_that_is_none_is_neither_logged_nor_handed_on() {
        for trace in [None, Some("canary"), Some("Root=can\r\nary")] {
            let logs = Logs::of_function("stack-scheduler");
            assert_eq!(invoke(trace).await, None);
            let line = logs.line("at work");
            assert_eq!(line.get("trace.id"), None);
            assert!(line["aws_request_id"].is_string());
        }
    }
}
