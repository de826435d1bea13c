//! `fhirmill feeds`: lists, runs, pauses, resets and tests feeds.

use anyhow::Result;
use diesel::PgConnection;
use fhirmill_postgres::ledger::{ExportJob, Feed, FeedEntry};
use serde::Serialize;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use super::export::{ByHand, finish};
use super::{Refusal, reading};
use crate::cli::{ExitCode, FeedsCommand, FeedsResetArguments, FeedsRunArguments};
use crate::config::{FeedKind, FeedSettings, Settings, nearest_name};
use crate::feeds::{self, FeedContext, export};
use crate::report::{Activity, in_one_line};

/// Runs the command.
pub fn run(settings: &Settings, command: &FeedsCommand, runtime: &Handle) -> Result<ExitCode> {
    match command {
        FeedsCommand::List(arguments) => list(settings, arguments.json),
        FeedsCommand::Run(arguments) => run_now(settings, arguments, runtime),
        FeedsCommand::Pause(arguments) => set_paused(settings, &arguments.name, runtime, true),
        FeedsCommand::Resume(arguments) => set_paused(settings, &arguments.name, runtime, false),
        FeedsCommand::Reset(arguments) => reset(settings, arguments, runtime),
        FeedsCommand::Test(arguments) => test(settings, &arguments.name, runtime),
    }
}

/// A feed of the settings, of the ledger, or of both.
#[derive(Serialize)]
struct Listed {
    /// Whether the settings file has it.
    is_declared: bool,
    #[serde(flatten)]
    entry: FeedEntry,
}

fn list(settings: &Settings, json: bool) -> Result<ExitCode> {
    let opened = reading::open_if_any(settings)?;
    let is_new = opened.is_none();
    let known = match opened {
        Some((_, mut connection)) => FeedEntry::list(&mut connection)?,
        None => Vec::new(),
    };
    let is_known = |feed: &&FeedSettings| !known.iter().any(|entry| entry.name == feed.name);
    let new = settings.feeds.iter().filter(is_known).map(|feed| {
        let schedule = feed.schedule.as_ref().map(ToString::to_string);
        FeedEntry::new(&feed.name, feed.kind.name(), &feed.source, schedule)
    });
    let mut all: Vec<FeedEntry> = new.chain(known.iter().cloned()).collect();
    all.sort_by(|one, other| one.name.cmp(&other.name));
    let is_declared = |entry: &FeedEntry| settings.feeds.iter().any(|feed| feed.name == entry.name);
    let listed: Vec<Listed> =
        all.into_iter().map(|entry| Listed { is_declared: is_declared(&entry), entry }).collect();
    if json {
        println!("{}", serde_json::to_string_pretty(&listed)?);
        return Ok(ExitCode::Success);
    }
    if listed.is_empty() {
        println!("there are no feeds: declare them in fhirmill.toml, as [[feed]]");
        if is_new {
            reading::print_nothing_yet(settings, json);
        }
    }
    for Listed { is_declared, entry } in &listed {
        let undeclared = if *is_declared { "" } else { ", which the settings no longer have" };
        let schedule = entry.schedule.as_deref().unwrap_or("by hand");
        println!("{}: {} for {}, {schedule}{undeclared}", entry.name, entry.kind, entry.source);
        for line in super::feed_lines::lines(entry) {
            println!("  {line}");
        }
    }
    Ok(ExitCode::Success)
}

/// The feed of that name in the settings.
fn declared<'s>(settings: &'s Settings, name: &str) -> Result<&'s FeedSettings> {
    let names = || settings.feeds.iter().map(|feed| feed.name.as_str());
    settings.feeds.iter().find(|feed| feed.name == name).ok_or_else(|| {
        let hint = match nearest_name(name, names()) {
            Some(nearest) => format!("did you mean {nearest}? `fhirmill feeds list` shows all feeds"),
            None => {
                "declare it in fhirmill.toml, as [[feed]]; `fhirmill feeds list` shows all feeds".to_owned()
            }
        };
        Refusal::new(format!("there is no feed {name}")).with_hint(hint).into()
    })
}

