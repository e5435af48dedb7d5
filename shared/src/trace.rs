//! The trace that AWS follows from one function to the next. The header of an invocation is carried along with the work,
//! handed on with hints, and its id is in every log line. Here nothing is measured or sent: that is AWS's own part.

use std::fmt;

/// AWS's own headers are a third of this; what is longer is no header of theirs.
const LONGEST: usize = 256;

tokio::task_local! {
    static CARRIED: Option<TraceHeader>;
}

/// `Root=1-…;Parent=…;Sampled=…`, as in `X-Amzn-Trace-Id` and in the attribute `AWSTraceHeader` of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceHeader(String);

impl TraceHeader {
    /// Takes what looks like a header of AWS and names a trace. Whatever else a sender may have written is not carried on.
    pub fn parse(text: &str) -> Option<Self> {
        let allowed = |letter: char| letter.is_ascii_alphanumeric() || "-=;:|".contains(letter);
        let header = Self(text.trim().to_owned());
        let fits = header.0.len() <= LONGEST && header.0.chars().all(allowed);
        (fits && !header.id().is_empty()).then_some(header)
    }

    /// The header as it is sent.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The id of the trace: what one searches for.
    pub fn id(&self) -> &str {
        let root = self.0.split(';').find_map(|part| part.strip_prefix("Root="));
        root.unwrap_or_default()
    }
}

impl fmt::Display for TraceHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

/// Work that belongs to a trace.
pub type Carried<F> = tokio::task::futures::TaskLocalFuture<Option<TraceHeader>, F>;

/// Does `work` as a part of `header`'s trace.
pub fn carried<F: Future>(header: Option<TraceHeader>, work: F) -> Carried<F> {
    CARRIED.scope(header, work)
}

/// The header of the work in which this is asked.
pub fn current() -> Option<TraceHeader> {
    CARRIED.try_with(Clone::clone).ok().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e708;Parent=9a9197af755a6419;Sampled=1";

    #[tokio::test]
    async fn work_knows_its_trace_and_nothing_outside_of_it_does() {
        let header = TraceHeader::parse(HEADER).unwrap();
        let inside = carried(Some(header.clone()), async { current() }).await;
        assert_eq!(inside, Some(header));
        assert_eq!(current(), None);
    }

    #[test]
    fn the_id_is_the_root_wherever_it_stands() {
        let header = TraceHeader::parse("Self=1-2-3;Root=1-67891233-abc;Lineage=a:1|b:2").unwrap();
        assert_eq!(header.to_string(), "1-67891233-abc");
        assert_eq!(header.as_str(), "Self=1-2-3;Root=1-67891233-abc;Lineage=a:1|b:2");
    }

    #[test]
    fn what_is_no_header_of_aws_is_not_carried_on() {
        let long = format!("{HEADER};Lineage={}", "a".repeat(LONGEST));
        for text in ["", "Root=", "Parent=1", "Root=1\r\nx: y", "Root=<script>", &long] {
            assert_eq!(TraceHeader::parse(text), None, "{text}");
        }
    }
}
