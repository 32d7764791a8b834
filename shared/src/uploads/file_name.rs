//! Names of files, safe in paths, headers and on disks.

use unicode_normalization::UnicodeNormalization;

use crate::config::UploadType;
use crate::text::is_invisible;

/// The longest name, in bytes, without what is added to it: file systems take 255.
const MAX_BYTES: usize = 150;

/// What a name is that has no letter left.
const NAMELESS: &str = "file";

/// The last part of a path, in letters, digits, dots, hyphens and underscores of any script, with
/// an extension that fits the type. A name that was sent in one form or another is the same name.
pub(super) fn safe_file_name(name: &str, content_type: UploadType) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let (stem, extension) = match last.rsplit_once('.') {
        Some((stem, extension)) if fits(extension, content_type) => (stem, extension),
        _ => (
            last,
            content_type
                .extensions()
                .first()
                .copied()
                .unwrap_or_default(),
        ),
    };

    let mut safe = String::new();
    for character in stem.nfc().filter(|it| !is_invisible(*it)) {
        let character = if character.is_alphanumeric() || "-_.".contains(character) {
            character
        } else {
            '_'
        };
        // Two dots in a row, or one at the beginning, mean something to paths.
        let is_kept = character != '.' || !(safe.is_empty() || safe.ends_with('.'));
        if is_kept && safe.len() + character.len_utf8() <= MAX_BYTES {
            safe.push(character);
        }
    }

    let stem = safe.trim_matches(['.', '_', '-']);
    let stem = if stem.is_empty() { NAMELESS } else { stem };
    format!("{stem}.{}", extension.to_ascii_lowercase())
}

fn fits(extension: &str, content_type: UploadType) -> bool {
    let mut known = content_type.extensions().iter();
    known.any(|known| known.eq_ignore_ascii_case(extension))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_safe_and_still_say_what_they_said() {
        let long = "长".repeat(300);
        for (name, expected) in [
            ("Blood test (1).PDF", "Blood_test__1.pdf"),
            ("../../etc/passwd", "passwd.pdf"),
            ("C:\\scans\\x.pdf", "x.pdf"),
            ("化验单 2026.pdf", "化验单_2026.pdf"),
            ("..", "file.pdf"),
            ("", "file.pdf"),
            (".htaccess", "htaccess.pdf"),
            ("a..b.pdf", "a.b.pdf"),
            ("report.pdf.exe", "report.pdf.exe.pdf"),
            ("a\u{202e}fdp.exe", "afdp.exe.pdf"),
            ("x\r\nSet-Cookie: a=b.pdf", "x__Set-Cookie__a_b.pdf"),
            ("%2e%2e%2fx.pdf", "2e_2e_2fx.pdf"),
            ("💊.pdf", "file.pdf"),
        ] {
            let safe = safe_file_name(name, UploadType::Pdf);
            assert_eq!(safe, expected, "{name}");
        }
        let safe = safe_file_name(&long, UploadType::Png);
        assert!(safe.len() <= MAX_BYTES + 4, "{}", safe.len());
    }

    #[test]
    fn two_forms_of_one_name_are_one() {
        let composed = safe_file_name("caf\u{e9}.png", UploadType::Png);
        let decomposed = safe_file_name("cafe\u{301}.png", UploadType::Png);
        assert_eq!(composed, decomposed);
    }
}
