//! What a name means in a file, and which types hold clients of AWS.

use std::collections::{BTreeMap, BTreeSet};

use super::source::{Source, TypeSource};

/// How paths within a crate, or into the shared one, begin.
const ROOTS: [&str; 4] = ["crate", "super", "self", "wenzhen"];

/// A type: the number of its file, and its name.
pub type TypeId<'s> = (usize, &'s str);

/// The files of the shared crate and of the functions.
pub struct Sources {
    files: Vec<Source>,
    /// The files in which a type of each name stands.
    files_of_types: BTreeMap<String, Vec<usize>>,
    modules: BTreeSet<String>,
    /// Types that count as if they held a client, since they sign for one.
    signers: BTreeSet<String>,
}

impl Sources {
    /// For these files, in which the types called `signers` sign by themselves.
    pub fn new(files: Vec<Source>, signers: &[&str]) -> Self {
        let modules = files.iter().flat_map(|source| source.module.clone());
        let modules = modules.collect();
        let mut files_of_types: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (number, source) in files.iter().enumerate() {
            for name in source.types.keys() {
                let known = files_of_types.entry(name.clone()).or_default();
                known.push(number);
            }
        }
        Self {
            files,
            files_of_types,
            modules,
            signers: signers.iter().map(|&name| name.to_owned()).collect(),
        }
    }

    /// All files.
    pub fn files(&self) -> &[Source] {
        &self.files
    }

    /// The file with this number.
    pub fn file(&self, number: usize) -> Option<&Source> {
        self.files.get(number)
    }

    /// What the sources say of a type.
    pub fn read_type(&self, id: TypeId<'_>) -> Option<&TypeSource> {
        self.file(id.0)?.types.get(id.1)
    }

    /// The types that a name may mean in a file: its own, or what it imports; none for those of
    /// other crates. An import through a re-export may mean several.
    pub fn resolve(&self, file: usize, name: &str) -> Vec<TypeId<'_>> {
        let Some(source) = self.file(file) else {
            return Vec::new();
        };
        if let Some((name, _)) = source.types.get_key_value(name) {
            return vec![(file, name)];
        }

        let import = source.imports.get(name);
        let path = import.map_or(&[][..], |path| &path[..]);
        if !self.is_ours(path) {
            return Vec::new();
        }
        let name = path.last().map_or(name, |last| last);
        let all = self.types_called(name);
        let modules = own_modules(path);
        let in_modules = all.iter().copied().filter(|id| {
            let module = self.file(id.0).map(|source| &source.module);
            module.is_some_and(|module| modules.iter().all(|part| module.contains(part)))
        });
        let in_modules: Vec<_> = in_modules.collect();
        if in_modules.is_empty() {
            all
        } else {
            in_modules
        }
    }

    fn types_called(&self, name: &str) -> Vec<TypeId<'_>> {
        let numbers = self.files_of_types.get(name).into_iter().flatten();
        let found = numbers.filter_map(|number| {
            let (name, _) = self.file(*number)?.types.get_key_value(name)?;
            Some((*number, name.as_str()))
        });
        found.collect()
    }

    /// Whether a path leads to these sources: from a root, or from a module beside the file.
    pub fn is_ours(&self, path: &[String]) -> bool {
        let Some(first) = path.first() else {
            return true;
        };
        ROOTS.contains(&&**first) || self.modules.contains(first)
    }

    /// The types within this one, itself among them, that hold a client.
    pub fn holders_in<'s>(&'s self, id: TypeId<'s>) -> BTreeSet<TypeId<'s>> {
        let mut holders = BTreeSet::new();
        let mut seen = BTreeSet::new();
        let mut waiting = vec![id];
        while let Some(id) = waiting.pop() {
            let Some(read) = self.read_type(id) else {
                continue;
            };
            if !seen.insert(id) {
                continue;
            }
            if read.service.is_some() || self.signers.contains(id.1) {
                holders.insert(id);
            }
            let names = read.fields.values().flatten();
            waiting.extend(names.flat_map(|name| self.resolve(id.0, name)));
        }
        holders
    }
}

/// The modules that an import names before its last name.
pub fn own_modules(path: &[String]) -> Vec<String> {
    let modules = path.split_last().map_or(&[][..], |(_, modules)| modules);
    let named = modules.iter().filter(|part| !ROOTS.contains(&&***part));
    named.cloned().collect()
}
