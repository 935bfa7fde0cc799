//! The public API, read from the sources: what the front door names, with its methods, fields and variants, is kept in
//! `docs/public-api.txt`, so that a change of it is seen where changes are reviewed.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use syn::{Attribute, Fields, FnArg, ImplItem, Item, ItemImpl, Meta, ReturnType, Type, UseTree, Visibility};

use crate::rows::{is_test, sources};

/// Set to write the listing anew.
const RENEW: &str = "HEADCOUNT_RENEW_API";

/// A name at the root of the crate.
struct Export {
    /// The module that it comes from, the first part of its path.
    module: String,
    /// Its name there.
    name: String,
    /// Its name at the root.
    alias: String,
}

/// What the sources say of one type: its definition, and its inherent methods.
#[derive(Default)]
struct Sources {
    /// Definitions by name, each with the module that it stands in.
    definitions: BTreeMap<String, Vec<(String, Item)>>,
    /// Inherent `impl` blocks by the name of their type, each with the module that the type comes from.
    methods: BTreeMap<String, Vec<(String, ItemImpl)>>,
    /// Traits implemented for a type, as written, likewise.
    traits: BTreeMap<String, Vec<(String, String)>>,
}

#[test]
fn the_public_api_is_the_one_that_is_listed() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let listed = root.join("docs/public-api.txt");
    let found = listing(&root.join("src"));
    if std::env::var_os(RENEW).is_some() {
        fs::write(&listed, &found).unwrap();
    }
    let known = fs::read_to_string(&listed).unwrap_or_default();
    let changes: Vec<String> = differing_lines(&known, &found);
    assert!(
        known == found,
        "the public API is another than docs/public-api.txt says. If it is meant, `{RENEW}=1 cargo test --test house` \
         writes it anew:\n{}",
        changes.join("\n")
    );
}

#[test]
fn each_name_at_the_front_door_has_an_example() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let known = read(&source);
    let mut names = 0;
    let mut without = Vec::new();
    for item in parse(&source.join("door.rs")).items {
        let Item::Use(item) = item else { continue };
        let UseTree::Path(root) = &item.tree else { continue };
        let mut exports = Vec::new();
        exported(if root.ident == "crate" { &root.tree } else { &item.tree }, &mut Vec::new(), &mut exports);
        for Export { module, name, alias } in exports {
            names += 1;
            let definitions = known.definitions.get(&name).into_iter().flatten();
            let mut of_module = definitions.filter(|(of, _)| *of == module).map(|(_, item)| attributes(item));
            if !has_example(&item.attrs) && !of_module.any(has_example) {
                without.push(alias);
            }
        }
    }
    assert!(names > 30, "the front door was not read");
    assert!(without.is_empty(), "names without an example: {}", without.join(", "));
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Struct(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        _ => &[],
    }
}

fn has_example(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| attribute.path().is_ident("doc") && tokens(&attribute.meta).contains("```"))
}

/// Lines that only one of the two has.
fn differing_lines(known: &str, found: &str) -> Vec<String> {
    let only = |mark: &str, these: &str, others: &str| -> Vec<String> {
        let others: Vec<&str> = others.lines().collect();
        these.lines().filter(|line| !others.contains(line)).map(|line| format!("{mark} {line}")).collect()
    };
    only("-", known, found).into_iter().chain(only("+", found, known)).collect()
}

fn listing(source: &Path) -> String {
    let (library, door) = (parse(&source.join("lib.rs")), parse(&source.join("door.rs")));
    let known = read(source);
    let mut exports = Vec::new();
    let mut modules = Vec::new();
    for item in library.items.iter().chain(&door.items) {
        match item {
            Item::Use(item) if matches!(item.vis, Visibility::Public(_)) => {
                // `door::*` is read by itself.
                match &item.tree {
                    UseTree::Path(path) if path.ident == "door" => {}
                    UseTree::Path(path) if path.ident == "crate" => {
                        exported(&path.tree, &mut Vec::new(), &mut exports);
                    }
                    tree => exported(tree, &mut Vec::new(), &mut exports),
                }
            }
            Item::Mod(item) if matches!(item.vis, Visibility::Public(_)) && !is_hidden(&item.attrs) => {
                modules.push(item.ident.to_string());
            }
            _ => {}
        }
    }
    exports.sort_by(|a, b| a.alias.cmp(&b.alias));
    let mut out = String::from("# What `headcount` offers at its root: names, fields, variants, methods and traits.\n");
    for module in modules {
        out += &format!("\npub mod {module}\n");
    }
    for export in &exports {
        describe(export, &known, &mut out);
    }
    out
}

