//! What a file is, by its own bytes.

use std::io::Cursor;

use image::{ImageDecoder, ImageError, ImageFormat, ImageReader, Limits};

use super::upload::RejectionReason;
use crate::config::UploadType;

/// Of the beginning of a file, as much as tells its type: DICOM has 128 bytes before its mark.
pub const HEAD_BYTES: usize = 4_096;

/// The most pixels of an image: they are decoded, at four bytes each as a rule.
const MAX_PIXELS: u64 = 64_000_000;

/// The longest side of an image.
const MAX_SIDE: u32 = 30_000;

/// The most memory that decoding may take.
const MAX_MEMORY: u64 = 400 * 1024 * 1024;

/// What looks like a text, and is shown as something else.
const PAGES: [&str; 4] = [
    "text/html",
    "text/xml",
    "application/pdf",
    "application/rtf",
];

/// Whether the beginning of a file is that of a file of this type.
pub fn check_head(head: &[u8], content_type: UploadType) -> Result<(), RejectionReason> {
    let found = infer::get(head).map(|found| found.mime_type());
    let is_fitting = match content_type {
        // A text has no mark, and may begin with letters that are one: "BMI 31".
        UploadType::Text => {
            let is_page = found.is_some_and(|found| PAGES.contains(&found));
            !is_page && !head.contains(&0)
        }
        // Slides of pathology are TIFF as well.
        UploadType::Dicom => head.get(128..132) == Some(b"DICM"),
        known => found == Some(known.as_str()),
    };
    if is_fitting {
        Ok(())
    } else {
        Err(RejectionReason::OtherType)
    }
}

/// Decodes an image to see whether it is one, with bounds on its pixels and on memory.
pub fn check_image(bytes: &[u8], content_type: UploadType) -> Result<(), RejectionReason> {
    let format = format_of(content_type).ok_or(RejectionReason::OtherType)?;
    let reader = || {
        let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
        reader.limits(limits());
        reader
    };

    let decoder = reader().into_decoder().map_err(|error| reason_of(&error))?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > MAX_PIXELS {
        return Err(RejectionReason::TooManyPixels);
    }
    drop(decoder);
    reader()
        .decode()
        .map(drop)
        .map_err(|error| reason_of(&error))
}

/// Bounds on what decoding may take.
pub(super) fn limits() -> Limits {
    let mut limits = Limits::no_limits();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(MAX_MEMORY);
    limits
}

fn reason_of(error: &ImageError) -> RejectionReason {
    match error {
        ImageError::Limits(_) => RejectionReason::TooManyPixels,
        _ => RejectionReason::UnreadableImage,
    }
}

const fn format_of(content_type: UploadType) -> Option<ImageFormat> {
    match content_type {
        UploadType::Jpeg => Some(ImageFormat::Jpeg),
        UploadType::Png => Some(ImageFormat::Png),
        UploadType::Gif => Some(ImageFormat::Gif),
        UploadType::Webp => Some(ImageFormat::WebP),
        UploadType::Pdf | UploadType::Text | UploadType::Dicom => None,
    }
}

/// Whether a text that comes in pieces is UTF-8 without characters that no text has.
#[derive(Default)]
pub struct TextCheck {
    /// The beginning of a character whose end is in the next piece.
    rest: Vec<u8>,
}

impl TextCheck {
    /// Looks at the next piece.
    pub fn push(&mut self, piece: &[u8]) -> Result<(), RejectionReason> {
        let mut bytes = std::mem::take(&mut self.rest);
        bytes.extend_from_slice(piece);
        if bytes.contains(&0) {
            return Err(RejectionReason::NotUtf8);
        }

        match std::str::from_utf8(&bytes) {
            Ok(_) => Ok(()),
            Err(error) if error.error_len().is_none() => {
                self.rest = bytes.split_off(error.valid_up_to());
                Ok(())
            }
            Err(_) => Err(RejectionReason::NotUtf8),
        }
    }

