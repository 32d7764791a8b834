//! Letters and digits in another style: bold, in circles, raised, small capitals, with accents.
//!
//! Unicode knows most of them as compatible with plain letters (`UnicodeData.txt`). The others
//! stand here: negative circles and squares, small capitals, keycaps, regional indicators.

use unicode_normalization::char::{decompose_compatible, is_combining_mark};

use super::invisible::{has_empty_glyph, is_invisible};
use super::seam::{SEAM, push_seam};

/// Stands behind a digit that is the label of a key: 3️⃣.
const KEYCAP: char = '\u{20e3}';

/// Small capitals of the phonetic alphabets, which no decomposition tells; `x` has none.
const SMALL_CAPITALS: &str = "ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘꞯʀꜱᴛᴜᴠᴡ?ʏᴢ";

/// Units of time and temperature, and counters of medicines.
const UNITS: &[&str] = &[
    "个", "天", "日", "月", "周", "岁", "年", "小时", "度", "℃", "°", "片", "粒", "颗", "次",
    "day", "week", "month", "year", "hour", "degree", "tablet", "pill",
];

/// No unit is longer, with a space before it.
const MAX_UNIT_CHARS: usize = 8;

/// The text with plain letters and digits, and without what is not seen.
pub(super) fn fold_styles(text: &str) -> String {
    let chars = seen_characters(text);
    let mut folded = String::with_capacity(text.len());
    let mut rest = chars.as_slice();

    while let Some((&c, behind)) = rest.split_first() {
        if let Some(len) = fold_run(rest, &mut folded) {
            rest = rest.get(len..).unwrap_or_default();
            continue;
        }

        fold_character(c, behind, &mut folded);
        rest = behind;
    }

    folded
}

/// The characters that are seen, with a seam where others stood behind a letter.
fn seen_characters(text: &str) -> Vec<char> {
    let mut seen = Vec::with_capacity(text.len());

    for c in text.chars() {
        if !is_invisible(c) {
            seen.push(c);
        } else if seen.last().is_some_and(char::is_ascii_alphabetic) {
            seen.push(SEAM);
        }
    }

    seen
}

/// Folds a run whose meaning depends on its length; returns its length.
fn fold_run(rest: &[char], folded: &mut String) -> Option<usize> {
    fold_boxed_number(rest, folded)
        .or_else(|| fold_round_number(rest, folded))
        .or_else(|| fold_regional_letters(rest, folded))
        .or_else(|| fold_raised_number(rest, folded))
}

fn fold_character(c: char, behind: &[char], folded: &mut String) {
    if has_empty_glyph(c) {
        // Many write it within a word, and as many between two.
        push_seam(folded);
        folded.push(' ');
    } else if is_combining_mark(c) {
        // An accent or a line through the letter.
    } else if is_roman_letter(c) && !stands_in_word(behind, folded) {
        folded.push(c);
    } else {
        push_plain(c, folded);
    }
}

fn push_plain(c: char, folded: &mut String) {
    match plain_letter(c) {
        Some(letter) => folded.push(letter),
        None if matches!(c, '\u{fb00}'..='\u{fb06}') => decompose_compatible(c, |l| folded.push(l)),
        None => folded.push(c),
    }
}

/// The letter, digit or ideograph that `c` is a form of.
fn plain_letter(c: char) -> Option<char> {
    let offset = |first: char| u32::from(c).checked_sub(u32::from(first));
    let letter_at = |offset: u32| char::from_digit(offset + 10, 36);

    match c {
        // In parentheses and squares, in negative circles and squares; capitals read the same.
        '\u{249c}'..='\u{24b5}' => letter_at(offset('\u{249c}')?),
        '\u{1f110}'..='\u{1f129}' => letter_at(offset('\u{1f110}')?),
        '\u{1f150}'..='\u{1f169}' => letter_at(offset('\u{1f150}')?),
        '\u{1f170}'..='\u{1f189}' => letter_at(offset('\u{1f170}')?),
        _ if is_compatible_block(c) => compatible_letter(c),
        '\u{250}'..='\u{2af}' | '\u{1d00}'..='\u{1d2b}' | '\u{a730}'..='\u{a7af}' => {
            let position = SMALL_CAPITALS.chars().position(|capital| capital == c)?;
            letter_at(u32::try_from(position).ok()?)
        }
        _ => None,
    }
}

