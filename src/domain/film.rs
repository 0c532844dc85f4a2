//! How long and how large a film is, from the boxes of an MP4 or MOV file and the elements of a `WebM` or Matroska one.
//!
//! Only headers are read, wherever in the file they lie: each read is of some bytes, and there is a limit of reads, so that no file
//! takes long. What is not understood is passed over; a file that tells nothing is no film.

use std::io::{Read, Result, Seek, SeekFrom};

/// Headers that are looked at in one file.
const MOST_READS: u32 = 20_000;
/// Boxes that lie within each other.
const DEEPEST: u32 = 4;
/// The longest film, in seconds, and the widest: what is beyond is an error of the file.
const LONGEST: f64 = 1_000_000.0;
const WIDEST: u32 = 32_768;

/// The length and the size of a film.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Film {
    /// Its length.
    pub seconds: f64,
    /// In pixels, as it is shown: turned, if it is to be turned.
    pub width: i32,
    /// In pixels.
    pub height: i32,
}

impl Film {
    /// Reads it from the headers of a file; None if they don't tell all of it.
    ///
    /// # Errors
    /// The file can't be read.
    pub fn read(file: &mut (impl Read + Seek)) -> Result<Option<Self>> {
        let end = file.seek(SeekFrom::End(0))?;
        let mut source = Source { file, end, reads: 0 };
        let mut found = Found::default();
        match source.at::<4>(0)? {
            Some([0x1a, 0x45, 0xdf, 0xa3]) => source.elements(within(0, end), 0, &mut found)?,
            _ => source.boxes(within(0, end), 0, &mut found)?,
        }
        Ok(found.film())
    }
}

/// What has been found so far.
#[derive(Debug, Default)]
struct Found {
    /// Units in a second; of Matroska nanoseconds in a unit.
    scale: u64,
    /// In units.
    length: f64,
    /// The size of the track that is being read, and whether it is a film's.
    track: (u32, u32),
    is_film: bool,
    /// The size of the first film track.
    size: Option<(u32, u32)>,
    is_matroska: bool,
}

impl Found {
    fn film(&self) -> Option<Film> {
        let (width, height) = self.size?;
        let scale = float(self.scale);
        let seconds = if self.is_matroska { self.length * scale / 1e9 } else { self.length / scale };
        let is_sound =
            seconds > 0.0 && seconds <= LONGEST && (1..=WIDEST).contains(&width) && (1..=WIDEST).contains(&height);
        let (width, height) = (i32::try_from(width).ok()?, i32::try_from(height).ok()?);
        is_sound.then_some(Film { seconds, width, height })
    }

    /// A track has been read.
    fn end_track(&mut self) {
        let track = std::mem::take(&mut self.track);
        if std::mem::take(&mut self.is_film) && track.0 > 0 && track.1 > 0 {
            self.size.get_or_insert(track);
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "lengths of films are far below 2^53 units")]
const fn float(number: u64) -> f64 {
    number as f64
}

/// A file, read here and there.
struct Source<'a, F> {
    file: &'a mut F,
    end: u64,
    reads: u32,
}

/// A part of a file, between two offsets.
#[derive(Clone, Copy)]
struct Within {
    start: u64,
    end: u64,
}

const fn within(start: u64, end: u64) -> Within {
    Within { start, end }
}