    /// Whether the text ended with a whole character.
    pub fn finish(&self) -> Result<(), RejectionReason> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(RejectionReason::NotUtf8)
        }
    }
}

#[cfg(test)]
mod tests {
    use image::{DynamicImage, RgbImage};

    use super::*;

    fn encode(format: ImageFormat) -> Vec<u8> {
        let image = DynamicImage::ImageRgb8(RgbImage::new(8, 8));
        let mut bytes = Cursor::new(Vec::new());
        image.write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    }

    #[test]
    fn images_are_what_they_are() {
        for (format, content_type) in [
            (ImageFormat::Png, UploadType::Png),
            (ImageFormat::Jpeg, UploadType::Jpeg),
            (ImageFormat::Gif, UploadType::Gif),
            (ImageFormat::WebP, UploadType::Webp),
        ] {
            let bytes = encode(format);
            check_head(&bytes, content_type).unwrap();
            check_image(&bytes, content_type).unwrap();
            for other in UploadType::ALL.into_iter().filter(|it| *it != content_type) {
                let refused = check_head(&bytes, other);
                assert_eq!(refused, Err(RejectionReason::OtherType), "{other:?}");
            }
            let half = &bytes[..bytes.len() / 2];
            assert!(check_image(half, content_type).is_err(), "{content_type:?}");
        }
    }

    #[test]
    fn documents_are_told_by_their_marks() {
        check_head(b"%PDF-1.7\n", UploadType::Pdf).unwrap();
        let mut dicom = vec![0; 128];
        dicom.extend_from_slice(b"DICM");
        check_head(&dicom, UploadType::Dicom).unwrap();
        for text in ["血压 130/80\n", "BMI 31.2, RR 140/90", "ID3 x", "MZ: none"] {
            check_head(text.as_bytes(), UploadType::Text).unwrap();
        }

        for (bytes, content_type) in [
            (&b"<html><script>alert(1)</script>"[..], UploadType::Png),
            (b"<!DOCTYPE html><p>x", UploadType::Text),
            (b"<svg xmlns='http://www.w3.org/2000/svg'>", UploadType::Png),
            (b"%PDF-1.7", UploadType::Text),
            (b"MZ\x90\x00", UploadType::Text),
            (b"\x7fELF\x02", UploadType::Dicom),
            (b"", UploadType::Pdf),
        ] {
            let refused = check_head(bytes, content_type);
            assert_eq!(refused, Err(RejectionReason::OtherType), "{bytes:?}");
        }
    }

    /// A PNG of a few hundred bytes that says that it has a hundred thousand pixels on each side.
    #[test]
    fn a_bomb_is_refused_before_it_is_decoded() {
        let mut bytes = encode(ImageFormat::Png);
        for side in [16..20, 20..24] {
            bytes[side].copy_from_slice(&100_000_u32.to_be_bytes());
        }
        let refused = check_image(&bytes, UploadType::Png);
        // The header's checksum is wrong as well: either tells.
        assert!(refused.is_err());

        let wide = DynamicImage::ImageLuma8(image::GrayImage::new(30_001, 1));
        let mut bytes = Cursor::new(Vec::new());
        wide.write_to(&mut bytes, ImageFormat::Png).unwrap();
        let refused = check_image(&bytes.into_inner(), UploadType::Png);
        assert_eq!(refused, Err(RejectionReason::TooManyPixels));
    }

    #[test]
    fn a_character_may_lie_across_two_pieces() {
        let text = "头痛三天".as_bytes();
        for cut in 0..text.len() {
            let mut check = TextCheck::default();
            check.push(&text[..cut]).unwrap();
            check.push(&text[cut..]).unwrap();
            check.finish().unwrap();
        }

        let mut broken = TextCheck::default();
        broken.push(&text[..4]).unwrap();
        assert_eq!(broken.finish(), Err(RejectionReason::NotUtf8));
        let mut gbk = TextCheck::default();
        assert!(gbk.push(&[0xb0, 0xa1, 0xb0, 0xa1]).is_err());
    }
}
