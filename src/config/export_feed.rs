//! `kind = "export"` in the settings file.

use super::feed::COMMON;
use super::feed_settings::{ExportAuthorization, ExportLevel, ExportMethod, ExportSettings, SmartSettings};
use super::fields::Fields;
use super::resource_type::resource_type;
use super::values::{self, Expectation};

/// What an export has besides what every feed has.
const EXPORT: [&str; 25] = [
    "url",
    "level",
    "group",
    "types",
    "type_filters",
    "elements",
    "patients",
    "include_associated_data",
    "organize_output_by",
    "since",
    "incremental",
    "method",
    "token_file",
    "token_environment",
    "client_id",
    "private_key_file",
    "private_key_environment",
    "key_id",
    "token_url",
    "scope",
    "downloads",
    "retry_wait",
    "retries",
    "give_up_after",
    "delete_export",
];

impl Fields<'_, '_, '_> {
    /// The settings of an export.
    pub(super) fn export(&mut self) -> Option<ExportSettings> {
        self.refuse_others(&[&COMMON[..], &EXPORT].concat(), "of an export");
        let url = self.required("url", values::web_url);
        let defaults = ExportSettings::of(url.clone().unwrap_or_default());
        let export = ExportSettings {
            level: self.level(),
            types: self.texts("types", |name| resource_type(name).map(|_| ()))?,
            type_filters: self.texts("type_filters", |filter| match filter.split_once('?') {
                Some((name, query)) if !query.is_empty() => resource_type(name).map(|_| ()),
                _ => Err("must be like \"Observation?category=laboratory\"".to_owned()),
            })?,
            elements: self.texts("elements", anything)?,
            patients: self.texts("patients", anything)?,
            include_associated_data: self.texts("include_associated_data", anything)?,
            organize_output_by: self.parsed("organize_output_by", |name| {
                resource_type(name).map(|found| found.name().to_owned())
            }),
            since: self.parsed("since", values::instant),
            incremental: self.truth("incremental").unwrap_or(defaults.incremental),
            method: self.parsed("method", method).unwrap_or(defaults.method),
            authorization: self.authorization(),
            downloads: self.number("downloads", 1, 64).map_or(defaults.downloads, |number| number as usize),
            retry_wait: self.parsed("retry_wait", values::pause).unwrap_or(defaults.retry_wait),
            retries: self.number("retries", 0, 1000).map_or(defaults.retries, |number| number as u32),
            give_up_after: self.parsed("give_up_after", values::duration).unwrap_or(defaults.give_up_after),
            delete_export: self.truth("delete_export").unwrap_or(defaults.delete_export),
            ..defaults
        };
        url.map(|_| export)
    }

    fn level(&mut self) -> ExportLevel {
        let group = self.text("group");
        match (self.text("level").as_deref(), group) {
            (None | Some("group"), Some(group)) => ExportLevel::Group(group),
            (None | Some("system"), None) => ExportLevel::System,
            (Some("patient"), None) => ExportLevel::Patient,
            (Some("group"), None) => {
                self.complain("level", "is \"group\", but the id of the group is missing: group = \"…\"");
                ExportLevel::System
            }
            (Some("system" | "patient"), Some(_)) => {
                self.complain("group", "can only be set where level is \"group\"");
                ExportLevel::System
            }
            (Some(level), _) => {
                self.complain("level", &format!("is {level:?}, but must be system, patient or group"));
                ExportLevel::System
            }
        }
    }

    pub(super) fn authorization(&mut self) -> ExportAuthorization {
        let token = self.secret("token");
        let private_key = self.secret("private_key");
        let client_id = self.text("client_id");
        let (key_id, scope) = (self.text("key_id"), self.text("scope"));
        let token_url = self.parsed("token_url", values::web_url);
        match (token, client_id, private_key) {
            (None, None, None) => {
                for key in ["key_id", "token_url", "scope"] {
                    if self.has(key) {
                        self.complain(key, "needs client_id and private_key_file");
                    }
                }
                ExportAuthorization::None
            }
            (Some(token), None, None) => ExportAuthorization::Token(token),
            (None, Some(client_id), Some(private_key)) => {
                ExportAuthorization::Smart(SmartSettings { client_id, private_key, key_id, token_url, scope })
            }
            (Some(_), ..) => {
                self.complain("", "has both a token and a client_id or private key: it needs one of them");
                ExportAuthorization::None
            }
            (None, Some(_), None) => {
                self.complain("client_id", "needs private_key_file or private_key_environment");
                ExportAuthorization::None
            }
            (None, None, Some(_)) => {
                self.complain("", "has a private key, but no client_id");
                ExportAuthorization::None
            }
        }
    }
}

fn anything(_: &str) -> Result<(), String> {
    Ok(())
}

fn method(text: &str) -> Result<ExportMethod, Expectation> {
    match text {
        "auto" => Ok(ExportMethod::Auto),
        "get" => Ok(ExportMethod::Get),
        "post" => Ok(ExportMethod::Post),
        _ => Err("auto, get or post".to_owned()),
    }
}