fn describe(export: &Export, known: &Sources, out: &mut String) {
    let Export { module, name, alias } = export;
    let in_module = |(of, _): &&(String, Item)| of == module;
    let definitions: Vec<&Item> =
        known.definitions.get(name).into_iter().flatten().filter(in_module).map(|(_, item)| item).collect();
    *out += "\n";
    let item = match definitions.as_slice() {
        [item] => item,
        // It is another crate's, or a macro's.
        [] => return *out += &format!("pub use {module}::{name}\n"),
        several => {
            panic!("{} definitions of `{name}` in `{module}`: the listing cannot tell them apart", several.len())
        }
    };
    match item {
        Item::Struct(item) => {
            let generics = tokens(&item.generics);
            *out += &format!("{}struct {alias}{generics}\n", non_exhaustive(&item.attrs));
            fields(&item.fields, "    ", out);
        }
        Item::Enum(item) => {
            *out += &format!("{}enum {alias}\n", non_exhaustive(&item.attrs));
            for variant in item.variants.iter().filter(|variant| !is_hidden(&variant.attrs)) {
                *out += &format!("    {}{}\n", variant.ident, tokens(&without_attributes(variant.fields.clone())));
            }
        }
        Item::Fn(item) => return *out += &format!("{}\n", signature(alias, &item.sig)),
        Item::Type(item) => return *out += &format!("type {alias} = {}\n", tokens(&item.ty)),
        Item::Const(item) => return *out += &format!("const {alias}: {}\n", tokens(&item.ty)),
        other => panic!("`{name}` is of a kind that the listing does not know: {}", tokens(other)),
    }
    let mut lines = Vec::new();
    let of_type = |(of, _): &&(String, ItemImpl)| of == module;
    for (_, block) in known.methods.get(name).into_iter().flatten().filter(of_type) {
        for item in &block.items {
            match item {
                ImplItem::Fn(method) if is_public(&method.vis) && !is_hidden(&method.attrs) => {
                    lines.push(signature(&method.sig.ident.to_string(), &method.sig));
                }
                ImplItem::Const(item) if is_public(&item.vis) && !is_hidden(&item.attrs) => {
                    lines.push(format!("const {}: {}", item.ident, tokens(&item.ty)));
                }
                _ => {}
            }
        }
    }
    for (_, implemented) in known.traits.get(name).into_iter().flatten().filter(|(of, _)| of == module) {
        lines.push(format!("impl {implemented}"));
    }
    lines.sort();
    lines.dedup();
    for line in lines {
        *out += &format!("    {line}\n");
    }
}

fn fields(fields: &Fields, indent: &str, out: &mut String) {
    for (at, field) in fields.iter().enumerate() {
        if is_public(&field.vis) && !is_hidden(&field.attrs) {
            let name = field.ident.as_ref().map_or_else(|| at.to_string(), ToString::to_string);
            *out += &format!("{indent}{name}: {}\n", tokens(&field.ty));
        }
    }
}

fn without_attributes(mut fields: Fields) -> Fields {
    fields.iter_mut().for_each(|field| field.attrs.clear());
    fields
}

fn signature(name: &str, signature: &syn::Signature) -> String {
    let arguments: Vec<String> = signature
        .inputs
        .iter()
        .map(|argument| match argument {
            FnArg::Receiver(receiver) => tokens(receiver),
            FnArg::Typed(typed) => format!("{}: {}", tokens(&typed.pat), tokens(&typed.ty)),
        })
        .map(|argument| argument.trim_start_matches("mut ").to_owned())
        .collect();
    let generics = tokens(&signature.generics);
    let returned = match &signature.output {
        ReturnType::Default => String::new(),
        ReturnType::Type(_, returned) => format!(" -> {}", tokens(returned)),
    };
    format!("fn {name}{generics}({}){returned}", arguments.join(", "))
}

/// Code on one line, spaced as people write it.
fn tokens(code: &impl quote::ToTokens) -> String {
    let mut text = code.to_token_stream().to_string();
    for (from, to) in [
        (" :: ", "::"),
        (":: ", "::"),
        (" < ", "<"),
        ("< ", "<"),
        (" >", ">"),
        (" ,", ","),
        ("& ", "&"),
        (" (", "("),
        ("( ", "("),
        (" )", ")"),
        (" [", "["),
        ("[ ", "["),
        (" ]", "]"),
        (" : ", ": "),
        (" ;", ";"),
        ("- >", "->"),
        (",}", " }"),
        (", }", " }"),
    ] {
        text = text.replace(from, to);
    }
    text
}

