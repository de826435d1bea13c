//! Attachments: what they describe and, if it is text, the text itself.
//! Source: <https://hl7.org/fhir/R4/datatypes.html#Attachment>.

use base64::Engine;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use base64::{alphabet, engine::DecodePaddingMode};

use crate::fhir::is_blank;
use crate::json::{NameId, Value};

use super::column::{Column, SqlType, join};
use super::defect::ValueDefect;
use super::definition::Datatype;
use super::row::{Row, member_text, object};

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Attachment: content type, URL, title and text.
pub(super) struct Attachment;

impl Datatype for Attachment {
    fn columns(&self, prefix: &str) -> Vec<Column> {
        let column = |suffix, holds| Column::new(join(prefix, suffix), SqlType::Text, holds);
        vec![
            column("content_type", "contentType, the media type such as application/pdf"),
            column("url", "url, where the content can be fetched"),
            column("title", "title, a heading to show in place of the content"),
            column("text", "data, decoded where contentType is text/*"),
        ]
    }

    fn write(&self, elements: &[Value<'_>], row: &mut Row<'_>) -> Result<(), ValueDefect> {
        let attachment = object(elements)?;
        row.member_text(attachment, NameId::CONTENT_TYPE)?;
        row.member_text(attachment, NameId::URL)?;
        row.member_text(attachment, NameId::TITLE)?;
        AttachmentText.write(elements, row)
    }
}

/// The text of an Attachment: `data`, decoded from base64 as UTF-8, if the
/// content type is text/*; else null.
pub(super) struct AttachmentText;

impl Datatype for AttachmentText {
    fn columns(&self, prefix: &str) -> Vec<Column> {
        vec![Column::new(prefix.to_owned(), SqlType::Text, "data, decoded where contentType is text/*")]
    }

    fn write(&self, elements: &[Value<'_>], row: &mut Row<'_>) -> Result<(), ValueDefect> {
        let attachment = object(elements)?;
        let content_type = member_text(attachment, NameId::CONTENT_TYPE)?;
        let is_text = content_type.is_some_and(|content_type| is_text(&content_type));
        let data = if is_text { member_text(attachment, NameId::DATA)? } else { None };
        row.buffer.optional_text(data.and_then(|data| decode(&data)).as_deref());
        Ok(())
    }
}

/// Media types ignore case (<https://www.rfc-editor.org/rfc/rfc2045#section-5.1>).
fn is_text(content_type: &str) -> bool {
    content_type
        .trim_start_matches(is_blank)
        .get(.."text/".len())
        .is_some_and(|start| start.eq_ignore_ascii_case("text/"))
}

/// `None` rather than an error for data that are not base64, not UTF-8 or contain
/// U+0000: the column is a convenience, and the archived file keeps the data.
fn decode(data: &str) -> Option<String> {
    let bytes = match BASE64.decode(data) {
        Ok(bytes) => bytes,
        // FHIR allows line breaks in base64.
        Err(_) => {
            let unbroken: Vec<u8> = data.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
            BASE64.decode(unbroken).ok()?
        }
    };
    let text = String::from_utf8(bytes).ok()?;
    (!text.contains('\0')).then_some(text)
}