/// The blocks whose letters are read by their decomposition.
fn is_compatible_block(c: char) -> bool {
    matches!(
        c,
        '\u{c0}'..='\u{24f}' // with accents
            | '\u{1e00}'..='\u{1eff}'
            | '\u{2b0}'..='\u{2b8}' // raised
            | '\u{2e0}'..='\u{2e4}'
            | '\u{1d2c}'..='\u{1d6a}'
            | '\u{1d78}'..='\u{1dbf}'
            | '\u{2071}'
            | '\u{207f}'
            | '\u{2090}'..='\u{209c}'
            | '\u{2100}'..='\u{2138}' // letterlike; the next one is an emoji
            | '\u{213a}'..='\u{214f}'
            | '\u{2160}'..='\u{217f}' // Roman numerals
            | '\u{24b6}'..='\u{24e9}' // in circles
            | '\u{2f00}'..='\u{2fd5}' // radicals, and ideographs of other standards
            | '\u{f900}'..='\u{faff}'
            | '\u{2f800}'..='\u{2fa1f}'
            | '\u{ff21}'..='\u{ff3a}' // of full width, beside other styles
            | '\u{ff41}'..='\u{ff5a}'
            | '\u{1d400}'..='\u{1d7ff}' // mathematical
            | '\u{1f130}'..='\u{1f149}' // in squares
    )
}

/// The one letter of a decomposition without its accents. `№` and ℃ are no letters.
fn compatible_letter(c: char) -> Option<char> {
    let mut letters = Vec::new();
    decompose_compatible(c, |part| {
        if !is_combining_mark(part) {
            letters.push(part);
        }
    });

    match letters.as_slice() {
        [letter] if letter.is_ascii_alphanumeric() || *letter >= '\u{3400}' => Some(*letter),
        _ => None,
    }
}

fn is_roman_letter(c: char) -> bool {
    matches!(c, '\u{2160}'..='\u{217f}')
}

/// A Roman numeral is a letter only within a word: Ⅰ型 is none.
fn stands_in_word(behind: &[char], folded: &str) -> bool {
    let letter_before = folded.ends_with(|c: char| c.is_ascii_alphabetic());
    let letter_behind = behind.first().is_some_and(|c| {
        let plain = plain_letter(*c).unwrap_or(*c);
        plain.is_ascii_alphabetic() && !is_roman_letter(*c)
    });

    letter_before || letter_behind
}

/// Digits in circles or on keys are a number when two stand together, behind a digit or its point,
/// or before a unit. A single one heads an item of a list else, and stays: ①39度 is no 139.
fn fold_boxed_number(rest: &[char], folded: &mut String) -> Option<usize> {
    let first = boxed_digit(rest)?;
    let mut number = String::new();
    let mut len = 0;

    loop {
        let from_here = rest.get(len..).unwrap_or_default();
        let behind_point = from_here.get(1..).unwrap_or_default();

        if let Some(digit) = boxed_digit(from_here) {
            number.push(digit.value);
            len += digit.len;
        } else if is_point(from_here) && boxed_digit(behind_point).is_some() {
            number.push('.');
            len += 1;
        } else {
            break;
        }
    }

    let integer = folded.strip_suffix('.').unwrap_or(folded);
    let goes_on = first.is_key && integer.ends_with(|c: char| c.is_ascii_digit());
    let behind = rest.get(len..).unwrap_or_default();
    if number.len() < 2 && !goes_on && !begins_unit(behind) {
        folded.extend(rest.get(..len).unwrap_or_default());
        return Some(len);
    }

    if !goes_on {
        part_from_digit(folded);
    }
    folded.push_str(&number);
    if behind.first().is_some_and(char::is_ascii_digit) {
        folded.push(' ');
    }
    Some(len)
}

/// A number from ten on in one circle, or in parentheses: ㉚片. Without a unit it heads an item.
fn fold_round_number(rest: &[char], folded: &mut String) -> Option<usize> {
    let (c, behind) = rest.split_first()?;
    let number = round_number(*c)?;
    if !begins_unit(behind) {
        return None;
    }

    part_from_digit(folded);
    folded.push_str(&number.to_string());
    Some(1)
}

