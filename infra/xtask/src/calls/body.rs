//! What a function does: the calls in its body, and what each is made on.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{TokenStream, TokenTree};
use syn::parse::Parser;
use syn::punctuated::Punctuated;
use syn::visit::{self, Visit};
use syn::{Block, Expr, Pat, Token};

/// The field that holds a client, in every type that calls AWS.
const CLIENT: &str = "client";

/// The body of a function.
#[derive(Default)]
pub struct Body {
    /// All that it calls, or names and could call.
    pub calls: BTreeSet<Call>,
    /// The operations that it asks a client for, such as `put_object`.
    pub operations: BTreeSet<String>,
    /// Whether it signs them, for others to make.
    pub is_signing: bool,
    /// Whether it hands a client on, so that its operations are not seen.
    pub hands_client_on: bool,
    /// What its variables were given.
    pub variables: BTreeMap<String, Vec<Value>>,
}

/// A call, or a name that could be a function's.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Call {
    /// `receiver.name()`
    Method { receiver: Value, name: String },
    /// `a::b::name`
    Path(Vec<String>),
}

/// What a call is made on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Value {
    /// A parameter, a variable, or `self`.
    Name(String),
    /// A field of another value.
    Field(Box<Value>, String),
    /// What a call returns.
    Returned(Box<Call>),
    /// A struct that is written out, by its name.
    Made(String),
    /// A number, a text, a comparison.
    Plain,
    /// Anything else: it may be of every type.
    Unknown,
}

/// Reads a function's body.
pub fn read_body(block: &Block) -> Body {
    let mut body = Body::default();
    body.visit_block(block);
    body
}

fn segments_of(path: &syn::Path) -> Vec<String> {
    let segments = path.segments.iter();
    segments.map(|part| part.ident.to_string()).collect()
}

fn value_of(expression: &Expr) -> Value {
    match expression {
        Expr::Path(path) => match path.path.get_ident() {
            Some(name) => Value::Name(name.to_string()),
            None => Value::Plain,
        },
        Expr::Field(field) => {
            let name = match &field.member {
                syn::Member::Named(name) => name.to_string(),
                syn::Member::Unnamed(number) => number.index.to_string(),
            };
            Value::Field(Box::new(value_of(&field.base)), name)
        }
        Expr::MethodCall(call) => Value::Returned(Box::new(method_call(call))),
        Expr::Call(call) => match &*call.func {
            // What is within `Some(x)` and `Ok(x)` is what matters of it.
            Expr::Path(path) if is_wrapper(&path.path) => {
                call.args.first().map_or(Value::Plain, value_of)
            }
            Expr::Path(path) => Value::Returned(Box::new(Call::Path(segments_of(&path.path)))),
            _ => Value::Unknown,
        },
        Expr::Struct(made) => match made.path.segments.last() {
            Some(last) => Value::Made(last.ident.to_string()),
            None => Value::Unknown,
        },
        Expr::Reference(inner) => value_of(&inner.expr),
        Expr::Paren(inner) => value_of(&inner.expr),
        Expr::Await(inner) => value_of(&inner.base),
        Expr::Try(inner) => value_of(&inner.expr),
        Expr::Unary(inner) => value_of(&inner.expr),
        Expr::Index(inner) => value_of(&inner.expr),
        Expr::Lit(_) | Expr::Binary(_) | Expr::Range(_) | Expr::Cast(_) => Value::Plain,
        _ => Value::Unknown,
    }
}

fn method_call(call: &syn::ExprMethodCall) -> Call {
    Call::Method {
        receiver: value_of(&call.receiver),
        name: call.method.to_string(),
    }
}

fn is_wrapper(path: &syn::Path) -> bool {
    let names = ["Some", "Ok", "Err", "Arc", "Box"];
    let mut segments = path.segments.iter();
    segments
        .next()
        .is_some_and(|first| names.iter().any(|name| first.ident == name))
}

fn is_client(value: &Value) -> bool {
    matches!(value, Value::Name(name) | Value::Field(_, name) if name == CLIENT)
}

