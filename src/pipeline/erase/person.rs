//! The *person* who is erased, and which resources are theirs: found by searching all archived
//! files of the source, every version in them.

use std::collections::BTreeSet;

use fhirmill_core::fhir::ResourceType;
use fhirmill_postgres::erase::{Shared, Subject};
use rustc_hash::FxHashSet;

use super::compartment;
use super::reading::{Meaning, Mention, Reading};
use crate::pipeline::worker::Named;

/// The shortest id or number by which a name of a file tells who it is of.
const SHORTEST_TELLING: usize = 4;
/// The shortest part of a name that does.
const SHORTEST_NAME: usize = 3;

/// What becomes of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is erased.
    Erase,
    /// It stays, without its references to what is erased.
    Redact,
    /// It stays as it is.
    Keep,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Person {
    with_links: bool,
    shared: Option<Shared>,
    /// The ids of the patients that are the person.
    pub ids: BTreeSet<String>,
    identifiers: FxHashSet<(String, String)>,
    names: BTreeSet<String>,
    /// The resources that are erased.
    pub members: FxHashSet<Named>,
    /// Their ids, of whatever type.
    member_ids: FxHashSet<String>,
    /// Resources that mention other patients, too.
    pub also_of_others: BTreeSet<Named>,
    /// Whether something has changed that may change what was decided before.
    is_changed: bool,
    /// Whether a person was mentioned by an identifier.
    has_identifiers_mentioned: bool,
    /// Binaries that resources of the person, and those of others, lead to.
    binaries: FxHashSet<String>,
    other_binaries: FxHashSet<String>,
}

fn patient() -> ResourceType {
    of_r4("Patient")
}

/// A type of R4.
fn of_r4(name: &str) -> ResourceType {
    ResourceType::named(name).unwrap_or_else(|| unreachable!("R4 has the type"))
}

impl Person {
    /// Of whom nothing is known but the subject.
    pub fn new(subject: &Subject, aliases: Vec<String>) -> Self {
        let mut ids = BTreeSet::from_iter(aliases);
        ids.insert(subject.fhir_id.clone());
        Person {
            with_links: subject.with_links,
            shared: subject.shared,
            ids,
            identifiers: FxHashSet::default(),
            names: BTreeSet::new(),
            members: FxHashSet::default(),
            member_ids: FxHashSet::default(),
            also_of_others: BTreeSet::new(),
            is_changed: false,
            has_identifiers_mentioned: false,
            binaries: FxHashSet::default(),
            other_binaries: FxHashSet::default(),
        }
    }

    /// Begins a search of all files.
    pub fn begin_search(&mut self) {
        self.is_changed = false;
        self.members.clear();
        self.also_of_others.clear();
        self.binaries.clear();
        self.other_binaries.clear();
    }

    /// Whether the search must be repeated, because it found out who the person is.
    pub fn is_search_over(&self) -> bool {
        !self.is_changed
    }

    /// Learns from a record of the search.
    pub fn learn(&mut self, reading: &Reading, named: Option<&Named>) {
        let Some(named) = identity(reading, named) else { return };
        if named.0 == patient() {
            self.learn_patient(reading, named);
            return;
        }
        let binaries: Vec<&String> = binaries(reading).collect();
        if self.belongs(reading) {
            match self.is_of_others(reading) {
                true => self.also_of_others.insert(named),
                false => {
                    self.binaries.extend(binaries.into_iter().cloned());
                    self.members.insert(named)
                }
            };
        } else {
            self.other_binaries.extend(binaries.into_iter().cloned());
        }
    }

