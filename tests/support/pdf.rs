//! PDFs that tests make by hand, object by object.

use std::io::Write;

use flate2::Compression;
use flate2::write::ZlibEncoder;

/// A font that every reader has.
pub const HELVETICA: &str = "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding \
                             /WinAnsiEncoding >>";

/// What the trailer says besides the root.
const NO_TRAILER: &str = "";

/// A file with these objects, the first of which is the catalog.
pub fn file(objects: &[Vec<u8>], trailer: &str) -> Vec<u8> {
    let mut bytes = b"%PDF-1.7\n".to_vec();
    let mut offsets = Vec::new();
    for (index, object) in objects.iter().enumerate() {
        offsets.push(bytes.len());
        writeln!(bytes, "{} 0 obj", index + 1).unwrap();
        bytes.extend_from_slice(object);
        bytes.extend_from_slice(b"\nendobj\n");
    }

    let (start, count) = (bytes.len(), objects.len() + 1);
    write!(bytes, "xref\n0 {count}\n0000000000 65535 f \n").unwrap();
    for offset in offsets {
        writeln!(bytes, "{offset:010} 00000 n ").unwrap();
    }
    write!(
        bytes,
        "trailer << /Size {count} /Root 1 0 R {trailer} >>\nstartxref\n{start}\n%%EOF\n"
    )
    .unwrap();
    bytes
}

/// A stream with these entries in its dictionary besides the length.
pub fn stream(entries: &str, data: &[u8]) -> Vec<u8> {
    let mut object = format!("<< {entries} /Length {} >>\nstream\n", data.len()).into_bytes();
    object.extend_from_slice(data);
    object.extend_from_slice(b"\nendstream");
    object
}

/// A stream that inflates to `data`, again and again.
pub fn bomb(data: &[u8], times: usize) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    for _ in 0..times {
        encoder.write_all(data).unwrap();
    }
    stream("/Filter /FlateDecode", &encoder.finish().unwrap())
}

/// A file with a page for each of these contents, whose font `/F` is the object `font`. Objects
/// that they refer to begin at 10.
pub fn pages(font: &str, contents: &[Vec<u8>], others: &[Vec<u8>]) -> Vec<u8> {
    with_trailer(font, contents, others, NO_TRAILER)
}

/// The same with more entries in the trailer.
pub fn with_trailer(
    font: &str,
    contents: &[Vec<u8>],
    others: &[Vec<u8>],
    trailer: &str,
) -> Vec<u8> {
    assert!(contents.len() <= 3, "the other objects begin at 10");
    let count = contents.len();
    let kids: Vec<_> = (0..count).map(|it| format!("{} 0 R", 4 + 2 * it)).collect();
    let mut objects = vec![
        b"<< /Type /Catalog /Pages 2 0 R >>".to_vec(),
        format!(
            "<< /Type /Pages /Count {count} /Kids [{}] >>",
            kids.join(" ")
        )
        .into_bytes(),
        font.as_bytes().to_vec(),
    ];
    for (index, content) in contents.iter().enumerate() {
        let page = format!(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents {} 0 R /Resources << \
             /Font << /F 3 0 R >> /XObject << /X 10 0 R >> >> >>",
            5 + 2 * index
        );
        objects.push(page.into_bytes());
        objects.push(content.clone());
    }
    objects.resize(9, b"null".to_vec());
    objects.extend_from_slice(others);
    file(&objects, trailer)
}

/// A page's content that shows a line of text in parentheses.
pub fn line(text: &[u8]) -> Vec<u8> {
    let content = [b"BT /F 12 Tf 72 700 Td (", text, b") Tj ET"].concat();
    stream("", &content)
}
