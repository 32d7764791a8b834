//! The form of compiled tables: lists of numbers one behind the other, and one text.

/// Tables, as they stand in a binary.
#[derive(Debug, PartialEq, Eq)]
pub struct CompiledTables {
    /// Lists of little-endian numbers of four bytes. Before each stands the count of its numbers.
    pub numbers: Vec<[u8; 4]>,
    /// The words and phrases that the numbers point into.
    pub text: String,
}

/// Writes tables; their reader takes the lists in the same order.
#[derive(Debug, Default)]
pub struct TableWriter {
    numbers: Vec<[u8; 4]>,
    text: String,
}

impl TableWriter {
    pub fn push_list(&mut self, list: &[u32]) {
        self.numbers.push(number(list.len()).to_le_bytes());
        self.numbers
            .extend(list.iter().map(|number| number.to_le_bytes()));
    }

    /// Pushes lists as two: where each begins (and the last ends), and the numbers of all.
    pub fn push_lists<'l>(&mut self, lists: impl IntoIterator<Item = &'l [u32]>) {
        let mut starts = vec![0];
        let mut all = Vec::new();

        for list in lists {
            all.extend_from_slice(list);
            starts.push(number(all.len()));
        }
        self.push_list(&starts);
        self.push_list(&all);
    }

    /// Adds a text, and tells where it begins.
    pub fn push_text(&mut self, text: &str) -> u32 {
        let start = number(self.text.len());
        self.text.push_str(text);
        start
    }

    pub fn text_len(&self) -> u32 {
        number(self.text.len())
    }

    pub fn finish(self) -> CompiledTables {
        CompiledTables {
            numbers: self.numbers,
            text: self.text,
        }
    }
}

/// A count or a place as a number of a table, which has far fewer than four thousand million.
pub fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