/// Takes the lock of a feed.
fn lock(connection: &mut PgConnection, name: &str) -> Result<()> {
    if Feed::lock(connection, name)? {
        return Ok(());
    }
    let hint = format!("`fhirmill feeds pause {name}` stops it");
    Err(Refusal::new(format!("feed {name} is running")).with_hint(hint).into())
}

fn run_now(settings: &Settings, arguments: &FeedsRunArguments, runtime: &Handle) -> Result<ExitCode> {
    let feed = declared(settings, &arguments.name)?;
    let by_hand = ByHand::open(settings, runtime)?;
    let mut connection = by_hand.database.connect()?;
    let entry = feeds::register(&mut connection, feed)?;
    if entry.paused_at.is_some() {
        let hint = format!("`fhirmill feeds resume {}` lets it run", feed.name);
        return Err(Refusal::new(format!("feed {} is paused", feed.name)).with_hint(hint).into());
    }
    lock(&mut connection, &feed.name)?;
    #[cfg(feature = "kafka")]
    if let FeedKind::Kafka(kafka) = &feed.kind {
        return super::kafka::drain(&by_hand, kafka, (entry, connection), arguments.json);
    }
    let exported = by_hand
        .watch(|loads, progress| feeds::run(&by_hand.context, feed, (entry, connection), loads, progress));
    finish(exported, arguments.json)
}

fn set_paused(settings: &Settings, name: &str, runtime: &Handle, is_paused: bool) -> Result<ExitCode> {
    let feed = declared(settings, name)?;
    let mut connection = ByHand::open(settings, runtime)?.database.connect()?;
    let entry = feeds::register(&mut connection, feed)?;
    Feed::pause(&mut connection, entry.id, is_paused)?;
    println!("feed {name} {}", if is_paused { "is paused" } else { "runs as scheduled" });
    Ok(ExitCode::Success)
}

fn reset(settings: &Settings, arguments: &FeedsResetArguments, runtime: &Handle) -> Result<ExitCode> {
    let name = arguments.name.as_str();
    let feed = declared(settings, name)?;
    if matches!(feed.kind, FeedKind::Export(_)) && (arguments.to.is_some() || arguments.topic.is_some()) {
        let hint = format!("`fhirmill feeds reset {name}` has its next run ask for everything");
        return Err(Refusal::new("only Kafka feeds have places".to_owned()).with_hint(hint).into());
    }
    let mut connection = ByHand::open(settings, runtime)?.database.connect()?;
    let entry = feeds::register(&mut connection, feed)?;
    lock(&mut connection, name)?;
    #[cfg(feature = "kafka")]
    if let FeedKind::Kafka(kafka) = &feed.kind {
        return super::kafka::reset(kafka, &entry, &mut connection, arguments);
    }
    if let Some(job) = ExportJob::open_of_feed(&mut connection, entry.id)? {
        ExportJob::end(&mut connection, job.id, "abandoned", "the feed was reset")?;
        println!("export {} is abandoned", job.id);
    }
    Feed::reset(&mut connection, entry.id)?;
    println!("the next run of feed {name} asks for everything");
    Ok(ExitCode::Success)
}

fn test(settings: &Settings, name: &str, runtime: &Handle) -> Result<ExitCode> {
    let feed = declared(settings, name)?;
    let cancel = CancellationToken::new();
    super::cancel_on_signal(runtime, &cancel)?;
    let (settings, runtime, activity) = (settings.clone(), runtime.clone(), Activity::default());
    let context = FeedContext { settings, runtime, cancel, activity };
    let tell = &mut |finding: &str| println!("{finding}");
    let tested = match &feed.kind {
        FeedKind::Export(export) => export::test(&context.http()?, export, tell),
        #[cfg(feature = "kafka")]
        FeedKind::Kafka(kafka) => super::kafka::test(&context.settings, (name, kafka), tell),
        #[cfg(not(feature = "kafka"))]
        FeedKind::Kafka(_) => Ok(()),
    };
    match tested {
        Ok(()) => Ok(ExitCode::Success),
        Err(failure) => {
            println!("failed: {}", in_one_line(&failure));
            Ok(ExitCode::CheckFailed)
        }
    }
}
