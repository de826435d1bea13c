use std::io::Cursor;

use super::*;
use crate::read::{Frame, ReadDefect, read_each};
use pretty_assertions::assert_eq;

/// Replaces a word by blanks.
struct Blanks(&'static str);

impl Editor for Blanks {
    fn patches(&mut self, _: u32, mut document: &File) -> io::Result<Vec<Patch>> {
        let mut text = Vec::new();
        document.rewind()?;
        document.read_to_end(&mut text)?;
        let word = self.0.as_bytes();
        let patch = |place: usize| Patch { offset: place as u64, bytes: vec![b' '; word.len()] };
        Ok(memchr::memmem::find_iter(&text, word).map(patch).collect())
    }

    fn is_name_replaced(&mut self, name: &str) -> bool {
        name.contains(self.0)
    }
}

type Place = (u32, u64, u64, String);

fn frames(file: impl ReadAt + 'static) -> Vec<Place> {
    let mut frames = Vec::new();
    read_each(file, &ReadLimits::default(), |frame: Result<Frame<'_>, ReadDefect<'_>>| {
        let frame = frame.expect("a frame");
        let text = String::from_utf8(frame.bytes.to_vec()).expect("text");
        frames.push((frame.member, frame.offset, frame.position, text));
        Ok(())
    })
    .expect("read");
    frames
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).expect("packed");
    encoder.finish().expect("packed")
}

fn zip(members: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    writer.add_directory("folder", SimpleFileOptions::default()).expect("a folder");
    for (name, content) in members {
        writer.start_file(*name, SimpleFileOptions::default()).expect("a member");
        writer.write_all(content).expect("written");
    }
    writer.finish().expect("finished").into_inner()
}

fn tar(members: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, content) in members {
        let mut header = Header::new_gnu();
        header.set_size(content.len() as u64);
        builder.append_data(&mut header, name, &content[..]).expect("a member");
    }
    builder.into_inner().expect("finished")
}

#[test]
fn every_byte_keeps_its_place_whatever_the_file_is_packed_in() {
    let one = br#"{"resourceType":"Patient","id":"secret"}
{"resourceType":"Patient","id":"b"}
"#
    .to_vec();
    let two = br#"{"resourceType":"Patient","id":"c"}"#.to_vec();
    let long = format!("{}/secret.json", "long".repeat(30));
    let members = [("one.ndjson", one.clone()), ("secret.json", two.clone()), (&*long, two.clone())];
    let packed = [("in.json.gz", gzip(&one)), ("in.zip", zip(&members)), ("c.json", two)];
    let zstandard = ruzstd::encoding::compress_to_vec(&one[..], CompressionLevel::Fastest);
    let files = [
        one.clone(),
        gzip(&one),
        zstandard,
        zip(&members),
        tar(&members),
        gzip(&tar(&packed)),
        zip(&packed),
        tar(&packed),
    ];
    for (number, file) in files.into_iter().enumerate() {
        let expected: Vec<Place> = frames(file.clone())
            .into_iter()
            .map(|(member, offset, position, text)| {
                (member, offset, position, text.replace("secret", "      "))
            })
            .collect();
        let mut new =
            rewrite(file, &ReadLimits::default(), &mut Blanks("secret")).expect("rewritten").expect("a copy");
        assert_eq!(frames(new.try_clone().expect("a file")), expected, "file {number}");
        let mut bytes = Vec::new();
        new.rewind().expect("the beginning");
        new.read_to_end(&mut bytes).expect("read");
        assert_eq!(memchr::memmem::find(&bytes, b"secret"), None, "file {number}");
        let again = rewrite(bytes, &ReadLimits::default(), &mut Blanks("secret")).expect("rewritten");
        assert!(again.is_none(), "file {number}");
    }
}
