//! The texts of PDFs: what is read, what is not, and that nothing in a file harms the function.

use std::fmt::Write;

use bytes::Bytes;
use reqwest::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;
use wenzhen::uploads::pdf_text::PdfTextReader;
use xtask::users::Role;

use super::super::consultations::attachments::{complain, told};
use super::{objects_of, patient, upload};
use crate::support::pdf::{self, HELVETICA};
use crate::support::{STACK, User, eventually, new_tenant, problem, read};

/// Words of which no log may have any.
const FINDING: &str = "Haemoglobin 98 g/l Dreiundvierzig";

const MIB: usize = 1024 * 1024;

/// The text, as the binary of the functions reads it in a process of its own.
async fn text_of(file: Vec<u8>) -> Option<String> {
    let reader = PdfTextReader::new(STACK.root.join("target/debug/wenzhen"));
    let text = reader.read(&Bytes::from(file)).await.unwrap();
    text.map(|text| text.trim().to_owned())
}

fn page(content: &str) -> Vec<Vec<u8>> {
    vec![pdf::stream("", content.as_bytes())]
}

#[tokio::test]
async fn words_and_lines_are_those_that_a_reader_sees() {
    let content = "BT /F 12 Tf 14 TL 72 700 Td [(Hae) 20 (mo) -10 (globin)] TJ \
                   T* (9) Tj (8 g/l) Tj T* [(two) -600 (words)] TJ \
                   0 -14 Td (caf\\351 8 \\265g \\200) Tj ET /X Do";
    let form = pdf::stream(
        "/Type /XObject /Subtype /Form /Matrix [1 0 0 1 0 -300]",
        b"BT /F 12 Tf 72 700 Td (in a form) Tj ET",
    );
    let file = pdf::pages(HELVETICA, &page(content), &[form]);
    let expected = "Haemoglobin\n98 g/l\ntwo words\ncaf\u{e9} 8 \u{b5}g \u{20ac}\nin a form";
    assert_eq!(text_of(file).await.unwrap(), expected);

    let scaled =
        "BT /F 1 Tf 12 0 0 12 72 700 Tm [(one) -50 (word) -400 (two)] TJ 0 -2 Td (line) Tj ET";
    let text = text_of(pdf::pages(HELVETICA, &page(scaled), &[])).await;
    assert_eq!(text.unwrap(), "oneword two\nline");

    let two = [pdf::line(b"first page"), pdf::line(b"second page")];
    let text = text_of(pdf::pages(HELVETICA, &two, &[])).await;
    assert_eq!(text.unwrap(), "first page\n\nsecond page");
}

/// A dose in µg is often written with the font Symbol, whose code for it is an m.
#[tokio::test]
async fn a_greek_letter_is_no_latin_one() {
    let symbol = "<< /Type /Font /Subtype /Type1 /BaseFont /Symbol >>";
    let file = pdf::pages(symbol, &[pdf::line(b"m")], &[]);
    assert_eq!(text_of(file).await.unwrap(), "\u{3bc}");

    let named = "<< /Type /Font /Subtype /Type1 /BaseFont /ABCDEF+Any /Encoding << /Differences \
                 [65 /mu /lessequal /eacute /uni4E2D] >> >>";
    let file = pdf::pages(named, &[pdf::line(b"ABCD")], &[]);
    assert_eq!(text_of(file).await.unwrap(), "\u{b5}\u{2264}\u{e9}\u{4e2d}");
}

fn chinese_font(encoding: &str, to_unicode: &str) -> String {
    format!(
        "<< /Type /Font /Subtype /Type0 /BaseFont /STSong-Light /Encoding /{encoding} {to_unicode} \
         /DescendantFonts [<< /Type /Font /Subtype /CIDFontType0 /BaseFont /STSong-Light \
         /CIDSystemInfo << /Registry (Adobe) /Ordering (GB1) /Supplement 4 >> /DW 1000 >>] >>"
    )
}

fn hexadecimal(bytes: &[u8]) -> Vec<Vec<u8>> {
    let digits = hex::encode(bytes);
    page(&format!("BT /F 12 Tf 72 700 Td <{digits}> Tj ET"))
}

