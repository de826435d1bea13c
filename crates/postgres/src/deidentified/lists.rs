//! Lists that values are checked against.

/// The URIs of published code systems that senders use most. They are looked up first.
pub(super) const CODE_SYSTEMS: &[&str] = &[
    "http://snomed.info/sct",
    "http://loinc.org",
    "http://terminology.hl7.org/CodeSystem/observation-category",
    "http://terminology.hl7.org/CodeSystem/condition-category",
    "http://terminology.hl7.org/CodeSystem/v3-ActCode",
    "http://terminology.hl7.org/CodeSystem/v3-ParticipationType",
    "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation",
    "http://terminology.hl7.org/CodeSystem/adjudication",
    "http://terminology.hl7.org/CodeSystem/claim-type",
    "http://terminology.hl7.org/CodeSystem/claimcareteamrole",
    "http://terminology.hl7.org/CodeSystem/claiminformationcategory",
    "http://terminology.hl7.org/CodeSystem/ex-diagnosistype",
    "http://terminology.hl7.org/CodeSystem/provenance-participant-type",
    "http://www.nlm.nih.gov/research/umls/rxnorm",
    "http://unitsofmeasure.org",
    "http://hl7.org/fhir/sid/icd-10-cm",
    "http://hl7.org/fhir/sid/icd-10",
    "http://hl7.org/fhir/sid/icd-9-cm",
    "http://hl7.org/fhir/sid/cvx",
    "http://hl7.org/fhir/sid/mvx",
    "http://hl7.org/fhir/sid/ndc",
    "http://hl7.org/fhir/sid/icd-10-pcs",
    "http://www.cms.gov/Medicare/Coding/ICD10",
    "http://www.cms.gov/Medicare/Coding/ICD9",
    "http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets",
    "https://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets",
    "http://www.ama-assn.org/go/cpt",
    "http://www.ada.org/cdt",
    "http://www.nubc.org/patient-discharge",
    "https://www.nubc.org/CodeSystem/RevenueCodes",
    "https://www.nubc.org/CodeSystem/TypeOfBill",
    "http://nucc.org/provider-taxonomy",
    "http://fdasis.nlm.nih.gov",
    "http://ncimeta.nci.nih.gov",
    "http://www.whocc.no/atc",
    "http://dicom.nema.org/resources/ontology/DCM",
    "urn:ietf:bcp:47",
    "urn:ietf:bcp:13",
    "urn:iso:std:iso:3166",
    "urn:iso:std:iso:3166:-2",
    "urn:iso:std:iso:4217",
    "urn:oid:2.16.840.1.113883.6.238",
    "https://x12.org/codes/claim-adjustment-reason-codes",
    "https://x12.org/codes/remittance-advice-remark-codes",
];

/// How the URIs of further ones begin: those of HL7, editions and versions of SNOMED CT, the
/// variables of CMS, and the identifiers by which HL7 knows the systems of others.
pub(super) const CODE_SYSTEM_PREFIXES: &[&str] = &[
    "http://terminology.hl7.org/",
    "https://terminology.hl7.org/",
    "http://hl7.org/fhir/",
    "https://hl7.org/fhir/",
    "http://www.hl7.org/fhir/",
    "http://snomed.info/sct/",
    "https://bluebutton.cms.gov/resources/",
    "http://bluebutton.cms.gov/resources/",
    "https://www.cms.gov/",
    "http://www.cms.gov/",
    "https://www.nlm.nih.gov/research/umls/",
    "http://www.nlm.nih.gov/research/umls/",
    "https://www.nubc.org/",
    "http://www.nubc.org/",
    "https://www.nucc.org/",
    "http://www.nucc.org/",
    "http://www.ada.org/",
    "https://x12.org/codes/",
    "urn:oid:2.16.840.1.113883.5.",
    "urn:oid:2.16.840.1.113883.6.",
    "urn:oid:2.16.840.1.113883.12.",
];

