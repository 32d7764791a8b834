//! `cargo xtask shape`: how easily the code reads, in figures.
//!
//! It measures `shared/`, `functions/` and `infra/` without their tests: the aims are those of
//! CONTRIBUTING.md. A figure is a place to look, not a verdict.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;
use proc_macro2::{TokenStream, TokenTree};
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use crate::report;
use crate::stack::Stack;

/// Lines wider than this are too wide, but for URLs.
const MAX_WIDTH: usize = 100;

/// A function has at most this many parameters.
const MAX_PARAMETERS: usize = 5;

/// A `where` block with this many predicates must not be written twice.
const LONG_WHERE: usize = 4;

/// Functions that one-letter and generated names would distort: the trait decides them.
const FOLDERS: [&str; 3] = ["shared/src", "functions", "infra/xtask/src"];

/// What is measured.
#[derive(Args)]
pub struct Options {
    /// Another checkout to measure, instead of this one
    #[arg(long)]
    path: Option<PathBuf>,
    /// Name the places that miss the aims
    #[arg(long)]
    places: bool,
}

/// Everything that was counted.
#[derive(Default)]
struct Shape {
    file: String,
    functions: Vec<Function>,
    where_blocks: HashMap<String, usize>,
    lines: usize,
    wide_lines: Vec<String>,
    public_items: usize,
    documented_items: usize,
}

/// One function with a body.
struct Function {
    place: String,
    name: String,
    parameters: usize,
    body_lines: usize,
    blank_lines: usize,
    tokens: usize,
}

/// Measures the code and prints the table.
pub fn run(stack: &Stack, options: &Options) -> Result<()> {
    let root = options.path.as_ref().unwrap_or(&stack.root);
    let mut shape = Shape::default();
    for folder in FOLDERS {
        measure_folder(&root.join(folder), &mut shape)?;
    }
    anyhow::ensure!(!shape.functions.is_empty(), "there is no code to measure");

    print_table(&shape, count_words(&root.join("README.md"))?);
    if options.places {
        print_places(&shape);
    }
    Ok(())
}

fn measure_folder(folder: &Path, shape: &mut Shape) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let is_test = name == "tests" || name == "tests.rs" || name == "target";
        if is_test {
            continue;
        }
        if path.is_dir() {
            measure_folder(&path, shape)?;
        } else if name.ends_with(".rs") {
            measure_file(&path, shape)?;
        }
    }
    Ok(())
}

fn measure_file(path: &Path, shape: &mut Shape) -> Result<()> {
    let text = fs::read_to_string(path)?;
    let file = syn::parse_file(&text).with_context(|| path.display().to_string())?;
    shape.file = path.display().to_string();

    let lines: Vec<_> = text.lines().collect();
    shape.lines += lines.len();
    for (index, line) in lines.iter().enumerate() {
        if line.chars().count() > MAX_WIDTH && !line.contains("http") {
            let place = format!("{}:{}", shape.file, index + 1);
            shape.wide_lines.push(place);
        }
    }

    let mut visitor = Visitor { shape, lines };
    visitor.visit_file(&file);
    Ok(())
}

/// Walks one file.
struct Visitor<'a> {
    shape: &'a mut Shape,
    lines: Vec<&'a str>,
}

impl Visitor<'_> {
    fn count_function(&mut self, signature: &syn::Signature, body: &syn::Block) {
        let (first, last) = (body.span().start().line, body.span().end().line);
        // The lines between the braces.
        let inner = self
            .lines
            .get(first..last.saturating_sub(1))
            .unwrap_or_default();
        let blank_lines = inner.iter().filter(|line| line.trim().is_empty()).count();
        let statements = body.stmts.iter().map(quote_tokens);

        self.shape.functions.push(Function {
            place: format!("{}:{first}", self.shape.file),
            name: signature.ident.to_string(),
            parameters: signature.inputs.len(),
            body_lines: inner.len(),
            blank_lines,
            tokens: statements.sum(),
        });
    }

    fn count_where(&mut self, generics: &syn::Generics) {
        let Some(clause) = &generics.where_clause else {
            return;
        };
        if clause.predicates.len() >= LONG_WHERE {
            let text = clause.span().source_text().unwrap_or_default();
            let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
            *self.shape.where_blocks.entry(text).or_default() += 1;
        }
    }

    fn count_public(&mut self, visibility: &syn::Visibility, attributes: &[syn::Attribute]) {
        if matches!(visibility, syn::Visibility::Public(_)) {
            self.shape.public_items += 1;
            let is_documented = attributes.iter().any(|it| it.path().is_ident("doc"));
            self.shape.documented_items += usize::from(is_documented);
        }
    }
}

/// The tokens of a statement, as they stand in the source.
fn quote_tokens(statement: &syn::Stmt) -> usize {
    let text = statement.span().source_text().unwrap_or_default();
    text.parse().map_or(0, count_tokens)
}

