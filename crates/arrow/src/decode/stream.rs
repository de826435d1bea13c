//! A stream as `COPY … TO STDOUT (FORMAT binary)` sends it.

use arrow_array::RecordBatch;
use fhirmill_core::rows;

use super::column::Keys;
use super::decoder::{Decoder, Stop};
use super::error::{DecodeError, RowProblem};

/// Flags, and the length of the header's extension, after the signature.
const SIGNATURE: usize = 11;
const HEADER: usize = 19;

/// Decodes a stream that arrives in pieces of any size.
pub struct CopyStream {
    decoder: Decoder,
    /// What has arrived of the row that is not complete yet.
    rest: Vec<u8>,
    /// It is not worth looking at `rest` before it has this many bytes.
    needed: usize,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Header,
    Rows,
    Ended,
}

/// Why a stream was not fed.
#[derive(Debug, thiserror::Error)]
pub enum FeedError<E> {
    /// It cannot be decoded.
    #[error(transparent)]
    Decode(DecodeError),
    /// Whoever takes the batches failed.
    #[error(transparent)]
    Take(E),
}

impl CopyStream {
    /// A stream of rows that the decoder decodes.
    pub fn new(decoder: Decoder) -> Self {
        CopyStream { decoder, rest: Vec::new(), needed: HEADER, state: State::Header }
    }

    /// The decoder.
    pub fn decoder(&self) -> &Decoder {
        &self.decoder
    }

    /// Takes the next bytes of the stream, and passes on the batches that they complete.
    ///
    /// # Errors
    /// The stream cannot be decoded, or `take` failed. It cannot be continued then.
    pub fn feed<E>(
        &mut self,
        bytes: &[u8],
        mut take: impl FnMut(RecordBatch) -> Result<(), E>,
    ) -> Result<(), FeedError<E>> {
        if self.rest.is_empty() {
            let used = self.rows(bytes, &mut take)?;
            self.rest.extend_from_slice(&bytes[used..]);
            return Ok(());
        }
        self.rest.extend_from_slice(bytes);
        if self.rest.len() >= self.needed {
            let mut rest = std::mem::take(&mut self.rest);
            let used = self.rows(&rest, &mut take)?;
            rest.drain(..used);
            self.rest = rest;
        }
        Ok(())
    }

    /// Ends the stream, and returns its last batch; `None` if there are no further rows.
    ///
    /// # Errors
    /// The stream has not come to its end, or the last rows are wrong.
    pub fn finish(&mut self) -> Result<Option<RecordBatch>, DecodeError> {
        match self.state {
            State::Ended => self.decoder.finish(),
            State::Header | State::Rows => Err(self.decoder.row_error(RowProblem::NoTrailer)),
        }
    }

    /// Decodes what is complete, and returns how many bytes that is.
    fn rows<E>(
        &mut self,
        bytes: &[u8],
        take: &mut impl FnMut(RecordBatch) -> Result<(), E>,
    ) -> Result<usize, FeedError<E>> {
        let wrong = |decoder: &Decoder, problem| Err(FeedError::Decode(decoder.row_error(problem)));
        let mut at = 0;
        self.needed = 0;
        if self.state == State::Header {
            match header(bytes) {
                Ok(length) => (at, self.state) = (length, State::Rows),
                Err(Stop::Incomplete(needed)) => {
                    self.needed = needed;
                    return Ok(0);
                }
                Err(stop) => return Err(FeedError::Decode(self.decoder.error(stop))),
            }
        }
        while at < bytes.len() {
            if self.state == State::Ended {
                return wrong(&self.decoder, RowProblem::AfterTrailer);
            }
            if bytes[at..].starts_with(rows::TRAILER) {
                self.state = State::Ended;
                at += rows::TRAILER.len();
                continue;
            }
            match self.decoder.row(&bytes[at..], Keys::InRows) {
                Ok(length) => at += length,
                Err(Stop::Incomplete(needed)) => {
                    self.needed = needed;
                    break;
                }
                Err(stop) => return Err(FeedError::Decode(self.decoder.error(stop))),
            }
            if self.decoder.is_full() {
                let batch = self.decoder.finish().map_err(FeedError::Decode)?;
                batch.map_or(Ok(()), &mut *take).map_err(FeedError::Take)?;
            }
        }
        Ok(at)
    }
}

/// The length of the header.
fn header(bytes: &[u8]) -> Result<usize, Stop> {
    let known = bytes.len().min(SIGNATURE);
    if bytes[..known] != rows::HEADER[..known] {
        return Err(Stop::Row(RowProblem::NotCopy));
    }
    let extension = bytes.get(15..HEADER).and_then(<[u8]>::first_chunk).ok_or(Stop::Incomplete(HEADER))?;
    let length = u32::from_be_bytes(*extension) as usize;
    // Postgres writes none.
    if length > 1 << 16 {
        return Err(Stop::Row(RowProblem::NotCopy));
    }
    if bytes.len() < HEADER + length { Err(Stop::Incomplete(HEADER + length)) } else { Ok(HEADER + length) }
}
