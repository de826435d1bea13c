//! The *outbox* of sinks outside of this database, such as FHIR servers: what each has yet to
//! be sent, what it has, and what it has refused.
//!
//! The transaction that loads a batch notes it for each sink of its source ([`outbox`]). Who
//! sends takes the oldest batches ([`work`]), asks the registry which of their records are
//! current and not sent yet, notes what is about to be sent, sends it, and notes the answers
//! ([`answer`]). So the outbox says where to look, and the registry what counts: a version that
//! was followed by another before it was sent is not sent. What a sink has is known by type
//! and id (`etl.sink_resource`), so that a deletion reaches it whatever became of
//! the resource here.

mod answer;
mod deletion;
mod outbox;
mod refusal;
mod sink;
mod status;
mod work;

pub use answer::{Answered, Method, Refusal, SentResource};
pub use deletion::{Wanted, delete_from_sinks, wanted_deletions};
pub(crate) use outbox::NOTE_BATCH;
pub use outbox::{BatchNote, note_parts, note_undone};
pub use refusal::{missing_on_sink, release_awaited, retry_refused};
pub use sink::{NewSink, Sink, SinkError};
pub use status::SinkStatus;
pub use work::{ForwardFile, ForwardWork, PendingResource, Taking, Unit};