    fn learn_patient(&mut self, reading: &Reading, named: Named) {
        let links = |mention: &&Mention| mention.path == "link.other";
        if self.with_links
            && !self.ids.contains(&named.1)
            && reading.mentions.iter().filter(links).any(|mention| self.is_person(&mention.meaning))
        {
            self.is_changed |= self.ids.insert(named.1.clone());
        }
        if !self.ids.contains(&named.1) {
            return;
        }
        if self.with_links {
            for mention in reading.mentions.iter().filter(links) {
                if let Meaning::Resource((resource_type, id)) = &mention.meaning
                    && *resource_type == patient()
                {
                    self.is_changed |= self.ids.insert(id.clone());
                }
            }
        }
        for identifier in &reading.identifiers {
            if self.identifiers.insert(identifier.clone()) {
                self.is_changed |= self.has_identifiers_mentioned;
            }
        }
        self.names.extend(reading.names.iter().flat_map(|name| words(name)).map(str::to_owned));
        self.members.insert(named);
    }

    /// Ends the search: what the tables say besides is the person's, too.
    pub fn end_search(&mut self, in_tables: Vec<(String, String)>) {
        let named = in_tables.into_iter().filter_map(|(name, id)| Some((ResourceType::named(&name)?, id)));
        // A type that belongs to a patient only by elements that its table does not show.
        self.members.extend(named);
        let alone = self.binaries.difference(&self.other_binaries);
        self.members.extend(alone.map(|id| (of_r4("Binary"), id.clone())));
        self.members.extend(self.ids.iter().map(|id| (patient(), id.clone())));
        match self.shared {
            Some(Shared::Erase) => self.members.extend(self.also_of_others.iter().cloned()),
            _ => self.members.retain(|named| !self.also_of_others.contains(named)),
        }
        self.member_ids = self.members.iter().map(|(_, id)| id.clone()).collect();
    }

    /// What becomes of a record, when the search is over.
    pub fn verdict(&mut self, reading: &Reading, named: Option<&Named>) -> Verdict {
        let named = identity(reading, named);
        if named.as_ref().is_some_and(|named| self.members.contains(named)) {
            return Verdict::Erase;
        }
        let is_nobodys = named.is_none() && self.belongs(reading);
        if is_nobodys && (self.shared == Some(Shared::Erase) || !self.is_of_others(reading)) {
            return Verdict::Erase;
        }
        let of_erased = |mention: &&Mention| self.is_erased(&mention.meaning);
        if !reading.mentions.iter().any(|mention| of_erased(&mention)) {
            return Verdict::Keep;
        }
        // Says something only about what is erased.
        let targets = || reading.mentions.iter().filter(|mention| mention.path == "target");
        if reading.resource_type == "Provenance" && targets().all(|mention| self.is_erased(&mention.meaning))
        {
            if let Some(named) = named {
                self.members.insert(named);
            }
            return Verdict::Erase;
        }
        Verdict::Redact
    }

    /// Whether a reference leads to something that is erased.
    pub fn is_erased(&self, meaning: &Meaning) -> bool {
        match meaning {
            Meaning::Resource(named) => self.members.contains(named),
            Meaning::Id(id) => self.member_ids.contains(id),
            Meaning::Identifier { .. } => self.is_person(meaning),
        }
    }