/// Units that are common: codes of UCUM, and how senders write them.
pub(super) const UNITS: &[&str] = &[
    "%", "%/100", "/100{WBC}", "/[HPF]", "/[LPF]", "/h", "/min", "/mL", "/uL", "/wk", "1", "10*12/L", "10*3/mL",
    "10*3/uL", "10*6/L", "10*6/uL", "10*9/L", "10^9/L", "[APL'U]", "[GPL'U]", "[IU]", "[IU]/L", "[IU]/mL", "[MPL'U]",
    "[cup_us]", "[degF]", "[drp]", "[ft_i]", "[gal_us]", "[in_i]", "[lb_av]", "[oz_av]", "[pH]", "[ppm]", "[pt_us]",
    "[tbs_us]", "[tsp_us]", "[mi_i]", "[yd_i]", "AMP", "CAP", "Cel", "EA", "FIL", "GM", "IU", "IU/L", "IU/mL",
    "K/uL", "L", "L/min", "L/s", "M/uL", "MG", "ML", "PATCH", "PUFF", "SUPP", "TAB", "TABLET", "U", "U/L", "U/mL",
    "a", "applicator", "bpm", "capsule", "capsules", "cc", "cm", "cm2", "cm[H2O]", "cmH2O", "copies/mL", "count",
    "d", "dB", "day", "days", "deg", "degF", "dL", "dose", "each", "eq", "f", "fL", "fl", "g", "g/L", "g/dL", "g/mL",
    "gm/dL", "h", "hour", "hours", "in", "kU/L", "kat", "kcal", "kcal/d", "kg", "kg/m2", "kPa", "km", "lb", "lbs",
    "m", "m/s", "m2", "mEq/L", "mIU/L", "mIU/mL", "mL", "mL/d", "mL/h", "mL/kg", "mL/kg/h", "mL/min",
    "mL/min/1.73_m2", "mL/min/{1.73_m2}", "mU/L", "meq/L", "mg", "mg/L", "mg/d", "mg/dL", "mg/g", "mg/h", "mg/kg",
    "mg/mL", "mg/mg", "mg/min", "mg/mmol", "mg/{TotalVolume}", "min", "minute", "minutes", "ml", "mm", "mm/h",
    "mm[Hg]", "mmHg", "mmol", "mmol/L", "mmol/mol", "mo", "month", "months", "mosm/kg", "ms", "ng", "ng/L", "ng/dL",
    "ng/mL", "ng/mL/h", "nkat/L", "nmol/L", "oz", "pH", "pack", "patch", "pg", "pg/mL", "pmol/L", "puff", "ratio",
    "s", "score", "sec", "second", "seconds", "spray", "supp", "tab", "tablet", "tablets", "tbsp", "tsp", "t", "u",
    "ueq/L", "ug", "ug/L", "ug/dL", "ug/g", "ug/h", "ug/kg", "ug/kg/min", "ug/mL", "ug/min", "uL", "uU/mL", "um",
    "umol/L", "unit", "units", "unit/mL", "vial", "wk", "week", "weeks", "y", "year", "years", "yr", "yrs",
    "{#}", "{INR}", "{Ph}", "{RBC}/uL", "{WBC}/uL", "{beats}/min", "{breaths}/min", "{copies}/mL", "{count}",
    "{dose}", "{index}", "{nominal}", "{ratio}", "{score}", "{titer}",
];

/// Numbers in these units, and `mo`, can be ages.
pub(super) const YEARS: &[&str] = &["a", "a_g", "a_j", "a_t", "y", "yr", "yrs", "year", "years"];

/// Codes of LOINC and SNOMED CT that ask for an age.
pub(super) const AGES: &[&str] =
    &["30525-0", "21612-7", "29553-5", "35659-2", "63900-5", "39016-1", "424144002", "397669002", "445518008"];

/// The first three digits of ZIP codes of areas in which 20,000 people or fewer live, by
/// the census of 2000, as the Office for Civil Rights lists them.
pub(super) const SMALL_ZIP_CODES: &[&str] = &[
    "036", "059", "063", "102", "203", "556", "692", "790", "821", "823", "830", "831", "878", "879", "884", "890",
    "893",
];

/// States, districts and territories of the United States, in capitals.
pub(super) const STATES: &[&str] = &[
    "AL", "AK", "AZ", "AR", "CA", "CO", "CT", "DE", "FL", "GA", "HI", "ID", "IL", "IN", "IA", "KS", "KY", "LA", "ME",
    "MD", "MA", "MI", "MN", "MS", "MO", "MT", "NE", "NV", "NH", "NJ", "NM", "NY", "NC", "ND", "OH", "OK", "OR", "PA",
    "RI", "SC", "SD", "TN", "TX", "UT", "VT", "VA", "WA", "WV", "WI", "WY", "DC", "AS", "GU", "MP", "PR", "VI",
    "ALABAMA", "ALASKA", "ARIZONA", "ARKANSAS", "CALIFORNIA", "COLORADO", "CONNECTICUT", "DELAWARE", "FLORIDA",
    "GEORGIA", "HAWAII", "IDAHO", "ILLINOIS", "INDIANA", "IOWA", "KANSAS", "KENTUCKY", "LOUISIANA", "MAINE",
    "MARYLAND", "MASSACHUSETTS", "MICHIGAN", "MINNESOTA", "MISSISSIPPI", "MISSOURI", "MONTANA", "NEBRASKA", "NEVADA",
    "NEW HAMPSHIRE", "NEW JERSEY", "NEW MEXICO", "NEW YORK", "NORTH CAROLINA", "NORTH DAKOTA", "OHIO", "OKLAHOMA",
    "OREGON", "PENNSYLVANIA", "RHODE ISLAND", "SOUTH CAROLINA", "SOUTH DAKOTA", "TENNESSEE", "TEXAS", "UTAH",
    "VERMONT", "VIRGINIA", "WASHINGTON", "WEST VIRGINIA", "WISCONSIN", "WYOMING", "DISTRICT OF COLUMBIA",
    "AMERICAN SAMOA", "GUAM", "NORTHERN MARIANA ISLANDS", "PUERTO RICO", "VIRGIN ISLANDS",
];

/// How the United States are written in addresses, in capitals.
pub(super) const UNITED_STATES: &[&str] =
    &["US", "USA", "U.S.", "U.S.A.", "UNITED STATES", "UNITED STATES OF AMERICA"];
