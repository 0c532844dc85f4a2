//! Files in other encodings than UTF-8, read as if they were in it: places in them are places of the text in UTF-8.
//!
//! A mark at the beginning of a file says that it is UTF-16. A code page says nothing of itself: which one it is somebody has to say, for a
//! guess would be somebody's name in wrong letters.

use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};

use encoding_rs::Encoding;

use super::kind::{self, MARK};
use domain::encoding::FileEncoding;
use storage::files::Content;

/// Bytes that are decoded at once.
const PIECE: u64 = 64 * 1024;
/// How much of a file is looked at.
pub(super) const HEAD: usize = 64 * 1024;
/// What stands where an encoding has no letter, in UTF-8.
pub(super) const NO_LETTER: &[u8] = "\u{fffd}".as_bytes();

/// The text of a file.
pub struct Text<F = BufReader<Content>> {
    file: F,
    decoding: Option<Decoding>,
}

struct Decoding {
    encoding: &'static Encoding,
    /// What is decoded, and how much of it was read.
    piece: Vec<u8>,
    from: usize,
    /// Where the reader is in the text, and where the file is.
    at: u64,
    raw: u64,
    /// Where pieces begin: in the text, and in the file.
    pieces: Vec<(u64, u64)>,
}

/// In which encoding a file is that begins like this: what was said, or what it says itself.
///
/// # Errors
/// What was said can't be: read so, its letters would be others.
pub(super) fn found(head: &[u8], said: Option<FileEncoding>) -> io::Result<FileEncoding> {
    let marked = match head {
        // UTF-32, which is told as such.
        [0xff, 0xfe, 0, 0, ..] => return Ok(FileEncoding::Utf8),
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => Some(FileEncoding::Utf16),
        _ => head.starts_with(MARK).then_some(FileEncoding::Utf8),
    };
    let Some(said) = said else { return Ok(marked.unwrap_or(FileEncoding::Utf8)) };
    let is_other = |is: FileEncoding| {
        Err(io::Error::other(format!(
            "the file is {is}, and in {said} it would have other letters: leave the encoding out"
        )))
    };
    if let Some(is) = marked.filter(|is| *is != said) {
        return is_other(is);
    }
    let has_zeros = head.contains(&0);
    match said {
        FileEncoding::Utf16 if marked.is_none() && !has_zeros => {
            Err(io::Error::other("the file is not UTF_16: leave the encoding out"))
        }
        FileEncoding::Utf8 | FileEncoding::Utf16 => Ok(said),
        _ if has_zeros => Err(io::Error::other(format!("the file is no text in {said}"))),
        _ if !head.is_ascii()
            && std::str::from_utf8(head).map_or_else(|error| error.error_len().is_none(), |_| true) =>
        {
            is_other(FileEncoding::Utf8)
        }
        _ => kind::sign(head).map_or(Ok(said), |what| Err(io::Error::other(what))),
    }
}

/// How bytes of an encoding are read, and how many stand before the text; None: as they are.
fn decoder(encoding: FileEncoding, head: &[u8]) -> Option<(&'static Encoding, u64)> {
    let of_zeros = |parity: usize| head.iter().skip(parity).step_by(2).filter(|byte| **byte == 0).count();
    Some(match encoding {
        FileEncoding::Utf8 => return None,
        FileEncoding::Utf16 => match head {
            [0xff, 0xfe, ..] => (encoding_rs::UTF_16LE, 2),
            [0xfe, 0xff, ..] => (encoding_rs::UTF_16BE, 2),
            _ if of_zeros(0) > of_zeros(1) => (encoding_rs::UTF_16BE, 0),
            _ => (encoding_rs::UTF_16LE, 0),
        },
        FileEncoding::Windows1250 => (encoding_rs::WINDOWS_1250, 0),
        FileEncoding::Windows1251 => (encoding_rs::WINDOWS_1251, 0),
        FileEncoding::Windows1252 => (encoding_rs::WINDOWS_1252, 0),
        FileEncoding::Windows1253 => (encoding_rs::WINDOWS_1253, 0),
        FileEncoding::Windows1254 => (encoding_rs::WINDOWS_1254, 0),
        FileEncoding::Windows1257 => (encoding_rs::WINDOWS_1257, 0),
        FileEncoding::Koi8R => (encoding_rs::KOI8_R, 0),
        FileEncoding::Ibm866 => (encoding_rs::IBM866, 0),
    })
}