    /// Whether a text that cannot be read names the person, by an id or by a reference.
    pub fn is_named_in(&self, text: &[u8]) -> bool {
        let text = String::from_utf8_lossy(text).replace("\\/", "/");
        let is_id = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '.');
        let tokens = text.split(|letter: char| !is_id(letter) && letter != '/');
        let mut types: Vec<ResourceType> = Vec::new();
        let mut ids: Vec<&str> = Vec::new();
        let mut is_id_next = false;
        for token in tokens.filter(|token| !token.is_empty()) {
            let mut parts = token.rsplit('/');
            if let (Some(id), Some(name)) = (parts.next(), parts.next())
                && let Some(resource_type) = ResourceType::named(name)
                && self.members.contains(&(resource_type, id.to_owned()))
            {
                return true;
            }
            types.extend(ResourceType::named(token));
            if is_id_next && let Some(id) = self.member_ids.get(token) {
                ids.push(id);
            }
            is_id_next = token == "id" || token == "uuid";
        }
        ids.iter().any(|id| types.iter().any(|of_type| self.members.contains(&(*of_type, (*id).to_owned()))))
    }

    /// Whether a name of a file tells who the person is.
    pub fn is_told_by(&self, name: &str) -> bool {
        let lower = name.to_lowercase();
        let numbers = self.ids.iter().chain(self.identifiers.iter().map(|(_, value)| value));
        let mut numbers = numbers.map(|number| number.to_lowercase());
        numbers.any(|number| number.len() >= SHORTEST_TELLING && lower.contains(&number))
            || words(&lower).any(|word| word.len() >= SHORTEST_NAME && self.names.contains(word))
    }

    /// References that name the person: `Patient/1`.
    pub fn references(&self) -> Vec<String> {
        let people = ["Patient", "RelatedPerson"].map(of_r4);
        let of_people = self.members.iter().filter(|(resource_type, _)| people.contains(resource_type));
        of_people.map(|(resource_type, id)| format!("{}/{id}", resource_type.name())).collect()
    }

    fn is_person(&self, meaning: &Meaning) -> bool {
        match meaning {
            Meaning::Resource((resource_type, id)) => *resource_type == patient() && self.ids.contains(id),
            Meaning::Id(id) => self.ids.contains(id),
            Meaning::Identifier { resource_type, system, value } => {
                resource_type.is_none_or(|resource_type| resource_type == patient())
                    && match system {
                        Some(system) => self.identifiers.contains(&(system.clone(), value.clone())),
                        None => self.identifiers.iter().any(|(_, known)| known == value),
                    }
            }
        }
    }

    /// Whether a resource belongs to the person.
    fn belongs(&mut self, reading: &Reading) -> bool {
        let mut belongs = false;
        for mention in &reading.mentions {
            self.has_identifiers_mentioned |= matches!(mention.meaning, Meaning::Identifier { .. });
            belongs |= compartment::belongs(&reading.resource_type, &mention.path)
                && self.is_person(&mention.meaning);
        }
        belongs
    }

    /// Whether a resource mentions another patient.
    fn is_of_others(&self, reading: &Reading) -> bool {
        reading.mentions.iter().any(|mention| {
            matches!(&mention.meaning, Meaning::Resource((resource_type, id))
                if *resource_type == patient() && !self.ids.contains(id))
        })
    }
}

/// Type and id of a record, whether or not it could be mapped.
fn identity(reading: &Reading, named: Option<&Named>) -> Option<Named> {
    named.cloned().or_else(|| {
        let resource_type = ResourceType::named(&reading.resource_type)?;
        Some((resource_type, reading.id.clone().filter(|id| !id.is_empty())?))
    })
}

/// The ids of the Binaries that a resource leads to.
fn binaries(reading: &Reading) -> impl Iterator<Item = &String> {
    reading.mentions.iter().filter_map(|mention| match &mention.meaning {
        Meaning::Resource((resource_type, id)) if resource_type.name() == "Binary" => Some(id),
        _ => None,
    })
}

