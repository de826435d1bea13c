//! What `fhirmill feeds` does with Kafka feeds.

use anyhow::Result;
use chrono::DateTime;
use diesel::PgConnection;
use fhirmill_postgres::ledger::Feed;

use super::export::ByHand;
use super::{Refusal, reading};
use crate::cli::{ExitCode, FeedsResetArguments};
use crate::config::{KafkaSettings, Settings, values};
use crate::feeds::http::Failure;
use crate::feeds::kafka::{self, KafkaRun, Loaded, ResetTo, ResetWanted, Until};
use crate::report::{RunProgress, in_one_line};

/// Reads a feed up to the end that it has now, and prints what was loaded.
pub fn drain(
    by_hand: &ByHand,
    kafka: &KafkaSettings,
    (feed, connection): (Feed, PgConnection),
    json: bool,
) -> Result<ExitCode> {
    // What a process that died has left is completed first.
    by_hand.load(&RunProgress::default())?;
    let run = KafkaRun { context: &by_hand.context, database: &by_hand.database, kafka, feed };
    match kafka::run(&run, connection, Until::CurrentEnd) {
        Err(Failure::Cancelled) => {
            eprintln!("stopped: the same command goes on behind what is loaded");
            Ok(ExitCode::Interrupted)
        }
        Err(Failure::Paused) => Err(Refusal::new("the feed was paused".to_owned()).into()),
        loaded => print(&loaded?, json),
    }
}

fn print(loaded: &Loaded, json: bool) -> Result<ExitCode> {
    if json {
        println!("{}", serde_json::to_string_pretty(loaded)?);
    } else {
        let Loaded { messages, rejected, partitions } = loaded;
        println!(
            "{messages} messages of {partitions} partitions are loaded; {rejected} of their records were rejected"
        );
    }
    Ok(if loaded.rejected > 0 { ExitCode::Rejected } else { ExitCode::Success })
}

/// Sets where a feed continues, over a session that holds its lock.
pub fn reset(
    kafka: &KafkaSettings,
    feed: &Feed,
    connection: &mut PgConnection,
    arguments: &FeedsResetArguments,
) -> Result<ExitCode> {
    let to = place(arguments.to.as_deref().unwrap_or("beginning"))?;
    let wanted = ResetWanted { to, topic: arguments.topic.clone(), partition: arguments.partition };
    for place in kafka::reset(kafka, feed, connection, &wanted)? {
        println!(
            "feed {} continues topic {}, partition {} at offset {}",
            feed.name, place.topic, place.partition, place.next_offset
        );
    }
    Ok(ExitCode::Success)
}

fn place(text: &str) -> Result<ResetTo> {
    let refusal = || Refusal::new(format!("{text:?} is neither beginning, end, an offset nor a time"));
    Ok(match text {
        "beginning" | "earliest" => ResetTo::Beginning,
        "end" | "latest" => ResetTo::End,
        _ => match text.parse() {
            Ok(offset) => ResetTo::Offset(offset),
            Err(_) => {
                let time = values::instant(text).map_err(|_| refusal())?;
                ResetTo::Time(DateTime::parse_from_rfc3339(&time).map_err(|_| refusal())?.to_utc())
            }
        },
    })
}

/// Tries the settings of a feed.
pub fn test(
    settings: &Settings,
    (name, kafka): (&str, &KafkaSettings),
    tell: &mut dyn FnMut(&str),
) -> Result<(), Failure> {
    let unavailable = |failure: &dyn std::fmt::Display| Failure::Settings(format!("the ledger: {failure:#}"));
    let opened = reading::open_if_any(settings).map_err(|failure| unavailable(&failure))?;
    let Some((_, mut connection)) = opened else { return kafka::test(kafka, None, tell) };
    let known = Feed::id_of(&mut connection, name)?;
    let ledger = known.map(|id| (&mut connection, id));
    kafka::test(kafka, ledger, tell).inspect_err(|failure| tracing::debug!("{}", in_one_line(failure)))
}
