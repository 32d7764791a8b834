//! Which operation each function of the sources can come to.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::body::{Call, Value};
use super::source::FunctionSource;
use super::types::{Sources, TypeId, own_modules};
use super::{Operation, Reach, Reached};

/// The longest chain of variables and calls that is followed to a type.
const MAX_DEPTH: usize = 12;

/// The functions of the sources, and what each of them holds.
pub struct Graph<'s> {
    sources: &'s Sources,
    nodes: Vec<Node<'s>>,
    by_name: BTreeMap<&'s str, Vec<usize>>,
}

/// A function.
struct Node<'s> {
    file: usize,
    source: &'s FunctionSource,
    self_type: Option<TypeId<'s>>,
    /// The clients that it is given: by its own type, and by its parameters.
    given: BTreeSet<TypeId<'s>>,
    /// The same with those that it makes, or gets from what it calls.
    held: BTreeSet<TypeId<'s>>,
}

/// The types that a value may have; `None` if it may have any.
type Types<'s> = Option<BTreeSet<TypeId<'s>>>;

impl<'s> Graph<'s> {
    /// The graph of all functions.
    pub fn new(sources: &'s Sources) -> Self {
        let mut nodes = Vec::new();
        for (file, source) in sources.files().iter().enumerate() {
            let functions = source.functions.iter();
            nodes.extend(functions.map(|function| Node::new(sources, file, function)));
        }
        let mut by_name: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (number, node) in nodes.iter().enumerate() {
            let named = by_name.entry(node.source.name.as_str()).or_default();
            named.push(number);
        }

        let mut graph = Self {
            sources,
            nodes,
            by_name,
        };
        let gotten: Vec<_> = graph.nodes.iter().map(|node| graph.gotten(node)).collect();
        for (node, gotten) in graph.nodes.iter_mut().zip(gotten) {
            node.held = gotten;
        }
        graph
    }

    /// All that a handler's methods can come to, each with the shortest way there.
    pub fn reach(&self, handler: &str) -> Reach {
        let is_root = |node: &&Node<'_>| {
            node.source.is_of_trait && node.source.self_type.as_deref() == Some(handler)
        };
        let numbered = self.nodes.iter().enumerate();
        let roots = numbered.filter(|(_, node)| is_root(node));
        let mut from: BTreeMap<usize, Option<usize>> =
            roots.map(|(number, _)| (number, None)).collect();
        let mut waiting: VecDeque<usize> = from.keys().copied().collect();

        while let Some(number) = waiting.pop_front() {
            let Some(node) = self.nodes.get(number) else {
                continue;
            };
            for target in self.targets_of(node) {
                if let Entry::Vacant(place) = from.entry(target) {
                    place.insert(Some(number));
                    waiting.push_back(target);
                }
            }
        }