impl<F: BufRead + Seek> Text<F> {
    /// The text of a file in an encoding.
    pub(super) fn open(mut file: F, encoding: FileEncoding) -> io::Result<Self> {
        let mut head = Vec::new();
        if encoding == FileEncoding::Utf16 {
            file.seek(SeekFrom::Start(0))?;
            (&mut file).take(HEAD as u64).read_to_end(&mut head)?;
        }
        let decoding = decoder(encoding, &head).map(|(encoding, raw)| Decoding {
            encoding,
            piece: Vec::new(),
            from: 0,
            at: 0,
            raw,
            pieces: vec![(0, raw)],
        });
        let mut text = Self { file, decoding };
        text.seek(SeekFrom::Start(0))?;
        Ok(text)
    }

    /// Whether letters may be there that its encoding has not.
    pub(super) fn is_decoded(&self) -> bool {
        self.decoding.is_some()
    }
}

impl Decoding {
    /// Decodes the next piece. What is cut off at its end belongs to the one after it.
    fn next(&mut self, file: &mut (impl BufRead + Seek)) -> io::Result<()> {
        let mut bytes = Vec::new();
        file.take(PIECE).read_to_end(&mut bytes)?;
        let is_cut = bytes.len() as u64 == PIECE && self.begins_a_pair(&bytes);
        if is_cut {
            bytes.truncate(bytes.len() - 2);
            file.seek_relative(-2)?;
        }
        if self.pieces.last().is_none_or(|(at, _)| *at < self.at) {
            self.pieces.push((self.at, self.raw));
        }
        self.raw += bytes.len() as u64;
        self.piece = self.encoding.decode_without_bom_handling(&bytes).0.into_owned().into_bytes();
        self.from = 0;
        Ok(())
    }

    /// Whether the last two bytes are the first half of a letter of UTF-16.
    fn begins_a_pair(&self, bytes: &[u8]) -> bool {
        let [.., one, other] = bytes else { return false };
        let high = if self.encoding == encoding_rs::UTF_16BE { one } else { other };
        [encoding_rs::UTF_16LE, encoding_rs::UTF_16BE].contains(&self.encoding) && (0xd8..0xdc).contains(high)
    }
}

impl<F: BufRead + Seek> BufRead for Text<F> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let Some(decoding) = &mut self.decoding else { return self.file.fill_buf() };
        if decoding.from == decoding.piece.len() {
            decoding.next(&mut self.file)?;
        }
        Ok(&decoding.piece[decoding.from..])
    }

    fn consume(&mut self, bytes: usize) {
        match &mut self.decoding {
            None => self.file.consume(bytes),
            Some(decoding) => {
                decoding.from += bytes;
                decoding.at += bytes as u64;
            }
        }
    }
}

impl<F: BufRead + Seek> Read for Text<F> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.decoding.is_none() {
            return self.file.read(into);
        }
        let read = self.fill_buf()?.read(into)?;
        self.consume(read);
        Ok(read)
    }
}

