//! What a file says: its imports, its types with their fields, its functions.

use std::collections::BTreeMap;
use std::fs;
use std::mem;
use std::path::Path;

use anyhow::{Context, Result};
use syn::punctuated::Punctuated;
use syn::visit::{self, Visit};
use syn::{Fields, ImplItem, Item, Token, TraitItem, Type};

use super::body::{Body, read_body};

/// The names within a type: `Arc<Option<Queue>>` has three.
pub type TypeNames = Vec<String>;

/// What stands for a parameter of a type: the traits that it has.
type Bounds = BTreeMap<String, TypeNames>;

/// One file, without its tests.
#[derive(Default)]
pub struct Source {
    /// Where it stands, such as `["uploads", "bucket"]`.
    pub module: Vec<String>,
    /// The path of each name that it imports.
    pub imports: BTreeMap<String, Vec<String>>,
    /// Its structs, enums and traits.
    pub types: BTreeMap<String, TypeSource>,
    /// Its functions and methods.
    pub functions: Vec<FunctionSource>,
    /// What its `impl`s say of the parameters of types, which often say nothing themselves.
    impl_bounds: Vec<(String, Bounds)>,
}

/// A struct, an enum or a trait.
#[derive(Default)]
pub struct TypeSource {
    /// The types of its fields. Those of a tuple and of variants have numbers for names; a trait
    /// has what its methods return.
    pub fields: BTreeMap<String, TypeNames>,
    /// The service whose client it holds, such as `s3`.
    pub service: Option<String>,
}

/// A function or a method.
pub struct FunctionSource {
    /// Its name.
    pub name: String,
    /// The type whose method it is.
    pub self_type: Option<String>,
    /// Whether a trait has it.
    pub is_of_trait: bool,
    /// The types of its parameters.
    pub parameters: BTreeMap<String, TypeNames>,
    /// The types that it returns.
    pub returned: TypeNames,
    /// The traits of its generic parameters.
    pub bounds: Bounds,
    /// What it does.
    pub body: Body,
}

/// Every file below `sources`.
pub fn read_sources(sources: &Path) -> Result<Vec<Source>> {
    let mut found = Vec::new();
    read_folder(sources, sources, &mut found)?;
    add_impl_bounds(&mut found);
    Ok(found)
}

/// Puts the traits of a type's parameters in their place.
fn add_impl_bounds(sources: &mut [Source]) {
    let known = sources
        .iter_mut()
        .flat_map(|source| mem::take(&mut source.impl_bounds));
    let known: Vec<_> = known.collect();
    let types = sources.iter_mut().flat_map(|source| &mut source.types);
    for (name, read) in types {
        let own = known.iter().filter(|(of, _)| of == name);
        for (_, bounds) in own {
            for names in read.fields.values_mut() {
                let traits = names.iter().filter_map(|name| bounds.get(name)).flatten();
                let traits: Vec<_> = traits.cloned().collect();
                names.extend(traits);
            }
        }
    }
}

fn read_folder(root: &Path, folder: &Path, found: &mut Vec<Source>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        let relative = path.strip_prefix(root)?.with_extension("");
        let module = relative
            .iter()
            .map(|part| part.to_string_lossy().into_owned());
        let mut module: Vec<_> = module.collect();
        if module.iter().any(|part| part.ends_with("tests")) {
            continue;
        }

        if path.is_dir() {
            read_folder(root, &path, found)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            module.retain(|part| part != "mod" && part != "lib");
            let text = fs::read_to_string(&path)?;
            let parsed = syn::parse_file(&text).with_context(|| path.display().to_string())?;
            let mut source = Source {
                module,
                ..Source::default()
            };
            source.read_items(&parsed.items);
            found.push(source);
        }
    }
    Ok(())
}