/// The words of a name.
fn words(name: &str) -> impl Iterator<Item = &str> {
    name.split(|letter: char| !letter.is_alphanumeric()).filter(|word| word.chars().count() >= SHORTEST_NAME)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::erase::reading::{Reader, Surroundings};
    use pretty_assertions::assert_eq;
    use serde_json::{Value, json};

    fn person(with_links: bool, shared: Option<Shared>, records: &[Value]) -> Person {
        let subject = Subject { source_id: 1, fhir_id: "p1".to_owned(), shared, with_links };
        let mut person = Person::new(&subject, Vec::new());
        loop {
            person.begin_search();
            records.iter().for_each(|record| person.learn(&read(record), None));
            if person.is_search_over() {
                break;
            }
        }
        person.end_search(Vec::new());
        person
    }

    fn read(record: &Value) -> Reading {
        Reader::new().read(record.to_string().as_bytes(), &Surroundings::default()).expect("JSON")
    }

    fn reference(to: &str) -> Value {
        json!({"reference": to})
    }

    #[test]
    fn a_resource_of_several_people_is_shared_and_one_that_only_mentions_the_person_is_redacted() {
        let own = json!({"resourceType": "Observation", "id": "o", "subject": reference("Patient/p1")});
        let others = json!({"resourceType": "Observation", "id": "x", "subject": reference("Patient/p2"),
                            "focus": [reference("Patient/p1")], "derivedFrom": [reference("Observation/o")]});
        let group = json!({"resourceType": "Group", "id": "g",
            "member": [{"entity": reference("Patient/p1")}, {"entity": reference("Patient/p2")}]});
        let about = json!({"resourceType": "Provenance", "id": "v", "target": [reference("Observation/o")]});
        let records = [own.clone(), others.clone(), group.clone(), about.clone()];
        let verdicts = |shared| {
            let mut person = person(true, shared, &records);
            records.iter().map(|record| person.verdict(&read(record), None)).collect::<Vec<_>>()
        };
        use Verdict::{Erase, Redact};
        assert_eq!(verdicts(Some(Shared::Keep)), [Erase, Redact, Redact, Erase]);
        assert_eq!(verdicts(Some(Shared::Erase)), [Erase, Redact, Erase, Erase]);
        let found = person(true, None, &records).also_of_others;
        assert_eq!(found.into_iter().map(|(_, id)| id).collect::<Vec<_>>(), ["g"]);
    }

    #[test]
    fn linked_patients_are_the_same_person_in_either_direction_and_through_others() {
        let patient = |id: &str, other: Option<&str>| {
            let links = other
                .map(|other| json!([{"other": reference(&format!("Patient/{other}")), "type": "refer"}]));
            json!({"resourceType": "Patient", "id": id, "link": links})
        };
        let records =
            [patient("p3", Some("p2")), patient("p2", Some("p1")), patient("p1", None), patient("p4", None)];
        assert_eq!(person(true, None, &records).ids, BTreeSet::from(["p1", "p2", "p3"].map(str::to_owned)));
        let mut alone = person(false, None, &records);
        assert_eq!(alone.ids, BTreeSet::from(["p1".to_owned()]));
        assert_eq!(alone.verdict(&read(&records[1]), None), Verdict::Redact);
    }

    #[test]
    fn identifiers_and_texts_lead_to_the_person() {
        let of_number = json!({"resourceType": "Encounter", "id": "e",
            "subject": {"identifier": {"system": "urn:mrn", "value": "number-1"}}});
        let patient = json!({"resourceType": "Patient", "id": "p1", "name": [{"family": "Abbott", "given": ["Mary"]}],
            "identifier": [{"system": "urn:mrn", "value": "number-1"}]});
        let mut person = person(true, None, &[of_number.clone(), patient]);
        assert_eq!(person.verdict(&read(&of_number), None), Verdict::Erase);
        for (text, expected) in [
            (r#"{"resourceType":"Observation","subject":{"reference":"Patient/p1"},"#, true),
            (r#"{"resourceType":"Observation","subject":{"reference":"Patient/p12"},"#, false),
            (r#"{"id" : "p1", "resourceType":"Patient", broken"#, true),
            (r#"{"id":"e","resourceType":"Encounter""#, true),
            (r#"{"id":"p1","resourceType":"Location""#, false),
        ] {
            assert_eq!(person.is_named_in(text.as_bytes()), expected, "{text}");
        }
        for (name, expected) in [
            ("Mary_Abbott_x.json", true),
            ("export-number-1.ndjson", true),
            ("part-1.ndjson", false),
            ("summary.json", false),
        ] {
            assert_eq!(person.is_told_by(name), expected, "{name}");
        }
    }
}