fn round_number(c: char) -> Option<u32> {
    let from = |first: char| u32::from(c).checked_sub(u32::from(first));

    Some(match c {
        '\u{2469}'..='\u{2473}' => 10 + from('\u{2469}')?,
        '\u{247d}'..='\u{2487}' => 10 + from('\u{247d}')?,
        '\u{24eb}'..='\u{24f4}' => 11 + from('\u{24eb}')?,
        '\u{24fe}' | '\u{277f}' | '\u{2789}' | '\u{2793}' => 10,
        '\u{3248}'..='\u{324f}' => 10 * (1 + from('\u{3248}')?),
        '\u{3251}'..='\u{325f}' => 21 + from('\u{3251}')?,
        '\u{32b1}'..='\u{32bf}' => 36 + from('\u{32b1}')?,
        _ => return None,
    })
}

fn begins_unit(text: &[char]) -> bool {
    let word: String = text.iter().take(MAX_UNIT_CHARS).collect();
    let word = word.trim_start().to_lowercase();

    UNITS.iter().any(|unit| word.starts_with(unit))
}

fn part_from_digit(folded: &mut String) {
    if folded.ends_with(|c: char| c.is_ascii_digit()) {
        folded.push(' ');
    }
}

fn is_point(rest: &[char]) -> bool {
    matches!(rest.first(), Some('.' | '．' | '·'))
}

/// A digit in a circle, in parentheses or on a key.
struct BoxedDigit {
    value: char,
    is_key: bool,
    /// In characters.
    len: usize,
}

fn boxed_digit(rest: &[char]) -> Option<BoxedDigit> {
    let c = *rest.first()?;
    if c.is_ascii_digit() && rest.get(1) == Some(&KEYCAP) {
        return Some(BoxedDigit {
            value: c,
            is_key: true,
            len: 2,
        });
    }

    let first_of_nine = match c {
        '\u{24ea}' | '\u{24ff}' => c,
        '\u{2460}'..='\u{2468}' => '\u{245f}',
        '\u{2474}'..='\u{247c}' => '\u{2473}',
        '\u{24f5}'..='\u{24fd}' => '\u{24f4}',
        '\u{2776}'..='\u{277e}' => '\u{2775}',
        '\u{2780}'..='\u{2788}' => '\u{277f}',
        '\u{278a}'..='\u{2792}' => '\u{2789}',
        _ => return None,
    };
    let digit = u32::from(c).checked_sub(u32::from(first_of_nine))?;
    Some(BoxedDigit {
        value: char::from_digit(digit, 10)?,
        is_key: false,
        len: 1,
    })
}

/// Two regional indicators are a flag; more spell a word.
fn fold_regional_letters(rest: &[char], folded: &mut String) -> Option<usize> {
    let indicators = rest.iter().map_while(|c| {
        let offset = u32::from(*c).checked_sub(0x1_f1e6)?;
        (offset < 26).then_some(offset)
    });
    let letters: String = indicators
        .filter_map(|offset| char::from_digit(offset + 10, 36))
        .collect();

    match letters.len() {
        0 => return None,
        2 => folded.extend(rest.get(..2).unwrap_or_default()),
        _ => folded.push_str(&letters),
    }
    Some(letters.len())
}

/// Raised or lowered digits are an exponent, a footnote or an index behind a letter or a digit
/// (10⁹, m², O₂), and a number elsewhere.
fn fold_raised_number(rest: &[char], folded: &mut String) -> Option<usize> {
    let number: String = rest.iter().map_while(|c| raised_digit(*c)).collect();
    if number.is_empty() {
        return None;
    }

    if folded.ends_with(|c: char| c.is_ascii_alphanumeric()) {
        folded.extend(rest.get(..number.len()).unwrap_or_default());
    } else {
        folded.push_str(&number);
    }
    Some(number.len())
}

fn raised_digit(c: char) -> Option<char> {
    let is_raised = matches!(
        c,
        '\u{b9}' | '\u{b2}' | '\u{b3}' | '\u{2070}' | '\u{2074}'..='\u{2079}'
    );
    let is_lowered = matches!(c, '\u{2080}'..='\u{2089}');
    if !is_raised && !is_lowered {
        return None;
    }

    let mut digit = None;
    decompose_compatible(c, |plain| digit = Some(plain));
    digit
}
