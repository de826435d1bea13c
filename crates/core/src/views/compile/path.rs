//! Compiles the steps of paths that are names of elements, and `ofType`.

use super::super::diagnostic::did_you_mean;
use super::super::fhirpath::{Mistake, Name, Syntax, SyntaxKind};
use super::super::program::{Expression, Step};
use super::super::schema;
use super::super::types::Type;
use super::expression::{context, stepped};
use super::{Compiler, Typed, Variant, too_many_names};
use crate::fhir::ResourceType;
use crate::json::NameId;

impl Compiler<'_> {
    /// The first name of a path. The type of the context may stand in front.
    pub(super) fn first_member(&mut self, name: &Name, this: &Type) -> Result<Typed, Mistake> {
        let on = context(this);
        let is_type = this.names == [name.text.as_str()] && schema::element(&name.text, &name.text).is_none();
        if is_type { Ok(on) } else { self.member(on, name) }
    }

    /// An element of what comes before.
    pub(super) fn member(&mut self, on: Typed, name: &Name) -> Result<Typed, Mistake> {
        if on.of.names.is_empty() {
            return Ok(Typed::new(Expression::Empty, Type::unknown()));
        }
        let mut last: Vec<Variant> = Vec::new();
        let mut is_many = on.of.is_many;
        let is_beside = on.of.names.iter().any(|of| schema::is_primitive(of));
        for of in &on.of.names {
            let Some(element) = schema::element(of, &name.text) else { continue };
            is_many |= element.is_list;
            for type_name in &element.types {
                let member = match element.is_choice {
                    true => format!("{}{}", element.name, schema::capitalized(type_name)),
                    false => element.name.to_owned(),
                };
                if !last.iter().any(|known| known.member == member && known.of == *type_name) {
                    last.push(Variant { member, of: type_name });
                }
            }
        }
        if last.is_empty() {
            return Err(unknown_element(&on.of, name));
        }
        let base = if is_beside { self.beside(on, name)?.expression } else { on.expression };
        let step = self.members_step(last.iter().map(|variant| variant.member.as_str()))?;
        Ok(Typed { expression: stepped(base, step), of: Type { names: types_of(&last), is_many }, last })
    }

    fn members_step<'n>(&mut self, names: impl Iterator<Item = &'n str>) -> Result<Step, Mistake> {
        let mut ids: Vec<NameId> = Vec::new();
        for name in names {
            let id = self.dictionary.intern(name).map_err(too_many_names)?;
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
        Ok(match ids.as_slice() {
            [one] => Step::Member(*one),
            several => Step::AnyMember(several.into()),
        })
    }

    /// The object beside a primitive value, which has its id and extensions.
    pub(super) fn beside(&mut self, on: Typed, name: &Name) -> Result<Typed, Mistake> {
        let Typed { mut expression, of, last } = on;
        if last.is_empty() {
            let message = format!("`{}` of a primitive value must follow the name of its element", name.text);
            return Err(Mistake::new(message, name.span.clone())
                .with_help("write `birthDate.extension('…')`, with `first()` or an index after it"));
        }
        let names: Vec<String> = last.iter().map(|variant| format!("_{}", variant.member)).collect();
        let step = self.members_step(names.iter().map(String::as_str))?;
        if let Expression::Path(path) = &mut expression {
            path.steps.pop();
            path.steps.push(step);
        }
        Ok(Typed { expression, of, last: Vec::new() })
    }

    /// `ofType(…)`: those of that type.
    pub(super) fn of_type(&mut self, on: Typed, name: &Name, argument: &Syntax) -> Result<Typed, Mistake> {
        let wanted = type_argument(argument)?;
        if on.of.names.is_empty() {
            return Ok(Typed::new(Expression::Empty, Type::unknown()));
        }
        let is_many = on.of.is_many;
        if on.of.names == ["Resource"] {
            let Some(resource_type) = ResourceType::named(wanted) else {
                return Err(Mistake::new(format!("{wanted} is no type of resource"), argument.span.clone()));
            };
            let expression = stepped(on.expression, Step::OfResource(resource_type));
            return Ok(Typed::new(expression, Type { names: vec![wanted], is_many }));
        }
        let is_wanted = |of: &&str| schema::is_derived(of, wanted);
        let names: Vec<&'static str> = on.of.names.iter().copied().filter(is_wanted).collect();
        if names.is_empty() {
            let message = format!("this is never of type {wanted}, but {}", on.of.text());
            return Err(Mistake::new(message, argument.span.clone()));
        }
        let of = Type { names, is_many };
        if of.names.len() == on.of.names.len() {
            return Ok(Typed { of, ..on });
        }
        let last: Vec<Variant> =
            on.last.into_iter().filter(|variant| of.names.contains(&variant.of)).collect();
        let Expression::Path(mut path) = on.expression else {
            return Err(must_follow(name));
        };
        if last.is_empty() {
            return Err(must_follow(name));
        }
        path.steps.pop();
        path.steps.push(self.members_step(last.iter().map(|variant| variant.member.as_str()))?);
        Ok(Typed { expression: Expression::Path(path), of, last })
    }
}

