//! The *words* that records are made of: invented names, and codes published by
//! the terminologies.

/// A code and its display in the terminology.
pub type Coded = (&'static str, &'static str);

pub const SNOMED: &str = "http://snomed.info/sct";
pub const LOINC: &str = "http://loinc.org";
pub const RXNORM: &str = "http://www.nlm.nih.gov/research/umls/rxnorm";
pub const CVX: &str = "http://hl7.org/fhir/sid/cvx";
pub const ICD10: &str = "http://hl7.org/fhir/sid/icd-10-cm";
pub const NDC: &str = "http://hl7.org/fhir/sid/ndc";
pub const NPI: &str = "http://hl7.org/fhir/sid/us-npi";
pub const UNITS: &str = "http://unitsofmeasure.org";

pub const FEMALE_NAMES: &[&str] = &[
    "Adelva", "Brisana", "Corlette", "Dunya", "Elsbrit", "Fenna", "Gwendara", "Hestia", "Ilvana", "Jorunn",
    "Katrice", "Lumena", "Maribeth", "Nerissa", "Oriela", "Pernille",
];
pub const MALE_NAMES: &[&str] = &[
    "Aldous", "Bertrand", "Corvin", "Dragan", "Emeric", "Fintan", "Gareth", "Halvard", "Isandro", "Jorrit",
    "Kelmond", "Leander", "Mattias", "Norvin", "Osric", "José",
];
pub const FAMILY_NAMES: &[&str] = &[
    "Amberfield",
    "Brackwater",
    "Castellan",
    "Dunmarrow",
    "Eastholm",
    "Fernhollow",
    "Grayling",
    "Hartwick",
    "Ironbridge",
    "Juniper",
    "Kestrelby",
    "Larkmoor",
    "Müllerin",
    "Northgate",
    "O'Fallowan",
    "Pinehurst",
    "Quillfeather",
    "Rosendahl",
    "Stonewell",
    "Thornbury",
    "Underhill",
    "Valdermoor",
    "Winterbourne",
];
pub const TOWNS: &[&str] = &[
    "Alderbrook",
    "Birchmere",
    "Cedar Knoll",
    "Dovecote",
    "Elmswick",
    "Foxhaven",
    "Greywater",
    "Hollowell",
    "Ivybridge",
    "Kingsfell",
    "Lindenau",
    "Millrace",
    "Newmarrow",
    "Otterford",
];
pub const STREETS: &[&str] = &[
    "Acorn Lane",
    "Beacon Road",
    "Copper Street",
    "Dogwood Alley",
    "Engine Row",
    "Foundry Way",
    "Granary Mews",
    "Harbor View",
    "Ivory Crescent",
];
pub const ORGANIZATION_NAMES: &[&str] =
    &["General Hospital", "Family Practice", "Medical Center", "Community Clinic", "Urgent Care"];
pub const LANGUAGES: &[Coded] =
    &[("en-US", "English (United States)"), ("es", "Spanish"), ("fr-FR", "French (France)")];
pub const RACES: &[Coded] = &[
    ("2106-3", "White"),
    ("2054-5", "Black or African American"),
    ("2028-9", "Asian"),
    ("1002-5", "American Indian or Alaska Native"),
];
pub const ETHNICITIES: &[Coded] = &[("2186-5", "Not Hispanic or Latino"), ("2135-2", "Hispanic or Latino")];
pub const MARRIAGES: &[Coded] =
    &[("M", "Married"), ("S", "Never Married"), ("D", "Divorced"), ("W", "Widowed")];
pub const PAYERS: &[&str] = &["Meridian Mutual", "Harborlight Health Plan", "Bluefern Insurance"];

pub const ENCOUNTERS: &[Coded] = &[
    ("185345009", "Encounter for symptom"),
    ("162673000", "General examination of patient (procedure)"),
    ("185347001", "Encounter for problem (procedure)"),
    ("390906007", "Follow-up encounter"),
];

pub const EMERGENCIES: &[Coded] = &[("50849002", "Emergency room admission (procedure)")];
pub const STAYS: &[Coded] = &[("32485007", "Hospital admission (procedure)")];

/// A disorder in SNOMED CT and ICD-10-CM, and whether it can resolve.
pub struct Disorder {
    pub code: Coded,
    pub icd10: &'static str,
    pub resolves: bool,
}

const fn disorder(
    code: &'static str,
    display: &'static str,
    icd10: &'static str,
    resolves: bool,
) -> Disorder {
    Disorder { code: (code, display), icd10, resolves }
}

