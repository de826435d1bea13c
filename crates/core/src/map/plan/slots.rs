//! The *slots* of a row: where a mapper puts the members of the row's element
//! that its columns are made of.

use super::step::{ElementPath, PathStep, steps};
use crate::json::{Dictionary, DictionaryFull, NameId};
use crate::model::RouteStep;

/// The slot of the row's element as a whole.
pub(in super::super) const ITSELF: usize = 0;

/// The names of an element's members and the slots they go to.
pub(in super::super) struct Slots {
    /// By `NameId::index`.
    by_name: Vec<u16>,
    /// How many slots there are.
    pub count: usize,
}

/// No such member.
const NO_MEMBER: u16 = u16::MAX;
/// A member that no column is made of.
const NO_SLOT: u16 = u16::MAX - 1;

impl Slots {
    /// Only the element as a whole.
    pub(super) fn new() -> Self {
        Slots { by_name: Vec::new(), count: ITSELF + 1 }
    }

    fn entry(&mut self, name: NameId) -> &mut u16 {
        if self.by_name.len() <= name.index() {
            self.by_name.resize(name.index() + 1, NO_MEMBER);
        }
        &mut self.by_name[name.index()]
    }

    /// The slot of the members of that name; a new one if they have none.
    pub(super) fn give(&mut self, name: NameId) -> usize {
        let next = self.count;
        let slot = self.entry(name);
        if *slot < NO_SLOT {
            return usize::from(*slot);
        }
        *slot = next as u16;
        self.count += 1;
        next
    }

    /// Notes that there are members of that name.
    pub(super) fn note_member(&mut self, name: NameId) {
        let slot = self.entry(name);
        *slot = NO_SLOT.min(*slot);
    }

    /// Notes all members that `other` has.
    pub(super) fn note_members_of(&mut self, other: &[u16]) {
        self.by_name.resize(self.by_name.len().max(other.len()), NO_MEMBER);
        for (own, other) in self.by_name.iter_mut().zip(other) {
            if *other != NO_MEMBER {
                *own = NO_SLOT.min(*own);
            }
        }
    }

    /// The members, for `note_members_of`.
    pub(super) fn members(&self) -> Vec<u16> {
        self.by_name.clone()
    }

    /// `None`: no such member; `Some(None)`: a member without a column.
    #[inline]
    pub fn get(&self, name: NameId) -> Option<Option<usize>> {
        match self.by_name.get(name.index()) {
            None | Some(&NO_MEMBER) => None,
            Some(&NO_SLOT) => Some(None),
            Some(&slot) => Some(Some(usize::from(slot))),
        }
    }

    /// The slot and the steps of a route from the row's element.
    pub(super) fn path(
        &mut self,
        route: &[RouteStep],
        dictionary: &mut Dictionary,
    ) -> Result<ElementPath, DictionaryFull> {
        let steps = steps(route, dictionary)?;
        Ok(match steps.split_first() {
            Some((PathStep::Member(name), rest)) => {
                ElementPath { slot: self.give(*name), steps: rest.to_vec() }
            }
            _ => ElementPath { slot: ITSELF, steps },
        })
    }
}