impl Source {
    fn read_items(&mut self, items: &[Item]) {
        // A client is known by its import, wherever that stands.
        for item in items {
            if let Item::Use(item) = item {
                self.read_imports(&mut Vec::new(), &item.tree);
            }
        }

        for item in items {
            match item {
                Item::Mod(item) if !is_test(&item.attrs) => {
                    let content = item.content.iter();
                    content.for_each(|(_, items)| self.read_items(items));
                }
                Item::Struct(item) => {
                    self.read_type(&item.ident, &item.generics, [&item.fields]);
                }
                Item::Enum(item) => {
                    let fields = item.variants.iter().map(|variant| &variant.fields);
                    self.read_type(&item.ident, &item.generics, fields);
                }
                Item::Fn(item) if !is_test(&item.attrs) => {
                    let function = read_function(&item.sig, &item.block, &Bounds::new());
                    self.functions.push(function);
                }
                Item::Impl(item) => self.read_impl(item),
                Item::Trait(item) => self.read_trait(item),
                _ => {}
            }
        }
    }

    fn read_imports(&mut self, prefix: &mut Vec<String>, tree: &syn::UseTree) {
        let (name, shown) = match tree {
            syn::UseTree::Path(path) => {
                prefix.push(path.ident.to_string());
                self.read_imports(prefix, &path.tree);
                prefix.pop();
                return;
            }
            syn::UseTree::Group(group) => {
                for item in &group.items {
                    self.read_imports(prefix, item);
                }
                return;
            }
            syn::UseTree::Glob(_) => return,
            syn::UseTree::Name(name) => (&name.ident, &name.ident),
            syn::UseTree::Rename(rename) => (&rename.ident, &rename.rename),
        };

        let mut path = prefix.clone();
        let mut shown = shown.to_string();
        if name != "self" {
            path.push(name.to_string());
        } else if let Some(last) = prefix.last() {
            shown.clone_from(last);
        }
        self.imports.insert(shown, path);
    }

    fn read_type<'a>(
        &mut self,
        name: &syn::Ident,
        generics: &syn::Generics,
        fields: impl IntoIterator<Item = &'a Fields>,
    ) {
        let mut bounds = Bounds::new();
        read_bounds(generics, &mut bounds);

        let mut read = TypeSource::default();
        for (number, field) in fields.into_iter().flatten().enumerate() {
            let field_name = field.ident.as_ref().map(ToString::to_string);
            let field_name = field_name.unwrap_or_else(|| number.to_string());
            read.service = read.service.or_else(|| self.service_of(&field.ty));
            read.fields
                .insert(field_name, bounded_names(&field.ty, &bounds));
        }
        self.types.insert(name.to_string(), read);
    }

    /// The service of a type that is, or holds, `aws_sdk_<service>::Client`.
    fn service_of(&self, of: &Type) -> Option<String> {
        paths_in(of).into_iter().find_map(|path| {
            let path = match &path[..] {
                [name] => self.imports.get(name)?.clone(),
                _ => path,
            };
            let (Some(first), Some(last)) = (path.first(), path.last()) else {
                return None;
            };
            let service = first.strip_prefix("aws_sdk_")?;
            (last == "Client").then(|| service.to_owned())
        })
    }

    fn read_impl(&mut self, item: &syn::ItemImpl) {
        let mut bounds = Bounds::new();
        read_bounds(&item.generics, &mut bounds);
        let self_type = type_names(&item.self_ty).into_iter().next();
        if let Some(name) = &self_type {
            self.impl_bounds.push((name.clone(), bounds.clone()));
        }

        for member in &item.items {
            if let ImplItem::Fn(method) = member
                && !is_test(&method.attrs)
            {
                let mut function = read_function(&method.sig, &method.block, &bounds);
                function.self_type.clone_from(&self_type);
                function.is_of_trait = item.trait_.is_some();
                self.functions.push(function);
            }
        }
    }

    fn read_trait(&mut self, item: &syn::ItemTrait) {
        let mut read = TypeSource::default();
        let mut bounds = Bounds::new();
        read_bounds(&item.generics, &mut bounds);
        for member in &item.items {
            let TraitItem::Fn(method) = member else {
                continue;
            };
            let name = method.sig.ident.to_string();
            read.fields
                .insert(name, returned_names(&method.sig, &bounds));
            if let Some(block) = &method.default {
                let mut function = read_function(&method.sig, block, &bounds);
                function.self_type = Some(item.ident.to_string());
                function.is_of_trait = true;
                self.functions.push(function);
            }
        }
        self.types.insert(item.ident.to_string(), read);
    }
}

