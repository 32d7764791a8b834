//! Takes out of a photo what it tells besides the picture: where it was taken, when, by which
//! device, and what other programs wrote into it. How it is to be turned stays.

use std::io::Cursor;

use bytes::Bytes;
use image::ImageDecoder;
use image::codecs::jpeg::JpegDecoder;
use image::codecs::png::PngDecoder;
use image::codecs::webp::WebPDecoder;
use image::metadata::Orientation;
use img_parts::jpeg::{Jpeg, JpegSegment};
use img_parts::png::Png;
use img_parts::webp::WebP;
use img_parts::{ImageEXIF, ImageICC};

use super::inspect::limits;
use super::upload::RejectionReason;
use crate::config::UploadType;

/// JPEG: the form of the pixels, without a thumbnail. All other segments for applications go.
const JFIF: u8 = 0xe0;
const ADOBE: u8 = 0xee;

/// The largest colour profile that is kept, inflated: those in use have some kilobytes.
const MAX_PROFILE_BYTES: usize = 4 * 1024 * 1024;

/// JPEG: segments for applications, and comments.
const APPLICATION_SEGMENTS: std::ops::RangeInclusive<u8> = 0xe0..=0xef;
const COMMENT: u8 = 0xfe;

/// PNG: the necessary chunks, and those that change how the picture looks, besides its profile.
const KEPT_PNG_CHUNKS: [&[u8; 4]; 17] = [
    b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"sBIT", b"bKGD",
    b"pHYs", b"cICP", b"hIST", b"sPLT", b"acTL", b"fcTL", b"fdAT",
];

/// `WebP`: likewise, all of them.
const KEPT_WEBP_CHUNKS: [&[u8; 4]; 7] = [
    b"VP8X", b"VP8 ", b"VP8L", b"ALPH", b"ANIM", b"ANMF", b"ICCP",
];

/// The image without metadata. A GIF is given back as it is.
pub fn strip_metadata(bytes: &Bytes, content_type: UploadType) -> Result<Bytes, RejectionReason> {
    let turned = orientation(bytes, content_type).map(orientation_only);
    let stripped = match content_type {
        UploadType::Jpeg => strip_jpeg(bytes, turned),
        UploadType::Png => strip_png(bytes, turned),
        UploadType::Webp => strip_webp(bytes, turned),
        _ => return Ok(bytes.clone()),
    };
    stripped.ok_or(RejectionReason::UnreadableImage)
}

/// How the image is to be turned; none if it stands as it is.
fn orientation(bytes: &[u8], content_type: UploadType) -> Option<Orientation> {
    let bytes = Cursor::new(bytes);
    let orientation = match content_type {
        UploadType::Jpeg => JpegDecoder::new(bytes).ok()?.orientation(),
        UploadType::Png => PngDecoder::with_limits(bytes, limits()).ok()?.orientation(),
        UploadType::Webp => WebPDecoder::new(bytes).ok()?.orientation(),
        _ => return None,
    };
    let orientation = orientation.ok()?;
    (orientation != Orientation::NoTransforms).then_some(orientation)
}

