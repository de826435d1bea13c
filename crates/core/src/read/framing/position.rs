//! A frame's *position* is its rank in the order in which the frames of a file
//! take effect; see [`Frame::position`](crate::read::Frame::position). Bundles
//! of some types assign positions in an order other than document order.

/// The phase in which a transaction processes an entry
/// (<https://hl7.org/fhir/R4/http.html#trules>).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum TransactionPhase {
    Delete,
    Post,
    /// PUT and PATCH, and entries without a method.
    Put,
    /// GET and HEAD, and broken entries.
    Other,
}

impl TransactionPhase {
    pub const COUNT: usize = 4;
}

/// How many positions the entries of each [`TransactionPhase`] take.
pub(super) type PhaseCounts = [u64; TransactionPhase::COUNT];

/// Assigns positions to the entries of one Bundle.
#[derive(Debug)]
pub(super) enum PositionAssigner {
    /// In document order.
    Document { next: u64 },
    /// A history, whose newest entry comes first: in reverse order.
    Reverse { first: u64, remaining: u64 },
    /// A transaction: by phase.
    Phase { next: PhaseCounts },
}

impl PositionAssigner {
    /// Assigns positions from `first` on to the entries of a Bundle with this
    /// `type`, for which the prescan counted `counts`.
    pub fn new(bundle_type: Option<&str>, counts: &PhaseCounts, first: u64) -> Self {
        match bundle_type {
            Some("history") => Self::Reverse { first, remaining: counts.iter().sum() },
            Some("transaction") => {
                let mut next = [first; TransactionPhase::COUNT];
                for phase in 1..TransactionPhase::COUNT {
                    next[phase] = next[phase - 1] + counts[phase - 1];
                }
                Self::Phase { next }
            }
            _ => Self::Document { next: first },
        }
    }

    /// The first position of the next entry, which takes `count` positions.
    pub fn assign(&mut self, phase: TransactionPhase, count: u64) -> u64 {
        let next = match self {
            Self::Document { next } => next,
            Self::Phase { next } => &mut next[phase as usize],
            Self::Reverse { first, remaining } => {
                *remaining = remaining.saturating_sub(count);
                return *first + *remaining;
            }
        };
        let position = *next;
        *next += count;
        position
    }
}