/// The types of the variants.
fn types_of(variants: &[Variant]) -> Vec<&'static str> {
    let mut types: Vec<&'static str> = Vec::new();
    for variant in variants {
        if !types.contains(&variant.of) {
            types.push(variant.of);
        }
    }
    types
}

fn must_follow(name: &Name) -> Mistake {
    Mistake::new("`ofType` must follow the name of an element with several types", name.span.clone())
        .with_help("write `value.ofType(Quantity)`, and `where` or an index after it")
}

/// The type that an argument names, perhaps after `FHIR.` or `System.`.
pub(super) fn type_argument(argument: &Syntax) -> Result<&'static str, Mistake> {
    let mistake = |message: String| Mistake::new(message, argument.span.clone());
    let (name, is_system) = match &argument.kind {
        SyntaxKind::Member(None, name) => (name, false),
        SyntaxKind::Member(Some(space), name) => match &space.kind {
            SyntaxKind::Member(None, space) if space.text == "FHIR" => (name, false),
            SyntaxKind::Member(None, space) if space.text == "System" => (name, true),
            _ => return Err(mistake("this is not the name of a type".to_owned())),
        },
        _ => return Err(mistake("this is not the name of a type".to_owned())),
    };
    let own = match name.text.as_str() {
        "String" => Some("string"),
        "Boolean" => Some("boolean"),
        "Integer" => Some("integer"),
        "Decimal" => Some("decimal"),
        "Date" => Some("date"),
        "DateTime" => Some("dateTime"),
        "Time" => Some("time"),
        _ => None,
    };
    own.filter(|_| is_system || schema::named(&name.text).is_none())
        .or_else(|| schema::named(&name.text))
        .ok_or_else(|| {
            let mistake = mistake(format!("R4 has no type `{}`", name.text));
            match did_you_mean(&name.text, schema::type_names()) {
                Some(help) => mistake.with_help(help),
                None => mistake,
            }
        })
}

fn unknown_element(of: &Type, name: &Name) -> Mistake {
    let mistake = Mistake {
        missing: Some(name.text.clone()),
        ..Mistake::new(format!("{} has no element `{}`", of.text(), name.text), name.span.clone())
    };
    let variant = of.names.iter().find_map(|of| schema::variant(of, &name.text));
    if let Some((choice, type_name)) = variant {
        return mistake.with_help(format!("write `{choice}.ofType({type_name})`"));
    }
    if super::call::FUNCTIONS.contains(&name.text.as_str()) {
        return mistake.with_help(format!("functions have brackets: `{}()`", name.text));
    }
    if of.names == ["Reference"] {
        return mistake.with_help("views cannot follow references: join tables by `getReferenceKey()`");
    }
    if of.names == ["Resource"] {
        return mistake.with_help("say which type of resource it is: `contained.ofType(Patient)`");
    }
    let names = of.names.iter().flat_map(|of| schema::element_names(of));
    match did_you_mean(&name.text, names) {
        Some(help) => mistake.with_help(help),
        None => mistake,
    }
}
