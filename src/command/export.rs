//! `fhirmill export`: one bulk export, without a feed. What the running of exports by hand
//! has in common with `fhirmill feeds run` is here, too.

use std::sync::Arc;

use anyhow::Result;
use fhirmill_postgres::database::migrations::{self, MIGRATIONS};
use fhirmill_postgres::database::{Database, Wait};
use fhirmill_postgres::ledger::{CountDifference, Feed};
use serde::Serialize;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use super::Refusal;
use crate::cli::{ExitCode, ExportArguments};
use crate::config::{
    ExportAuthorization, ExportLevel, ExportMethod, ExportSettings, Secret, Settings, SmartSettings,
    resource_type, values,
};
use crate::feeds::FeedContext;
use crate::feeds::export::{ExportOf, ExportRequest, ExportRun, Exported, Loads};
use crate::feeds::http::Failure;
use crate::inbox::source_folder;
use crate::pipeline::{self, Job, Recovery};
use crate::report::{Activity, ProgressMeter, RunProgress, Summary, in_one_line};

/// Asks for the export, or goes on with it, and loads it.
pub fn run(settings: &Settings, arguments: &ExportArguments, runtime: &Handle) -> Result<ExitCode> {
    let export = export_settings(arguments)?;
    if source_folder(&settings.inbox_dir, &arguments.source).is_err() {
        return Err(Refusal::new(format!("{:?} cannot be the name of a source", arguments.source)).into());
    }
    let by_hand = ByHand::open(settings, runtime)?;
    let mut connection = by_hand.database.connect()?;
    let hash = ExportRequest::new(&export)?.hash();
    if !Feed::lock(&mut connection, &format!("export {} {hash}", arguments.source))? {
        return Err(Refusal::new("another process is at the same export".to_owned()).into());
    }
    let exported = by_hand.watch(|loads, progress| {
        let of = ExportOf {
            settings: &by_hand.context.settings,
            export: &export,
            source: &arguments.source,
            feed: None,
        };
        ExportRun::new(of, by_hand.context.http()?, connection, loads, progress)?.run()
    });
    finish(exported, arguments.json)
}

/// What is needed to run something by hand.
pub(super) struct ByHand {
    pub context: FeedContext,
    pub database: Database,
}

impl ByHand {
    /// Opens the database, and begins to listen for signals.
    pub fn open(settings: &Settings, runtime: &Handle) -> Result<Self> {
        settings.require_inbox()?;
        std::fs::create_dir_all(&settings.inbox_dir)?;
        let database = Database::open(&settings.database(), Wait::No)?;
        migrations::up(&database, MIGRATIONS)?;
        let cancel = CancellationToken::new();
        super::cancel_on_signal(runtime, &cancel)?;
        let (settings, runtime, activity) = (settings.clone(), runtime.clone(), Activity::default());
        let context = FeedContext { settings, runtime, cancel, activity };
        Ok(ByHand { context, database })
    }

    /// Runs an export with a progress meter; its files are loaded by this process.
    pub fn watch(
        &self,
        run: impl FnOnce(Loads<'_>, &RunProgress) -> Result<Exported, Failure>,
    ) -> Result<Exported, Failure> {
        let progress = Arc::default();
        let _meter = ProgressMeter::watch(&progress);
        let load = || self.load(&progress).map(|_| ()).map_err(|failure| in_one_line(&failure));
        run(Loads::Here(&load), &progress)
    }

    /// Loads the inbox.
    pub fn load(&self, progress: &RunProgress) -> Result<Summary, pipeline::PipelineError> {
        let settings = Settings { settle: std::time::Duration::ZERO, ..self.context.settings.clone() };
        let job =
            Job { settings: &settings, database: &self.database, cancel: &self.context.cancel, progress };
        pipeline::load_inbox(&job, "export", Recovery::Always)
    }
}

/// What an export brought, for people and programs.
#[derive(Serialize)]
struct Report {
    export_id: i64,
    since: Option<String>,
    transaction_time: Option<String>,
    files: usize,
    bytes: i64,
    records: i64,
    outcomes: i64,
    count_differences: Vec<CountDifference>,
}

/// Prints what the export brought.
pub(super) fn finish(exported: Result<Exported, Failure>, json: bool) -> Result<ExitCode> {
    let Exported { job, files, differences } = match exported {
        Err(Failure::Cancelled) => {
            eprintln!("stopped: the same command goes on with the export");
            return Ok(ExitCode::Interrupted);
        }
        exported => exported?,
    };
    let sum = |kind: &str| -> i64 {
        files
            .iter()
            .filter(|file| (file.kind == "outcome") == (kind == "outcome"))
            .filter_map(|file| file.seen_count)
            .sum()
    };
    let report = Report {
        export_id: job.id,
        since: job.since,
        transaction_time: job.transaction_time,
        files: files.len(),
        bytes: files.iter().map(|file| file.size_bytes).sum(),
        records: sum("output"),
        outcomes: sum("outcome"),
        count_differences: differences,
    };
    if json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        print(&report);
    }
    Ok(ExitCode::Success)
}

