//! COPY into a table that is named at run time. diesel's COPY wants its table
//! at compile time, so one macro writes down the choice between all of them.

use diesel::ExecuteCopyFromDsl;
use diesel::pg::{CopyFormat, PgConnection};
use diesel::result::Error;
use thiserror::Error as ThisError;

use crate::tables;

/// Why rows could not be copied.
#[derive(Debug, ThisError)]
pub enum CopyError {
    #[error("there is no table {0} to copy into")]
    NoSuchTable(String),
    #[error(transparent)]
    Database(#[from] Error),
}

macro_rules! copy_by_name {
    ($connection:ident, $name:ident, $write:ident, [$($table:ident,)*]) => {
        match $name {
            $(stringify!($table) => diesel::copy_from(tables::$table::table)
                .from_raw_data(tables::$table::table, |out: &mut dyn std::io::Write| $write(out))
                .with_format(CopyFormat::Binary)
                .execute($connection)
                .map_err(CopyError::from),)*
            _ => Err(CopyError::NoSuchTable($name.to_owned())),
        }
    };
}

/// Copies rows in binary form into the table `name` and gives their number.
/// `write` writes the whole COPY stream, header and trailer included.
pub fn copy_in(
    connection: &mut PgConnection,
    name: &str,
    write: &dyn Fn(&mut dyn std::io::Write) -> Result<(), Error>,
) -> Result<usize, CopyError> {
    copy_by_name!(
        connection,
        name,
        write,
        [
            batch_key,
            batch_resource,
            batch_target,
            resource_body,
            resource_key,
            resource_version,
            unresolved_reference,
            patient,
            patient_identifier,
            patient_name,
            patient_address,
            patient_telecom,
            patient_contact,
            patient_communication,
            patient_link,
            patient_race,
            related_person,
            practitioner,
            practitioner_qualification,
            practitioner_role,
            organization,
            location,
            encounter,
            encounter_participant,
            encounter_diagnosis,
            encounter_location,
            encounter_status_history,
            encounter_class_history,
            appointment,
            appointment_participant,
            condition,
            condition_stage,
            condition_evidence,
            allergy_intolerance,
            allergy_intolerance_reaction,
            allergy_intolerance_reaction_manifestation,
            observation,
            observation_component,
            observation_reference_range,
            diagnostic_report,
            diagnostic_report_result,
            diagnostic_report_presented_form,
            specimen,
            specimen_processing,
            specimen_container,
            imaging_study,
            imaging_study_series,
            imaging_study_series_instance,
            document_reference,
            document_reference_content,
            document_reference_relates_to,
            procedure,
            procedure_performer,
            service_request,
            immunization,
            immunization_performer,
            immunization_reaction,
            immunization_protocol_applied,
            device,
            supply_delivery,
            care_plan,
            care_plan_activity,
            care_team,
            care_team_participant,
            goal,
            goal_target,
            medication,
            medication_ingredient,
            medication_request,
            medication_request_dosage,
            medication_dispense,
            medication_dispense_performer,
            medication_dispense_dosage,
            medication_administration,
            medication_administration_performer,
            medication_statement,
            medication_statement_dosage,
            communication,
            communication_payload,
            communication_request,
            communication_request_payload,
            questionnaire_response,
            questionnaire_response_item,
            consent,
            coverage,
            coverage_class,
            coverage_cost_to_beneficiary,
            claim,
            claim_related,
            claim_care_team,
            claim_supporting_info,
            claim_diagnosis,
            claim_procedure,
            claim_insurance,
            claim_item,
            claim_item_detail,
            claim_response,
            claim_response_item,
            claim_response_add_item,
            claim_response_adjudication,
            claim_response_total,
            claim_response_process_note,
            claim_response_insurance,
            claim_response_error,
            explanation_of_benefit,
            explanation_of_benefit_related,
            explanation_of_benefit_care_team,
            explanation_of_benefit_supporting_info,
            explanation_of_benefit_diagnosis,
            explanation_of_benefit_procedure,
            explanation_of_benefit_insurance,
            explanation_of_benefit_item,
            explanation_of_benefit_item_detail,
            explanation_of_benefit_add_item,
            explanation_of_benefit_adjudication,
            explanation_of_benefit_total,
            explanation_of_benefit_process_note,
            explanation_of_benefit_benefit_balance,
            explanation_of_benefit_benefit_balance_financial,
            provenance,
            provenance_target,
            provenance_agent,
            provenance_entity,
            other_resource,
            resource_identifier,
            resource_telecom,
            resource_concept,
            resource_reference,
            resource_note,
            resource_coding,
        ]
    )
}
