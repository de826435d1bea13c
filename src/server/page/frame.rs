//! The *frame* that surrounds every view: navigation, who is signed in, and what was done.

use super::assets::{ICON, SCRIPT, STYLE};
use super::format::{number, things};
use super::session::{Visitor, csrf_token};

/// The views of the navigation: path and name.
pub const VIEWS: [(&str, &str); 13] = [
    ("/page", "Overview"),
    ("/page/runs", "Runs"),
    ("/page/files", "Files"),
    ("/page/rejects", "Rejects"),
    ("/page/uploads", "Uploads"),
    ("/page/feeds", "Feeds"),
    ("/page/sinks", "Sinks"),
    ("/page/senders", "Senders"),
    ("/page/references", "References"),
    ("/page/elements", "Elements"),
    ("/page/data", "Data"),
    ("/page/views", "Applied views"),
    ("/page/system", "System"),
];

/// What surrounds a view.
#[derive(Clone, Debug)]
pub struct Frame {
    /// The title of the view.
    pub title: String,
    /// The path of the view in the navigation that it belongs to.
    pub view: &'static str,
    /// The name of the user.
    pub user: String,
    /// What the user may do.
    pub role: String,
    /// The token of forms.
    pub csrf: String,
    /// What was done just now.
    pub notice: Option<String>,
    /// The path of the style sheet.
    pub style: &'static str,
    /// The path of the script.
    pub script: &'static str,
    /// The path of the icon.
    pub icon: &'static str,
}

impl Frame {
    pub(super) fn new(visitor: &Visitor, title: String, view: &'static str) -> Self {
        Frame {
            title,
            view,
            user: visitor.user.name.clone(),
            role: visitor.user.role.clone(),
            csrf: csrf_token(&visitor.word),
            notice: None,
            style: &STYLE.path,
            script: &SCRIPT.path,
            icon: &ICON.path,
        }
    }

    /// With a notice of what was done, such as `retried-3`.
    pub fn with_notice(mut self, done: Option<&str>) -> Self {
        self.notice = done.and_then(notice);
        self
    }

    /// The views of the navigation.
    pub fn views(&self) -> &'static [(&'static str, &'static str)] {
        &VIEWS
    }

    /// Whether the user may read raw records, retry and dismiss, and run feeds.
    pub fn is_operator(&self) -> bool {
        self.role == "operator"
    }
}

/// The sentence for what was done. A word that is none of ours says nothing.
fn notice(done: &str) -> Option<String> {
    let (word, count) = done.split_once('-')?;
    let count: i64 = count.parse().ok().filter(|count| *count >= 0)?;
    Some(match (word, count) {
        ("retried", 0) => {
            "No reject could be put back: what is left is not whole, or its file is not in the archive."
                .to_owned()
        }
        ("retried", _) => format!(
            "{} put into the inbox again. They load with the next scan; reload to see what became of them.",
            if count == 1 { "1 reject was".to_owned() } else { format!("{} rejects were", number(count)) }
        ),
        ("dismissed", 0) => {
            "Nothing was dismissed: these rejects were resolved or dismissed before.".to_owned()
        }
        ("dismissed", _) => format!("{} dismissed.", things(count, "reject was", "rejects were")),
        ("undone", 1) => "What the file brought is taken back.".to_owned(),
        ("redone", 1) => "What the file brought is there again.".to_owned(),
        ("undone" | "redone", _) => {
            "Nothing was to be done: reload to see the status of the file.".to_owned()
        }
        ("requested", 1) => "The feed runs in a moment; reload to see how far it is.".to_owned(),
        ("requested", _) => "The feed runs already, or is paused.".to_owned(),
        ("paused", 1) => {
            "The feed is paused. A run that goes on stops at its next wait, and is continued later."
                .to_owned()
        }
        ("paused", _) => "The feed was paused before.".to_owned(),
        ("resumed", 1) => "The feed runs as scheduled again.".to_owned(),
        ("resumed", _) => "The feed was not paused.".to_owned(),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notices_say_only_what_was_done() {
        assert!(notice("retried-2").unwrap().starts_with("2 rejects were put into the inbox"));
        assert_eq!(notice("dismissed-1").unwrap(), "1 reject was dismissed.");
        for unknown in ["", "retried", "retried-x", "retried--1", "owned-1"] {
            assert_eq!(notice(unknown), None, "{unknown}");
        }
    }
}
