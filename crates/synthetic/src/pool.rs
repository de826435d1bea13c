//! The *hospital* is what all patients of a seed share: organizations, their
//! locations, practitioners and the roles these hold. Each has an NPI, by
//! which Bundles of patients refer to it.

use super::compose::Composer;
use super::random::{Id, Random};
use super::words::{FAMILIES, HOUSES, MEN, NPI, STREETS, TOWNS, WOMEN};
use super::writer::{Decimal, References, Writer};

const ORGANIZATIONS: i64 = 20;
const PRACTITIONERS: i64 = 40;

/// One of the pool, as much of it as a reference needs.
pub struct Member {
    kind: &'static str,
    id: Id,
    npi: i64,
    pub name: String,
}

/// Where a location `i` belongs to organization `i`, and a role `i` is held by
/// practitioner `i` at organization `i` modulo their number.
pub struct Hospital {
    pub organizations: Vec<Member>,
    pub locations: Vec<Member>,
    pub practitioners: Vec<Member>,
    pub roles: Vec<Member>,
}

impl Hospital {
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
            let name = format!("{town} {}", random.word(HOUSES));
            let mut member = |kind, npi| Member { kind, id: random.id(), npi, name: name.clone() };
            hospital.organizations.push(member("Organization", 1_999_000_000 + number));
            hospital.locations.push(member("Location", 1_999_100_000 + number));
        }
        for number in 0..PRACTITIONERS {
            let given = random.word(if number % 2 == 0 { WOMEN } else { MEN });
            let name = format!("Dr. {given} {}", random.word(FAMILIES));
            let mut member = |kind, npi| Member { kind, id: random.id(), npi, name: name.clone() };
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
    /// The reference to this member, with its name, as an object `name`.
    pub fn refer(&self, writer: &mut Writer, name: &str) {
        writer.object(name, |writer| self.target(writer));
    }

    /// The members of the reference, inside an object that is open.
    pub fn target(&self, writer: &mut Writer) {
        let Self { kind, npi, .. } = self;
        match writer.references {
            References::Transaction => {
                writer.display("reference", format_args!("{kind}?identifier={NPI}|{npi}"));
            }
            References::Collection | References::Relative => writer.target(kind, &self.id),
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
            super::compose::coding(writer, system, ("prov", "Healthcare Provider"));
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

fn write_practitioner(composer: &mut Composer, member: &Member, woman: bool, random: &mut Random) {
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
        writer.text("gender", if woman { "female" } else { "male" });
    });
}

fn write_role(composer: &mut Composer, role: &Member, holder: &Member, at: &Member, location: &Member) {
    composer.resource("PractitionerRole", &role.id, |writer| {
        role.identifier(writer);
        writer.boolean("active", true);
        holder.refer(writer, "practitioner");
        at.refer(writer, "organization");
        writer.one("code", |writer| {
            super::compose::coding(
                writer,
                "http://nucc.org/provider-taxonomy",
                ("208D00000X", "General Practice"),
            );
            writer.text("text", "General Practice");
        });
        writer.one("location", |writer| location.target(writer));
    });
}
