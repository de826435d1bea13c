//! Which *code systems* are standards: published terminologies, which many senders
//! share and analysts join by, in contrast to a sender's own lists of codes.
//! Source: <https://hl7.org/fhir/R4/terminologies-systems.html>.

/// How the URIs of standard code systems begin, without `http://`, `https://` and
/// `www.`: editions, versions and subsets continue them.
const STANDARD: [&str; 27] = [
    "snomed.info/sct",
    "loinc.org",
    "nlm.nih.gov/research/umls/",
    "unitsofmeasure.org",
    "ama-assn.org/go/cpt",
    "cms.gov/medicare/coding",
    "cms.gov/medicare/medicare-fee-for-service-payment/",
    // ICD-9-CM, ICD-10, ICD-10-CM, CVX, MVX, NDC, and HL7's own code systems.
    "hl7.org/fhir/",
    "terminology.hl7.org/",
    "id.who.int/icd",
    "whocc.no/atc",
    "fdasis.nlm.nih.gov",
    "ncicb.nci.nih.gov/xml/owl/evs/thesaurus.owl",
    "ncimeta.nci.nih.gov",
    "nucc.org/provider-taxonomy",
    "nubc.org/",
    "ada.org/cdt",
    "ada.org/snodent",
    "dicom.nema.org/resources/ontology/dcm",
    "genenames.org",
    "varnomen.hgvs.org",
    "orpha.net",
    "urn:iso:std:iso:",
    "urn:ietf:",
    // The arcs of HL7 for the code systems of others, of version 3 and of version 2.
    "urn:oid:2.16.840.1.113883.6.",
    "urn:oid:2.16.840.1.113883.5.",
    "urn:oid:2.16.840.1.113883.12.",
];

/// Code systems of HL7 whose codes say that the real one is missing.
const ABSENCE: [&str; 4] =
    ["data-absent-reason", "v3-NullFlavor", "v3/NullFlavor", "urn:oid:2.16.840.1.113883.5.1008"];

/// Whether `system` is the URI of a standard code system, such as SNOMED CT, LOINC,
/// RxNorm, ICD, CPT, HCPCS, CVX, NDC, or HL7's own: in any case of letters, by
/// `http` or `https`, or as an OID. Those for missing values do not count.
///
/// ```
/// # use fhirmill_core::fhir::is_standard_code_system;
/// assert!(is_standard_code_system("http://hl7.org/fhir/sid/icd-10-cm"));
/// assert!(!is_standard_code_system("urn:oid:1.2.840.114350.1.13.0.1.7.2.696580"));
/// ```
pub fn is_standard_code_system(system: &str) -> bool {
    let system = system.trim();
    let name = without_prefix(system, "http://").or_else(|| without_prefix(system, "https://"));
    let name = name.unwrap_or(system);
    let name = without_prefix(name, "www.").unwrap_or(name);
    STANDARD.iter().any(|standard| without_prefix(name, standard).is_some())
        && !ABSENCE.iter().any(|absence| name.ends_with(absence))
}

/// What follows `prefix`, which is ASCII, in any case of letters.
fn without_prefix<'t>(text: &'t str, prefix: &str) -> Option<&'t str> {
    let (head, rest) = text.split_at_checked(prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::is_standard_code_system;

    #[test]
    fn published_terminologies_are_standard() {
        for system in [
            "http://snomed.info/sct",
            "http://snomed.info/sct/731000124108",
            "https://loinc.org",
            "http://LOINC.org/",
            "http://www.nlm.nih.gov/research/umls/rxnorm",
            "http://hl7.org/fhir/sid/icd-10-cm",
            "http://hl7.org/fhir/sid/icd-9-cm",
            "http://hl7.org/fhir/sid/cvx",
            "http://hl7.org/fhir/sid/ndc",
            "http://www.cms.gov/Medicare/Coding/ICD10",
            "https://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets",
            "http://www.ama-assn.org/go/cpt",
            "http://unitsofmeasure.org",
            "http://terminology.hl7.org/CodeSystem/v2-0203",
            "urn:oid:2.16.840.1.113883.6.96",
            "urn:iso:std:iso:3166",
            " http://loinc.org ",
        ] {
            assert!(is_standard_code_system(system), "{system}");
        }
    }

    #[test]
    fn lists_of_senders_and_marks_of_missing_values_are_not() {
        for system in [
            "",
            "http://",
            "é",
            "https://fhir.example.org/codes/loinc.org",
            "http://hospital.example/snomed.info/sct",
            "urn:oid:1.2.840.114350.1.13.0.1.7.2.696580",
            "https://bluebutton.cms.gov/resources/variables/line_nch_pmt_amt",
            "http://terminology.hl7.org/CodeSystem/data-absent-reason",
            "http://terminology.hl7.org/CodeSystem/v3-NullFlavor",
            "http://hl7.org/fhir/v3/NullFlavor",
            "urn:oid:2.16.840.1.113883.5.1008",
        ] {
            assert!(!is_standard_code_system(system), "{system}");
        }
    }
}
