//! `fhirmill senders`: the systems that may push data over the network.

use std::path::Path;

use anyhow::{Context, Result};
use fhirmill_postgres::database::migrations::{self, MIGRATIONS};
use fhirmill_postgres::database::{Database, Wait};
use fhirmill_postgres::ledger::{NewSender, Sender};
use serde_json::json;

use super::reading;
use crate::cli::{ExitCode, SendersAddArguments, SendersCommand, SendersRotateArguments};
use crate::config::Settings;
use crate::inbox::source_folder;
use crate::server::auth::Scope;
use crate::server::auth::secrets::{ClearSecrets, SecretsKey};

const LONGEST_NAME: usize = 64;

/// Adds, lists, rotates or disables senders.
pub fn run(settings: &Settings, command: &SendersCommand) -> Result<ExitCode> {
    let database = if let SendersCommand::List(arguments) = command {
        let Some((database, _)) = reading::open_if_any(settings)? else {
            reading::print_nothing_yet(settings, arguments.json);
            return Ok(ExitCode::Success);
        };
        database
    } else {
        let database = Database::open(&settings.database(), Wait::No)?;
        migrations::up(&database, MIGRATIONS)?;
        database
    };
    match command {
        SendersCommand::Add(arguments) => add(settings, &database, arguments),
        SendersCommand::List(arguments) => list(&database, arguments.json),
        SendersCommand::Rotate(arguments) => rotate(settings, &database, arguments),
        SendersCommand::Disable { name } => {
            if !Sender::disable(&mut database.connect()?, name)? {
                return Ok(unknown(name));
            }
            println!("sender {name} is disabled");
            Ok(ExitCode::Success)
        }
    }
}

fn unknown(name: &str) -> ExitCode {
    usage(&format!("there is no sender {name}"), "fhirmill senders list")
}

fn usage(error: &str, hint: &str) -> ExitCode {
    eprintln!("error: {error}\n\nhint: {hint}");
    ExitCode::Usage
}

fn add(settings: &Settings, database: &Database, arguments: &SendersAddArguments) -> Result<ExitCode> {
    let is_plain =
        |character: char| character.is_ascii_alphanumeric() || matches!(character, '-' | '_' | '.');
    let name = &arguments.name;
    let begins_plain = name.starts_with(|letter: char| letter.is_ascii_alphanumeric());
    if !begins_plain || name.len() > LONGEST_NAME || !name.chars().all(is_plain) {
        return Ok(usage(
            "the name of a sender has at most 64 letters, digits, hyphens, underscores and dots",
            "such as st-marys",
        ));
    }
    if let Err(error) = source_folder(&settings.inbox_dir, &arguments.source) {
        return Ok(usage(
            &error.to_string(),
            "a source is the name of a folder in the inbox, such as st-marys",
        ));
    }
    if arguments.jwks_url.as_ref().is_some_and(|url| !url.starts_with("https://")) {
        return Ok(usage(
            "the URL of public keys must begin with https://",
            "--jwks-file takes them from a file",
        ));
    }
    let jwks = match arguments.jwks_file.as_deref().map(read_jwks).transpose() {
        Ok(jwks) => jwks,
        Err(error) => {
            return Ok(usage(&format!("{error:#}"), "a JSON Web Key Set is such as {\"keys\": […]}"));
        }
    };
    let scopes: Vec<String> = match arguments.scope.is_empty() {
        true => Scope::ALL.iter().map(|scope| scope.name().to_owned()).collect(),
        false => arguments.scope.clone(),
    };
    let sender = NewSender {
        name,
        source: &arguments.source,
        scopes: &scopes,
        jwks_url: arguments.jwks_url.as_deref(),
        jwks: jwks.as_deref(),
        max_open_uploads: arguments.max_open_uploads,
        max_open_bytes: arguments.max_open_bytes.cast_signed(),
    };
    let key = SecretsKey::open(&settings.server.secrets_key_file)?;
    let secrets = ClearSecrets::random();
    if !Sender::add(&mut database.connect()?, &sender, &secrets.kept(&key))? {
        return Ok(usage(
            &format!("there is a sender {name} already"),
            "fhirmill senders rotate gives it new secrets",
        ));
    }
    show(name, &secrets, arguments.json)?;
    Ok(ExitCode::Success)
}

/// A key set, without private keys: they belong to the sender alone.
fn read_jwks(path: &Path) -> Result<String> {
    let text = std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
    let set: serde_json::Value = serde_json::from_str(&text)
        .ok()
        .filter(|_| serde_json::from_str::<jsonwebtoken::jwk::JwkSet>(&text).is_ok())
        .with_context(|| format!("{} is not a JSON Web Key Set", path.display()))?;
    let keys = set["keys"].as_array().map(Vec::as_slice).unwrap_or_default();
    let is_private = keys.iter().any(|key| key.get("d").is_some() || key.get("k").is_some());
    anyhow::ensure!(!is_private, "{} has private keys: only public ones are needed", path.display());
    Ok(text)
}

fn rotate(settings: &Settings, database: &Database, arguments: &SendersRotateArguments) -> Result<ExitCode> {
    let key = SecretsKey::open(&settings.server.secrets_key_file)?;
    let secrets = ClearSecrets::random();
    if !Sender::rotate(&mut database.connect()?, &arguments.name, &secrets.kept(&key))? {
        return Ok(unknown(&arguments.name));
    }
    show(&arguments.name, &secrets, arguments.json)?;
    Ok(ExitCode::Success)
}

/// Shows secrets, for the only time.
fn show(name: &str, secrets: &ClearSecrets, as_json: bool) -> Result<()> {
    let ClearSecrets { client_secret, personal_key, access_key_id, secret_access_key } = secrets;
    if as_json {
        let shown = json!({
            "client_id": name,
            "client_secret": client_secret,
            "personal_key": personal_key,
            "access_key_id": access_key_id,
            "secret_access_key": secret_access_key,
        });
        println!("{}", serde_json::to_string_pretty(&shown)?);
        return Ok(());
    }
    println!("client_id          {name}");
    println!("client_secret      {client_secret}");
    println!("personal_key       {personal_key}");
    println!("access_key_id      {access_key_id}");
    println!("secret_access_key  {secret_access_key}");
    println!("\nThese secrets are not shown again.");
    Ok(())
}

fn list(database: &Database, as_json: bool) -> Result<ExitCode> {
    let senders = Sender::list(&mut database.connect()?)?;
    if as_json {
        let shown: Vec<_> = senders.iter().map(described).collect();
        println!("{}", serde_json::to_string_pretty(&shown)?);
        return Ok(ExitCode::Success);
    }
    for sender in &senders {
        let state = if sender.disabled_at.is_some() { "  disabled" } else { "" };
        println!("{}{state}", sender.name);
        println!("        source {}, scopes {}", sender.source, sender.scopes.join(", "));
        println!("        at most {} open uploads, {} bytes", sender.max_open_uploads, sender.max_open_bytes);
    }
    Ok(ExitCode::Success)
}

fn described(sender: &Sender) -> serde_json::Value {
    json!({
        "name": sender.name,
        "source": sender.source,
        "scopes": sender.scopes,
        "access_key_id": sender.access_key_id,
        "jwks_url": sender.jwks_url,
        "has_jwks": sender.jwks.is_some(),
        "max_open_uploads": sender.max_open_uploads,
        "max_open_bytes": sender.max_open_bytes,
        "created_at": sender.created_at.to_rfc3339(),
        "rotated_at": sender.rotated_at.map(|time| time.to_rfc3339()),
        "disabled_at": sender.disabled_at.map(|time| time.to_rfc3339()),
    })
}
