//! Follows paths.

use super::super::program::{COUNTERS, Expression, Path, Start, Step};
use super::expression::{each, single, truth};
use super::item::Item;
use super::{Context, Stop};
use crate::json::{JsonType, NameId, Value};

/// Receives items.
pub(super) type Receiver<'r, 'c, 't> = &'r mut dyn FnMut(Item<'t>, &mut Context<'c, 't>) -> Result<(), Stop>;

/// A path that is being followed.
struct Walk<'w, 't> {
    steps: &'t [Step],
    focus: &'w Item<'t>,
    /// How many items have reached each of the indexes.
    counters: [i64; COUNTERS],
    /// A step has passed on all that it ever will.
    is_finished: bool,
}

/// Passes on each item of the path.
pub(super) fn follow<'c, 't>(
    path: &'t Path,
    focus: &Item<'t>,
    context: &mut Context<'c, 't>,
    receive: Receiver<'_, 'c, 't>,
) -> Result<(), Stop> {
    let mut walk = Walk { steps: &path.steps, focus, counters: [0; COUNTERS], is_finished: false };
    let walked = match &path.start {
        Start::This => walk.step(0, focus.clone(), context, receive),
        Start::Resource => walk.step(0, Item::Value(context.resource), context, receive),
        Start::Expression(expression) if matches!(path.steps.first(), Some(Step::Last)) => {
            let mut last = None;
            each(expression, focus, context, &mut |item, _| {
                last = Some(item);
                Ok(())
            })?;
            match last {
                Some(last) => walk.step(1, last, context, receive),
                None => Ok(()),
            }
        }
        Start::Expression(expression) => {
            each(expression, focus, context, &mut |item, context| walk.step(0, item, context, receive))
        }
    };
    match walked {
        Err(Stop::Enough) if walk.is_finished => Ok(()),
        walked => walked,
    }
}

impl<'t> Walk<'_, 't> {
    /// Takes an item through the steps from the one with that number.
    fn step<'c>(
        &mut self,
        number: usize,
        item: Item<'t>,
        context: &mut Context<'c, 't>,
        receive: Receiver<'_, 'c, 't>,
    ) -> Result<(), Stop> {
        let Some(step) = self.steps.get(number) else { return receive(item, context) };
        context.count(1)?;
        let next = number + 1;
        match step {
            Step::Member(name) => match item {
                Item::Value(value) => self.member(value, *name, next, context, receive),
                _ => Ok(()),
            },
            Step::AnyMember(names) => {
                let Item::Value(value) = item else { return Ok(()) };
                let found = value.members().find(|member| names.contains(&member.name()));
                found.map_or(Ok(()), |member| self.values(member.value(), next, context, receive))
            }
            Step::First => self.only(next, item, context, receive),
            Step::Index(position, counter) => {
                let wanted = self.position(position, context)?;
                let at = self.counters[*counter];
                self.counters[*counter] += 1;
                if wanted == Some(at) { self.only(next, item, context, receive) } else { Ok(()) }
            }
            // Only at the start, where `follow` takes it.
            Step::Last => self.step(next, item, context, receive),
            Step::Where(condition) => match truth(condition, &item, context)? {
                Some(true) => self.step(next, item, context, receive),
                _ => Ok(()),
            },
            Step::Extension(url) => {
                let Some(list) = item.object().and_then(|value| value.get(NameId::EXTENSION)) else {
                    return Ok(());
                };
                let has_url = |extension: &Value<'_>| {
                    extension.get(NameId::URL).and_then(Value::as_text).is_some_and(|found| found == *url)
                };
                for extension in items(list).filter(has_url) {
                    self.step(next, Item::Value(extension), context, receive)?;
                }
                Ok(())
            }
            Step::OfResource(resource_type) => {
                let name = item.object().and_then(|value| value.get(NameId::RESOURCE_TYPE)?.as_text());
                if name.is_some_and(|name| name == resource_type.name()) {
                    return self.step(next, item, context, receive);
                }
                Ok(())
            }
        }
    }

    #[inline]
    fn member<'c>(
        &mut self,
        object: Value<'t>,
        name: NameId,
        next: usize,
        context: &mut Context<'c, 't>,
        receive: Receiver<'_, 'c, 't>,
    ) -> Result<(), Stop> {
        match object.get(name) {
            Some(value) => self.values(value, next, context, receive),
            None => Ok(()),
        }
    }

    /// A value, or each item of a list.
    fn values<'c>(
        &mut self,
        value: Value<'t>,
        next: usize,
        context: &mut Context<'c, 't>,
        receive: Receiver<'_, 'c, 't>,
    ) -> Result<(), Stop> {
        if value.json_type() != JsonType::Array {
            return match value.is_null() {
                true => Ok(()),
                false => self.step(next, Item::Value(value), context, receive),
            };
        }
        for item in items(value) {
            self.step(next, Item::Value(item), context, receive)?;
        }
        Ok(())
    }

    /// The only item that passes this step.
    fn only<'c>(
        &mut self,
        next: usize,
        item: Item<'t>,
        context: &mut Context<'c, 't>,
        receive: Receiver<'_, 'c, 't>,
    ) -> Result<(), Stop> {
        self.step(next, item, context, receive)?;
        self.is_finished = true;
        Err(Stop::Enough)
    }

    /// The position that an index asks for.
    fn position(&self, position: &'t Expression, context: &mut Context<'_, 't>) -> Result<Option<i64>, Stop> {
        if let Expression::Number(number) = position {
            return Ok(number.as_integer());
        }
        let found = single(position, self.focus, context)?;
        Ok(found.and_then(|item| item.number()?.as_integer()))
    }
}

/// The items of a list that are no nulls; a single value counts as a list of one.
fn items(list: Value<'_>) -> impl Iterator<Item = Value<'_>> {
    let single = Some(list).filter(|list| list.json_type() != JsonType::Array);
    list.items().chain(single).filter(|item| !item.is_null())
}
