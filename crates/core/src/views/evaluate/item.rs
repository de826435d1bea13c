//! Items: what expressions are made of.

use std::borrow::Cow;

use super::super::number::Number;
use crate::json::{JsonType, Value};
use crate::rows::Target;

/// One item of a collection.
#[derive(Clone, Debug)]
pub enum Item<'t> {
    /// A value of the resource; never null, and no list.
    Value(Value<'t>),
    /// A computed or literal boolean.
    Boolean(bool),
    /// A computed or literal number.
    Number(Number),
    /// A computed or literal string, date or time.
    Text(Cow<'t, str>),
    /// The key of a resource.
    Key(Target),
}

/// What a column has in a row.
#[derive(Clone, Debug)]
pub enum Cell<'t> {
    /// Nothing.
    Empty,
    /// One item.
    One(Item<'t>),
    /// The items of a collection, perhaps none.
    Many(Vec<Item<'t>>),
}

impl<'t> Item<'t> {
    /// The characters of a string.
    pub fn text(&self) -> Option<Cow<'t, str>> {
        match self {
            Item::Value(value) => value.as_text(),
            Item::Text(text) => Some(text.clone()),
            _ => None,
        }
    }

    /// The digits of a number.
    pub fn digits(&self) -> Option<Cow<'t, str>> {
        match self {
            Item::Value(value) => value.as_number().map(Cow::Borrowed),
            Item::Number(number) => Some(Cow::Owned(number.to_string())),
            _ => None,
        }
    }

    /// A boolean.
    pub fn boolean(&self) -> Option<bool> {
        match self {
            Item::Value(value) => value.as_boolean(),
            Item::Boolean(value) => Some(*value),
            _ => None,
        }
    }

    pub(super) fn number(&self) -> Option<Number> {
        match self {
            Item::Value(value) => Number::parse(value.as_number()?),
            Item::Number(number) => Some(*number),
            _ => None,
        }
    }

    /// Whether it is an object.
    pub fn object(&self) -> Option<Value<'t>> {
        match self {
            Item::Value(value) if value.json_type() == JsonType::Object => Some(*value),
            _ => None,
        }
    }
}

/// The items of an expression, of which there is mostly one.
#[derive(Debug)]
pub(super) enum Few<'t> {
    None,
    One(Item<'t>),
    Many(Vec<Item<'t>>),
}

impl<'t> Few<'t> {
    pub fn push(&mut self, item: Item<'t>) {
        *self = match std::mem::replace(self, Few::None) {
            Few::None => Few::One(item),
            Few::One(first) => Few::Many(vec![first, item]),
            Few::Many(mut items) => {
                items.push(item);
                Few::Many(items)
            }
        };
    }

    pub fn as_slice(&self) -> &[Item<'t>] {
        match self {
            Few::None => &[],
            Few::One(item) => std::slice::from_ref(item),
            Few::Many(items) => items,
        }
    }
}