impl<F: Read + Seek> Source<'_, F> {
    /// The bytes at an offset; None behind the end, or if there were too many reads already.
    fn at<const N: usize>(&mut self, offset: u64) -> Result<Option<[u8; N]>> {
        let is_inside = offset.checked_add(N as u64).is_some_and(|end| end <= self.end);
        if !is_inside || self.reads >= MOST_READS {
            return Ok(None);
        }
        self.reads += 1;
        self.file.seek(SeekFrom::Start(offset))?;
        let mut bytes = [0; N];
        self.file.read_exact(&mut bytes)?;
        Ok(Some(bytes))
    }

    fn u32(&mut self, offset: u64) -> Result<u32> {
        Ok(self.at(offset)?.map_or(0, u32::from_be_bytes))
    }

    /// A number of four bytes, or of eight in the boxes of the second version.
    fn number(&mut self, is_long: bool, offset: u64) -> Result<u64> {
        Ok(if is_long { self.at(offset)?.map_or(0, u64::from_be_bytes) } else { self.u32(offset)?.into() })
    }

    /// The boxes of MP4 and MOV.
    fn boxes(&mut self, all: Within, depth: u32, found: &mut Found) -> Result<()> {
        let mut offset = all.start;
        while offset < all.end {
            let Some(head) = self.at::<8>(offset)? else { return Ok(()) };
            let [a, b, c, d, kind @ ..] = head;
            let (length, header) = match u32::from_be_bytes([a, b, c, d]) {
                0 => (all.end - offset, 8),
                1 => (self.number(true, offset + 8)?, 16),
                length => (length.into(), 8),
            };
            let Some(next) = offset.checked_add(length).filter(|next| length >= header && *next <= all.end) else {
                return Ok(());
            };
            let (body, may_enter) = (within(offset + header, next), depth < DEEPEST);
            match &kind {
                b"moov" | b"mdia" | b"mvex" if may_enter => self.boxes(body, depth + 1, found)?,
                b"trak" if may_enter => {
                    self.boxes(body, depth + 1, found)?;
                    found.end_track();
                }
                b"mvhd" => self.movie_header(body.start, found)?,
                b"mehd" if found.length <= 0.0 => {
                    let is_long = self.is_second_version(body.start)?;
                    found.length = float(self.number(is_long, body.start + 4)?);
                }
                b"tkhd" => found.track = self.track_header(body.start)?,
                b"hdlr" if self.at::<4>(body.start + 8)? == Some(*b"vide") => found.is_film = true,
                _ => {}
            }
            offset = next;
        }
        Ok(())
    }

    fn is_second_version(&mut self, offset: u64) -> Result<bool> {
        Ok(self.at::<1>(offset)? == Some([1]))
    }

    fn movie_header(&mut self, start: u64, found: &mut Found) -> Result<()> {
        let is_long = self.is_second_version(start)?;
        let times = if is_long { 16 } else { 8 };
        found.scale = self.u32(start + 4 + times)?.into();
        let length = self.number(is_long, start + 8 + times)?;
        // All bits are set where it is not known.
        let is_known = length != u64::MAX && (is_long || length != u64::from(u32::MAX));
        found.length = if is_known { float(length) } else { 0.0 };
        Ok(())
    }

    /// The size of a track as it is shown: numbers with 16 bits behind the point, and a matrix that may turn it.
    fn track_header(&mut self, start: u64) -> Result<(u32, u32)> {
        let matrix = start + if self.is_second_version(start)? { 52 } else { 40 };
        let (width, height) = (self.u32(matrix + 36)? >> 16, self.u32(matrix + 40)? >> 16);
        let is_turned = self.u32(matrix)? == 0 && self.u32(matrix + 4)? != 0;
        Ok(if is_turned { (height, width) } else { (width, height) })
    }

    /// The elements of `WebM` and Matroska.
    fn elements(&mut self, all: Within, depth: u32, found: &mut Found) -> Result<()> {
        found.is_matroska = true;
        let mut offset = all.start;
        while offset < all.end {
            let Some((kind, width)) = self.vint(offset, false)? else { return Ok(()) };
            let Some((length, more)) = self.vint(offset + width, true)? else { return Ok(()) };
            let body = offset + width + more;
            // A length of all bits is not known: it reaches to the end of what it lies in.
            let is_open = length == (1 << (7 * more)) - 1;
            let next = if is_open { Some(all.end) } else { body.checked_add(length) };
            let Some(next) = next.filter(|next| *next <= all.end) else { return Ok(()) };
            let may_enter = depth < DEEPEST;
            match kind {
                // Segment, Info, Tracks, Video
                0x1853_8067 | 0x1549_a966 | 0x1654_ae6b | 0xe0 if may_enter => {
                    if kind == 0x1549_a966 {
                        found.scale = 1_000_000;
                    }
                    self.elements(within(body, next), depth + 1, found)?;
                }
                // TrackEntry
                0xae if may_enter => {
                    self.elements(within(body, next), depth + 1, found)?;
                    found.end_track();
                }
                // TimestampScale, Duration, TrackType
                0x2a_d7b1 => found.scale = self.unsigned(within(body, next))?,
                0x4489 => found.length = self.float(within(body, next))?,
                0x83 => found.is_film = self.unsigned(within(body, next))? == 1,
                // The pixels of the film.
                0xb0 => found.track.0 = u32::try_from(self.unsigned(within(body, next))?).unwrap_or(0),
                0xba => found.track.1 = u32::try_from(self.unsigned(within(body, next))?).unwrap_or(0),
                _ => {}
            }
            offset = next;
        }
        Ok(())
    }

    /// A number whose first bits tell how long it is, with or without those bits; and how many bytes it has.
    fn vint(&mut self, offset: u64, is_length: bool) -> Result<Option<(u64, u64)>> {
        let Some([first]) = self.at::<1>(offset)? else { return Ok(None) };
        let more = first.leading_zeros();
        if more > 7 {
            return Ok(None);
        }
        let marker = if is_length { 0x80_u8.checked_shr(more).unwrap_or(0) } else { 0 };
        let mut number = u64::from(first & !marker);
        for place in 1..=u64::from(more) {
            let Some([byte]) = self.at::<1>(offset + place)? else { return Ok(None) };
            number = number << 8 | u64::from(byte);
        }
        Ok(Some((number, u64::from(more) + 1)))
    }

    fn unsigned(&mut self, all: Within) -> Result<u64> {
        if all.end - all.start > 8 {
            return Ok(0);
        }
        let mut number = 0;
        for offset in all.start..all.end {
            number = number << 8 | self.at::<1>(offset)?.map_or(0, |[byte]| u64::from(byte));
        }
        Ok(number)
    }

    fn float(&mut self, all: Within) -> Result<f64> {
        Ok(match all.end - all.start {
            4 => self.at(all.start)?.map_or(0.0, |bytes| f32::from_be_bytes(bytes).into()),
            8 => self.at(all.start)?.map_or(0.0, f64::from_be_bytes),
            _ => 0.0,
        })
    }
}

#[cfg(test)]
mod tests;
