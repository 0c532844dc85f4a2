//! Pictures: what their files tell, and the small ones that stand for them until they are loaded.

use std::io::{self, BufRead, Seek};

use image::codecs::jpeg::JpegEncoder;
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits, Rgb, RgbImage};

/// What Telegram takes as a photo.
const FORMATS: [ImageFormat; 5] =
    [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::Gif, ImageFormat::WebP, ImageFormat::Bmp];
/// Width and height of a photo come to so many pixels at most.
const MOST_IN_ALL: u64 = 10_000;
/// One side is at most so many times the other.
const MOST_TIMES: u64 = 20;
/// The longer side of a small picture.
const SMALL: u32 = 320;
/// Bytes that a small picture has at most.
const SMALL_BYTES: usize = 200 << 10;
/// How good a small picture is, of 100.
const QUALITY: u8 = 82;
/// The longest side, and the memory, for which a picture is opened.
const LONGEST: u32 = 20_000;
const MOST_MEMORY: u64 = 160 << 20;

/// How large a picture is, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Picture {
    /// From left to right.
    pub width: u32,
    /// From top to bottom.
    pub height: u32,
}

impl Picture {
    /// What the beginning of a file tells; None if it is no picture that Telegram takes as a photo.
    ///
    /// # Errors
    /// The file can't be read.
    pub fn read(file: impl BufRead + Seek) -> io::Result<Option<Self>> {
        let Some(reader) = open(file)? else { return Ok(None) };
        match reader.into_dimensions() {
            Ok((width, height)) => Ok(Some(Self { width, height })),
            Err(ImageError::IoError(error)) if error.kind() != io::ErrorKind::UnexpectedEof => Err(error),
            Err(_) => Ok(None),
        }
    }

    /// Why Telegram does not take it as a photo: the end of a sentence that begins with the picture. None if it does.
    pub fn fault(self) -> Option<String> {
        let (width, height) = (u64::from(self.width), u64::from(self.height));
        let (short, long) = (width.min(height), width.max(height));
        if width + height > MOST_IN_ALL {
            return Some(format!("is {width} x {height} pixels; width and height come to {MOST_IN_ALL} at most"));
        }
        (long > short * MOST_TIMES)
            .then(|| format!("is {width} x {height} pixels; one side is at most {MOST_TIMES} times the other"))
    }
}

/// A small JPEG of a picture, as Telegram wants it beside a file that it does not open itself; None if the picture can't be opened, or is
/// too large to be.
pub fn small(file: impl BufRead + Seek) -> Option<Vec<u8>> {
    let mut reader = open(file).ok()??;
    let mut limits = Limits::default();
    limits.max_image_width = Some(LONGEST);
    limits.max_image_height = Some(LONGEST);
    limits.max_alloc = Some(MOST_MEMORY);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().ok()?;
    if decoder.total_bytes() > MOST_MEMORY {
        return None;
    }
    let turned = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let whole = DynamicImage::from_decoder(decoder).ok()?;
    let mut small = if whole.width().max(whole.height()) > SMALL { whole.thumbnail(SMALL, SMALL) } else { whole };
    small.apply_orientation(turned);
    let mut written = Vec::new();
    JpegEncoder::new_with_quality(&mut written, QUALITY).encode_image(&on_white(&small)).ok()?;
    (written.len() <= SMALL_BYTES).then_some(written)
}

fn open<R: BufRead + Seek>(file: R) -> io::Result<Option<ImageReader<R>>> {
    let reader = ImageReader::new(file).with_guessed_format()?;
    let is_known = reader.format().is_some_and(|format| FORMATS.contains(&format));
    Ok(is_known.then_some(reader))
}

/// A JPEG has nothing that can be seen through: there it is white.
fn on_white(picture: &DynamicImage) -> RgbImage {
    let picture = picture.to_rgba8();
    RgbImage::from_fn(picture.width(), picture.height(), |x, y| {
        let [red, green, blue, seen] = picture.get_pixel(x, y).0;
        let mixed = |part: u8| {
            let (part, seen) = (u32::from(part), u32::from(seen));
            u8::try_from((part * seen + 255 * (255 - seen)) / 255).unwrap_or(u8::MAX)
        };
        Rgb([mixed(red), mixed(green), mixed(blue)])
    })
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use image::{Rgba, RgbaImage};

    use super::*;

    fn file(width: u32, height: u32, format: ImageFormat) -> Vec<u8> {
        let mut written = Cursor::new(Vec::new());
        let picture = RgbaImage::from_pixel(width, height, Rgba([200, 0, 0, 128]));
        let picture = DynamicImage::from(picture);
        let picture = if format == ImageFormat::Jpeg { picture.to_rgb8().into() } else { picture };
        picture.write_to(&mut written, format).unwrap();
        written.into_inner()
    }

    #[test]
    fn each_kind_tells_its_size_and_has_a_small_one() {
        for format in FORMATS {
            let file = file(700, 350, format);
            let read = Picture::read(Cursor::new(&file)).unwrap();
            assert_eq!(read, Some(Picture { width: 700, height: 350 }), "{format:?}");
            let small = small(Cursor::new(&file)).expect("a small picture");
            let size = Picture::read(Cursor::new(&small)).unwrap();
            assert_eq!(
                (size, &small[..2]),
                (Some(Picture { width: 320, height: 160 }), &b"\xff\xd8"[..]),
                "{format:?}"
            );
        }
        let small = small(Cursor::new(file(16, 9, ImageFormat::Png))).unwrap();
        let pixel = image::load_from_memory(&small).unwrap().to_rgb8().get_pixel(8, 4).0;
        assert!(pixel[0] > 200 && (100..160).contains(&pixel[1]), "half red on white: {pixel:?}");
    }

    #[test]
    fn what_is_no_photo_to_telegram_is_known() {
        let read = |bytes: &[u8]| Picture::read(Cursor::new(bytes)).unwrap();
        let png = file(10, 10, ImageFormat::Png);
        for wrong in [&b""[..], b"hello", b"%PDF-1.7", b"II*\0rest", b"\0\0\0\x18ftypheic", &png[..20]] {
            assert_eq!(read(wrong), None);
            assert_eq!(small(Cursor::new(wrong)), None);
        }
        for (width, height, is_taken) in [
            (5_000, 5_000, true),
            (5_001, 5_000, false),
            (9_500, 475, true),
            (2_000, 100, true),
            (2_001, 100, false),
            (1, 20, true),
            (1, 21, false),
        ] {
            assert_eq!(Picture { width, height }.fault().is_none(), is_taken, "{width} x {height}");
        }
    }

    #[test]
    fn a_picture_that_would_fill_the_memory_is_not_opened() {
        let mut huge = file(10, 10, ImageFormat::Bmp);
        huge[18..22].copy_from_slice(&15_000_u32.to_le_bytes());
        huge[22..26].copy_from_slice(&15_000_u32.to_le_bytes());
        let size = Picture::read(Cursor::new(&huge)).unwrap();
        assert_eq!(size, Some(Picture { width: 15_000, height: 15_000 }));
        assert_eq!(small(Cursor::new(huge)), None);
    }
}