/// EXIF with one entry, the tag 0x0112, in a TIFF of one directory (EXIF 2.3, JEITA CP-3451C).
fn orientation_only(orientation: Orientation) -> Bytes {
    let mut exif = Vec::from(*b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01");
    exif.extend_from_slice(&[0, orientation.to_exif(), 0, 0, 0, 0, 0, 0]);
    Bytes::from(exif)
}

fn strip_jpeg(bytes: &Bytes, exif: Option<Bytes>) -> Option<Bytes> {
    let mut image = Jpeg::from_bytes(bytes.clone()).ok()?;
    let profile = image.icc_profile();
    let profile = profile.filter(|profile| profile.len() <= MAX_PROFILE_BYTES);

    image.segments_mut().retain(|segment| {
        let contents = segment.contents();
        match segment.marker() {
            JFIF => contents.len() == 14 && contents.starts_with(b"JFIF\0"),
            ADOBE => contents.len() == 12 && contents.starts_with(b"Adobe"),
            marker => !is_extra(marker),
        }
    });
    image.set_icc_profile(profile);
    image.set_exif(exif);
    clean_scans(image.segments_mut())?;
    Some(image.encoder().bytes())
}

/// Whether a segment is no part of the picture.
fn is_extra(marker: u8) -> bool {
    APPLICATION_SEGMENTS.contains(&marker) || marker == COMMENT
}

/// What follows the picture goes: phones put a second picture there, with a position of its own.
/// The last segment holds everything behind the first scan's header.
fn clean_scans(segments: &mut Vec<JpegSegment>) -> Option<()> {
    let last = segments.pop()?;
    let contents = last.contents().clone();
    let whole = last.clone().encoder().bytes();
    // The marker's two bytes, the length's two, and the header.
    let scans = whole.get(4 + contents.len()..)?;

    let scans = Bytes::from(scans_of_picture(scans)?);
    let marker = last.marker();
    segments.push(JpegSegment::new_with_entropy(marker, contents, scans));
    Some(())
}

/// The scans with what they need between them, to the mark of the picture's end.
fn scans_of_picture(bytes: &[u8]) -> Option<Vec<u8>> {
    const MARK: u8 = 0xff;
    const END: u8 = 0xd9;

    let mut kept = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    loop {
        let (&byte, &next) = (rest.first()?, rest.get(1)?);
        let length = match (byte, next) {
            (MARK, END) => {
                kept.extend_from_slice(&[MARK, END]);
                return Some(kept);
            }
            // A byte of the scan that looks like a mark is followed by 0; restarts have no length.
            (MARK, 0 | 0x01 | 0xd0..=0xd7) => 2,
            (MARK, MARK) => 1, // a mark may be filled up
            (MARK, _) => {
                let length = [*rest.get(2)?, *rest.get(3)?];
                2 + usize::from(u16::from_be_bytes(length))
            }
            _ => 1,
        };

        let part = rest.get(..length)?;
        if byte != MARK || !is_extra(next) {
            kept.extend_from_slice(part);
        }
        rest = rest.get(length..)?;
    }
}

fn strip_png(bytes: &Bytes, exif: Option<Bytes>) -> Option<Bytes> {
    let mut image = Png::from_bytes(bytes.clone()).ok()?;
    // One that is broken, or inflates without end, is none; reading it is bounded.
    let profile = image.icc_profile();
    let has_profile = profile.is_some_and(|profile| profile.len() <= MAX_PROFILE_BYTES);
    image.chunks_mut().retain(|chunk| match &chunk.kind() {
        b"iCCP" => has_profile,
        kind => KEPT_PNG_CHUNKS.contains(&kind),
    });
    image.set_exif(exif);
    Some(image.encoder().bytes())
}

fn strip_webp(bytes: &Bytes, exif: Option<Bytes>) -> Option<Bytes> {
    let mut image = WebP::from_bytes(bytes.clone()).ok()?;
    let chunks = image.chunks_mut();
    chunks.retain(|chunk| KEPT_WEBP_CHUNKS.contains(&&chunk.id()));
    image.set_exif(exif);
    Some(image.encoder().bytes())
}

#[cfg(test)]
mod tests {
    use image::{DynamicImage, ImageFormat, RgbImage};
    use img_parts::png::PngChunk;
    use img_parts::riff::{RiffChunk, RiffContent};

    use super::*;
    use crate::uploads::inspect::check_image;

    const SECRET: &[u8] = b"39.9042 N, 116.4074 E";

    fn picture(format: ImageFormat) -> Bytes {
        let pixels = RgbImage::from_fn(40, 20, |x, y| {
            image::Rgb([x, y, 7].map(|it| it.to_le_bytes()[0]))
        });
        let mut bytes = Cursor::new(Vec::new());
        let image = DynamicImage::ImageRgb8(pixels);
        image.write_to(&mut bytes, format).unwrap();
        Bytes::from(bytes.into_inner())
    }

    /// EXIF that turns the picture, with a position behind it.
    fn exif() -> Bytes {
        let turned = orientation_only(Orientation::Rotate90);
        Bytes::from([&turned[..], SECRET].concat())
    }

    fn tells(bytes: &[u8]) -> bool {
        bytes.windows(SECRET.len()).any(|part| part == SECRET)
    }

    fn check(with_secrets: &Bytes, content_type: UploadType) -> Bytes {
        assert!(tells(with_secrets));
        check_image(with_secrets, content_type).unwrap();

        let stripped = strip_metadata(with_secrets, content_type).unwrap();
        assert!(!tells(&stripped), "{content_type:?}");
        check_image(&stripped, content_type).unwrap();
        let turned = orientation(&stripped, content_type);
        assert_eq!(turned, Some(Orientation::Rotate90), "{content_type:?}");
        assert_eq!(strip_metadata(&stripped, content_type).unwrap(), stripped);
        stripped
    }

    fn pixels(bytes: &[u8]) -> Vec<u8> {
        image::load_from_memory(bytes).unwrap().into_bytes()
    }

    #[test]
    fn a_jpeg_keeps_its_picture_its_colours_and_how_it_is_turned() {
        let plain = picture(ImageFormat::Jpeg);
        let mut image = Jpeg::from_bytes(plain.clone()).unwrap();
        let profile = Bytes::from(vec![7; 200]);
        image.set_icc_profile(Some(profile.clone()));
        image.set_exif(Some(exif()));
        for marker in [0xe1, 0xe2, 0xed, 0xfe] {
            let contents = Bytes::from([b"xmp or the like ", SECRET].concat());
            let segment = JpegSegment::new_with_contents(marker, contents);
            image.segments_mut().insert(1, segment);
        }
        // Behind the end: a second picture with a position of its own.
        let second = [&plain[..], SECRET].concat();
        let whole = [&image.encoder().bytes()[..], &second].concat();

        let stripped = check(&Bytes::from(whole), UploadType::Jpeg);
        assert_eq!(pixels(&stripped), pixels(&plain));
        let kept = Jpeg::from_bytes(stripped).unwrap().icc_profile();
        assert_eq!(kept, Some(profile));
    }

    #[test]
    fn a_png_loses_texts_and_what_follows_its_end() {
        let plain = picture(ImageFormat::Png);
        let mut image = Png::from_bytes(plain.clone()).unwrap();
        image.set_exif(Some(exif()));
        for kind in [b"tEXt", b"iTXt", b"zTXt", b"prVt"] {
            let contents = Bytes::from([b"Location\0", SECRET].concat());
            image.chunks_mut().insert(1, PngChunk::new(*kind, contents));
        }
        let whole = [&image.encoder().bytes()[..], SECRET].concat();

        let stripped = check(&Bytes::from(whole), UploadType::Png);
        assert_eq!(pixels(&stripped), pixels(&plain));
    }

    /// A profile of some kilobytes that inflates to a hundred megabytes.
    #[test]
    fn a_profile_that_inflates_without_end_is_taken_out() {
        let plain = picture(ImageFormat::Png);
        let mut image = Png::from_bytes(plain.clone()).unwrap();
        image.set_icc_profile(Some(Bytes::from(vec![0; 100 * 1024 * 1024])));
        let bomb = image.encoder().bytes();
        assert!(bomb.len() < 1024 * 1024, "{}", bomb.len());

        let stripped = strip_metadata(&bomb, UploadType::Png).unwrap();
        assert_eq!(Png::from_bytes(stripped).unwrap().icc_profile(), None);
    }

    #[test]
    fn a_webp_loses_its_chunks_of_words() {
        let plain = picture(ImageFormat::WebP);
        let mut image = WebP::from_bytes(plain.clone()).unwrap();
        image.set_exif(Some(exif()));
        let words = RiffContent::Data(Bytes::from(SECRET.to_vec()));
        image.chunks_mut().push(RiffChunk::new(*b"XMP ", words));

        let stripped = check(&image.encoder().bytes(), UploadType::Webp);
        assert_eq!(pixels(&stripped), pixels(&plain));
    }

    #[test]
    fn scans_end_where_their_picture_does() {
        // A stuffed byte, a restart, a table with the mark of the end in it, another scan, the end.
        let scans = [
            0x12, 0xff, 0x00, 0xff, 0xd0, 0x34, 0xff, 0xc4, 0x00, 0x04, 0xff, 0xd9, 0x56, 0xff,
            0xff, 0xd9, 0x99,
        ];
        assert_eq!(scans_of_picture(&scans).unwrap(), scans[..16]);
        assert_eq!(scans_of_picture(&scans[..14]), None);

        // A comment between two scans.
        let scans = [0x12, 0xff, 0xfe, 0x00, 0x04, 0x61, 0x62, 0x34, 0xff, 0xd9];
        let expected = [0x12, 0x34, 0xff, 0xd9];
        assert_eq!(scans_of_picture(&scans).unwrap(), expected);
    }
}