fn is_public(visibility: &Visibility) -> bool {
    matches!(visibility, Visibility::Public(_))
}

fn is_hidden(attributes: &[Attribute]) -> bool {
    let is_hidden = |attribute: &Attribute| {
        matches!(&attribute.meta, Meta::List(list) if list.path.is_ident("doc"))
            && tokens(&attribute.meta).contains("hidden")
    };
    attributes.iter().any(is_hidden)
}

fn non_exhaustive(attributes: &[Attribute]) -> &'static str {
    let is_open = attributes.iter().any(|attribute| attribute.path().is_ident("non_exhaustive"));
    if is_open { "#[non_exhaustive] " } else { "" }
}

fn parse(path: &Path) -> syn::File {
    syn::parse_file(&fs::read_to_string(path).unwrap()).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The names that a `pub use` gives, each with the module that it comes from.
fn exported(tree: &UseTree, path: &mut Vec<String>, found: &mut Vec<Export>) {
    let export = |path: &[String], name: String, alias: String| Export {
        module: path.first().cloned().unwrap_or_default(),
        name,
        alias,
    };
    match tree {
        UseTree::Path(part) => {
            path.push(part.ident.to_string());
            exported(&part.tree, path, found);
            path.pop();
        }
        UseTree::Name(name) => found.push(export(path, name.ident.to_string(), name.ident.to_string())),
        UseTree::Rename(rename) => found.push(export(path, rename.ident.to_string(), rename.rename.to_string())),
        UseTree::Group(group) => group.items.iter().for_each(|tree| exported(tree, path, found)),
        UseTree::Glob(_) => panic!("the front door names each thing that it offers"),
    }
}

fn read(source: &Path) -> Sources {
    let mut files: Vec<PathBuf> = Vec::new();
    sources(source, &mut files);
    files.sort();
    let mut known = Sources::default();
    for path in files.iter().filter(|path| !is_test(path)) {
        let inside = path.strip_prefix(source).unwrap();
        let module = inside.components().next().unwrap().as_os_str().to_string_lossy().replace(".rs", "");
        if matches!(module.as_str(), "lib" | "main" | "door") {
            continue;
        }
        read_file(&module, parse(path).items, &mut known);
    }
    known
}

fn read_file(module: &str, items: Vec<Item>, known: &mut Sources) {
    // Which module each imported name comes from, so that an `impl` block is told to the right type.
    let mut imported: BTreeMap<String, String> = BTreeMap::new();
    for item in &items {
        if let Item::Use(item) = item {
            if let UseTree::Path(root) = &item.tree
                && root.ident == "crate"
            {
                let mut inside = Vec::new();
                if !tokens(&root.tree).contains('*') {
                    exported(&root.tree, &mut Vec::new(), &mut inside);
                }
                imported.extend(inside.into_iter().map(|export| (export.alias, export.module)));
            }
        }
    }
    for item in items {
        let name = match &item {
            Item::Struct(item) => item.ident.to_string(),
            Item::Enum(item) => item.ident.to_string(),
            Item::Fn(item) => item.sig.ident.to_string(),
            Item::Type(item) => item.ident.to_string(),
            Item::Const(item) => item.ident.to_string(),
            Item::Impl(block) => {
                let Type::Path(of) = &*block.self_ty else { continue };
                let Some(part) = of.path.segments.last() else { continue };
                let name = part.ident.to_string();
                let from = imported.get(&name).cloned().unwrap_or_else(|| module.to_owned());
                match &block.trait_ {
                    None => known.methods.entry(name).or_default().push((from, block.clone())),
                    Some((_, implemented, _)) => {
                        known.traits.entry(name).or_default().push((from, tokens(implemented)));
                    }
                }
                continue;
            }
            _ => continue,
        };
        let is_public = match &item {
            Item::Struct(item) => is_public(&item.vis),
            Item::Enum(item) => is_public(&item.vis),
            Item::Fn(item) => is_public(&item.vis),
            Item::Type(item) => is_public(&item.vis),
            Item::Const(item) => is_public(&item.vis),
            _ => false,
        };
        if is_public {
            known.definitions.entry(name).or_default().push((module.to_owned(), item));
        }
    }
}