impl<F: BufRead + Seek> Seek for Text<F> {
    /// To a place from the beginning. What lies before it is decoded from the piece on in which it is, as far as those are known.
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let (Some(decoding), SeekFrom::Start(place)) = (&mut self.decoding, to) else { return self.file.seek(to) };
        let known = decoding.pieces.partition_point(|(at, _)| *at <= place).saturating_sub(1);
        (decoding.at, decoding.raw) = decoding.pieces[known];
        (decoding.piece, decoding.from) = (Vec::new(), 0);
        self.file.seek(SeekFrom::Start(decoding.raw))?;
        let mut left = place - decoding.at;
        while left > 0 {
            let here = self.fill_buf()?.len();
            if here == 0 {
                break;
            }
            let skipped = usize::try_from(left).map_or(here, |left| left.min(here));
            self.consume(skipped);
            left -= skipped as u64;
        }
        Ok(place - left)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn utf16(text: &str, is_little: bool) -> Vec<u8> {
        let units = "\u{feff}".encode_utf16().chain(text.encode_utf16());
        units.flat_map(|unit| if is_little { unit.to_le_bytes() } else { unit.to_be_bytes() }).collect()
    }

    #[test]
    fn a_text_is_the_same_in_each_encoding_from_any_place_of_it() {
        // Letters of two units lie across the ends of pieces, whichever way they fall.
        for shift in ["", "x", "xy", "xyz"] {
            let text = format!("{shift}{}", "имя;😀ö\r\n".repeat(40_000));
            for bytes in [utf16(&text, true), utf16(&text, false)] {
                let mut read = Text::open(Cursor::new(bytes), FileEncoding::Utf16).unwrap();
                let mut whole = String::new();
                read.read_to_string(&mut whole).unwrap();
                assert!(whole == text, "{shift}");
                for place in [0, 7, 100_000, 13, text.len() - 2, 400_000, text.len()] {
                    assert_eq!(read.seek(SeekFrom::Start(place as u64)).unwrap(), place as u64);
                    let mut rest = Vec::new();
                    read.by_ref().take(50).read_to_end(&mut rest).unwrap();
                    assert_eq!(rest, text.as_bytes()[place..text.len().min(place + 50)], "{shift} {place}");
                }
            }
        }
        for (encoding, bytes, text) in [
            (FileEncoding::Windows1251, &b"\xc8\xf0\xe8\xed\xe0\n"[..], "Ирина\n"),
            (FileEncoding::Koi8R, b"\xe9\xd2\xc9\xce\xc1\n", "Ирина\n"),
            (FileEncoding::Ibm866, b"\x88\xe0\xa8\xad\xa0\n", "Ирина\n"),
            (FileEncoding::Windows1252, b"J\xf6rg \x80\n", "Jörg €\n"),
            (FileEncoding::Windows1250, b"\xa3\xf3d\x9f", "Łódź"),
            (FileEncoding::Windows1251, b"a\x98b", "a\u{98}b"),
            (FileEncoding::Utf8, b"J\xc3\xb6rg", "Jörg"),
        ] {
            let mut read = String::new();
            Text::open(Cursor::new(bytes), encoding).unwrap().read_to_string(&mut read).unwrap();
            assert_eq!(read, text, "{encoding}");
        }
    }

    #[test]
    fn what_a_file_says_itself_counts_and_what_was_said_must_fit() {
        use FileEncoding::{Utf8, Utf16, Windows1251};
        let (marked, bare) = (utf16("email\n", true), utf16("email\n", false)[2..].to_vec());
        for (head, said, wanted) in [
            (&marked[..], None, Some(Utf16)),
            (&marked, Some(Utf16), Some(Utf16)),
            (&marked, Some(Windows1251), None),
            (&bare, Some(Utf16), Some(Utf16)),
            (&bare, Some(Windows1251), None),
            (b"email\n", Some(Utf16), None),
            (b"\xff\xfe\0\0e\0\0\0", None, Some(Utf8)),
            (b"name\n\xc8\xf0\xe8", Some(Windows1251), Some(Windows1251)),
            (b"name\nAnn", Some(Windows1251), Some(Windows1251)),
            (b"name\n\xd0\x98\xd1", Some(Windows1251), None),
            (b"\xef\xbb\xbfname", Some(Windows1251), None),
            (b"\x1f\x8b\x08", Some(Windows1251), None),
            (b"name\n\xc8", None, Some(Utf8)),
        ] {
            assert_eq!(found(head, said).ok(), wanted, "{head:?} {said:?}");
        }
    }
}
