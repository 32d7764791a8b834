//! Normalises a patient's free text and cuts it into tokens.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::locale::is_han;
use super::words;

/// No text is read past this many characters: twice what a complaint may have.
const MAX_CHARS: usize = 16_384;

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// An English word, in lower case and without apostrophes.
    Word,
    /// One Han character.
    Han,
    /// A number such as `39` or `38.5`.
    Number,
    /// `,` or `，`: joins list items in English, clauses in Chinese.
    Comma,
    /// `、` or `/`: joins list items in either language.
    ListMark,
    /// End of a sentence, or of a line.
    End,
    /// A question mark: ends a sentence unless the answer follows.
    Question,
    /// `:`, `=`, a bracket or a dash, which may stand between a finding and its answer.
    Link,
    /// Anything else, such as `℃`, `%` or an emoji.
    Other,
}

/// One token of a normalised text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Token<'t> {
    pub(super) text: &'t str,
    pub(super) kind: Kind,
    /// What the word does in a sentence; looked up once, because every pattern asks for it.
    pub(super) class: words::Class,
    /// Number of the word among the different words of its text.
    pub(super) word: usize,
}

impl Token<'_> {
    /// Whether the token closes a sentence.
    pub(super) fn ends_sentence(&self) -> bool {
        matches!(self.kind, Kind::End | Kind::Question)
    }

    /// Whether the token closes a clause or stands between two of its list items.
    pub(super) fn ends_segment(&self) -> bool {
        self.ends_sentence() || matches!(self.kind, Kind::Comma)
    }
}

/// Folds width, case, apostrophes and the commonest traditional characters.
///
/// Apostrophes go, with a possessive or contracted `s`: "don't" reads `dont`, "it's" reads `it`.
pub(super) fn normalise(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text
        .chars()
        .take(MAX_CHARS)
        .map(fold)
        .filter(|c| !is_invisible(*c))
        .peekable();
    while let Some(c) = chars.next() {
        if c != '\'' {
            out.extend(c.to_lowercase());
            continue;
        }
        let in_word = out.ends_with(char::is_alphabetic);
        if let Some(s) = chars.next_if(|c| matches!(c, 's' | 'S'))
            && (!in_word || chars.peek().is_some_and(|c| c.is_alphanumeric()))
        {
            out.extend(s.to_lowercase());
        }
    }
    out
}

/// Zero-width characters and combining marks that split words without being seen.
fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' | '\u{fe0f}'
    )
}

fn fold(c: char) -> char {
    match c {
        '\u{ff01}'..='\u{ff5e}' => half_width(c),
        '\u{3000}' | '\u{a0}' => ' ',
        '\u{2018}' | '\u{2019}' | '\u{201b}' | '\u{2032}' | '`' | '´' => '\'',
        '。' | '｡' => '.',
        '–' | '—' | '−' | '‐' | '‑' => '-',
        '【' => '[',
        '】' => ']',
        _ => simplified(c),
    }
}

fn half_width(c: char) -> char {
    u32::from(c)
        .checked_sub(0xfee0)
        .and_then(char::from_u32)
        .unwrap_or(c)
}

/// Traditional characters (and variants) that occur in the lexicon, each before its simplified form.
const TRADITIONAL: &str = "\
沒没無无頭头暈晕燒烧嘔呕發发熱热難难覺觉腫肿脹胀瀉泻臉脸說说話话語语嚴严劇剧劑剂藥药過过癱瘫癲癫癇痫識识聽听視视見见點点緊紧壓压氣气傷伤斷断樹树燙烫電电擊击陰阴\
陽阳蟲虫貓猫腦脑體体檢检醫医後后產产婦妇嬰婴兒儿寶宝餵喂動动減减變变濕湿臟脏擴扩黃黄髮发髒脏時时間间個个歲岁週周幾几兩两紅红顫颤項项鈍钝脈脉膚肤貧贫殺杀輕轻輸输\
癢痒溫温壞坏剛刚現现會会還还這这來来為为與与並并從从對对嗎吗麼么確确認认記记盜盗塊块濃浓顏颜塵尘膽胆腸肠腎肾導导尋寻務务環环夠够鐘钟們们裡里裏里鋭锐銳锐煙烟燻熏\
礙碍憶忆聲声啞哑嚥咽嗆呛悶闷轉转運运適适應应當当縮缩紮扎斃毙絕绝將将經经懷怀異异長长滿满側侧雙双臺台灣湾誤误鹼碱農农麗丽懸悬驚惊齡龄樓楼車车禍祸顱颅喪丧險险狀状\
響响邊边腳脚關关節节隱隐約约許许癥症齒齿頸颈顎颚壹一髙高甦苏嚇吓騰腾蔔卜鬱郁彎弯撐撑呑吞釐厘暫暂陣阵擇择報报總总續续讓让給给誰谁請请問问題题別别樣样愛爱較较亂乱風风脫脱歷历細细線线絲丝終终結结絞绞緒绪緩缓繼继糞粪節节類类靜静願愿飢饥飯饭飲饮飽饱餓饿養养餘余駕驾驗验鬆松鬧闹魚鱼鮮鲜軟软載载輪轮輩辈連连進进達达違违遠远遲迟遺遗釘钉錯错鏡镜鐵铁門门開开閉闭隨随雖虽雞鸡離离預预領领顆颗額额飛飞驟骤滲渗潰溃漲涨澀涩燈灯爐炉爛烂爺爷牆墙狹狭獨独瘋疯瘡疮痺痹盡尽監监睜睁種种穩稳紙纸綁绑綠绿縫缝聞闻膠胶艱艰莖茎萬万葉叶蒼苍蓋盖藍蓝虛虚號号蝦虾螞蚂蟻蚁衝冲補补裝装複复復复親亲觸触計计診诊試试詳详調调談谈論论謝谢證证護护貼贴買买質质趕赶跡迹軀躯辦办遞递釋释錄录鎖锁閃闪雜杂霧雾順顺須须頓顿顯显騎骑髖髋鬍胡鹽盐漸渐痠酸膿脓舊旧眾众攝摄擠挤據据掛挂捲卷損损換换搖摇搶抢條条極极樂乐標标機机橫横殘残決决況况洩泄淚泪淺浅淨净滅灭滾滚勞劳勢势區区協协卻却參参員员喚唤單单噁恶噴喷嚨咙國国圍围圓圆團团場场塗涂墊垫夾夹媽妈學学宮宫實实寫写寬宽專专屬属帶带幫帮廁厕廢废張张強强彈弹徑径惡恶慘惨慣惯慮虑憂忧懶懒戰战戶户於于傳传僅仅價价優优兇凶內内凍冻則则創创劃划爾尔灘滩氫氢";