impl Body {
    /// `let pattern = value`: a variable is what was given to it, and so is what `Some(x)` and
    /// `Ok(x)` take out of it. Of other patterns nothing is known.
    fn bind(&mut self, pattern: &Pat, value: &Value) {
        match pattern {
            Pat::Ident(name) => {
                let given = self.variables.entry(name.ident.to_string()).or_default();
                given.push(value.clone());
            }
            Pat::Reference(inner) => self.bind(&inner.pat, value),
            Pat::Paren(inner) => self.bind(&inner.pat, value),
            Pat::Type(inner) => self.bind(&inner.pat, value),
            Pat::TupleStruct(inner) if is_wrapper(&inner.path) => {
                for inner in &inner.elems {
                    self.bind(inner, value);
                }
            }
            Pat::TupleStruct(inner) => self.bind_all(&inner.elems),
            Pat::Tuple(inner) => self.bind_all(&inner.elems),
            Pat::Slice(inner) => self.bind_all(&inner.elems),
            Pat::Or(inner) => {
                for inner in &inner.cases {
                    self.bind(inner, value);
                }
            }
            Pat::Struct(inner) => {
                for field in &inner.fields {
                    let field_value = match &field.member {
                        syn::Member::Named(name) => {
                            Value::Field(Box::new(value.clone()), name.to_string())
                        }
                        syn::Member::Unnamed(_) => Value::Unknown,
                    };
                    self.bind(&field.pat, &field_value);
                }
            }
            _ => {}
        }
    }

    fn bind_all(&mut self, patterns: &Punctuated<Pat, Token![,]>) {
        for pattern in patterns {
            self.bind(pattern, &Value::Unknown);
        }
    }

    /// The arguments of most macros are expressions. Of the others every name counts.
    fn read_tokens(&mut self, tokens: &TokenStream) {
        let parser = Punctuated::<Expr, Token![,]>::parse_terminated;
        if let Ok(arguments) = parser.parse2(tokens.clone()) {
            for argument in &arguments {
                self.visit_expr(argument);
            }
            return;
        }

        let mut is_behind_dot = false;
        for token in tokens.clone() {
            match &token {
                TokenTree::Group(group) => self.read_tokens(&group.stream()),
                TokenTree::Ident(name) if is_behind_dot => {
                    self.calls.insert(Call::Method {
                        receiver: Value::Unknown,
                        name: name.to_string(),
                    });
                }
                TokenTree::Ident(name) => {
                    self.calls.insert(Call::Path(vec![name.to_string()]));
                }
                _ => {}
            }
            is_behind_dot = matches!(&token, TokenTree::Punct(mark) if mark.as_char() == '.');
        }
    }
}

impl<'ast> Visit<'ast> for Body {
    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        self.is_signing |= call.method == "presigned";
        self.calls.insert(method_call(call));

        if !is_client(&value_of(&call.receiver)) {
            visit::visit_expr_method_call(self, call);
            return;
        }
        // `self.client.operation()`. What takes arguments makes the client.
        if call.args.is_empty() {
            self.operations.insert(call.method.to_string());
        }
        for argument in &call.args {
            self.visit_expr(argument);
        }
    }

    fn visit_expr_field(&mut self, field: &'ast syn::ExprField) {
        self.hands_client_on |= is_client(&value_of(&Expr::Field(field.clone())));
        visit::visit_expr_field(self, field);
    }

    fn visit_expr_path(&mut self, path: &'ast syn::ExprPath) {
        self.calls.insert(Call::Path(segments_of(&path.path)));
        visit::visit_expr_path(self, path);
    }

    fn visit_local(&mut self, local: &'ast syn::Local) {
        let value = local.init.as_ref().map(|init| value_of(&init.expr));
        self.bind(&local.pat, &value.unwrap_or(Value::Unknown));
        visit::visit_local(self, local);
    }

    fn visit_expr_let(&mut self, condition: &'ast syn::ExprLet) {
        self.bind(&condition.pat, &value_of(&condition.expr));
        visit::visit_expr_let(self, condition);
    }

    fn visit_expr_match(&mut self, matched: &'ast syn::ExprMatch) {
        let value = value_of(&matched.expr);
        for arm in &matched.arms {
            self.bind(&arm.pat, &value);
        }
        visit::visit_expr_match(self, matched);
    }

    fn visit_expr_for_loop(&mut self, repeated: &'ast syn::ExprForLoop) {
        self.bind(&repeated.pat, &value_of(&repeated.expr));
        visit::visit_expr_for_loop(self, repeated);
    }

    fn visit_expr_closure(&mut self, closure: &'ast syn::ExprClosure) {
        self.bind_all(&closure.inputs);
        visit::visit_expr_closure(self, closure);
    }

    fn visit_macro(&mut self, called: &'ast syn::Macro) {
        self.read_tokens(&called.tokens);
    }
}