pub const DISORDERS: &[Disorder] = &[
    disorder("195662009", "Acute viral pharyngitis (disorder)", "J02.9", true),
    disorder("10509002", "Acute bronchitis (disorder)", "J20.9", true),
    disorder("444814009", "Viral sinusitis (disorder)", "J01.90", true),
    disorder("65363002", "Otitis media", "H66.90", true),
    disorder("44465007", "Sprain of ankle", "S93.409A", true),
    disorder("73595000", "Stress (finding)", "Z73.3", true),
    disorder("59621000", "Essential hypertension (disorder)", "I10", false),
    disorder("44054006", "Diabetes mellitus type 2 (disorder)", "E11.9", false),
    disorder("55822004", "Hyperlipidemia (disorder)", "E78.5", false),
    disorder("15777000", "Prediabetes", "R73.03", false),
    disorder("271737000", "Anemia (disorder)", "D64.9", false),
    disorder("195967001", "Asthma (disorder)", "J45.909", false),
];
/// Why a payer denies a service: claim adjustment reason codes, in our own words.
pub const DENIALS: &[Coded] = &[
    ("16", "Information is missing or wrong"),
    ("50", "Not considered medically necessary"),
    ("97", "Included in another service"),
    ("197", "Approval was not asked for beforehand"),
];
pub const NOT_COVERED: Coded = ("27", "After coverage had ended");

pub const PROCEDURES: &[Coded] = &[
    ("430193006", "Medication reconciliation (procedure)"),
    ("710824005", "Assessment of health and social care needs (procedure)"),
    ("171207006", "Depression screening (procedure)"),
    ("395142003", "Allergy screening test"),
    ("23426006", "Measurement of respiratory function (procedure)"),
];
pub const VACCINES: &[Coded] = &[
    ("140", "Influenza, seasonal, injectable, preservative free"),
    ("113", "Td (adult), 5 Lf tetanus toxoid, preservative free, adsorbed"),
    ("33", "pneumococcal polysaccharide vaccine, 23 valent"),
    ("62", "HPV, quadrivalent"),
];
/// A drug in RxNorm, with an invented product number, and how it is taken.
pub struct Drug {
    pub code: Coded,
    pub ndc: &'static str,
    pub is_chronic: bool,
    pub units_a_day: i64,
}

const fn drug(code: &'static str, display: &'static str, ndc: &'static str, is_chronic: bool) -> Drug {
    Drug { code: (code, display), ndc, is_chronic, units_a_day: if is_chronic { 1 } else { 3 } }
}

pub const DRUGS: &[Drug] = &[
    drug("314076", "lisinopril 10 MG Oral Tablet", "99999000101", true),
    drug("860975", "24 HR Metformin hydrochloride 500 MG Extended Release Oral Tablet", "99999000102", true),
    drug("314231", "Simvastatin 10 MG Oral Tablet", "99999000103", true),
    drug("313782", "Acetaminophen 325 MG Oral Tablet", "99999000104", false),
    drug("310798", "Hydrochlorothiazide 25 MG Oral Tablet", "99999000105", true),
    drug("197361", "Amlodipine 5 MG Oral Tablet", "99999000106", true),
];
/// Allergies, each with its category in AllergyIntolerance.
pub const ALLERGENS: &[(&str, Coded)] = &[
    ("food", ("91935009", "Allergy to peanuts")),
    ("medication", ("91936005", "Allergy to penicillin")),
    ("environment", ("232347008", "Dander (animal) allergy")),
];

/// A measurement: its LOINC code, its unit, and its range in tenths of the
/// unit.
pub struct Measurement {
    pub code: Coded,
    pub unit: &'static str,
    pub low: i64,
    pub high: i64,
    pub laboratory: bool,
}

const fn measurement(
    code: Coded,
    unit: &'static str,
    (low, high): (i64, i64),
    laboratory: bool,
) -> Measurement {
    Measurement { code, unit, low, high, laboratory }
}

pub const MEASUREMENTS: &[Measurement] = &[
    measurement(("8302-2", "Body Height"), "cm", (1480, 1990), false),
    measurement(("29463-7", "Body Weight"), "kg", (450, 1300), false),
    measurement(("39156-5", "Body mass index (BMI) [Ratio]"), "kg/m2", (180, 390), false),
    measurement(("8867-4", "Heart rate"), "/min", (550, 1100), false),
    measurement(("9279-1", "Respiratory rate"), "/min", (120, 200), false),
    measurement(("8310-5", "Body temperature"), "Cel", (362, 392), false),
    measurement(("4548-4", "Hemoglobin A1c/Hemoglobin.total in Blood"), "%", (48, 92), true),
    measurement(("2339-0", "Glucose [Mass/volume] in Blood"), "mg/dL", (650, 1900), true),
    measurement(("2093-3", "Cholesterol [Mass/volume] in Serum or Plasma"), "mg/dL", (1400, 2800), true),
    measurement(("38483-4", "Creatinine [Mass/volume] in Blood"), "mg/dL", (6, 32), true),
];