#[tokio::test]
async fn chinese_is_read_by_the_usual_tables_and_by_the_files_own() {
    let text = "血红蛋白 98 g/L，偏低";
    let utf_16: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let gbk = b"\xd1\xaa\xba\xec\xb5\xb0\xb0\xd7 98 g/L\xa3\xac\xc6\xab\xb5\xcd";
    for (encoding, bytes) in [
        ("UniGB-UCS2-H", utf_16.as_slice()),
        ("UniGB-UTF16-H", utf_16.as_slice()),
        ("GBK-EUC-H", gbk.as_slice()),
    ] {
        let font = chinese_font(encoding, "");
        let file = pdf::pages(&font, &hexadecimal(bytes), &[]);
        assert_eq!(text_of(file).await.unwrap(), text, "{encoding}");
    }

    // Glyphs numbered as a program likes, and a table that tells their characters.
    let mut table = "begincmap 1 begincodespacerange <0000> <ffff> endcodespacerange\n".to_owned();
    let mut codes = Vec::new();
    writeln!(table, "{} beginbfchar", text.chars().count()).unwrap();
    for (index, character) in (1_u16..).zip(text.chars()) {
        writeln!(table, "<{index:04x}> <{:04x}>", u32::from(character)).unwrap();
        codes.extend(index.to_be_bytes());
    }
    table.push_str("endbfchar endcmap");
    let font = chinese_font("Identity-H", "/ToUnicode 10 0 R");
    let others = [pdf::stream("", table.as_bytes())];
    let file = pdf::pages(&font, &hexadecimal(&codes), &others);
    assert_eq!(text_of(file).await.unwrap(), text);
}

/// What a reader would see as a picture, or cannot open, has no text; half a page of unknown
/// characters has none either.
#[tokio::test]
async fn scanned_locked_and_broken_files_have_no_text() {
    let image = "/Type /XObject /Subtype /Image /Width 2 /Height 2 /BitsPerComponent 8 /ColorSpace \
                 /DeviceGray";
    let image = pdf::stream(image, &[0, 255, 255, 0]);
    let scanned = pdf::pages(HELVETICA, &page("595 0 0 842 0 0 cm /X Do"), &[image]);

    let lock = format!(
        "/ID [<00> <00>] /Encrypt << /Filter /Standard /V 2 /R 3 /Length 128 /P -44 /O <{}> \
         /U <{}> >>",
        "5a".repeat(32),
        "a5".repeat(32)
    );
    let content = [pdf::line(FINDING.as_bytes())];
    let locked = pdf::with_trailer(HELVETICA, &content, &[], &lock);
    let unknown = chinese_font("Identity-H", "").replace("GB1", "Identity");
    let unknown = pdf::pages(&unknown, &hexadecimal(b"\x12\x34\x56\x78"), &[]);
    for (file, name) in [
        (scanned, "scanned"),
        (locked, "locked"),
        (unknown, "unknown characters"),
        (b"%PDF-1.7\nnothing else".to_vec(), "no objects"),
        (Vec::new(), "empty"),
    ] {
        assert_eq!(text_of(file).await, None, "{name}");
    }
}

/// A page that is too much costs itself and what comes after it, and what was read stays.
#[tokio::test]
async fn hostile_files_end_and_what_was_read_before_stays() {
    let first = pdf::line(b"the first page");
    let bomb = pdf::bomb(&vec![b' '; MIB], 1024);
    let nested = pdf::stream("", &vec![b'['; 2 * MIB]);
    let cyclic_form = pdf::stream("/Type /XObject /Subtype /Form", b"/X Do /X Do /X Do /X Do");
    let cycle = [pdf::stream("", b"/X Do")];

    for (second, name) in [(bomb, "bomb"), (nested, "nested")] {
        let file = pdf::pages(HELVETICA, &[first.clone(), second], &[]);
        let text = text_of(file).await;
        assert_eq!(text.as_deref(), Some("the first page"), "{name}");
    }
    let pages = [first.clone(), cycle[0].clone()];
    let text = text_of(pdf::pages(HELVETICA, &pages, &[cyclic_form])).await;
    assert_eq!(text.as_deref(), Some("the first page"), "a form in itself");

    let tree = pdf::file(
        &[
            b"<< /Type /Catalog /Pages 2 0 R >>".to_vec(),
            b"<< /Type /Pages /Count 9 /Kids [2 0 R 3 0 R 2 0 R] >>".to_vec(),
            b"<< /Type /Pages /Parent 2 0 R /Count 9 /Kids [2 0 R 3 0 R] >>".to_vec(),
        ],
        "",
    );
    assert_eq!(text_of(tree).await, None, "a tree that is a circle");

    let deep = [b"<< /A ".repeat(MIB / 6), b"null".to_vec()].concat();
    let deep = pdf::pages(HELVETICA, &[first], &[deep]);
    text_of(deep).await; // with or without its text: the function goes on
}