/// First and last character of the unified block, which holds all of [`TRADITIONAL`].
const HAN_FIRST: u32 = 0x4e00;
const HAN_LAST: u32 = 0x9fff;

/// The simplified form of every character of the unified block, by position: each character of
/// every text is looked up.
static SIMPLIFIED: LazyLock<Vec<char>> = LazyLock::new(|| {
    let mut forms: Vec<char> = (HAN_FIRST..=HAN_LAST).filter_map(char::from_u32).collect();
    let mut chars = TRADITIONAL.chars().filter(|c| is_han(*c));
    while let (Some(from), Some(to)) = (chars.next(), chars.next()) {
        if let Some(form) = position(from).and_then(|at| forms.get_mut(at)) {
            *form = to;
        }
    }
    forms
});

fn position(c: char) -> Option<usize> {
    usize::try_from(u32::from(c).checked_sub(HAN_FIRST)?).ok()
}

/// Maps the commonest traditional characters, so that one lexicon serves both scripts.
fn simplified(c: char) -> char {
    position(c)
        .and_then(|at| SIMPLIFIED.get(at))
        .copied()
        .unwrap_or(c)
}

/// Cuts a normalised text into tokens.
pub(super) fn tokenise(text: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::with_capacity(text.len() / 3);
    let mut known: HashMap<&str, (usize, words::Class)> = HashMap::new();
    let mut spaced = true;
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let (len, kind) = measure(rest, c);
        let (text, after) = rest.split_at_checked(len).unwrap_or((rest, ""));
        // A hyphen inside a compound ("two-month-old") only separates its words.
        let hyphen = c == '-' && !spaced && after.starts_with(char::is_alphanumeric);
        let space = c != '\n' && c.is_whitespace();
        if !hyphen && !space {
            let fresh = known.len();
            let (word, class) = *known
                .entry(text)
                .or_insert_with(|| (fresh, words::class(text)));
            tokens.push(Token {
                text,
                kind,
                class,
                word,
            });
        }
        spaced = space;
        rest = after;
    }
    tokens
}

fn measure(rest: &str, first: char) -> (usize, Kind) {
    if is_han(first) {
        (first.len_utf8(), Kind::Han)
    } else if first.is_ascii_digit() {
        (number_len(rest), Kind::Number)
    } else if first.is_alphabetic() {
        (word_len(rest), Kind::Word)
    } else {
        (first.len_utf8(), punctuation(first))
    }
}

fn punctuation(c: char) -> Kind {
    match c {
        ',' => Kind::Comma,
        '、' | '/' => Kind::ListMark,
        '.' | '!' | ';' | '\n' | '…' => Kind::End,
        '?' => Kind::Question,
        ':' | '=' | '-' | '(' | ')' | '[' | ']' => Kind::Link,
        _ => Kind::Other,
    }
}

fn word_len(rest: &str) -> usize {
    rest.char_indices()
        .find(|&(_, c)| is_han(c) || !c.is_alphabetic())
        .map_or(rest.len(), |(at, _)| at)
}

/// Length of a number; a full stop belongs to it only when a digit follows.
fn number_len(rest: &str) -> usize {
    let mut len = 0;
    let mut chars = rest.chars().peekable();
    while let Some(c) = chars.next() {
        let point = c == '.' && chars.peek().is_some_and(char::is_ascii_digit);
        if !c.is_ascii_digit() && !point {
            break;
        }
        len += c.len_utf8();
    }
    len
}
