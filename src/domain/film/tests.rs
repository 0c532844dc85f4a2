//! Films as cameras, encoders and streams write them, and files that are none.

use std::io::Cursor;

use proptest::prelude::*;

use super::*;

fn boxed(kind: &str, body: &[u8]) -> Vec<u8> {
    [&u32::try_from(body.len() + 8).unwrap().to_be_bytes()[..], kind.as_bytes(), body].concat()
}

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_be_bytes()).collect()
}

fn movie_header(scale: u32, length: u32) -> Vec<u8> {
    boxed("mvhd", &words(&[0, 0, 0, scale, length, 0, 0]))
}

fn track(handler: &str, (width, height): (u32, u32), is_turned: bool) -> Vec<u8> {
    let matrix = if is_turned {
        [0, 1 << 16, 0, u32::MAX << 16, 0, 0, 0, 0, 1 << 30]
    } else {
        [1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30]
    };
    let head = words(&[&[0; 10][..], &matrix[..], &[width << 16, height << 16][..]].concat());
    let media = boxed("mdia", &boxed("hdlr", &[&[0; 8][..], handler.as_bytes(), &[0; 12][..]].concat()));
    boxed("trak", &[boxed("tkhd", &head), media].concat())
}

fn mp4(movie: &[Vec<u8>]) -> Vec<u8> {
    let data = boxed("mdat", &[7; 5_000]);
    [boxed("ftyp", b"isom\0\0\0\0isom"), data, boxed("moov", &movie.concat())].concat()
}

fn element(id: &[u8], body: &[u8]) -> Vec<u8> {
    let length = (1_u64 << 56 | body.len() as u64).to_be_bytes();
    [id, &length[..], body].concat()
}

fn webm(length: &[u8]) -> Vec<u8> {
    let info = element(&[0x15, 0x49, 0xa9, 0x66], &element(&[0x44, 0x89], length));
    let video = [element(&[0xb0], &1280_u16.to_be_bytes()), element(&[0xba], &720_u16.to_be_bytes())].concat();
    let sound = element(&[0xae], &element(&[0x83], &[2]));
    let film = element(&[0xae], &[element(&[0x83], &[1]), element(&[0xe0], &video)].concat());
    let tracks = element(&[0x16, 0x54, 0xae, 0x6b], &[sound, film].concat());
    let open = [0x18, 0x53, 0x80, 0x67, 0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
    [element(&[0x1a, 0x45, 0xdf, 0xa3], &[]), open.to_vec(), info, tracks].concat()
}

fn read(bytes: &[u8]) -> Option<Film> {
    Film::read(&mut Cursor::new(bytes)).unwrap()
}

fn film(seconds: f64, width: i32, height: i32) -> Film {
    Film { seconds, width, height }
}

#[test]
fn the_length_and_the_size_of_a_film_are_read_wherever_they_lie() {
    let sound = || track("soun", (0, 0), false);
    let plain = mp4(&[movie_header(600, 7_500), sound(), track("vide", (1920, 1080), false)]);
    assert_eq!(read(&plain), Some(film(12.5, 1920, 1080)));
    let turned = mp4(&[movie_header(1_000, 3_000), track("vide", (1920, 1080), true)]);
    assert_eq!(read(&turned), Some(film(3.0, 1080, 1920)), "a telephone was held upright");
    let extends = boxed("mvex", &boxed("mehd", &words(&[0, 4_000])));
    let pieces = mp4(&[movie_header(1_000, 0), track("vide", (640, 360), false), extends]);
    assert_eq!(read(&pieces), Some(film(4.0, 640, 360)), "it comes in pieces");
    let long = [&[1, 0, 0, 0][..], &[0; 16], &90_000_u32.to_be_bytes(), &900_000_u64.to_be_bytes()].concat();
    let long = mp4(&[boxed("mvhd", &long), track("vide", (640, 360), false)]);
    assert_eq!(read(&long), Some(film(10.0, 640, 360)));
    assert_eq!(read(&webm(&2_500_f32.to_be_bytes())), Some(film(2.5, 1280, 720)));
    assert_eq!(read(&webm(&2_500_f64.to_be_bytes())), Some(film(2.5, 1280, 720)));
}

#[test]
fn what_tells_nothing_is_no_film() {
    let whole = mp4(&[movie_header(600, 7_500), track("vide", (1920, 1080), false)]);
    let sound = mp4(&[movie_header(600, 7_500), track("soun", (0, 0), false)]);
    let timeless = mp4(&[movie_header(0, 7_500), track("vide", (1920, 1080), false)]);
    let endless = mp4(&[movie_header(600, u32::MAX), track("vide", (1920, 1080), false)]);
    for none in [&b""[..], b"GIF89a", b"\0\0\0\x18ftypmp42", &whole[..5_000], &sound, &timeless, &endless] {
        assert_eq!(read(none), None);
    }
    assert_eq!(read(&webm(&f64::NAN.to_be_bytes())), None);
}

/// A file of nothing but headers is left after so many of them, and boxes that contain each other end.
#[test]
fn no_file_takes_long() {
    let empty = boxed("free", b"").repeat(200_000);
    assert_eq!(read(&empty), None);
    let deep =
        (0..10_000).fold(Vec::new(), |inner, _| if inner.len() > 100_000 { inner } else { boxed("trak", &inner) });
    assert_eq!(read(&boxed("moov", &deep)), None);
}

proptest! {
    #[test]
    fn any_bytes_are_read_to_an_end(
        bytes in proptest::collection::vec(any::<u8>(), 0..400),
        at in any::<prop::sample::Index>(),
        is_webm in any::<bool>(),
    ) {
        let mut whole = if is_webm {
            webm(&2_500_f64.to_be_bytes())
        } else {
            mp4(&[movie_header(600, 7_500), track("vide", (1920, 1080), false)])
        };
        let at = at.index(whole.len());
        for (place, byte) in whole[at..].iter_mut().zip(&bytes) {
            *place = *byte;
        }
        for file in [&whole, &bytes] {
            if let Some(film) = read(file) {
                prop_assert!(film.seconds > 0.0 && film.seconds <= LONGEST && film.width > 0 && film.height > 0);
            }
        }
    }
}
