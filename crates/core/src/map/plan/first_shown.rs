//! Lists of which columns hold the first item only (`bodySite[0]`), and that no
//! other table holds in full.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{ChildTable, DatatypeName, Element, Resource, RouteStep};

/// The members that lead from a resource to a list.
pub(in super::super) type ListPath = Vec<String>;

/// The lists of each resource type that declarations show the first item of.
pub(super) fn first_shown(declarations: &[Resource]) -> BTreeMap<&str, BTreeSet<ListPath>> {
    let mut lists: BTreeMap<&str, Lists> = BTreeMap::new();
    for resource in declarations {
        let lists = lists.entry(&resource.name).or_default();
        lists.add(&[], &resource.elements, &resource.tables);
        lists.whole.extend(resource.lists.iter().filter_map(|list| members(&list.path)));
    }
    lists.into_iter().map(|(name, lists)| (name, &lists.first - &lists.whole)).collect()
}

#[derive(Default)]
struct Lists {
    first: BTreeSet<ListPath>,
    whole: BTreeSet<ListPath>,
}

impl Lists {
    /// Adds those of a table whose rows stand at that path.
    fn add(&mut self, at: &[String], elements: &[Element], tables: &[ChildTable]) {
        for element in elements {
            let is_list = matches!(&element.datatype, DatatypeName::One(word) if word.name.ends_with("[]"));
            for route in &element.path {
                let index = route.iter().position(|step| *step == RouteStep::Index(0));
                let path = members(index.map_or(route, |index| &route[..index]));
                match (path, index) {
                    (Some(path), Some(_)) => self.first.insert([at, &path[..]].concat()),
                    (Some(path), None) if is_list => self.whole.insert([at, &path[..]].concat()),
                    _ => false,
                };
            }
        }
        for table in tables {
            let own = [table.element.split('.').map(str::to_owned).collect()];
            let from: Vec<ListPath> = table.from.iter().filter_map(|from| members(&from.path)).collect();
            for path in if table.from.is_empty() { &own[..] } else { &from } {
                let path = [at, &path[..]].concat();
                self.add(&path, &table.elements, &table.tables);
                self.whole.insert(path);
            }
        }
    }
}

/// The names of a route of members only.
fn members(route: &[RouteStep]) -> Option<ListPath> {
    let name = |step: &RouteStep| match step {
        RouteStep::Member(name) => Some(name.clone()),
        _ => None,
    };
    route.iter().map(name).collect()
}