fn count_tokens(tokens: TokenStream) -> usize {
    tokens
        .into_iter()
        .map(|token| match token {
            TokenTree::Group(group) => 2 + count_tokens(group.stream()),
            _ => 1,
        })
        .sum()
}

fn is_test(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute
                .parse_args::<syn::Ident>()
                .is_ok_and(|condition| condition == "test")
    })
}

impl<'ast> Visit<'ast> for Visitor<'_> {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if !is_test(&item.attrs) {
            visit::visit_item_mod(self, item);
        }
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.count_public(&item.vis, &item.attrs);
        self.count_where(&item.sig.generics);
        self.count_function(&item.sig, &item.block);
        visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.count_public(&item.vis, &item.attrs);
        self.count_where(&item.sig.generics);
        self.count_function(&item.sig, &item.block);
        visit::visit_impl_item_fn(self, item);
    }

    fn visit_item_struct(&mut self, item: &'ast syn::ItemStruct) {
        self.count_public(&item.vis, &item.attrs);
        for field in &item.fields {
            self.count_public(&field.vis, &field.attrs);
        }
    }

    fn visit_item_enum(&mut self, item: &'ast syn::ItemEnum) {
        self.count_public(&item.vis, &item.attrs);
    }

    fn visit_item_trait(&mut self, item: &'ast syn::ItemTrait) {
        self.count_public(&item.vis, &item.attrs);
        visit::visit_item_trait(self, item);
    }

    fn visit_item_const(&mut self, item: &'ast syn::ItemConst) {
        self.count_public(&item.vis, &item.attrs);
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of a code base")]
fn print_table(shape: &Shape, readme_words: usize) {
    let functions = &shape.functions;
    let sum = |of: fn(&Function) -> usize| functions.iter().map(of).sum::<usize>() as f64;
    let body_lines = sum(|it| it.body_lines);
    let code_lines = body_lines - sum(|it| it.blank_lines);
    let names = functions.len() as f64;
    let one_word = functions
        .iter()
        .filter(|it| words_of(&it.name) == 1)
        .count() as f64;
    let repeated = shape.where_blocks.values().filter(|count| **count > 1);
    let wide = shape.wide_lines.len();

    let mut lengths: Vec<_> = functions.iter().map(|it| it.body_lines).collect();
    lengths.sort_unstable();
    let at = |share: usize| lengths.get(lengths.len() * share / 100).copied();
    let (p50, p90) = (at(50).unwrap_or_default(), at(90).unwrap_or_default());
    let longest = lengths.last().copied().unwrap_or_default();

    let rows = [
        ("functions", format!("{names}")),
        (
            "blank lines per 100 lines of function bodies",
            format!("{:.1}", 100.0 * sum(|it| it.blank_lines) / body_lines),
        ),
        (
            "tokens per line in bodies",
            format!("{:.1}", sum(|it| it.tokens) / code_lines),
        ),
        (
            "lines wider than 100 columns",
            format!(
                "{wide} of {} ({:.2} %)",
                shape.lines,
                100.0 * wide as f64 / shape.lines as f64
            ),
        ),
        (
            "words per function name; one-word names",
            format!(
                "{:.2}; {:.0} %",
                sum(|it| words_of(&it.name)) / names,
                100.0 * one_word / names
            ),
        ),
        (
            "functions with six or more parameters",
            functions
                .iter()
                .filter(|it| it.parameters > MAX_PARAMETERS)
                .count()
                .to_string(),
        ),
        (
            "repeated `where` blocks of four or more bounds",
            repeated.count().to_string(),
        ),
        ("README words", readme_words.to_string()),
        (
            "function lines p50 / p90 / max",
            format!("{p50} / {p90} / {longest}"),
        ),
        (
            "public items with docs",
            format!("{} of {}", shape.documented_items, shape.public_items),
        ),
    ];
    for (name, value) in rows {
        report::say(format!("{name:.<50} {value}"));
    }
}

fn print_places(shape: &Shape) {
    for place in &shape.wide_lines {
        report::say(format!("{place}: wider than {MAX_WIDTH} columns"));
    }
    for function in &shape.functions {
        let (place, name) = (&function.place, &function.name);
        if function.parameters > MAX_PARAMETERS {
            report::say(format!(
                "{place}: {name} has {} parameters",
                function.parameters
            ));
        }
        if function.body_lines > 15 && function.blank_lines == 0 {
            report::say(format!("{place}: {name} has no paragraphs"));
        }
    }
}

fn words_of(name: &str) -> usize {
    name.split('_').filter(|word| !word.is_empty()).count()
}

fn count_words(path: &Path) -> Result<usize> {
    let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
    Ok(text.split_whitespace().count())
}
