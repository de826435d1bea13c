//! The *shared files* of AWS (`~/.aws/credentials`, `~/.aws/config`), which the client does not read
//! itself: keys, region and endpoint of the profile AWS_PROFILE.

use std::collections::HashMap;
use std::env;
use std::path::PathBuf;

/// What the client calls the settings that are read.
const SETTINGS: [&str; 5] =
    ["aws_access_key_id", "aws_secret_access_key", "aws_session_token", "region", "endpoint_url"];

/// The settings of the profile, by the names that the client has for them. Keys come first from the
/// file of credentials.
pub(super) fn of_files() -> HashMap<&'static str, String> {
    let profile = setting("AWS_PROFILE").unwrap_or_else(|| "default".to_owned());
    let of_profile = format!("profile {profile}");
    let mut found = HashMap::new();
    for (variable, name) in [("AWS_SHARED_CREDENTIALS_FILE", "credentials"), ("AWS_CONFIG_FILE", "config")] {
        let Some(path) = setting(variable).map(PathBuf::from).or_else(|| in_home(name)) else { continue };
        let Ok(text) = std::fs::read_to_string(path) else { continue };
        for (name, value) in section(&text, &[&profile, &of_profile]) {
            found.entry(name).or_insert(value);
        }
    }
    found
}

/// A variable of the environment that is set, and not to nothing.
pub(super) fn setting(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

fn in_home(name: &str) -> Option<PathBuf> {
    Some(PathBuf::from(setting("HOME")?).join(".aws").join(name))
}

/// The settings in the sections of these names.
fn section(text: &str, names: &[&str]) -> Vec<(&'static str, String)> {
    let mut is_within = false;
    let mut found = Vec::new();
    for line in text.lines() {
        // An indented line belongs to the setting above it, such as `s3 =`.
        if line.starts_with(char::is_whitespace) || line.starts_with(['#', ';']) {
            continue;
        }
        if let Some(header) = line.trim_end().strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            is_within = names.contains(&header.trim());
        } else if let Some((name, value)) = line.split_once('=').filter(|_| is_within)
            && let Some(known) = SETTINGS.iter().find(|known| **known == name.trim())
        {
            found.push((*known, value.trim().to_owned()));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use pretty_assertions::assert_eq;

    #[test]
    fn the_profile_is_read_and_no_other() {
        let text = "[default]\naws_access_key_id = AK\n# a note\naws_secret_access_key=SK==\ns3 =\n  region = no\n\
                    [profile other]\nregion = eu-west-1\nsso_start_url = x\n";
        let of = |profile: &str| section(text, &[profile, &format!("profile {profile}")]);
        assert_eq!(
            of("default"),
            [("aws_access_key_id", "AK".to_owned()), ("aws_secret_access_key", "SK==".to_owned())]
        );
        assert_eq!(of("other"), [("region", "eu-west-1".to_owned())]);
        assert_eq!(of("missing"), []);
    }
}
