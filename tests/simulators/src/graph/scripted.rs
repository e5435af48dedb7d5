//! Faults that replace the real answer, in the format of the host they stand for.

use super::answer::{Answer, ApiError};
use super::faults::FaultKind;
use super::sign_in_error::{SignInError, Trace};

/// The answer of a fault that replaces the real one.
pub fn scripted(fault: &FaultKind) -> Option<Result<Answer, ApiError>> {
    match fault {
        FaultKind::Http { status, code } => Some(Err(ApiError::new(*status, code, "Scripted fault."))),
        FaultKind::Throttle { retry_after } => {
            let error = ApiError::new(429, "TooManyRequests", "Too many requests");
            Some(Err(match retry_after {
                Some(value) => error.header("Retry-After", value.clone()),
                None => error,
            }))
        }
        FaultKind::Html502 => {
            let page = "<html><head><title>502 Bad Gateway</title></head><body>Bad Gateway</body></html>";
            Some(Ok(Answer::text(502, "text/html", page.to_owned())))
        }
        FaultKind::Empty503 => Some(Ok(Answer::empty(503))),
        _ => None,
    }
}

/// The same fault in the format of the sign-in host.
pub fn sign_in_fault(outcome: Result<Answer, ApiError>, trace: &Trace) -> Answer {
    match outcome {
        Ok(answer) => answer,
        Err(error) => {
            let mut answer = SignInError::new(90033, error.code).into_answer(trace);
            answer.status = error.status;
            answer.headers.extend(error.headers);
            answer
        }
    }
}