        let operations = from
            .keys()
            .flat_map(|number| self.operations(*number, &from));
        let methods = from.keys().filter_map(|number| self.nodes.get(*number));
        Reach {
            operations: operations.collect(),
            methods: methods.map(Node::label).collect(),
        }
    }

    /// Who calls a method of this label, outside its own type.
    pub fn callers(&self, label: &str) -> BTreeSet<String> {
        let numbered = self.nodes.iter().enumerate();
        let called = numbered.filter(|(_, node)| node.label() == label);
        let called: BTreeSet<_> = called.map(|(number, _)| number).collect();
        let own = label.split("::").next();

        let nodes = self.nodes.iter();
        let callers = nodes.filter(|node| {
            let is_own = node.source.self_type.as_deref() == own;
            !is_own && !self.targets_of(node).is_disjoint(&called)
        });
        callers.map(Node::label).collect()
    }

    /// All operations, by the methods that ask for them.
    pub fn all_operations(&self) -> Vec<Reached> {
        let numbers = 0..self.nodes.len();
        let operations = numbers.flat_map(|number| self.operations(number, &BTreeMap::new()));
        operations.collect()
    }

    /// The functions whose use of a client is not seen: they hand it on, or make one that no field
    /// holds.
    pub fn hidden_clients(&self) -> Vec<String> {
        let hidden = self.nodes.iter().filter(|node| {
            let returns_it = node.source.returned.iter().any(|name| name == "Client");
            let makes_it = self.makes_client(node) && !returns_it;
            if self.has_client(node) {
                node.source.body.hands_client_on
            } else {
                makes_it
            }
        });
        hidden.map(Node::label).collect()
    }

    /// Whether it calls a function of an SDK's `Client`.
    fn makes_client(&self, node: &Node<'s>) -> bool {
        let source = self.sources.file(node.file);
        let is_sdk = |path: &[String]| path.first().is_some_and(|it| it.starts_with("aws_sdk_"));
        node.source.body.calls.iter().any(|call| match call {
            Call::Path(path) => match &path[..] {
                [client, _] if client == "Client" => {
                    let import = source.and_then(|source| source.imports.get(client));
                    import.is_some_and(|path| is_sdk(path))
                }
                [.., client, _] if client == "Client" => is_sdk(path),
                _ => false,
            },
            Call::Method { .. } => false,
        })
    }

    fn has_client(&self, node: &Node<'s>) -> bool {
        let own_type = node.self_type.and_then(|id| self.sources.read_type(id));
        own_type.is_some_and(|own_type| own_type.service.is_some())
    }

    /// What a function calls, of those that it can give what they must be given.
    fn targets_of(&self, node: &Node<'s>) -> BTreeSet<usize> {
        if node.held.is_empty() {
            return BTreeSet::new(); // it comes to no client
        }
        let calls = node.source.body.calls.iter();
        let targets = calls.flat_map(|call| self.targets(node, call, 0));
        let can_be_called = |target: &usize| {
            let target = self.nodes.get(*target);
            target.is_some_and(|target| target.given.is_subset(&node.held))
        };
        targets.filter(can_be_called).collect()
    }

    fn operations(&self, number: usize, from: &BTreeMap<usize, Option<usize>>) -> Vec<Reached> {
        let Some(node) = self.nodes.get(number) else {
            return Vec::new();
        };
        let holder = node.self_type.and_then(|id| self.sources.read_type(id));
        let Some(service) = holder.and_then(|holder| holder.service.as_deref()) else {
            return Vec::new();
        };

        let mut way = vec![node.label()];
        let mut at = number;
        while let Some(Some(caller)) = from.get(&at) {
            way.extend(self.nodes.get(*caller).map(Node::label));
            at = *caller;
        }
        way.reverse();

        let operations = node.source.body.operations.iter();
        let reached = operations.map(|name| Reached {
            operation: Operation {
                service: service.to_owned(),
                name: name.clone(),
                is_signed: node.source.body.is_signing,
            },
            holder: node.source.self_type.clone().unwrap_or_default(),
            way: way.clone(),
        });
        reached.collect()
    }

    /// The clients that a function makes, or gets from what it can call.
    fn gotten(&self, node: &Node<'s>) -> BTreeSet<TypeId<'s>> {
        let calls = &node.source.body.calls;
        let made = calls.iter().flat_map(|call| match call {
            Call::Path(path) => self.types_of_path(node, path),
            Call::Method { .. } => Vec::new(),
        });
        let made = made.flat_map(|id| self.sources.holders_in(id));
        let mut held: BTreeSet<_> = made.chain(node.given.iter().copied()).collect();

        let targets = calls.iter().flat_map(|call| self.targets(node, call, 0));
        let targets: BTreeSet<_> = targets.collect();
        loop {
            let called = targets.iter().filter_map(|number| self.nodes.get(*number));
            let called = called.filter(|target| target.given.is_subset(&held));
            let types = called.flat_map(|target| self.returned_by(target));
            let gotten = types.flat_map(|id| self.sources.holders_in(id));
            let more: BTreeSet<_> = gotten.chain(held.iter().copied()).collect();
            if more.len() == held.len() {
                return held;
            }
            held = more;
        }
    }

    /// The type of `Type::name`.
    fn types_of_path(&self, node: &Node<'s>, path: &[String]) -> Vec<TypeId<'s>> {
        match path {
            [.., owner, _] => self.sources.resolve(node.file, owner),
            _ => Vec::new(),
        }
    }

    fn returned_by(&self, node: &Node<'s>) -> Vec<TypeId<'s>> {
        let names = node.source.returned.iter();
        let types = names.flat_map(|name| match node.self_type {
            Some(own) if name == "Self" => vec![own],
            _ => self.sources.resolve(node.file, name),
        });
        types.collect()
    }

    /// The functions that a call may run.
    fn targets(&self, node: &Node<'s>, call: &Call, depth: usize) -> Vec<usize> {
        match call {
            Call::Method { receiver, name } => {
                let types = self.types_of(node, receiver, depth + 1);
                self.methods(name, &types)
            }
            Call::Path(path) => self.path_targets(node, path),
        }
    }

    /// The methods of this name that these types have. What is only known by a trait may be all
    /// that have it, and what is not known at all, too.
    fn methods(&self, name: &str, types: &Types<'s>) -> Vec<usize> {
        let named = self
            .named(name)
            .filter(|(_, node)| node.self_type.is_some());
        let Some(types) = types else {
            return named.map(|(number, _)| number).collect();
        };
        let is_trait = |id: &TypeId<'s>| {
            let read = self.sources.read_type(*id);
            read.is_some_and(|read| read.fields.contains_key(name))
        };
        let asks_trait = types.iter().any(is_trait);
        let is_method = |node: &Node<'s>| {
            node.self_type.is_some_and(|id| types.contains(&id))
                || (asks_trait && node.source.is_of_trait)
        };
        let methods = named.filter(|(_, node)| is_method(node));
        methods.map(|(number, _)| number).collect()
    }

    fn path_targets(&self, node: &Node<'s>, path: &[String]) -> Vec<usize> {
        let Some((name, before)) = path.split_last() else {
            return Vec::new();
        };
        let Some(owner) = before.last() else {
            return self.free_function(node, name);
        };
        if owner == "Self" {
            let own = node.self_type.into_iter().collect();
            return self.methods(name, &Some(own));
        }
        if owner.starts_with(char::is_uppercase) {
            let names = match node.source.bounds.get(owner) {
                Some(traits) => traits.clone(),
                None => vec![owner.clone()],
            };
            let types = names
                .iter()
                .flat_map(|name| self.sources.resolve(node.file, name));
            return self.methods(name, &Some(types.collect()));
        }

        let is_own = self.sources.is_ours(path);
        let in_module = self.named(name).filter(|(_, target)| {
            let module = self.sources.file(target.file).map(|source| &source.module);
            is_own && target.is_free() && module.is_some_and(|module| module.contains(owner))
        });
        in_module.map(|(number, _)| number).collect()
    }

    /// `name(…)`: the file's own function, or the imported one.
    fn free_function(&self, node: &Node<'s>, name: &str) -> Vec<usize> {
        let free = self.named(name).filter(|(_, target)| target.is_free());
        let free: Vec<_> = free.collect();
        let own = free.iter().filter(|(_, target)| target.file == node.file);
        let own: Vec<_> = own.map(|(number, _)| *number).collect();
        if !own.is_empty() {
            return own;
        }

        let source = self.sources.file(node.file);
        let Some(path) = source.and_then(|source| source.imports.get(name)) else {
            return Vec::new();
        };
        let modules = own_modules(path);
        let imported = free.iter().filter(|(_, target)| {
            let module = self.sources.file(target.file).map(|source| &source.module);
            module.is_some_and(|module| modules.iter().all(|part| module.contains(part)))
        });
        imported.map(|(number, _)| *number).collect()
    }

    fn named(&self, name: &str) -> impl Iterator<Item = (usize, &Node<'s>)> {
        let numbers = self.by_name.get(name).into_iter().flatten();
        numbers.filter_map(|number| Some((*number, self.nodes.get(*number)?)))
    }

    fn types_of(&self, node: &Node<'s>, value: &Value, depth: usize) -> Types<'s> {
        if depth > MAX_DEPTH {
            return None;
        }
        match value {
            Value::Name(name) if name == "self" => Some(node.self_type.into_iter().collect()),
            Value::Name(name) => self.types_of_name(node, name, depth),
            Value::Field(of, field) => {
                let of = self.types_of(node, of, depth + 1)?;
                let types = of.into_iter().flat_map(|id| self.field_types(id, field));
                Some(types.collect())
            }
            Value::Returned(call) => self.returned(node, call, depth + 1),
            Value::Made(name) if name == "Self" => Some(node.self_type.into_iter().collect()),
            Value::Made(name) => Some(self.sources.resolve(node.file, name).into_iter().collect()),
            Value::Plain => Some(BTreeSet::new()),
            Value::Unknown => None,
        }
    }

    fn types_of_name(&self, node: &Node<'s>, name: &str, depth: usize) -> Types<'s> {
        let parameter = node.source.parameters.get(name);
        let variable = node.source.body.variables.get(name);
        if parameter.is_none() && variable.is_none() {
            return Some(BTreeSet::new()); // a constant
        }

        let mut types = BTreeSet::new();
        for name in parameter.into_iter().flatten() {
            types.extend(self.sources.resolve(node.file, name));
        }
        for value in variable.into_iter().flatten() {
            // `let x = x.y()` is made of the other one.
            let is_itself = matches!(value, Value::Name(given) if given == name);
            if !is_itself {
                types.extend(self.types_of(node, value, depth + 1)?);
            }
        }
        Some(types)
    }

    fn field_types(&self, id: TypeId<'s>, field: &str) -> Vec<TypeId<'s>> {
        let read = self.sources.read_type(id);
        let names = read.and_then(|read| read.fields.get(field));
        let names = names.into_iter().flatten();
        names
            .flat_map(|name| self.sources.resolve(id.0, name))
            .collect()
    }

    /// What a call returns. A method of another crate, such as `as_ref` or `iter`, returns what it
    /// is called on.
    fn returned(&self, node: &Node<'s>, call: &Call, depth: usize) -> Types<'s> {
        if depth > MAX_DEPTH {
            return None;
        }
        let targets = self.targets(node, call, depth);
        if targets.is_empty()
            && let Call::Method { receiver, .. } = call
        {
            return self.types_of(node, receiver, depth + 1);
        }

        let targets = targets
            .into_iter()
            .filter_map(|number| self.nodes.get(number));
        Some(
            targets
                .flat_map(|target| self.returned_by(target))
                .collect(),
        )
    }
}

impl<'s> Node<'s> {
    fn new(sources: &'s Sources, file: usize, source: &'s FunctionSource) -> Self {
        let own_type = source.self_type.as_ref();
        let own_type = own_type.and_then(|name| sources.resolve(file, name).into_iter().next());
        let names = source.parameters.values().flatten();
        let types = names
            .flat_map(|name| sources.resolve(file, name))
            .chain(own_type);
        let given: BTreeSet<_> = types.flat_map(|id| sources.holders_in(id)).collect();

        Self {
            file,
            source,
            self_type: own_type,
            held: given.clone(),
            given,
        }
    }

    fn is_free(&self) -> bool {
        self.source.self_type.is_none()
    }

    fn label(&self) -> String {
        let name = &self.source.name;
        match &self.source.self_type {
            Some(own_type) => format!("{own_type}::{name}"),
            None => name.clone(),
        }
    }
}
