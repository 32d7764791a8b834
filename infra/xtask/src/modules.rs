//! Which module of a crate uses which, read from its sources.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use syn::visit::{self, Visit};

/// A module's path within its crate, such as `["jobs", "worker", "run"]`.
pub type ModulePath = Vec<String>;

/// One module and the paths within the crate that its file names, tests left out.
#[derive(Debug)]
pub struct Module {
    /// Where the module stands.
    pub path: ModulePath,
    /// The file, relative to the crate's sources.
    pub file: String,
    /// Every path that the file names, from the crate's root: modules, then an item.
    pub uses: BTreeSet<ModulePath>,
    /// Every path into another crate.
    pub foreign: BTreeSet<ModulePath>,
}

/// All modules below `sources`, which holds a `lib.rs`.
pub fn read_modules(sources: &Path) -> Result<Vec<Module>> {
    let mut modules = Vec::new();
    read_folder(sources, sources, &mut modules)?;
    Ok(modules)
}

/// For each module of `modules` below `parent`, the sibling modules that it uses. A use of an item
/// of `parent` itself counts as none.
pub fn sibling_uses(modules: &[Module], parent: &[String]) -> BTreeMap<String, BTreeSet<String>> {
    let child_of = |path: &[String]| -> Option<String> {
        let below = path.strip_prefix(parent)?;
        below.first().cloned()
    };
    let children: BTreeSet<_> = modules
        .iter()
        .filter_map(|module| child_of(&module.path))
        .collect();

    let mut uses: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for module in modules {
        let Some(child) = child_of(&module.path) else {
            continue;
        };
        let siblings = module.uses.iter().filter_map(|used| child_of(used));
        let others = siblings.filter(|used| *used != child && children.contains(used));
        uses.entry(child.clone()).or_default().extend(others);
    }
    uses
}

/// A circle among these modules, if there is one: each uses the next, and the last the first.
pub fn find_circle(uses: &BTreeMap<String, BTreeSet<String>>) -> Option<Vec<String>> {
    let mut done = BTreeSet::new();
    uses.keys().find_map(|start| {
        let mut path = Vec::new();
        follow(start, uses, &mut path, &mut done)
    })
}

fn follow(
    module: &str,
    uses: &BTreeMap<String, BTreeSet<String>>,
    path: &mut Vec<String>,
    done: &mut BTreeSet<String>,
) -> Option<Vec<String>> {
    if let Some(start) = path.iter().position(|earlier| earlier == module) {
        return Some(path.split_off(start));
    }
    if done.contains(module) {
        return None;
    }

    path.push(module.to_owned());
    for used in uses.get(module).into_iter().flatten() {
        if let Some(circle) = follow(used, uses, path, done) {
            return Some(circle);
        }
    }
    path.pop();
    done.insert(module.to_owned());
    None
}

fn read_folder(sources: &Path, folder: &Path, modules: &mut Vec<Module>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        if path.is_dir() {
            read_folder(sources, &path, modules)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            modules.extend(read_file(sources, &path)?);
        }
    }
    Ok(())
}

/// The module of one file; none for a file that holds only tests.
fn read_file(sources: &Path, file: &Path) -> Result<Option<Module>> {
    let relative = file.strip_prefix(sources)?;
    let mut path: ModulePath = relative
        .with_extension("")
        .iter()
        .map(|part| part.to_string_lossy().into_owned())
        .collect();
    if path.iter().any(|part| part == "tests") {
        return Ok(None);
    }
    if path
        .last()
        .is_some_and(|last| last == "mod" || last == "lib")
    {
        path.pop();
    }

    let text = fs::read_to_string(file)?;
    let parsed = syn::parse_file(&text).with_context(|| file.display().to_string())?;
    let mut paths = Paths {
        module: path.clone(),
        uses: BTreeSet::new(),
        foreign: BTreeSet::new(),
    };
    paths.visit_file(&parsed);
    Ok(Some(Module {
        path,
        file: relative.display().to_string(),
        uses: paths.uses,
        foreign: paths.foreign,
    }))
}

/// Collects the paths of one file.
struct Paths {
    module: ModulePath,
    uses: BTreeSet<ModulePath>,
    foreign: BTreeSet<ModulePath>,
}

impl Paths {
    /// Notes a path, resolved from the crate's root if it begins there.
    fn note(&mut self, path: &[String]) {
        let Some((first, rest)) = path.split_first() else {
            return;
        };
        let base = match first.as_str() {
            "crate" => Vec::new(),
            "self" => self.module.clone(),
            "super" => self
                .module
                .split_last()
                .map_or(Vec::new(), |(_, up)| up.to_vec()),
            _ => {
                self.foreign.insert(path.to_vec());
                return;
            }
        };

        let mut resolved = base;
        for part in rest {
            if part == "super" {
                resolved.pop();
            } else {
                resolved.push(part.clone());
            }
        }
        self.uses.insert(resolved);
    }

    fn note_tree(&mut self, prefix: &mut Vec<String>, tree: &syn::UseTree) {
        match tree {
            syn::UseTree::Path(path) => {
                prefix.push(path.ident.to_string());
                self.note_tree(prefix, &path.tree);
                prefix.pop();
            }
            syn::UseTree::Group(group) => {
                for item in &group.items {
                    self.note_tree(prefix, item);
                }
            }
            syn::UseTree::Name(name) => self.note_leaf(prefix, &name.ident),
            syn::UseTree::Rename(rename) => self.note_leaf(prefix, &rename.ident),
            syn::UseTree::Glob(_) => self.note(prefix),
        }
    }

    fn note_leaf(&mut self, prefix: &mut Vec<String>, name: &syn::Ident) {
        if name == "self" {
            return self.note(prefix);
        }
        prefix.push(name.to_string());
        self.note(prefix);
        prefix.pop();
    }
}

fn is_test(attributes: &[syn::Attribute]) -> bool {
    let is_cfg_test = |attribute: &syn::Attribute| {
        attribute.path().is_ident("cfg")
            && attribute
                .parse_args::<syn::Ident>()
                .is_ok_and(|condition| condition == "test")
    };
    attributes.iter().any(is_cfg_test)
}

impl<'ast> Visit<'ast> for Paths {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if !is_test(&item.attrs) {
            visit::visit_item_mod(self, item);
        }
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        // A re-export shows what stands below; the module that re-exports uses it.
        self.note_tree(&mut Vec::new(), &item.tree);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        if path.segments.len() > 1 {
            let parts = path.segments.iter().map(|part| part.ident.to_string());
            self.note(&parts.collect::<Vec<_>>());
        }
        visit::visit_path(self, path);
    }
}
