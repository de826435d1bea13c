//! Updates *by identifier*: what is known of them before they are loaded.

use super::{Answer, Applied, Change, Conditional, Refusal, Update};

/// The answer to an update by identifiers that these resources have, if it is known without
/// loading it.
pub fn meaning(update: &Update, owners: &[Vec<String>]) -> Option<Answer> {
    let is_one_of_several = update.records.len() > 1;
    update.conditionals.iter().zip(owners).find_map(|(of, ids)| of_entry(of, ids, is_one_of_several))
}

/// The same for one of its entries.
fn of_entry(conditional: &Conditional, ids: &[String], is_one_of_several: bool) -> Option<Answer> {
    let entry = conditional.entry;
    let refused = |refusal| Some(Err((entry, refusal)));
    match (ids, &conditional.own_id) {
        ([_, _, ..], _) => {
            refused(Refusal::PreconditionFailed(format!("{} resources have the identifier", ids.len())))
        }
        ([id], Some(own)) if id != own && !conditional.is_delete => {
            let sentence = "the id of the resource is not that of the resource with the identifier";
            refused(Refusal::Invalid(sentence.to_owned()))
        }
        ([], _) if conditional.is_delete && is_one_of_several => {
            refused(Refusal::PreconditionFailed("no resource has the identifier".to_owned()))
        }
        ([], _) if conditional.is_delete => Some(Ok(vec![Applied {
            entry,
            resource_type: conditional.wanted.0,
            fhir_id: String::new(),
            change: Ok(Change::Deleted),
            revision: None,
            last_modified: chrono::Utc::now(),
        }])),
        _ => None,
    }
}