#[tokio::test]
async fn a_text_is_cut_within_its_bound() {
    let word = format!("({}) Tj ", "long ".repeat(1000));
    let content = format!("BT /F 1 Tf {} ET", word.repeat(300));
    let text = text_of(pdf::pages(HELVETICA, &page(&content), &[])).await;
    let length = text.unwrap().len();
    assert!((900_000..=1_000_000).contains(&length), "{length}");
}

#[tokio::test]
async fn models_read_the_text_of_an_attached_pdf() {
    let user = User::new().await;
    let report = pdf::pages(HELVETICA, &[pdf::line(FINDING.as_bytes())], &[]);
    let report = upload(&user, "blood.pdf", "application/pdf", &report).await;
    assert_eq!(report["state"], "ready", "{report}");
    let nested = pdf::stream("", &vec![b'['; 2 * MIB]);
    let nested = pdf::pages(HELVETICA, &[nested], &[]);
    let nested = upload(&user, "nested.pdf", "application/pdf", &nested).await;
    assert_eq!(nested["state"], "ready", "{nested}");

    let marker = Uuid::new_v4().to_string();
    let symptoms = format!("a headache {marker}");
    let answer = complain(&user, &symptoms, &[&report["id"], &nested["id"]]).await;
    let accepted = read(answer, StatusCode::ACCEPTED).await;
    user.outcome(&accepted).await;
    let (files, _) = told(&marker, 0);
    assert_eq!(files[0]["name"], "blood.pdf");
    assert_eq!(files[0]["text"].as_str().unwrap().trim(), FINDING);
    assert_eq!(
        files[1]["not_shown"], "it has no text that can be read",
        "{files}"
    );

    let texts = objects_of(&report["id"]).await;
    assert!(texts.iter().any(|it| it.starts_with("texts/")), "{texts:?}");
    let path = format!("/v1/consultations/{}", accepted["id"].as_str().unwrap());
    let erased = user.delete(&path).send().await.unwrap();
    read(erased, StatusCode::ACCEPTED).await;
    eventually("the file and its text are gone", async || {
        objects_of(&report["id"]).await.is_empty().then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_pdf_becomes_a_document_if_it_has_text() {
    let tenant = new_tenant();
    let clinician = User::of(&tenant, "clinician", Role::Clinician).await;
    let reader = User::of(&tenant, "reader", Role::Patient).await;
    let content = [pdf::line(b"Whistling eyebrows are harmless.")];
    let eyebrows = pdf::pages(HELVETICA, &content, &[]);
    let eyebrows = upload(&clinician, "eyebrows.pdf", "application/pdf", &eyebrows).await;
    let scanned = pdf::pages(HELVETICA, &page("q Q"), &[]);
    let scanned = upload(&clinician, "scan.pdf", "application/pdf", &scanned).await;
    let bring = async |upload: &Value| {
        let document = json!({
            "title": "Whistling eyebrows", "language": "en", "upload": upload,
            "source": { "title": "Our clinic", "url": "https://example.org/" },
        });
        let request = clinician.post("/v1/knowledge/documents").json(&document);
        request.send().await.unwrap()
    };

    let refused = bring(&scanned["id"]).await;
    let refused = problem(refused, StatusCode::UNPROCESSABLE_ENTITY).await;
    assert_eq!(refused["errors"][0]["field"], "upload");
    read(bring(&eyebrows["id"]).await, StatusCode::ACCEPTED).await;
    eventually("the document is found", async || {
        let found = reader.get("/v1/knowledge/search?q=whistling%20eyebrows");
        let found = read(found.send().await.unwrap(), StatusCode::OK).await;
        (found["items"][0]["title"] == "Whistling eyebrows").then_some(())
    })
    .await;
}

/// Nothing of a file's text is logged, whatever became of it.
#[tokio::test]
async fn no_log_line_has_words_of_a_pdf() {
    let user = patient().await;
    let good = pdf::pages(HELVETICA, &[pdf::line(FINDING.as_bytes())], &[]);
    let content = [
        pdf::line(FINDING.as_bytes()),
        pdf::stream("", &vec![b'['; 2 * MIB]),
    ];
    let nested = pdf::pages(HELVETICA, &content, &[]);
    for file in [good, nested] {
        let ready = upload(&user, "Dreiundvierzig.pdf", "application/pdf", &file).await;
        assert_eq!(ready["state"], "ready");
    }

    let lines = eventually("the metric of the texts", async || {
        let lines = xtask::logs::all(&STACK).await.unwrap();
        let is_there = lines.iter().any(|line| line.contains("PdfTextRead"));
        is_there.then_some(lines)
    })
    .await;
    for line in lines {
        assert!(!line.contains("Dreiundvierzig"), "logged: {line}");
    }
}
