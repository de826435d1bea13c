//! FHIR's names as SQL's.

/// FHIR's camelCase as SQL's snake_case; a run of capitals stays together.
///
/// ```
/// # use fhirmill_core::fhir::snake_case;
/// assert_eq!(snake_case("ExplanationOfBenefit"), "explanation_of_benefit");
/// assert_eq!(snake_case("birthDate"), "birth_date");
/// assert_eq!(snake_case("carrierHRF"), "carrier_hrf");
/// ```
pub fn snake_case(name: &str) -> String {
    let mut snake = String::with_capacity(name.len() + 4);
    let mut previous = 'A';
    for character in name.chars() {
        if character.is_ascii_uppercase() && !previous.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(character.to_ascii_lowercase());
        previous = character;
    }
    snake
}