fn print(report: &Report) {
    let time = report.transaction_time.as_deref().unwrap_or("an unknown time");
    println!(
        "export {}: {} files, {} records, {:.1} MB, as of {time}",
        report.export_id,
        report.files,
        report.records,
        report.bytes as f64 / 1e6
    );
    for CountDifference { number, resource_type, announced, seen } in &report.count_differences {
        let name = resource_type.as_deref().unwrap_or("resources");
        println!("file {number} ({name}): the server announced {announced}, and there are {seen}");
    }
    if report.outcomes > 0 {
        println!("the server reports {} problems: see the folder of the rejects", report.outcomes);
    }
}

/// The settings that the arguments stand for.
fn export_settings(arguments: &ExportArguments) -> Result<ExportSettings, Refusal> {
    let refused = |name: &str, expectation: String| Refusal::new(format!("{name} must be {expectation}"));
    let url = values::web_url(&arguments.url).map_err(|expectation| refused("the URL", expectation))?;
    for name in arguments.types.iter().chain(&arguments.organize_output_by) {
        resource_type(name).map_err(Refusal::new)?;
    }
    let since = arguments.since.as_deref().map(values::instant).transpose();
    let duration =
        |name: &str, text: &str| values::pause(text).map_err(|expectation| refused(name, expectation));
    Ok(ExportSettings {
        level: match (&arguments.group, arguments.level.as_deref()) {
            (Some(id), _) => ExportLevel::Group(id.clone()),
            (None, Some("patient")) => ExportLevel::Patient,
            (None, _) => ExportLevel::System,
        },
        types: arguments.types.clone(),
        type_filters: arguments.type_filter.clone(),
        elements: arguments.elements.clone(),
        patients: arguments.patient.clone(),
        include_associated_data: arguments.include_associated_data.clone(),
        organize_output_by: arguments.organize_output_by.clone(),
        since: since.map_err(|expectation| refused("--since", expectation))?,
        method: match arguments.method.as_str() {
            "get" => ExportMethod::Get,
            "post" => ExportMethod::Post,
            _ => ExportMethod::Auto,
        },
        authorization: authorization(arguments),
        downloads: arguments.downloads.into(),
        retry_wait: duration("--retry-wait", &arguments.retry_wait)?,
        retries: arguments.retries,
        give_up_after: duration("--give-up-after", &arguments.give_up_after)?,
        delete_export: !arguments.keep,
        ..ExportSettings::of(url)
    })
}

fn authorization(arguments: &ExportArguments) -> ExportAuthorization {
    match (&arguments.token_file, &arguments.client_id, &arguments.private_key_file) {
        (Some(file), ..) => ExportAuthorization::Token(Secret::File(file.clone())),
        (None, Some(client_id), Some(key)) => ExportAuthorization::Smart(SmartSettings {
            client_id: client_id.clone(),
            private_key: Secret::File(key.clone()),
            key_id: arguments.key_id.clone(),
            token_url: arguments.token_url.clone(),
            scope: arguments.scope.clone(),
        }),
        _ => ExportAuthorization::None,
    }
}