fn is_test(attributes: &[syn::Attribute]) -> bool {
    let is_cfg_test = |attribute: &syn::Attribute| {
        let condition = attribute.parse_args::<syn::Ident>();
        attribute.path().is_ident("cfg") && condition.is_ok_and(|condition| condition == "test")
    };
    attributes.iter().any(is_cfg_test)
}

fn read_function(signature: &syn::Signature, block: &syn::Block, outer: &Bounds) -> FunctionSource {
    let mut bounds = outer.clone();
    read_bounds(&signature.generics, &mut bounds);

    let mut parameters = BTreeMap::new();
    for (number, input) in signature.inputs.iter().enumerate() {
        if let syn::FnArg::Typed(input) = input {
            let name = match &*input.pat {
                syn::Pat::Ident(pattern) => pattern.ident.to_string(),
                _ => number.to_string(),
            };
            parameters.insert(name, bounded_names(&input.ty, &bounds));
        }
    }

    FunctionSource {
        name: signature.ident.to_string(),
        self_type: None,
        is_of_trait: false,
        parameters,
        returned: returned_names(signature, &bounds),
        bounds,
        body: read_body(block),
    }
}

fn returned_names(signature: &syn::Signature, bounds: &Bounds) -> TypeNames {
    match &signature.output {
        syn::ReturnType::Default => Vec::new(),
        syn::ReturnType::Type(_, of) => bounded_names(of, bounds),
    }
}

fn read_bounds(generics: &syn::Generics, bounds: &mut Bounds) {
    let mut note = |name: &syn::Ident, of: &Punctuated<syn::TypeParamBound, Token![+]>| {
        let mut paths = Paths::default();
        for bound in of {
            paths.visit_type_param_bound(bound);
        }
        let names = paths.found.into_iter().filter_map(|mut path| path.pop());
        bounds.entry(name.to_string()).or_default().extend(names);
    };

    for parameter in generics.type_params() {
        note(&parameter.ident, &parameter.bounds);
    }
    let clauses = generics.where_clause.iter();
    for predicate in clauses.flat_map(|clause| &clause.predicates) {
        if let syn::WherePredicate::Type(predicate) = predicate
            && let Type::Path(path) = &predicate.bounded_ty
            && let Some(name) = path.path.get_ident()
        {
            note(name, &predicate.bounds);
        }
    }
}

/// The names within a type, with the traits of each parameter in its place.
fn bounded_names(of: &Type, bounds: &Bounds) -> TypeNames {
    let names = type_names(of).into_iter();
    let bounded = names.flat_map(|name| match bounds.get(&name) {
        Some(traits) if !traits.is_empty() => traits.clone(),
        _ => vec![name],
    });
    bounded.collect()
}

fn type_names(of: &Type) -> TypeNames {
    let paths = paths_in(of).into_iter();
    paths.filter_map(|mut path| path.pop()).collect()
}

fn paths_in(of: &Type) -> Vec<Vec<String>> {
    let mut paths = Paths::default();
    paths.visit_type(of);
    paths.found
}

#[derive(Default)]
struct Paths {
    found: Vec<Vec<String>>,
}

impl<'ast> Visit<'ast> for Paths {
    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments = path.segments.iter();
        let names = segments.map(|part| part.ident.to_string());
        self.found.push(names.collect());
        visit::visit_path(self, path);
    }
}
