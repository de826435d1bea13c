//! COPY's binary format: any values, written in any order, are read back
//! unchanged.

#![no_main]

use fhirmill_core::rows::RowBuffer;
use fhirmill_fuzz::rows;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let mut buffer = RowBuffer::default();
    let mut expected: Vec<Vec<Option<Vec<u8>>>> = Vec::new();
    let pieces: Vec<&[u8]> = bytes.split(|byte| *byte == 0xff).collect();
    for row in pieces.chunks(4) {
        let mark = buffer.mark();
        buffer.begin_row(row.len() as i16);
        let mut values = Vec::new();
        for piece in row {
            let (kind, content) =
                piece.split_first().map_or((0, &[][..]), |(kind, content)| (kind % 8, content));
            let text = String::from_utf8_lossy(content);
            let number = content.iter().fold(0i64, |number, byte| number << 8 | i64::from(*byte));
            values.push(match kind {
                0 => {
                    buffer.null();
                    None
                }
                1 => {
                    buffer.text(&text);
                    Some(text.as_bytes().to_vec())
                }
                2 => {
                    buffer.bigint(number);
                    Some(number.to_be_bytes().to_vec())
                }
                3 => {
                    buffer.key(0);
                    Some(7i64.to_be_bytes().to_vec())
                }
                4 => {
                    buffer.source();
                    Some(5i16.to_be_bytes().to_vec())
                }
                5 => {
                    buffer.jsonb(&["[", &text, "]"]);
                    Some([b"\x01[", text.as_bytes(), b"]"].concat())
                }
                6 => {
                    buffer.boolean(number % 2 == 0);
                    Some(vec![u8::from(number % 2 == 0)])
                }
                _ => {
                    buffer.integer(number as i32);
                    Some((number as i32).to_be_bytes().to_vec())
                }
            });
        }
        // Every third row is taken back.
        if bytes.len() % 3 == 0 && expected.len() % 2 == 1 {
            buffer.truncate(mark);
        } else {
            expected.push(values);
        }
    }
    buffer.fill_keys(&[7]);
    buffer.fill_source(5);
    let found: Vec<Vec<Option<Vec<u8>>>> = rows(buffer.as_bytes())
        .into_iter()
        .map(|row| row.into_iter().map(|value| value.map(<[u8]>::to_vec)).collect())
        .collect();
    if pieces.iter().any(|piece| !piece.is_empty()) {
        assert_eq!(found, expected);
    }
});
