//! The *hospital*: what all patients of a seed share, namely organizations,
//! their locations, practitioners and the roles these hold. Each has an NPI, by
//! which the patients' Bundles refer to it.

use super::compose::{Composer, coding};
use super::random::{Id, Random};
use super::words::{FAMILY_NAMES, FEMALE_NAMES, MALE_NAMES, NPI, ORGANIZATION_NAMES, STREETS, TOWNS};
use super::writer::{Decimal, ReferenceStyle, Writer};

const ORGANIZATIONS: i64 = 20;
/// How many practitioners there are.
pub const PRACTITIONERS: i64 = 40;

/// One resource of the hospital: as much of it as a reference needs.
pub struct Member {
    resource_type: &'static str,
    id: Id,
    npi: i64,
    pub name: String,
}

/// Location `i` belongs to organization `i`. Role `i` is held by practitioner
/// `i` at organization `i` modulo the number of organizations.
pub struct Hospital {
    pub organizations: Vec<Member>,
    pub locations: Vec<Member>,
    pub practitioners: Vec<Member>,
    pub roles: Vec<Member>,
}

impl Hospital {
    /// Draws the hospital of a seed.
    pub fn new(seed: u64) -> Self {
        let mut random = Random::new(seed, u64::MAX);
        let mut hospital = Self {
            organizations: Vec::new(),
            locations: Vec::new(),
            practitioners: Vec::new(),
            roles: Vec::new(),
        };
        for number in 0..ORGANIZATIONS {
            let town = TOWNS[number as usize % TOWNS.len()];
            let name = format!("{town} {}", random.word(ORGANIZATION_NAMES));
            let mut member =
                |resource_type, npi| Member { resource_type, id: random.id(), npi, name: name.clone() };
            hospital.organizations.push(member("Organization", 1_999_000_000 + number));
            hospital.locations.push(member("Location", 1_999_100_000 + number));
        }
        for number in 0..PRACTITIONERS {
            let given = random.word(if number % 2 == 0 { FEMALE_NAMES } else { MALE_NAMES });
            let name = format!("Dr. {given} {}", random.word(FAMILY_NAMES));
            let mut member =
                |resource_type, npi| Member { resource_type, id: random.id(), npi, name: name.clone() };
            hospital.practitioners.push(member("Practitioner", 1_999_200_000 + number));
            hospital.roles.push(member("PractitionerRole", 1_999_300_000 + number));
        }
        hospital
    }

    /// Writes every member as a resource.
    pub fn write(&self, composer: &mut Composer, seed: u64) {
        let mut random = Random::new(seed, u64::MAX - 1);
        for (organization, location) in self.organizations.iter().zip(&self.locations) {
            write_organization(composer, organization, &mut random);
            write_location(composer, location, organization, &mut random);
        }
        for (number, (practitioner, role)) in self.practitioners.iter().zip(&self.roles).enumerate() {
            let place = number % self.organizations.len();
            write_practitioner(composer, practitioner, number % 2 == 0, &mut random);
            write_role(composer, role, practitioner, &self.organizations[place], &self.locations[place]);
        }
    }
}

impl Member {
    /// Writes a reference to this member, with its name, as an object `name`.
    pub fn refer(&self, writer: &mut Writer, name: &str) {
        writer.object(name, |writer| self.target(writer));
    }

    /// Writes the members of the reference into the open object.
    pub fn target(&self, writer: &mut Writer) {
        let Self { resource_type, npi, .. } = self;
        match writer.references {
            ReferenceStyle::Transaction => {
                writer.display("reference", format_args!("{resource_type}?identifier={NPI}|{npi}"));
            }
            ReferenceStyle::Collection | ReferenceStyle::Relative => writer.target(resource_type, &self.id),
        }
        writer.text("display", &self.name);
    }

    fn identifier(&self, writer: &mut Writer) {
        writer.one("identifier", |writer| {
            writer.text("system", NPI);
            writer.display("value", self.npi);
        });
    }
}

fn write_address(writer: &mut Writer, random: &mut Random) {
    writer.array("line", |writer| {
        writer.text_item(&format!("{} {}", random.between(1, 999), random.word(STREETS)));
    });
    writer.text("city", random.word(TOWNS));
    writer.text("state", "MA");
    writer.display("postalCode", format_args!("0{}", random.between(1000, 2799)));
    writer.text("country", "US");
}

fn write_phone(writer: &mut Writer, random: &mut Random) {
    writer.one("telecom", |writer| {
        writer.text("system", "phone");
        writer.display("value", format_args!("555-01{:02}", random.between(0, 99)));
    });
}

fn write_organization(composer: &mut Composer, member: &Member, random: &mut Random) {
    composer.resource("Organization", &member.id, |writer| {
        member.identifier(writer);
        writer.boolean("active", true);
        writer.one("type", |writer| {
            let system = "http://terminology.hl7.org/CodeSystem/organization-type";
            coding(writer, system, ("prov", "Healthcare Provider"));
            writer.text("text", "Healthcare Provider");
        });
        writer.text("name", &member.name);
        write_phone(writer, random);
        writer.one("address", |writer| write_address(writer, random));
    });
}

fn write_location(composer: &mut Composer, member: &Member, organization: &Member, random: &mut Random) {
    composer.resource("Location", &member.id, |writer| {
        member.identifier(writer);
        writer.text("status", "active");
        writer.text("name", &member.name);
        write_phone(writer, random);
        writer.object("address", |writer| write_address(writer, random));
        writer.object("position", |writer| {
            writer.decimal("longitude", Decimal(-random.between(700_000, 730_000), 4));
            writer.decimal("latitude", Decimal(random.between(415_000, 428_000), 4));
        });
        organization.refer(writer, "managingOrganization");
    });
}

fn write_practitioner(composer: &mut Composer, member: &Member, is_female: bool, random: &mut Random) {
    composer.resource("Practitioner", &member.id, |writer| {
        member.identifier(writer);
        writer.boolean("active", true);
        writer.one("name", |writer| {
            let mut words = member.name.split(' ');
            let (prefix, given) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
            writer.text("family", words.next().unwrap_or_default());
            writer.texts("given", &[given]);
            writer.texts("prefix", &[prefix]);
        });
        write_phone(writer, random);
        writer.one("address", |writer| write_address(writer, random));
        writer.text("gender", if is_female { "female" } else { "male" });
    });
}

fn write_role(composer: &mut Composer, role: &Member, holder: &Member, at: &Member, location: &Member) {
    composer.resource("PractitionerRole", &role.id, |writer| {
        role.identifier(writer);
        writer.boolean("active", true);
        holder.refer(writer, "practitioner");
        at.refer(writer, "organization");
        writer.one("code", |writer| {
            coding(writer, "http://nucc.org/provider-taxonomy", ("208D00000X", "General Practice"));
            writer.text("text", "General Practice");
        });
        writer.one("location", |writer| location.target(writer));
    });
}
